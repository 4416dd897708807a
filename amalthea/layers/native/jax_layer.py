"""A JAX function as a layer."""

# The library is imported when a layer is made, and need not be there; so its types are not known here.
# pyright: standard, reportMissingImports=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.layers.native.native_layer import NativeLayer
from amalthea.random import SeedGenerator, make_default_seed


class JaxLayer(NativeLayer):
    """A pure JAX function as a layer. It runs on the backend ``jax`` alone.

    Args:
        call_fn: function with any of the parameters ``params``, ``state``, ``rng`` and ``training``, and with
            ``inputs``. It returns the outputs; if it takes ``state``, a pair of them and the new state.
        init_fn: function with any of the parameters ``rng``, ``inputs`` (ones) and ``training``. It returns the
            parameters; if ``call_fn`` takes ``state``, a pair of them and the state. Defaults to None.
        params: tree of arrays; parameters to start from, in place of those of ``init_fn``. Arrays and numbers become
            trainable variables, floats in the dtype of the layer; other leaves stay as they are. Defaults to None.
        state: tree of arrays; state to start from, which becomes non-trainable variables. Defaults to None.
        seed: int; seed of ``rng``, which is a new key at each call in training, and None otherwise. Defaults to None,
            which draws one.
        native_serialization_platforms: accepted for Keras, which uses it on TensorFlow.
        |layer options|

    Shapes: those of ``call_fn``, such as ``(batch, features) -> (batch, units)``.

    Raises:
        ArgumentError: a function has another parameter, or there is nothing to make the parameters of.
        MissingLibraryError: JAX is not installed.
        BackendError: another backend is in use when the layer is built or called.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.JaxLayer(lambda params, inputs: inputs @ params, params=np.eye(2))  # doctest: +SKIP
        >>> layer(np.array([[1.0, 2.0]], "float32")).tolist()  # doctest: +SKIP
        [[1.0, 2.0]]
    """

    _library = "jax"
    _not_in_config: tuple[str, ...] = ("params", "state", "seed")

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self.native_serialization_platforms = native_serialization_platforms
        self._call_arguments = _arguments(call_fn, "call_fn", "params state rng inputs training".split())
        self._init_arguments = _arguments(init_fn, "init_fn", "rng inputs training".split()) if init_fn else []
        if init_fn is None and params is None and state is None and self._needs_values:
            raise ArgumentError(
                "There is nothing to make the parameters of a JaxLayer of.",
                got="no `init_fn`, `params` or `state`",
                cure="JaxLayer(call_fn, init_fn)",
            )
        self.seed_generator = None
        if "rng" in self._call_arguments:
            self.seed_generator = SeedGenerator(seed, name=f"{self.name}_seed")
        self._params, self._state = _Tree(self, None, True), _Tree(self, None, False)
        if params is not None or state is not None:
            self._begin_with(params, state)
            self.built = True

    @property
    def _needs_values(self) -> bool:
        return "params" in self._call_arguments or "state" in self._call_arguments

    def _begin_with(self, params: Any, state: Any) -> None:
        self._params, self._state = _Tree(self, params, True), _Tree(self, state, False)

    @property
    def params(self) -> Any:
        """The tree of the trainable variables."""
        return self._params.of(self._params.variables)

    @property
    def state(self) -> Any:
        """The tree of the other variables."""
        return self._state.of(self._state.variables)

    def build(self, input_shape: Any) -> None:
        if self.init_fn is None or not self._needs_values:
            return
        import jax

        args, kwargs = self._example(input_shape)
        inputs = args[0] if args else kwargs["inputs"]
        given = {"rng": self._init_rng(), "inputs": tree.map_structure(jax.numpy.asarray, inputs), "training": True}
        made = self.init_fn(*(given[name] for name in self._init_arguments))
        params, state = made if "state" in self._call_arguments else (made, None)
        self._begin_with(params, state)

    def call(self, inputs: Any, training: bool = False) -> Any:
        def function(params: Any, state: Any, inputs: Any, key: Any) -> Any:
            given = {"params": self._params.of(params), "state": self._state.of(state), "inputs": inputs}
            given.update(rng=self._call_rng(key), training=bool(training))
            found = self.call_fn(*(given[name] for name in self._call_arguments))
            if "state" not in self._call_arguments:
                return self._narrow(found), state
            return self._narrow(found[0]), self._state.values_in(found[1])

        key = self.seed_generator.next() if self.seed_generator is not None and training else None
        return self._run(function, self._params.variables, self._state.variables, inputs, key)

    def _narrow(self, outputs: Any) -> Any:
        """Casts float64 outputs to the layer's dtype: JAX's default float has 64 bits here, unlike in Keras."""
        if self.compute_dtype == "float64":
            return outputs
        to = dtypes.to_numpy(self.compute_dtype)

        def narrow(x: Any) -> Any:
            return x.astype(to) if getattr(x, "dtype", None) == np.float64 else x

        return tree.map_structure(narrow, outputs)

    def _init_rng(self) -> Any:
        """Returns the value of ``rng`` for ``init_fn``."""
        return new_key()

    def _call_rng(self, key: Any) -> Any:
        """Returns the value of ``rng`` for ``call_fn``; the key is None outside training."""
        return key

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration as in Keras: without ``params`` and ``state``, functions by registered names."""
        config = {**super().get_config(), "native_serialization_platforms": self.native_serialization_platforms}
        return config if self.seed is None else {**config, "seed": self.seed}


def new_key() -> Any:
    """Returns a new key for initial values, from the stream of ``set_random_seed``."""
    import jax

    return jax.numpy.asarray(np.array([make_default_seed(), 0], np.uint32))


def _arguments(function: Any, name: str, known: Sequence[str]) -> list[str]:
    """Returns the parameter names of a function; raises unless all are known and ``inputs`` is among them."""
    found = [*inspect.signature(function).parameters]
    unknown = [x for x in found if x not in known]
    if unknown or "inputs" not in found:
        raise ArgumentError(
            f"`{name}` of a JaxLayer takes arguments of these names only, and always `inputs`.",
            expected=", ".join(known),
            got=", ".join(found),
        )
    return found


class _Tree:
    """A tree of JAX whose arrays are variables of a layer."""

    def __init__(self, layer: NativeLayer, values: Any, trainable: bool):
        import jax

        found, self.definition = jax.tree_util.tree_flatten_with_path(values)
        self.leaves = [_variable(layer, path, x, trainable) for path, x in found]
        self.variables = [x for x in self.leaves if isinstance(x, Variable)]

    def of(self, values: Iterable[Any]) -> Any:
        """Returns the tree with these values in place of the variables."""
        rest = iter(values)
        return self.definition.unflatten([next(rest) if isinstance(x, Variable) else x for x in self.leaves])

    def values_in(self, other: Any) -> list[Any]:
        """Returns the values of another tree at the positions of this tree's variables."""
        import jax

        leaves, definition = jax.tree_util.tree_flatten(other)
        if definition != self.definition:
            raise ArgumentError(
                "The new state is not nested like the state.", expected=str(self.definition), got=str(definition)
            )
        return [new for new, x in zip(leaves, self.leaves) if isinstance(x, Variable)]


def _variable(layer: Any, path: Any, value: Any, trainable: bool) -> Any:
    """Returns a leaf as a variable named after its path, if it is an array or a number."""
    import jax

    if not isinstance(value, (np.ndarray, np.generic, jax.Array, bool, int, float)):
        return value
    array = np.asarray(value)
    dtype = dtypes.standardize(array.dtype)
    if dtypes.is_float(dtype):
        dtype = layer.variable_dtype
    elif isinstance(value, int) and not isinstance(value, bool):
        dtype = "int32"
    keys = [str(getattr(k, "key", getattr(k, "name", getattr(k, "idx", k)))) for k in path]
    name = "/".join(keys[1:] if keys[:1] == ["params"] else keys)
    return layer._adopt(array, name or ("params" if trainable else "state"), dtype, trainable)
