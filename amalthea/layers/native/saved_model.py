"""A function of a TensorFlow SavedModel as a layer."""

# The library is imported when a layer is made, and need not be there; so its types are not known here.
# pyright: standard, reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import tree
from amalthea.errors import UnknownNameError
from amalthea.layers.native.native_layer import NativeLayer, parted, refuse_unless_trusted


class TFSMLayer(NativeLayer):
    """A function (endpoint) of a TensorFlow SavedModel as a layer. It runs on the backend ``tensorflow`` alone.

    The variables that the endpoints use are those of the layer, trainable if they were so in TensorFlow.

    Args:
        filepath: str or path; folder of the SavedModel.
        call_endpoint: str; name of the function that is called. Defaults to ``"serve"``, which ``model.export`` writes;
            other programs often write ``"serving_default"``.
        call_training_endpoint: str; name of the function that is called in training. Defaults to None, which takes
            ``call_endpoint``.
        trainable: bool; whether optimizers may update the variables. Defaults to True.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        dtype: str or DTypePolicy; dtype policy of the layer. Defaults to None, which takes the global policy.

    Shapes: those of the endpoint, such as ``(batch, features) -> (batch, units)``.

    Raises:
        UnknownNameError: no endpoint has this name.
        MissingLibraryError: TensorFlow is not installed.
        BackendError: another backend is in use when the layer is called.

    Example:
        >>> from amalthea import layers
        >>> layer = layers.TFSMLayer("exported_model")  # doctest: +SKIP
        >>> len(layer.trainable_variables)  # doctest: +SKIP
        4
    """

    _library = "tensorflow"

    def __init__(
        self,
        filepath: Any,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(trainable=trainable, name=name, dtype=dtype)
        import tensorflow as tf

        self.filepath = str(filepath)
        self.call_endpoint, self.call_training_endpoint = call_endpoint, call_training_endpoint
        self._loaded = tf.saved_model.load(self.filepath)
        names = [x for x in (call_endpoint, call_training_endpoint) if x]
        self._endpoints = {x: _endpoint(self._loaded, x) for x in names}
        self._adopt_all()
        self.built = True

    def _adopt_all(self) -> None:
        used = _variables([*self._endpoints.values()])
        self._theirs = [v for v in used if v.trainable], [v for v in used if not v.trainable]
        self._ours = [
            [self._adopt(v.numpy(), _name(v), v.dtype.name, v.trainable) for v in group] for group in self._theirs
        ]

    def call(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:
        name = self.call_training_endpoint if training and self.call_training_endpoint else self.call_endpoint

        def function(params: Any, state: Any, arguments: Any, key: Any) -> Any:
            outputs = _called(self._endpoints[name], self._theirs, (params, state), arguments)
            return outputs, [v.read_value() for v in self._theirs[1]]

        trained, others = self._ours
        return self._run(function, trained, others, (inputs, kwargs))

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes the layer again. It reads the SavedModel: :class:`UnsafeFileError` unless that is allowed."""
        refuse_unless_trusted("the path of a SavedModel")
        return super().from_config(config, custom_objects)


def _endpoint(loaded: Any, name: str) -> Any:
    if hasattr(loaded, name):
        return getattr(loaded, name)
    if name in loaded.signatures:
        return loaded.signatures[name]
    raise UnknownNameError(
        f"The SavedModel has no endpoint {name!r}.", expected=", ".join(loaded.signatures), got=repr(name)
    )


def _variables(endpoints: Sequence[Any]) -> list[Any]:
    """Returns the variables that the endpoints use, each once."""
    concrete = [f for endpoint in endpoints for f in getattr(endpoint, "concrete_functions", [endpoint])]
    return [*{id(v): v for f in concrete for v in f.graph.variables}.values()]


def _name(variable: Any) -> str:
    return variable.name.partition(":")[0].replace("/", "_")


def _called(endpoint: Any, theirs: Any, ours: Any, arguments: Any) -> Any:
    """Returns the outputs of an endpoint for given values of its variables, with gradients to them and the arguments.

    The endpoint holds its variables, so they are assigned the values first, and a tape computes the gradients.
    """
    import tensorflow as tf

    arrays, packed = parted(arguments)
    variables, nested = theirs[0], []
    for variable, value in zip((*theirs[0], *theirs[1]), (*ours[0], *ours[1])):
        variable.assign(tf.cast(value, variable.dtype))

    @tf.custom_gradient
    def run(*values: Any) -> Any:
        given = values[len(variables) :]
        with tf.GradientTape() as tape:
            by = [*variables, *(x for x in given if x.dtype.is_floating)]
            tape.watch(by)
            inputs, kwargs = packed(given)
            nested.append(endpoint(inputs, **kwargs))
        flat = tree.flatten(nested[-1])

        def gradient(*cotangents: Any, variables: Any = ()) -> Any:
            pairs = [(y, g) for y, g in zip(flat, cotangents) if y.dtype.is_floating]
            gradients = tape.gradient([y for y, _ in pairs], by, [g for _, g in pairs])
            found = {id(x): g for x, g in zip(by, gradients) if g is not None}
            by_values = [found.get(id(x)) for x in (*theirs[0], *given)]
            return [_cast(g, x) for g, x in zip(by_values, values)], [None for _ in variables]

        return flat, gradient

    flat = run(*ours[0], *arrays)
    return tree.pack_sequence_as(nested[-1], flat)


def _cast(gradient: Any, like: Any) -> Any:
    import tensorflow as tf

    return None if gradient is None else tf.cast(tf.convert_to_tensor(gradient), like.dtype)
