"""Methods of ``torch.nn.Module`` on our layers, for training loops written for PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from amalthea.engine.ir.variable import Variable


def named_parameters(layer: Any, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield paths and values of the trainable variables: leaves, whose ``grad`` is set by ``loss.backward()``."""
    for variable in layer.trainable_variables if recurse else [v for v in layer._own_variables() if v.trainable]:
        yield (f"{prefix}.{variable.path}" if prefix else variable.path), variable.value


def parameters(layer: Any, recurse: bool = True) -> Iterator[torch.Tensor]:
    """Yield the values of the trainable variables."""
    return (value for _, value in named_parameters(layer, recurse=recurse))


def zero_grad(layer: Any, set_to_none: bool = True) -> None:
    """Forget the gradients of the last ``backward``."""
    for value in parameters(layer):
        if value.grad is not None and not set_to_none:
            value.grad.zero_()
        elif set_to_none:
            value.grad = None


def state_dict(layer: Any) -> dict[str, torch.Tensor]:
    """Return copies of the values of all variables by path."""
    return {variable.path: variable.value.detach().clone() for variable in _variables(layer)}


def load_state_dict(layer: Any, state_dict: Mapping[str, Any], strict: bool = True) -> None:
    """Assign the values of :func:`state_dict`; raise KeyError for a missing or unknown path if ``strict``."""
    variables = {variable.path: variable for variable in _variables(layer)}
    different = variables.keys() ^ state_dict.keys()
    if strict and different:
        raise KeyError(f"Missing or unknown in state_dict: {', '.join(sorted(different))}")
    for path in variables.keys() & state_dict.keys():
        variables[path].assign(state_dict[path])


def _variables(layer: Any) -> list[Variable]:
    return list(layer.variables)


LAYER_METHODS = {
    function.__name__: function for function in (named_parameters, parameters, zero_grad, state_dict, load_state_dict)
}
