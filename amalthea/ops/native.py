"""The way out: a call of the backend's own library inside a compiled step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea import tree
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import as_tensor, type_of
from amalthea.engine.primitives import control
from amalthea.errors import ArgumentError, ShapeError, placed
from amalthea.ops.base import op
from amalthea.ops.base import tensor as tensor_of


@op
def native_call(function: Callable[..., Any], *inputs: Any, outputs: Any = None) -> Any:
    """``function(*inputs)``, which computes with the backend's own arrays and functions.

    In a compiled step it is one node of the graph; its gradient is taken by the library itself, which calls it once
    more. So it must be pure: whatever it draws at random comes from a key among its inputs.

    Args:
        function: takes and gives the backend's arrays, in any nesting. Anything else that it gives is a constant.
        inputs: arrays, tensors or numbers, in any nesting.
        outputs: arrays (or anything with ``shape`` and ``dtype``) like those that it gives. Where they are left out,
            the function is tried on zeros.

    Raises:
        BackendError: the backend in use has no calls of its own (ONNX Runtime, when compiled), or no gradients of them.
        ShapeError: a size that is not known goes in, and it is not clear what becomes of it.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, use_backend
        >>> with use_backend("numpy"):
        ...     ops.native_call(np.sinc, np.float32([0.0, 0.5])).tolist()
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
    types = tuple(type_of(x) for x in flat if _is_array(x))
    if not types:
        raise ArgumentError("A native call gives nothing that a graph could hold.", cure="return at least one array")
    made = iter(control.native_call(*tensors, function=shown, types=types))
    return tree.pack_sequence_as(example, [next(made) if _is_array(x) else x for x in flat])


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype")


class _Packed:
    """A function of a flat list of arrays, that gives one."""

    def __init__(self, function: Callable[..., Any], inputs: Any):
        self.function, self.inputs = function, inputs

    def nested(self, *leaves: Any) -> Any:
        return self.function(*tree.pack_sequence_as(self.inputs, leaves))

    def __call__(self, *leaves: Any) -> list[Any]:
        return [x for x in tree.flatten(self.nested(*leaves)) if _is_array(x)]


def _tried(function: _Packed, types: Sequence[Type]) -> Any:
    """The outputs' types in their nesting, from calls on zeros: one, and more if a size is not known."""
    names = sorted({name for t in types for name in shapes.symbols(t.shape)})
    trials = _trials(names)
    with placed("in a trial on zeros, by which native_call finds its outputs' shapes (outputs=... saves it)"):
        examples = [_call_on_zeros(function, types, sizes) for sizes in trials]
    found = [[x for x in tree.flatten(example) if _is_array(x)] for example in examples]
    known = iter(
        Tensor(Type(_general([type_of(x).shape for x in same], names, trials), type_of(same[0]).dtype))
        for same in zip(*found, strict=True)
    )
    return tree.map_structure(lambda x: next(known) if _is_array(x) else x, examples[0])


def _trials(names: Sequence[str]) -> list[dict[str, int]]:
    """Sizes to try for each symbol: some; those with one of them larger, for each; all larger, as a check."""
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
    """A shape in symbols, from what it was in each trial."""
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
