"""``Sequential``: one layer after the other."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import configurable, loading, tree
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError, placed
from amalthea.layers.building import build_shapes
from amalthea.layers.calling import path_scope
from amalthea.layers.input_layer import Input, InputLayer
from amalthea.layers.layer import Layer, registry
from amalthea.models.functional.network import Network, with_mask
from amalthea.models.model import Model
from amalthea.operation import Call


class Sequential(Model):
    """A model whose layers stand in a row. Its variables are made when the input's shape is known.

    Args:
        layers: the layers, or add them later with :meth:`add`.
        trainable: whether optimizers may change its variables.
        name: shown in summaries and kept in files.

    Example:
        >>> from amalthea import Sequential, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
        >>> model.output_shape
        (None, 1)
    """

    _ends: tuple[Any, Any] | None = None  # the symbolic input and output of the layers that are connected
    _made: Network | None = None

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.stack: list[Layer] = []
        self._links: list[Call] = []  # the call that connects each layer to the one before
        self._named: set[str] = set()  # of the layers in it
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end."""
        layer = self._as_layer(layer)
        if not self.stack and not isinstance(layer, InputLayer):
            if layer._first_input is not None:
                shape, dtype = layer._first_input
                self.stack.append(Input(batch_shape=shape, dtype=dtype).history.call.operation)
            elif isinstance(layer, Model) and layer.network is not None and len(layer.inputs) == 1:
                self.stack.append(
                    Input(batch_shape=layer.inputs[0].shape, dtype=layer.inputs[0].dtype).history.call.operation
                )
        if layer.name in self._named:
            raise ArgumentError(
                f"Model '{self.name}' has a layer named '{layer.name}' already.",
                cure="another name=..., each layer once",
            )
        self.stack.append(layer)
        self._named.add(layer.name)
        if rebuild and self._ends is not None:
            self._connect([layer], *self._ends)
        elif rebuild:
            self._rebuild()

    def _as_layer(self, layer: Any) -> Layer:
        if getattr(layer, "history", None) is not None and isinstance(layer.history.call.operation, InputLayer):
            layer = layer.history.call.operation
        if not isinstance(layer, Layer):
            raise ArgumentError("Only a layer can be added to a model.", expected="a Layer", got=repr(layer))
        if layer is self or any(inner is self for inner in layer._flatten_layers()):
            raise ArgumentError(
                f"Model '{self.name}' would hold itself.",
                got=f"'{layer.name}' within '{self.name}'",
                cure="models.clone_model(model), for a copy of it within it",
            )
        if self.stack and isinstance(layer, InputLayer):
            raise ArgumentError(
                "An Input comes first in a Sequential model.", got=f"Input after {len(self.stack)} layers"
            )
        return layer

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away."""
        if not self.stack:
            raise ArgumentError(f"Model '{self.name}' has no layer to take away.")
        layer = self.stack.pop()
        self._named.discard(layer.name)
        if rebuild:
            self._rebuild()
        return layer

    _is_functional = False  # files list its layers

    @property
    def network(self) -> Network | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The connected layers as calls in order; collected when it is first asked for."""
        if self._made is None and self._ends is not None:
            self._made = Network(*self._ends)
        return self._made

    def _rebuild(self) -> None:
        """Connect the layers anew, if it is known where they begin."""
        for call in self._links:
            call.operation.calls.remove(call)
        self._links, self._ends, self._made, self.built = [], None, None, False
        self._forget_compiled()
        if len(self.stack) > 1 and isinstance(self.stack[0], InputLayer):
            begin = self.stack[0].output
            self._connect(self.layers, begin, begin)

    def _connect(self, layers: Sequence[Layer], begin: Any, x: Any) -> None:
        """Call these layers one after the other on ``x``, which came of ``begin``."""
        self._forget_compiled()
        with placed(self.place), path_scope(self):
            loading.check_rows(self.stack[0].name, begin.type.shape)
            for layer in layers:
                x = layer(x)
                self._links.append(layer.calls[-1])
                for output in tree.flatten(x):
                    loading.check_rows(layer.name, output.type.shape)
        self._ends, self._made, self.built = (begin, x), None, True

    def build(self, input_shape: Any = None) -> None:
        """Make all variables for inputs of that shape, the batch included."""
        if self.network is not None or not self.stack:
            return
        if isinstance(input_shape, (list, tuple)) and input_shape and isinstance(input_shape[0], (list, tuple)):
            input_shape = input_shape[0]
        if not isinstance(self.stack[0], InputLayer):
            self.stack.insert(0, Input(batch_shape=tuple(input_shape)).history.call.operation)
        self._rebuild()

    @classmethod
    def build_is_own(cls) -> bool:
        return True

    def _build_for(self, args: Any, kwargs: Any) -> None:
        if self.built or not self.stack:
            return
        shape = next(iter(build_shapes(self, args, kwargs).values()))
        dtype = type_of(args[0]).dtype
        self.stack.insert(0, Input(batch_shape=(None, *shape[1:]), dtype=dtype).history.call.operation)
        self._rebuild()
        self._build_shapes = {"input_shape": shape}

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self.network is not None:
            return self.network.run(inputs, mask)
        inputs = inputs if mask is None else with_mask(inputs, mask)
        for layer in self.stack:
            inputs = layer(inputs)
        return inputs

    @property
    def _layers(self) -> list[Layer]:
        return list({id(x): x for x in [*self.stack, *super()._tracked(Layer)]}.values())

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return [layer for layer in self.stack if not isinstance(layer, InputLayer)]

    def get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": list(self.input_shape)} if self.network is not None else None

    def get_config(self) -> dict[str, Any]:
        config = {"name": self.name, "trainable": self.trainable, "dtype": configurable.serialize(self.dtype_policy)}
        config["layers"] = [configurable.serialize(layer) for layer in self.stack]
        if self.network is not None:
            config["build_input_shape"] = list(self.input_shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        with configurable.CustomObjectScope(custom_objects):
            for layer in config["layers"]:
                model.add(configurable.deserialize(layer, ("layers",)), rebuild=False)
        model._rebuild()
        if model.network is None and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        return model


registry.modules[Sequential] = "keras"
