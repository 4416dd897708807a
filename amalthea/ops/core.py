"""Ops on tensors as such: conversion, dtypes, shapes, slices and scattered updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.engine import dtypes, shapes, transforms
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.ir.variable import Variable
from amalthea.engine.primitives import complex_numbers, control, elementwise, indexing, movement
from amalthea.engine.types import DTypeLike, ShapeLike, TensorLike
from amalthea.errors import DtypeError
from amalthea.ops import scattering
from amalthea.ops.base import cast as to_dtype
from amalthea.ops.base import op, shape_of, static, tensor, value_of
from amalthea.ops.numpy.creation import array
from amalthea.ops.numpy.movement import unstack

docstrings.share(
    "start indices",
    """
start_indices: TensorLike or sequence of TensorLike: one whole number for each axis, the first element of the
    block. It may be computed in the graph.
""",
)
docstrings.share(
    "points",
    """
indices: TensorLike of whole numbers; each row along its last axis holds the coordinates of one point, on the
    first axes of the output. Negative ones count from the end; coordinates beyond an axis are not checked.
""",
)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a function its own gradient, in place of the one that is derived from its ops.

    Args:
        f: callable; returns a tuple ``(output, gradient)``. The function ``gradient`` takes the gradient of the loss by
            the output and returns the gradients by the inputs, one for each.

    Returns:
        A function with the arguments of ``f`` that returns its output alone.

    Example:
        >>> from amalthea import grad, ops
        >>> @ops.custom_gradient
        ... def rounded(x):  # the straight-through estimator
        ...     return ops.round(x), lambda g: g
        >>> float(rounded(2.7)), float(grad(rounded)(2.7))
        (3.0, 1.0)
    """
    return transforms.custom_gradient(f)


@op
def cast(x: TensorLike, dtype: DTypeLike) -> Any:
    """Converts a tensor to another dtype.

    Floats become whole numbers without their digits after the point, and bools by being other than 0.

    Args:
        |any tensor|
        dtype: DTypeLike; dtype of the output.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: no dtype has this name.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cast([-1.7, 0.0, 2.9], "int32")).tolist()
        [-1, 0, 2]
    """
    a, dtype = value_of(x), dtypes.standardize(dtype)
    if dtypes.is_complex(dtypes.name_of(a)) and not dtypes.is_complex(dtype):
        is_true = elementwise.logical_not(elementwise.equal(a, 0.0)) if dtype == "bool" else None
        return native(to_dtype(complex_numbers.real(a), dtype) if is_true is None else is_true)
    return native(to_dtype(a, dtype))


@op
def saturate_cast(x: TensorLike, dtype: DTypeLike) -> Any:
    """Converts a tensor to another dtype, with values beyond its range set to the nearest end of the range.

    Args:
        |any tensor|
        dtype: DTypeLike; dtype of the output.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: no dtype has this name.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.saturate_cast([-5, 100, 300], "uint8")).tolist()
        [0, 100, 255]

    Source: NaN becomes 0 in whole numbers; under Keras 3 the result depends on the backend.
    """
    a, dtype = tensor(x), dtypes.standardize(dtype)
    name = dtypes.name_of(a)
    if dtypes.is_complex(name) or dtypes.is_complex(dtype):
        raise DtypeError("Complex numbers have no largest one.", expected="real dtypes", got=f"{name} to {dtype}")
    (low, high), (low_to, high_to) = _range(name), _range(dtype)
    if name == "bool" or (low_to <= low and high <= high_to):
        return to_dtype(a, dtype)
    low, high = max(low, low_to), min(high, high_to)
    if dtypes.is_float(name) and dtypes.is_integer(dtype):
        return _saturated(a, low, high, dtype)
    return to_dtype(elementwise.clip(a, low=low, high=high), dtype)


def _range(dtype: str) -> tuple[Any, Any]:
    """The smallest and the largest number of a dtype."""
    if dtypes.is_float(dtype):
        return -dtypes.largest(dtype), dtypes.largest(dtype)
    low, high = dtypes.bounds(dtype)
    return int(low), int(high)


def _saturated(x: Any, low: Any, high: Any, dtype: str) -> Any:
    """Floats as whole numbers from ``low`` to ``high``. The float next to ``high`` may be beyond it."""
    small, large = elementwise.less_equal(x, float(low)), elementwise.greater_equal(x, float(high))
    inside = elementwise.logical_not(elementwise.logical_or(elementwise.logical_or(small, large), elementwise.isnan(x)))
    whole = to_dtype(elementwise.select(inside, x, 0.0), dtype)
    ends = [np.asarray(end, dtypes.to_numpy(dtype)) for end in (low, high)]
    return elementwise.select(large, ends[1], elementwise.select(small, ends[0], whole))


@docstrings.fill
def convert_to_tensor(
    x: TensorLike, dtype: DTypeLike | None = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """Converts a number, list, array or variable to an array of the backend; a symbolic tensor stays symbolic.

    Args:
        |any tensor|
        dtype: DTypeLike; dtype of the output. Defaults to None: arrays keep their dtype, Python floats become
            ``floatx``, Python ints become int32.
        sparse: bool; accepted for compatibility with Keras and ignored: all tensors are dense.
        ragged: bool; accepted for compatibility with Keras and ignored: no tensor is ragged.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: ``x`` holds text or objects.

    Example:
        >>> from amalthea import ops
        >>> x = ops.convert_to_tensor([[1.0, 2.0, 3.0]])
        >>> tuple(x.shape), ops.dtype(x)
        ((1, 3), 'float32')
    """
    return array(x, dtype)


@docstrings.fill
def convert_to_numpy(x: TensorLike) -> np.ndarray:
    """Copies a tensor or variable that has a value into a NumPy array.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Raises:
        TraceError: ``x`` is symbolic, so it does not have a value yet.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ones((2, 2)))
        array([[1., 1.],
               [1., 1.]], dtype=float32)
    """
    return x.numpy() if isinstance(x, Variable) else runtime.to_numpy(tensor(x))


def is_tensor(x: Any) -> bool:
    """Returns True for a symbolic tensor or an array of any library, False for a Variable, a list or a number.

    Args:
        x: any object.

    Example:
        >>> from amalthea import Variable, ops
        >>> ops.is_tensor(ops.ones(3)), ops.is_tensor([1.0, 1.0]), ops.is_tensor(Variable([1.0]))
        (True, False, False)
    """
    return isinstance(x, (Tensor, np.ndarray)) or (hasattr(x, "__dlpack__") and not isinstance(x, Variable))


@docstrings.fill
def shape(x: TensorLike) -> Any:
    """Returns the shape as a tuple.

    A size that is not known yet is a symbol. Symbols can be added, multiplied and given to :func:`reshape` and others.

    Args:
        |any tensor|

    Shapes:
        any shape

    Example:
        >>> from amalthea import Input, ops
        >>> ops.shape(ops.ones((2, 3)))
        (2, 3)
        >>> batch, features = ops.shape(Input((3,)))
        >>> batch * features
        3*batch
    """
    return shape_of(tensor(x))


@docstrings.fill
def ndim(x: TensorLike) -> int:
    """Returns the number of axes.

    Args:
        |any tensor|

    Shapes:
        any shape

    Example:
        >>> from amalthea import ops
        >>> ops.ndim(ops.ones((2, 3, 4))), ops.ndim(5.0)
        (3, 0)
    """
    return len(tensor(x).shape)


@docstrings.fill
def size(x: TensorLike) -> Any:
    """Returns the number of elements, as an int, or as a symbol if a size of the shape is not known.

    Args:
        |any tensor|

    Shapes:
        any shape

    Example:
        >>> from amalthea import ops
        >>> ops.size(ops.ones((2, 3, 4)))
        24
    """
    return shapes.size(shape_of(tensor(x)))


@docstrings.fill
def dtype(x: TensorLike) -> str:
    """Returns the name of the dtype.

    Args:
        |any tensor|

    Shapes:
        any shape

    Example:
        >>> from amalthea import ops
        >>> ops.dtype(ops.ones(3)), ops.dtype([1, 2]), ops.dtype(True)
        ('float32', 'int32', 'bool')
    """
    return dtypes.name_of(tensor(x))


@op
def copy(x: TensorLike) -> Any:
    """Returns a tensor of the same elements in memory of its own.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> x = ops.copy([[1, 2], [3, 4]])
        >>> tuple(x.shape), int(x[1, 0])
        ((2, 2), 3)
    """
    value = tensor(x)
    if isinstance(value, Tensor):
        return control.identity(value)
    row = movement.reshape(value, shape=(1, *shape_of(value)))
    return movement.reshape(movement.concatenate(row, axis=0), shape=shape_of(value))


@op
def stop_gradient(variable: TensorLike) -> Any:
    """Returns a tensor of the same elements that counts as a constant: no gradient passes through it.

    Args:
        variable: TensorLike of any shape and dtype.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import grad, ops
        >>> float(grad(lambda x: x * x)(3.0)), float(grad(lambda x: x * ops.stop_gradient(x))(3.0))
        (6.0, 3.0)
    """
    return control.stop_gradient(tensor(variable))


@op
def slice(inputs: TensorLike, start_indices: TensorLike | Sequence[TensorLike], shape: ShapeLike) -> Any:
    """Cuts a block of a given shape out of a tensor, at a position that may be computed in the graph.

    Args:
        inputs: TensorLike with at least one axis.
        |start indices|
        shape: ShapeLike; shape of the block, one size for each axis. -1 takes the whole size of an axis.

    Shapes:
        (rows, columns) -> ``shape``

    Raises:
        ShapeError: the block is larger than the input, or an axis lacks a start.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape(ops.arange(12), (3, 4))
        >>> ops.convert_to_numpy(ops.slice(x, [1, 2], (2, 2))).tolist()
        [[6, 7], [10, 11]]
    """
    x, starts = tensor(inputs), _starts(start_indices)
    sizes = [d if n == -1 else n for n, d in zip(static(shape), shape_of(x))]
    return movement.dynamic_slice(x, *starts, sizes=tuple(sizes))


@op
def slice_update(inputs: TensorLike, start_indices: TensorLike | Sequence[TensorLike], updates: TensorLike) -> Any:
    """Replaces a block of a tensor, at a position that may be computed in the graph.

    Args:
        inputs: TensorLike with at least one axis.
        |start indices|
        updates: TensorLike with as many axes as ``inputs``; the new elements, converted to the dtype of ``inputs``.

    Shapes:
        any shape -> the same shape

    Raises:
        ShapeError: the block is larger than the input, or an axis lacks a start.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.slice_update([[1, 2, 3], [4, 5, 6]], [1, 1], [[0, 0]])).tolist()
        [[1, 2, 3], [4, 0, 0]]
    """
    x = tensor(inputs)
    return movement.dynamic_update_slice(x, to_dtype(tensor(updates), dtypes.name_of(x)), *_starts(start_indices))


def _starts(start_indices: Any) -> list[Any]:
    if isinstance(start_indices, (list, tuple)):
        return [to_dtype(value_of(s), "int32") for s in start_indices]
    return unstack(to_dtype(tensor(start_indices), "int32"))


@op
def scatter(indices: TensorLike, values: TensorLike, shape: ShapeLike) -> Any:
    """Makes a tensor of zeros and adds values at given points. Values of the same point add up.

    Args:
        |points|
        values: TensorLike; one value (a number or a slice) for each point.
        shape: ShapeLike; shape of the output.

    Shapes:
        (n, depth), (n, ...) -> ``shape``

    Raises:
        ShapeError: the values do not fit the points and the shape.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.scatter([[0], [3], [3]], [1, 2, 5], (5,))).tolist()
        [1, 0, 0, 7, 0]
    """
    added = tensor(values)
    zeros = movement.broadcast_to(to_dtype(0, dtypes.name_of(added)), shape=static(shape))
    return indexing.scatter_add_points(zeros, to_dtype(tensor(indices), "int32"), added)


@op
def scatter_update(inputs: TensorLike, indices: TensorLike, updates: TensorLike, reduction: str | None = None) -> Any:
    """Replaces elements at given points, or combines them with new values.

    Args:
        inputs: TensorLike with at least one axis.
        |points|
        updates: TensorLike; one value (a number or a slice) for each point, converted to the dtype of ``inputs``.
        reduction: str; ``"add"``, ``"max"``, ``"min"`` or ``"mul"`` combines the present element with all updates of
            its point. Defaults to None, which replaces it; of several updates of one point the last one stays.

    Shapes:
        (rows, columns), (n, depth), (n, ...) -> (rows, columns)

    Raises:
        ArgumentError: no reduction has this name.
        ShapeError: the updates do not fit the points.

    Example:
        >>> from amalthea import ops
        >>> x, points, updates = [1, 2, 3], [[1], [1]], [5, 7]
        >>> ops.convert_to_numpy(ops.scatter_update(x, points, updates)).tolist()
        [1, 7, 3]
        >>> ops.convert_to_numpy(ops.scatter_update(x, points, updates, reduction="add")).tolist()
        [1, 14, 3]

    Source: several updates of one point are undefined in Keras 3 on some backends.
    """
    return scattering.update(tensor(inputs), tensor(indices), tensor(updates), reduction)
