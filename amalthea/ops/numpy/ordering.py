"""Ops that depend on the order of elements: positions of extremes, running sums, sorting, medians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement
from amalthea.engine.primitives import reductions as r
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.ops.base import (
    accumulating,
    all_axes,
    cast,
    is_over_nothing,
    one_axis,
    op,
    over_nothing,
    shape_of,
    tensor,
)
from amalthea.ops.sorting import order

docstrings.share(
    "position",
    """
x: TensorLike of any shape and dtype.
axis: int; the axis to search along. Defaults to None, which searches the flattened input.
keepdims: bool; True keeps the searched axis (all axes if ``axis`` is None) with size 1. Defaults to False.
""",
)
docstrings.share(
    "running",
    """
x: TensorLike of any shape and dtype.
axis: int; the axis to run along. Defaults to None, which runs over the flattened input.
dtype: DTypeLike; dtype of the output. Defaults to None, the dtype of ``x`` (int32 for bools).
""",
)


def _position(row: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    x = tensor(x)
    rank = len(x.shape)
    if axis is None:
        out = row(movement.reshape(x, shape=(shapes.size(shape_of(x)),)), axis=0)
        return movement.reshape(out, shape=(1,) * rank) if keepdims else out
    axis = one_axis(axis, rank)
    out = row(x, axis=axis)
    return movement.reshape(out, shape=r.kept_shape(shape_of(x), (axis,))) if keepdims else out


@op
def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index of the largest element along an axis, as int32; the first of equal ones.

    Args:
        |position|

    Shapes:
        (batch, classes) -> (batch,) with axis=-1; any shape -> () with axis=None

    Raises:
        ShapeError: the axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.argmax([[1, 9, 3], [4, 2, 4]], axis=-1)).tolist()
        [1, 0]
    """
    return _position(r.argmax, x, axis, keepdims)


@op
def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index of the smallest element along an axis, as int32; the first of equal ones.

    Args:
        |position|

    Shapes:
        (batch, classes) -> (batch,) with axis=-1; any shape -> () with axis=None

    Raises:
        ShapeError: the axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> x = [[5, 9], [1, 2]]
        >>> int(ops.argmin(x)), ops.convert_to_numpy(ops.argmin(x, axis=0)).tolist()
        (2, [1, 1])
    """
    return _position(r.argmin, x, axis, keepdims)


def _running(row: Any, x: Any, axis: Any, dtype: Any) -> Any:
    x = tensor(x) if dtype is None else cast(tensor(x), dtypes.standardize(dtype))
    x = cast(x, "int32") if dtypes.name_of(x) == "bool" else x
    if axis is None:
        x, axis = movement.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    return row(x, axis=one_axis(axis, len(x.shape)))


@op
def cumsum(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """Computes the running sum along an axis: ``y[i] = x[0] + ... + x[i]``.

    Args:
        |running|

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cumsum([[1, 2, 3], [4, 5, 6]], axis=1)).tolist()
        [[1, 3, 6], [4, 9, 15]]

    Source: float16 and bfloat16 are added up in float32 and rounded once; Keras 3 does so on some backends only.
    """
    return _running(r.cumsum, x, axis, dtype)


@op
def cumprod(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """Computes the running product along an axis: ``y[i] = x[0] * ... * x[i]``.

    Args:
        |running|

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cumprod([1, 2, 3, 4])).tolist()
        [1, 2, 6, 24]

    Source: differs from Keras 3 in the gradient at zeros: the product of the other factors, NaN there on some backends.
    """
    return _running(r.cumprod, x, axis, dtype)


@op
def sort(x: TensorLike, axis: int | None = -1) -> Any:
    """Sorts elements along an axis in ascending order; NaN comes last.

    Args:
        |any tensor|
        axis: int; the axis to sort along. Defaults to -1, the last axis. None sorts the flattened input.

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sort([[3, 1, 2], [9, 7, 8]])).tolist()
        [[1, 2, 3], [7, 8, 9]]
    """
    return order(x, axis)[0]


@op
def argsort(x: TensorLike, axis: int | None = -1) -> Any:
    """Returns the int32 indices that sort elements along an axis in ascending order. Equal elements keep their order.

    Args:
        |any tensor|
        axis: int; the axis to sort along. Defaults to -1, the last axis. None sorts the flattened input.

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.argsort([3, 1, 2])).tolist()
        [1, 2, 0]
    """
    return order(x, axis)[1]


@op
@accumulating
def median(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the median over axes: the middle one of the sorted elements, or the mean of the two in the middle.

    Args:
        |elementwise|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.median([[1, 9, 3], [4, 100, 6]], axis=1)).tolist()
        [3.0, 6.0]

    Source: NaN over no elements, and where an element is NaN, as in NumPy. Under Keras 3 it depends on the backend.
    """
    if is_over_nothing(x, axis):
        return cast(over_nothing(x, axis, keepdims, float("nan")), dtypes.name_of(x))
    full = shape_of(x)
    rank, axes = len(full), all_axes(axis, len(full))
    rest = [a for a in range(rank) if a not in axes]
    flat = movement.transpose(x, axes=(*rest, *axes))
    n = int(np.prod([full[a] for a in axes]))
    flat = movement.reshape(flat, shape=(*(full[a] for a in rest), n))
    ordered, last = order(flat, -1)[0], len(rest)
    low = movement.part(ordered, last, (n - 1) // 2, (n - 1) // 2 + 1)
    high = movement.part(ordered, last, n // 2, n // 2 + 1)
    middle = p.add(p.multiply(low, 0.5), p.multiply(high, 0.5))
    middle = p.select(p.isnan(movement.part(ordered, last, n - 1, n)), float("nan"), middle)
    shape = r.kept_shape(full, axes) if keepdims else tuple(full[a] for a in rest)
    return movement.reshape(middle, shape=shape)
