"""``Model``: layers with a training loop."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from amalthea import tree
from amalthea.configurable import auto_name, serialize
from amalthea.engine import backends
from amalthea.errors import ArgumentError, UnknownNameError, nearest
from amalthea.layers import building
from amalthea.layers.layer import Layer, registry
from amalthea.models.exporting import Exporting
from amalthea.models.functional import config as functional_config
from amalthea.models.functional.network import Network
from amalthea.models.quantization import Quantization
from amalthea.models.summary import summary
from amalthea.training.state import on_model_backend
from amalthea.training.trainer import Trainer

Value = TypeVar("Value")


class unless_set(Generic[Value]):
    """A read-only property that an attribute of the same name hides.

    Keras has these names on functional models alone, so a subclass with a ``call`` of its own may use them otherwise.
    """

    def __init__(self, compute: Callable[[Any], Value]):
        self.compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, model: Any, owner: Any = None) -> Value:
        return self if model is None else self.compute(model)  # type: ignore[return-value]


class Model(Exporting, Quantization, Trainer, Layer):
    """Layers with a training loop.

    There are three ways to make a model: ``Model(inputs, outputs)`` from symbolic tensors (the functional API), a
    subclass with a ``call`` method, or :class:`Sequential`.

    Args:
        *args: ``inputs`` and ``outputs``, by position or by name; both or none. ``inputs`` are symbolic tensors
            ``Input(...)``, in any nesting; ``outputs`` are tensors computed from them.
        **kwargs: ``name``: str; name in summaries and files. ``trainable``: bool; whether the weights are trained.
            ``dtype``: str or dtype policy, for computations and weights.

    Shapes:
        (batch, ...) for each input -> (batch, ...) for each output

    Raises:
        ArgumentError: only one of ``inputs`` and ``outputs`` is given, or the outputs do not depend on the inputs
            alone.

    Example:
        >>> from amalthea import Input, Model, layers
        >>> x = Input((4,))
        >>> model = Model(x, layers.Dense(2)(x))
        >>> model.count_params()
        10
    """

    _network: Network | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        inputs, outputs, kwargs = _functional_arguments(args, kwargs)
        if inputs is not None and type(self) is Model and kwargs.get("name") is None:
            kwargs["name"] = auto_name("functional")
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)
        if inputs is not None:
            self._set_network(Network(inputs, outputs))

    @property
    def _location(self) -> str:
        """Description of the model for error messages."""
        return f"in model '{self.name}' ({type(self).__name__})"

    def _set_network(self, network: Network | None) -> None:
        self._network = network
        self.built = network is not None

    @property
    def _is_functional(self) -> bool:
        """Whether it was made of symbolic inputs and outputs."""
        return self._network is not None

    @property
    def _saved_identity(self) -> tuple[str, str, str] | None:
        """Files call a model of symbolic inputs and outputs ``Functional``."""
        if type(self) is Model and self._network is not None:
            return "keras.src.models.functional", "Functional", "Functional"
        return None

    def to(self, backend: str) -> Model:
        """Moves the model to another backend, on which it is called and trained from now on.

        Weights and the state of the optimizer and metrics are kept.

        Args:
            backend: str; name of the backend, such as ``"numpy"``, ``"jax"`` or ``"torch"``.

        Returns:
            The model itself.

        Raises:
            UnknownNameError: no backend has this name.
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
        self._model_backend = backend
        return self

    # ------------------------------------------------------------------------------------ as a layer

    __call__ = on_model_backend(Layer.__call__)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Computes the outputs for inputs; a subclass of your own overrides it.

        Call the model itself, ``model(inputs)``, rather than this method.

        Args:
            inputs: tensors, nested like the inputs of the model.
            training: bool or None; whether layers such as ``Dropout`` run in training mode. Defaults to None, the mode
                of the call around it; False outside of a call.
            mask: masks nested like the inputs, or None; steps of the inputs that count. Defaults to None.

        Shapes:
            (batch, ...) for each input -> (batch, ...) for each output

        Returns:
            Tensors in the nesting of the model's outputs.

        Raises:
            ShapeError: the inputs do not fit.
            NotImplementedError: a subclass does not define ``call``.

        Example:
            >>> import numpy as np
            >>> from amalthea import Model, layers
            >>> class Doubling(Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = layers.Dense(1, kernel_initializer="ones")
            ...     def call(self, inputs):
            ...         return self.dense(inputs) * 2
            >>> np.asarray(Doubling()(np.array([[1.0, 2.0]]))).tolist()
            [[6.0]]
        """
        if self._network is None:
            raise NotImplementedError(f"Model '{self.name}' has no call method.")
        return self._network.run(inputs, mask)

    supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Returns None: the outputs of a model carry the masks that its layers give them.

        Args:
            inputs: tensors; not used.
            previous_mask: masks of the inputs; not used.

        Shapes:
            (batch, ...) for each input -> None

        Example:
            >>> from amalthea import Input, Model, layers
            >>> x = Input((4,))
            >>> print(Model(x, layers.Dense(2)(x)).compute_mask(x, None))
            None
        """
        return None

    def build(self, input_shape: Any) -> None:
        """Creates the weights of all layers, for inputs of a shape, by a call on symbolic tensors.

        Args:
            input_shape: tuple with the batch size first (None for any), such as ``(None, 784)``; or such tuples nested
                like the inputs.

        Shapes:
            (batch, ...) for each input

        Example:
            >>> from amalthea import Model, layers
            >>> class Small(Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = layers.Dense(2)
            ...     def call(self, inputs):
            ...         return self.dense(inputs)
            >>> model = Small()
            >>> model.build((None, 4))
            >>> model.count_params()
            10
        """
        if not self.built and not type(self)._has_own_build():
            self.compute_output_shape(input_shape)
        self.built = True

    @classmethod
    def _has_own_build(cls) -> bool:
        """Returns whether the class overrides ``build``."""
        return cls.build is not Model.build

    def _build_for(self, args: Any, kwargs: Any) -> None:
        if self.built or type(self)._has_own_build():
            super()._build_for(args, kwargs)
        elif not self.built:
            self._build_shapes = building.build_shapes(self, args, kwargs)
            self.built = True

    _not_tracked = (
        "_compile_config", "_steps", "_loss_tracker", "_compiled_metrics", "_logged", "_directions", "_output_types",
    )  # fmt: skip

    @property
    def _layers(self) -> list[Layer]:
        found = [*(self._network.layers if self._network is not None else ()), *super()._layers]
        return list({id(x): x for x in found}.values())

    @property
    def layers(self) -> list[Layer]:
        """Layers of the model in order, without those within its layers."""
        return self._layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer by name or index.

        Args:
            name: str or None; name of the layer. Read if ``index`` is None.
            index: int or None; position in :attr:`layers`, from the end if negative. Defaults to None.

        Returns:
            The layer.

        Raises:
            UnknownNameError: no layer has this name; the message has the nearest one.
            ArgumentError: no layer has this index.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Dense(8, name="hidden"), layers.Dense(1)])
            >>> model.get_layer("hidden").units, model.get_layer(index=-1).units
            (8, 1)
        """
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
        if self._network is None and isinstance(getattr(self, "_stack", None), list):
            building.require_built(self)
        if self._network is None:
            raise ArgumentError(
                f"Model '{self.name}' has no symbolic inputs and outputs.", cure="Model(inputs, outputs), or Sequential"
            )
        return self._network

    @unless_set
    def inputs(self) -> list[Any]:
        """Symbolic inputs, as a flat list."""
        return self._needed_network().flat_inputs

    @unless_set
    def outputs(self) -> list[Any]:
        """Symbolic outputs, as a flat list."""
        return tree.flatten(self._needed_network().outputs)

    @property
    def input(self) -> Any:
        """Symbolic inputs, nested as they were given."""
        return self._needed_network().inputs

    @property
    def output(self) -> Any:
        """Symbolic outputs, nested as they were given."""
        return self._needed_network().outputs

    @unless_set
    def input_shape(self) -> Any:
        """Shapes of the inputs, nested like them."""
        return self._needed_network().input_shape

    @unless_set
    def output_shape(self) -> Any:
        """Shapes of the outputs, nested like them."""
        return self._needed_network().output_shape

    @unless_set
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [x.history.call.operation.name for x in self._needed_network().flat_inputs]

    @unless_set
    def output_names(self) -> list[str]:
        """Names of the outputs: the keys of a dict, or the names of the last layers."""
        return self._output_names()

    def _output_names(self) -> list[str]:
        if self._network is None:
            return []
        outputs: Any = self._network.outputs
        if isinstance(outputs, dict):
            return sorted(outputs)
        return [x.history.call.operation.name for x in tree.flatten(outputs)]

    # ------------------------------------------------------------------------------------- the rest

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints a table of the layers with their output shapes and numbers of parameters, and the totals.

        Args:
            line_length: int or None; characters in a line. Defaults to None, the width of the terminal, or 100 with
                ``print_fn``.
            positions: sequence of numbers or None; end of each column, in characters, or as a share of the line up to
                1. Defaults to None, by the contents.
            print_fn: function of str or None; gets the whole text. Defaults to None, which prints it.
            expand_nested: bool; whether the layers of nested models are listed too. Defaults to False.
            show_trainable: bool; whether there is a column for trainable layers. Defaults to False.
            layer_range: two str or None; names (or regular expressions) of the first and the last layer to list.
                Defaults to None, all layers.

        Layers whose weights do not exist yet have the shape ``?`` and are marked as unbuilt.

        Raises:
            UnknownNameError: ``layer_range`` names a layer that does not exist.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((4,)), layers.Dense(2, name="dense")], name="small")
            >>> lines = []
            >>> model.summary(print_fn=lambda text: lines.extend(text.splitlines()))
            >>> print(lines[0], "/", lines[-3])
            Model: "small" / Total params: 10 (40.00 B)
        """
        summary(self, print_fn, expand_nested, show_trainable, line_length, positions, layer_range)

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Saves the model to a ``.keras`` file: configuration, weights, and state of the optimizer.

        Args:
            filepath: str or path; file that ends in ``.keras``, a folder with ``zipped=False``, or a file that ends in
                ``.h5`` or ``.hdf5`` for Keras 2.
            overwrite: bool; whether a file that exists is replaced. Defaults to True.
            zipped: bool or None; False writes a folder. Defaults to None, one file.
            **kwargs: ``save_format="h5"`` writes a file for Keras 2 whatever its ending. Further arguments of older
                Keras are not used.

        Raises:
            ArgumentError: the ending is another one, the file exists and ``overwrite`` is False, or the folder around
                it does not exist.
            NotBuiltError: the weights do not exist yet.

        Example:
            >>> import tempfile
            >>> from amalthea import Sequential, layers, models
            >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save(f"{folder}/model.keras")
            ...     again = models.load_model(f"{folder}/model.keras")
            >>> bool((again.get_weights()[0] == model.get_weights()[0]).all())
            True
        """
        from amalthea import saving

        building.require_built(self)
        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Saves the weights, and the state of the optimizer, to a ``.weights.h5`` file or to several files.

        Args:
            filepath: str or path; file that ends in ``.weights.h5``, in ``.weights.json`` for the index of several
                files, or in ``.h5`` for Keras 2, without the optimizer.
            overwrite: bool; whether a file that exists is replaced. Defaults to True.
            max_shard_size: float above 0 or None; gigabytes of values in each of several files. Defaults to None, one
                file, or parts of 10 for ``.weights.json``.

        Raises:
            ArgumentError: the ending is another one, the file exists and ``overwrite`` is False, or
                ``max_shard_size`` is no number above 0.
            NotBuiltError: the weights do not exist yet.

        Example:
            >>> import tempfile
            >>> from amalthea import Sequential, layers
            >>> one = Sequential([layers.Input((4,)), layers.Dense(2)])
            >>> other = Sequential([layers.Input((4,)), layers.Dense(2)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     one.save_weights(f"{folder}/one.weights.h5")
            ...     other.load_weights(f"{folder}/one.weights.h5")
            >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
            True
        """
        from amalthea import saving

        building.require_built(self)
        saving.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Loads weights from a file of any Keras; its format is found by its contents.

        Args:
            filepath: str or path; file to read.
            skip_mismatch: bool; whether layers whose weights do not fit are skipped with a warning, rather than raising
                an error. Defaults to False.
            **kwargs: ``by_name``: bool; True reads the layers of an ``.h5`` file by their names, and leaves others as
                they are. Further arguments of older Keras are not used.

        Raises:
            ArgumentError: the file does not exist, or ``by_name`` is asked of one without names.
            ModelFileError: the file is damaged or does not fit; then no weight has changed.
            NotBuiltError: the weights do not exist yet.

        Example:
            >>> import tempfile
            >>> from amalthea import Sequential, layers
            >>> one = Sequential([layers.Input((4,)), layers.Dense(2)])
            >>> other = Sequential([layers.Input((4,)), layers.Dense(2)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     one.save(f"{folder}/one.keras")
            ...     other.load_weights(f"{folder}/one.keras")
            >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
            True
        """
        from amalthea import saving

        building.require_built(self)
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """Returns the configuration of the model as JSON, without weights.

        Args:
            **kwargs: arguments of ``json.dumps``, such as ``indent``.

        Returns:
            A str, from which :func:`model_from_json` makes the model again.

        Example:
            >>> from amalthea import Sequential, layers, models
            >>> text = Sequential([layers.Input((4,)), layers.Dense(2)]).to_json()
            >>> models.model_from_json(text).output_shape
            (None, 2)
        """
        return json.dumps(serialize(self), **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration of the model, as plain data that JSON can hold.

        For ``Model(inputs, outputs)`` it lists the layers and their calls; for a subclass of your own, the arguments of
        its constructor.

        Returns:
            A dict, from which :meth:`from_config` makes the model again, with new weights.

        Example:
            >>> from amalthea import Input, Model, layers
            >>> x = Input((4,))
            >>> config = Model(x, layers.Dense(2, name="head")(x)).get_config()
            >>> [layer["class_name"] for layer in config["layers"]]
            ['InputLayer', 'Dense']
        """
        if self._network is not None and type(self) is Model:
            return functional_config.to_config(self)
        return super().get_config()

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
            >>> from amalthea import Input, Model, layers
            >>> x = Input((4,))
            >>> model = Model(x, layers.Dense(2)(x))
            >>> Model.from_config(model.get_config()).count_params()
            10
        """
        if "input_layers" in config and "output_layers" in config:
            return functional_config.from_config(cls, config, custom_objects)
        return super().from_config(config, custom_objects)


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
