"""``Model``: layers with a training loop."""

from __future__ import annotations

import json
from typing import Any

from amalthea import tree
from amalthea.configurable import serialize
from amalthea.engine import backends
from amalthea.errors import ArgumentError, UnknownNameError, nearest
from amalthea.layers import building
from amalthea.layers.layer import Layer, registry
from amalthea.models.functional import config as functional_config
from amalthea.models.functional.network import Network
from amalthea.models.summary import summary
from amalthea.training.trainer import Trainer, at_home


class Model(Trainer, Layer):
    """A network that can be trained.

    Made in one of three ways: ``Model(inputs, outputs)`` from symbolic tensors, a subclass with its own ``call``, or
    :class:`Sequential`.

    Args:
        inputs: symbolic tensors that begin at ``Input(...)``, in any nesting.
        outputs: what was computed from them.
        name: shown in summaries and kept in files.

    Example:
        >>> from amalthea import Input, Model, layers
        >>> x = Input((4,))
        >>> model = Model(x, layers.Dense(2)(x))
        >>> model.count_params()
        10
    """

    network: Network | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        inputs, outputs, kwargs = _functional_arguments(args, kwargs)
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)
        if inputs is not None:
            self._set_network(Network(inputs, outputs))

    @property
    def place(self) -> str:
        return f"in model '{self.name}' ({type(self).__name__})"

    def _set_network(self, network: Network | None) -> None:
        self.network = network
        self.built = network is not None

    @property
    def _is_functional(self) -> bool:
        """Whether it was made of symbolic inputs and outputs."""
        return self.network is not None

    @property
    def saved_identity(self) -> tuple[str, str, str] | None:
        """Files call a model of symbolic inputs and outputs ``Functional``."""
        if type(self) is Model and self.network is not None:
            return "keras.src.models.functional", "Functional", "Functional"
        return None

    def to(self, backend: str) -> Model:
        """Move to another backend: from now on the model is called, trained and run there.

        Weights, optimizer slots, step count and metrics come along. Gives the model itself.

        Raises:
            UnknownNameError: no such backend.
            MissingLibraryError: its library is not installed.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(2)])
            >>> model.to("numpy").predict(np.ones((4, 3)), verbose=0).shape
            (4, 2)
        """
        with backends.use_backend(backend) as there:
            for variable in (*self.variables, *(self.optimizer.variables if self.optimizer is not None else ())):
                there.storage_of(variable)
        self._home = backend
        return self

    # ------------------------------------------------------------------------------------ as a layer

    __call__ = at_home(Layer.__call__)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self.network is None:
            raise NotImplementedError(f"Model '{self.name}' has no call method.")
        return self.network.run(inputs, mask)

    supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return None

    def build(self, input_shape: Any) -> None:
        """Make all variables, by a call on symbols of that shape."""
        if not self.built and not type(self).build_is_own():
            self.compute_output_shape(input_shape)
        self.built = True

    @classmethod
    def build_is_own(cls) -> bool:
        return cls.build is not Model.build

    def _build_for(self, args: Any, kwargs: Any) -> None:
        if self.built or type(self).build_is_own():
            super()._build_for(args, kwargs)
        elif not self.built:
            self._build_shapes = building.build_shapes(self, args, kwargs)
            self.built = True

    _not_tracked = (
        "_compile_config", "_steps", "_loss_tracker", "_compiled_metrics", "_logged", "_directions", "_output_types",
    )  # fmt: skip

    @property
    def _layers(self) -> list[Layer]:
        found = [*(self.network.layers if self.network is not None else ()), *super()._layers]
        return list({id(x): x for x in found}.values())

    @property
    def layers(self) -> list[Layer]:
        """The layers directly in it, in order."""
        return self._layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """One layer, by name or by place."""
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ArgumentError(f"There is no layer {index}.", expected=f"fewer than {len(self.layers)}", got=index)
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise UnknownNameError(
            f"Model '{self.name}' has no layer {name!r}.",
            got=repr(name),
            cure=nearest(str(name), [x.name for x in self.layers]),
        )

    # ---------------------------------------------------------------------------- inputs and outputs

    def _needed_network(self) -> Network:
        if self.network is None and isinstance(getattr(self, "stack", None), list):
            building.require_built(self)
        if self.network is None:
            raise ArgumentError(
                f"Model '{self.name}' has no symbolic inputs and outputs.", cure="Model(inputs, outputs), or Sequential"
            )
        return self.network

    @property
    def inputs(self) -> list[Any]:
        return self._needed_network().flat_inputs

    @property
    def outputs(self) -> list[Any]:
        return tree.flatten(self._needed_network().outputs)

    @property
    def input(self) -> Any:
        return self._needed_network().inputs

    @property
    def output(self) -> Any:
        return self._needed_network().outputs

    @property
    def input_shape(self) -> Any:
        return tree.map_structure(lambda x: x.shape, self.input)

    @property
    def output_shape(self) -> Any:
        return tree.map_structure(lambda x: x.shape, self.output)

    @property
    def input_names(self) -> list[str]:
        return [x.history.call.operation.name for x in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: the keys of a dict, or the layers that give them."""
        if self.network is None:
            return []
        if isinstance(self.network.outputs, dict):
            return sorted(self.network.outputs)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        return [x.history.call.operation.name for x in self.outputs]

    # ------------------------------------------------------------------------------------- the rest

    def summary(
        self,
        line_length: Any = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        Args:
            line_length: characters a line; the terminal's width, or 100 for ``print_fn``, unless given.
            positions: where columns end, in characters or as fractions of a line.
            print_fn: called with the whole text instead of printing it.
            expand_nested: show the layers of nested models too.
            show_trainable: a column that says which layers are trained.
            layer_range: names (or patterns) of the first and the last layer to show.
        """
        building.require_built(self)
        summary(self, print_fn, expand_nested, show_trainable, line_length, positions, layer_range)

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Write the whole model, weights and optimizer state to a ``.keras`` file."""
        from amalthea import saving

        building.require_built(self)
        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Write the weights to a ``.weights.h5`` file."""
        from amalthea import saving

        building.require_built(self)
        saving.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Read weights from a ``.weights.h5`` or ``.keras`` file."""
        from amalthea import saving

        building.require_built(self)
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON, without weights."""
        return json.dumps(serialize(self), **kwargs)

    def get_config(self) -> dict[str, Any]:
        if self.network is not None and type(self) is Model:
            return functional_config.to_config(self)
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        if "input_layers" in config and "output_layers" in config:
            return functional_config.from_config(cls, config, custom_objects)
        return super().from_config(config)


def _functional_arguments(args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    names = ("inputs", "outputs", "name")
    if args and len(args) <= 3 and ("outputs" in kwargs or len(args) >= 2):
        kwargs = {**dict(zip(names, args)), **kwargs}
    elif args:
        raise ArgumentError("A model takes inputs and outputs, or nothing.", got=repr(args))
    kwargs = dict(kwargs)
    if "input" in kwargs and "output" in kwargs:  # Keras 1
        kwargs["inputs"], kwargs["outputs"] = kwargs.pop("input"), kwargs.pop("output")
    inputs, outputs = kwargs.pop("inputs", None), kwargs.pop("outputs", None)
    if (inputs is None) != (outputs is None):
        raise ArgumentError("A model takes both inputs and outputs.", got=f"inputs={inputs!r}, outputs={outputs!r}")
    return inputs, outputs, kwargs


registry.modules[Model] = "keras"
registry.also(Model, "Functional", "keras.src.models.functional")
