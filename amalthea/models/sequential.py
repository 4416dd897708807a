"""``Sequential``: a linear stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import configurable, loading, text, tree
from amalthea.custom_objects import CustomObjectScope
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError, located
from amalthea.layers.building import build_shapes
from amalthea.layers.calling import path_scope
from amalthea.layers.input_layer import Input, InputLayer
from amalthea.layers.layer import Layer, registry
from amalthea.models.functional.network import Network, with_mask
from amalthea.models.model import Model
from amalthea.operation import Call


class Sequential(Model):
    """Model of layers that are called one after the other, each on the output of the one before.

    The weights are created when the shape of the input is known: from ``Input`` as the first layer, or from the first
    data.

    Args:
        layers: list of layers. Defaults to None, no layers; :meth:`add` adds them.
        trainable: bool; whether the weights are trained. Defaults to True.
        name: str or None; name in summaries and files. Defaults to None, which derives one from the class.
        **kwargs: ``dtype``: str or dtype policy, for computations and weights.

    Shapes:
        (batch, ...) -> (batch, ...), the output of the last layer

    Raises:
        ArgumentError: an object is not a layer, a layer occurs twice, or an ``Input`` is not the first.
        ShapeError: a layer does not fit the output of the one before.

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
        self._stack: list[Layer] = []
        self._links: list[Call] = []  # the call that connects each layer to the one before
        self._named: set[str] = set()  # of the layers in it
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Adds a layer at the end.

        Args:
            layer: layer, or symbolic tensor of ``Input``.
            rebuild: bool; whether the layers are connected at once, if the shape of the input is known. Defaults to
                True.

        Raises:
            ArgumentError: it is not a layer, the model has a layer of this name, or an ``Input`` is not the first.
            ShapeError: the layer does not fit the output of the one before.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((4,))])
            >>> model.add(layers.Dense(2))
            >>> model.output_shape
            (None, 2)
        """
        layer = self._as_layer(layer)
        if not self._stack and not isinstance(layer, InputLayer):
            if layer._first_input is not None:
                shape, dtype = layer._first_input
                self._stack.append(Input(batch_shape=shape, dtype=dtype).history.call.operation)
            elif isinstance(layer, Model) and layer._network is not None and len(layer._network.flat_inputs) == 1:
                first = layer._network.flat_inputs[0]
                self._stack.append(Input(batch_shape=first.shape, dtype=first.dtype).history.call.operation)
        if layer.name in self._named:
            raise ArgumentError(
                f"Model '{self.name}' has a layer named '{layer.name}' already.",
                cure="another name=..., each layer once",
            )
        self._stack.append(layer)
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
        if self._stack and isinstance(layer, InputLayer):
            raise ArgumentError(
                "An Input comes first in a Sequential model.", got=f"Input after {len(self._stack)} layers"
            )
        return layer

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer.

        Args:
            rebuild: bool; whether the other layers are connected anew at once. Defaults to True.

        Returns:
            The layer that was removed.

        Raises:
            ArgumentError: the model has no layer.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((4,)), layers.Dense(8), layers.Dense(2)])
            >>> model.pop().units, model.output_shape
            (2, (None, 8))
        """
        if not self._stack:
            raise ArgumentError(f"Model '{self.name}' has no layer to take away.")
        layer = self._stack.pop()
        self._named.discard(layer.name)
        if rebuild:
            self._rebuild()
        return layer

    @property
    def _is_functional(self) -> bool:
        return False  # files list its layers

    @property
    def _network(self) -> Network | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Calls of the layers in order; None while the shape of the input is not known."""
        if self._made is None and self._ends is not None:
            self._made = Network(*self._ends)
        return self._made

    def _rebuild(self) -> None:
        """Connect the layers anew, if it is known where they begin."""
        for call in self._links:
            call.operation._calls.remove(call)
        self._links, self._ends, self._made, self.built = [], None, None, False
        self._forget_compiled()
        begin = self._beginning()
        if begin is not None:
            self._connect(self.layers, begin, begin)

    def _beginning(self) -> Any:
        """The symbolic input: of the ``Input``, or those of a model of several inputs that comes first."""
        first = self._stack[0] if self._stack else None
        if isinstance(first, InputLayer):
            return first.output if len(self._stack) > 1 else None
        network = first._network if isinstance(first, Model) else None
        return None if network is None or len(network.flat_inputs) < 2 else network.inputs

    def _connect(self, layers: Sequence[Layer], begin: Any, x: Any) -> None:
        """Call these layers one after the other on ``x``, which came of ``begin``."""
        self._forget_compiled()
        with located(self._location), path_scope(self):
            for tensor in tree.flatten(begin):
                loading.check_rows(self._stack[0].name, tensor.type.shape)
            for layer in layers:
                x = layer(x)
                self._links.append(layer._calls[-1])
                for output in tree.flatten(x):
                    loading.check_rows(layer.name, output.type.shape)
        self._ends, self._made, self.built = (begin, x), None, True

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights of all layers, for inputs of a shape.

        Args:
            input_shape: tuple with the batch size first (None for any). Defaults to None, for models with an ``Input``.

        Shapes:
            (batch, ...)

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Dense(2)])
            >>> model.build((None, 4))
            >>> model.count_params()
            10
        """
        if self._network is not None or not self._stack:
            return
        if isinstance(input_shape, (list, tuple)) and input_shape and isinstance(input_shape[0], (list, tuple)):
            input_shape = input_shape[0]
        if not isinstance(self._stack[0], InputLayer):
            self._stack.insert(0, Input(batch_shape=tuple(input_shape)).history.call.operation)
        self._rebuild()

    @classmethod
    def _has_own_build(cls) -> bool:
        """Returns True: the class overrides ``build``."""
        return True

    def _build_for(self, args: Any, kwargs: Any) -> None:
        if self.built or not self._stack:
            return
        shape = next(iter(build_shapes(self, args, kwargs).values()))
        dtype = text.DTYPE if text.is_text(args[0]) else type_of(args[0]).dtype
        self._stack.insert(0, Input(batch_shape=(None, *shape[1:]), dtype=dtype).history.call.operation)
        self._rebuild()
        self._build_shapes = {"input_shape": shape}

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Calls the layers one after the other.

        Call the model itself, ``model(inputs)``, rather than this method.

        Args:
            inputs: tensor, or tensors in the nesting that the first layer takes.
            training: bool or None; whether layers such as ``Dropout`` run in training mode. Defaults to None, the mode
                of the call around it; False outside of a call.
            mask: mask of the inputs or None; steps that count. Defaults to None.

        Shapes:
            (batch, ...) -> (batch, ...), the output of the last layer

        Returns:
            The output of the last layer.

        Raises:
            ShapeError: the inputs do not fit.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Dense(1, kernel_initializer="ones"), layers.ReLU()])
            >>> np.asarray(model(np.array([[1.0, 2.0], [-3.0, 1.0]]))).tolist()
            [[3.0], [0.0]]
        """
        if self._network is not None:
            return self._network.run(inputs, mask)
        inputs = inputs if mask is None else with_mask(inputs, mask)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    def _calibrated_blocks(self) -> list[Any]:
        return list(self.layers)

    @property
    def _layers(self) -> list[Layer]:
        return list({id(x): x for x in [*self._stack, *super()._tracked(Layer)]}.values())

    @property
    def layers(self) -> list[Layer]:
        """Layers of the model in order, without the ``Input``."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shape of the input, for model files.

        Returns:
            A dict, or None if the shape is not known.

        Example:
            >>> from amalthea import Sequential, layers
            >>> Sequential([layers.Input((4,)), layers.Dense(2)]).get_build_config()
            {'input_shape': [None, 4]}
        """
        return {"input_shape": list(self._network.input_shape)} if self._network is not None else None

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration of the model, as plain data that JSON can hold.

        Returns:
            A dict with the configurations of the layers, from which :meth:`from_config` makes the model again, with
            new weights.

        Example:
            >>> from amalthea import Sequential, layers
            >>> config = Sequential([layers.Input((4,)), layers.Dense(2)]).get_config()
            >>> [layer["class_name"] for layer in config["layers"]], config["build_input_shape"]
            (['InputLayer', 'Dense'], [None, 4])
        """
        config = {"name": self.name, "trainable": self.trainable, "dtype": configurable.serialize(self.dtype_policy)}
        config["layers"] = [configurable.serialize(layer) for layer in self._stack]
        if self._network is not None:
            config["build_input_shape"] = list(self._network.input_shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Creates a model from a configuration that :meth:`get_config` returned, with new weights.

        Args:
            config: dict; configuration.
            custom_objects: dict of classes and functions of your own by name. Defaults to None, which knows only
                registered ones.

        Returns:
            The model.

        Raises:
            UnknownNameError: the configuration names a class that does not exist.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
            >>> Sequential.from_config(model.get_config()).count_params()
            10
        """
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        with CustomObjectScope(custom_objects):
            for layer in config["layers"]:
                model.add(configurable.deserialize(layer, ("layers",)), rebuild=False)
        model._rebuild()
        if model._network is None and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        return model


registry.modules[Sequential] = "keras"
