"""The base of layers around another library's code: one native call, its state, and an example of the input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import lambdas, ops, tree
from amalthea.engine import backends, dtypes, shapes
from amalthea.engine.ir.variable import Variable
from amalthea.errors import BackendError, UnsafeFileError
from amalthea.layers import calling
from amalthea.layers.layer import Layer
from amalthea.ops.base import shape_of


class NativeLayer(Layer):
    """A layer whose computation belongs to another library.

    Its variables hold the parameters of the library's module, so optimizers, summaries and files see them.
    """

    _library = ""  # the backend that it runs on

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._first_call: Any = None
        if self._library:
            backends.load(self._library)  # so that a missing library is found out now

    def _require_backend(self) -> None:
        name = backends.current().name
        if name != self._library:
            raise BackendError(
                f"{type(self).__name__} holds code of {backends.KNOWN[self._library].title}, which runs nowhere else.",
                expected=f"the backend '{self._library}'",
                got=f"the backend '{name}'",
                cure=f'use_backend("{self._library}")',
            )

    def _build_for(self, args: Any, kwargs: Any) -> None:
        if self.built:
            return
        self._require_backend()
        self._first_call = (tuple(args), {k: v for k, v in kwargs.items() if k != "training"})
        try:
            super()._build_for(args, kwargs)
        finally:
            self._first_call = None

    def _example(self, input_shape: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns arguments of ones, like those of the call that builds; floats if ``build`` was called directly."""
        if self._first_call is not None:
            return tree.map_structure(_ones_like, self._first_call)
        return (_ones(input_shape),), {}

    def _adopt(self, value: Any, name: str, dtype: str, trainable: bool) -> Variable:
        """Creates a variable that starts from a value of the library."""
        array = np.asarray(value)

        def start(shape: Any, dtype: Any = None) -> Any:
            return array

        return self.add_weight(array.shape, start, dtype, trainable, name=name)

    def _run(
        self,
        function: Callable[..., Any],
        params: Sequence[Variable],
        state: Sequence[Variable],
        arguments: Any,
        key: Any = None,
        outputs: Any = None,
    ) -> Any:
        """Runs ``function(params, state, arguments, key)``, which returns outputs and new state, as one native call.

        State that comes back as the same array that went in is not assigned. ``outputs``, if given, has the shapes and
        dtypes
        of the outputs.
        """
        self._require_backend()
        arrays, packed = parted(arguments)
        changed: set[int] = set()

        def pure(params: Any, state: Any, arrays: Any, key: Any) -> Any:
            found, new = function(params, state, packed(arrays), key[0] if key else None)
            changed.update(i for i, (old, x) in enumerate(zip(state, new)) if x is not old)
            return found, list(new)

        example = None if outputs is None else (outputs, [v.value for v in state])
        keys = [] if key is None else [key]
        found, new = ops.native_call(pure, list(params), list(state), arrays, keys, outputs=example)
        for i in sorted(changed):
            state[i].assign(new[i])
        return found


def training_now(training: Any) -> bool:
    """Returns ``training``, or that of the enclosing call if it is None."""
    return bool(calling._training.get() if training is None else training)


def refuse_unless_trusted(what: str) -> None:
    """Raises :class:`UnsafeFileError` if a file that is not trusted would run code."""
    if lambdas._safe.get():
        raise UnsafeFileError(
            f"The file holds {what}, which can run any code on this computer.",
            expected="a file without code",
            got=what,
            cure="load_model(path, safe_mode=False) if you trust whoever wrote it",
        )


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype")


def parted(arguments: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """Returns the arrays in a nesting, and a function that puts others in their positions."""
    leaves = tree.flatten(arguments)

    def packed(arrays: Any) -> Any:
        rest = iter(arrays)
        return tree.pack_sequence_as(arguments, [next(rest) if _is_array(x) else x for x in leaves])

    return [x for x in leaves if _is_array(x)], packed


def _ones_like(x: Any) -> Any:
    if not _is_array(x):
        return x
    shape = [1 if isinstance(d, shapes.Dim) else d for d in shape_of(x)]
    return np.ones(shape, dtypes.to_numpy(dtypes.name_of(x)))


def _ones(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {k: _ones(v) for k, v in shape.items()}
    if any(isinstance(d, (list, tuple, dict)) for d in shape):
        return type(shape)(_ones(s) for s in shape)
    return np.ones([1 if d is None else d for d in shape], "float32")
