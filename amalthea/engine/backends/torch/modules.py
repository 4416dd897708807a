"""Our layers as parts of a ``torch.nn.Module``: its ``parameters()``, ``state_dict()`` and ``to()`` reach them.

PyTorch finds the parts of a module by their class, when they are assigned to an attribute or added to a container. Two
methods of ``torch.nn.Module`` are therefore wrapped, once: a layer of ours is registered as a :class:`LayerModule`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch

from amalthea.engine.ir.variable import Variable

Module = torch.nn.Module


class LayerModule(Module):
    """A layer of ours as a module. Its parameters are those that the layer has now: it may be built later.

    Args:
        layer: Layer.
    """

    def __init__(self, layer: Any):
        super().__init__()
        object.__setattr__(self, "layer", layer)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer."""
        return self.layer(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "layer":  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self.layer, name)

    # The constructor of Module sets empty ones, which is ignored.
    _parameters: Any = property(lambda self: _values(self.layer, self.layer.trainable_variables), lambda self, _: None)
    _buffers: Any = property(lambda self: _values(self.layer, self.layer.non_trainable_variables), lambda self, _: None)


def _values(layer: Any, variables: Sequence[Variable]) -> dict[str, Any]:
    """Return values of variables by their path inside the layer; a dot in it would mean a part of a module."""
    inside = (variable.path.removeprefix(f"{layer.path}/") for variable in variables)
    return {name: variable.value for name, variable in zip(inside, variables)}


def is_layer(value: Any) -> bool:
    """Return whether a value is a layer of ours."""
    return not isinstance(value, (Module, type)) and hasattr(value, "_own_variables")


def install() -> None:
    """Let modules register our layers."""
    assign, add = Module.__setattr__, Module.add_module
    if hasattr(assign, "__wrapped__"):
        return

    @functools.wraps(assign)
    def __setattr__(self: Any, name: str, value: Any) -> None:
        parts = self.__dict__.get("_modules")
        if parts is not None and isinstance(parts.get(name), LayerModule):
            del parts[name]
            self.__dict__.pop(name, None)
        if parts is None or not is_layer(value):
            return assign(self, name, value)
        object.__setattr__(self, name, value)
        parts[name] = LayerModule(value)

    @functools.wraps(add)
    def add_module(self: Any, name: str, module: Any) -> None:
        add(self, name, LayerModule(module) if is_layer(module) else module)

    Module.__setattr__, Module.add_module = __setattr__, add_module
