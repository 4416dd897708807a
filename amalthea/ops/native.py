"""The way out: a call of the backend's own library inside a compiled step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import dtypes, shapes, tensor, tree
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import op
from amalthea.ops.base import tensor as tensor_of
from amalthea.primitives import control
from amalthea.tensor import Tensor, Type, current_trace, type_of


@op
def native_call(function: Callable[..., Any], *inputs: Any, outputs: Any = None) -> Any:
    """``function(*inputs)``, which computes with the backend's own arrays and functions.

    In a compiled step it is one node of the graph; its gradient is taken by the library itself.

    Args:
        function: pure; takes and gives the backend's arrays, in any nesting.
        inputs: arrays or tensors, in any nesting.
        outputs: arrays (or anything with ``shape`` and ``dtype``) like those that it gives. Where they are left out,
            the function is tried on zeros.

    Raises:
        BackendError: the backend in use has no calls of its own (ONNX Runtime, when compiled), or no gradients of them.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, use_backend
        >>> with use_backend("numpy"):
        ...     ops.native_call(np.sinc, np.float32([0.0, 0.5])).round(2).tolist()
        [1.0, 0.64...]
    """
    leaves = [tensor_of(x) for x in tree.flatten(inputs)]
    if current_trace() is None and not any(isinstance(x, Tensor) for x in leaves):
        arrays = [tensor.runtime.array(x, dtypes.name_of(x)) for x in leaves]
        return function(*tree.pack_sequence_as(inputs, arrays))
    tensors = [tensor.as_tensor(x) for x in leaves]
    shown = _Packed(function, inputs)
    example = outputs if outputs is not None else _tried(shown, [x.type for x in tensors])
    flat = tree.flatten(example)
    if not flat:
        raise ArgumentError("A native call gives nothing that a graph could hold.", cure="return at least one array")
    made = control.native_call(*tensors, function=shown, types=tuple(type_of(x) for x in flat))
    return tree.pack_sequence_as(example, made)


class _Packed:
    """A function of a flat list of arrays, that gives one."""

    def __init__(self, function: Callable[..., Any], inputs: Any):
        self.function, self.inputs = function, inputs

    def nested(self, *leaves: Any) -> Any:
        return self.function(*tree.pack_sequence_as(self.inputs, leaves))

    def __call__(self, *leaves: Any) -> list[Any]:
        return tree.flatten(self.nested(*leaves))


def _tried(function: _Packed, types: Sequence[Type]) -> Any:
    """The outputs' types in their nesting, from a call on zeros; on two, if a size is not known."""
    names = sorted({name for t in types for name in shapes.symbols(t.shape)})
    sizes = [{name: first + 3 * i for i, name in enumerate(names)} for first in (2, 7)]
    example, *again = [_call_on_zeros(function, types, values) for values in (sizes if names else sizes[:1])]
    found = [type_of(x) for x in tree.flatten(example)]
    if again:
        others = [type_of(x) for x in tree.flatten(again[0])]
        found = [Type(_general(a.shape, b.shape, names, sizes), a.dtype) for a, b in zip(found, others)]
    return tree.pack_sequence_as(example, [Tensor(t) for t in found])


def _call_on_zeros(function: _Packed, types: Sequence[Type], sizes: dict[str, int]) -> Any:
    known = [Type(tuple(shapes.substitute(d, sizes) for d in t.shape), t.dtype) for t in types]
    zeros = [np.zeros(t.shape, dtypes.to_numpy(t.dtype)) for t in known]
    return function.nested(*(tensor.runtime.array(x, t.dtype) for x, t in zip(zeros, known)))


def _general(one: Any, two: Any, names: Sequence[str], sizes: Sequence[dict[str, int]]) -> shapes.Shape:
    """A shape in symbols, from the shapes for two choices of their sizes."""
    dims: list[Any] = []
    for a, b in zip(one, two, strict=True):
        meant = [name for name in names if a % sizes[0][name] == 0 and a // sizes[0][name] * sizes[1][name] == b]
        if a != b and not meant:
            raise ShapeError(
                "It cannot be told how the shape of a native call's output follows from its inputs.",
                got=f"{shapes.show(one)} and {shapes.show(two)}",
                cure="ops.native_call(..., outputs=...)",
            )
        dims.append(a if a == b else shapes.Dim.symbol(meant[0]) * (a // sizes[0][meant[0]]))
    return tuple(dims)
