"""Calls of the backend's own library inside a compiled function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea import tree
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import close_trace, current_trace, open_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import as_tensor, type_of
from amalthea.engine.primitives import control
from amalthea.engine.types import Nested, TensorLike
from amalthea.errors import ArgumentError, ShapeError, located
from amalthea.ops.base import is_array, op
from amalthea.ops.base import tensor as tensor_of


@op
def native_call(function: Callable[..., Any], *inputs: Nested[TensorLike], outputs: Any = None) -> Any:
    """Calls a function of the backend's own library, which computes with that library's arrays.

    In a compiled function the call is one node of the graph. Its gradient is taken by the library, which calls the
    function once more, so the function must be pure: for random numbers, pass a key as one of the inputs.

    Args:
        function: callable; takes arrays of the backend in the nested structure of ``inputs`` and returns arrays in any
            nested structure. Other objects that it returns are constants.
        *inputs: TensorLike, or nested structures of them; the arguments.
        outputs: arrays, or objects with ``shape`` and ``dtype``, like the results of the function. Defaults to None: in
            a compiled function, the shapes are found by a trial on zeros.

    Shapes:
        any shape -> the shapes of what the function returns

    Returns:
        The result of the function.

    Raises:
        BackendError: the backend cannot differentiate such calls (those whose arrays are NumPy's).
        ShapeError: an input has a size that is not known, and the shapes of the outputs do not follow from trials.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, use_backend
        >>> with use_backend("numpy"):
        ...     ops.native_call(np.sinc, [0.0, 0.5]).tolist()
        [1.0, 0.6366]
    """
    leaves = [tensor_of(x) for x in tree.flatten(inputs)]
    if current_trace() is None and not any(isinstance(x, Tensor) for x in leaves):
        arrays = [runtime.array(x, dtypes.name_of(x)) for x in leaves]
        return function(*tree.pack_sequence_as(inputs, arrays))
    tensors = [as_tensor(x) for x in leaves]
    shown = _Packed(function, inputs)
    example = outputs if outputs is not None else _tried(shown, [x.type for x in tensors])
    flat = tree.flatten(example)
    types = tuple(type_of(x) for x in flat if is_array(x))
    if not types:
        raise ArgumentError("A native call gives nothing that a graph could hold.", cure="return at least one array")
    made = iter(control.native_call(*tensors, function=shown, types=types))
    return tree.pack_sequence_as(example, [next(made) if is_array(x) else x for x in flat])


class _Packed:
    """A function of a flat list of arrays that returns a flat list of arrays."""

    def __init__(self, function: Callable[..., Any], inputs: Any):
        self.function, self.inputs = function, inputs

    def nested(self, *leaves: Any) -> Any:
        token = open_trace(None)  # the library runs the function, on arrays
        try:
            return self.function(*tree.pack_sequence_as(self.inputs, leaves))
        finally:
            close_trace(token)

    def __call__(self, *leaves: Any) -> list[Any]:
        return [x for x in tree.flatten(self.nested(*leaves)) if is_array(x)]


def _tried(function: _Packed, types: Sequence[Type]) -> Any:
    """The types of the outputs, found by calls on zeros: one call, and more if a size is not known."""
    names = sorted({name for t in types for name in shapes.symbols(t.shape)})
    trials = _trials(names)
    with located("in a trial on zeros, by which native_call finds its outputs' shapes (outputs=... saves it)"):
        examples = [_call_on_zeros(function, types, sizes) for sizes in trials]
    found = [[x for x in tree.flatten(example) if is_array(x)] for example in examples]
    known = iter(
        Tensor(Type(_general([type_of(x).shape for x in same], names, trials), type_of(same[0]).dtype))
        for same in zip(*found, strict=True)
    )
    return tree.map_structure(lambda x: next(known) if is_array(x) else x, examples[0])


def _trials(names: Sequence[str]) -> list[dict[str, int]]:
    """Sizes to try for the symbols: a first choice, then with each of them larger by 1, then all larger as a check."""
    if not names:
        return [{}]
    first = {name: 2 if name == "batch" else 32 for name in names}  # windows must fit into what is not the batch
    return [
        first,
        *({**first, name: first[name] + 1} for name in names),
        {n: first[n] + 3 + i for i, n in enumerate(names)},
    ]


def _call_on_zeros(function: _Packed, types: Sequence[Type], sizes: dict[str, int]) -> Any:
    known = [Type(tuple(shapes.substitute(d, sizes) for d in t.shape), t.dtype) for t in types]
    return runtime.eval_shape(function.nested, known)


def _general(found: Sequence[Any], names: Sequence[str], trials: Sequence[dict[str, int]]) -> shapes.Shape:
    """A shape in symbols, from the shapes of the trials."""
    if len({len(shape) for shape in found}) > 1:
        raise _unclear(found)
    dims = [_dim(sizes, names, trials) for sizes in zip(*found)]
    if any(d is None for d in dims):
        raise _unclear(found)
    return tuple(dims)  # type: ignore[arg-type]


def _dim(sizes: Sequence[int], names: Sequence[str], trials: Sequence[dict[str, int]]) -> shapes.DimLike | None:
    """The sum of symbols, or else the product, that has these sizes in all trials."""
    growth = {name: n - sizes[0] for name, n in zip(names, sizes[1:]) if n != sizes[0]}
    rest = sizes[0] - sum(step * trials[0][name] for name, step in growth.items())
    linear: shapes.DimLike = rest
    product: shapes.DimLike = 1
    for name, step in growth.items():
        linear = linear + shapes.Dim.symbol(name) * step
        product = product * shapes.Dim.symbol(name)
    factor = sizes[0] // max(1, shapes.substitute(product, trials[0]))
    for guess in (linear, product * factor):
        if all(shapes.substitute(guess, trial) == n for trial, n in zip(trials, sizes)):
            return guess
    return None


def _unclear(found: Sequence[Any]) -> ShapeError:
    return ShapeError(
        "It cannot be told how the shape of a native call's output follows from its inputs.",
        got=" and ".join(shapes.show(shape) for shape in found),
        cure="ops.native_call(..., outputs=...)",
    )
