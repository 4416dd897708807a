"""Reductions and running sums that leave out NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import amalthea.ops.numpy.reductions as over
from amalthea import docstrings
from amalthea.engine import dtypes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.ops.base import accumulating, cast, op, tensor
from amalthea.ops.numpy import ordering

docstrings.share(
    "without NaN",
    """
x: TensorLike of any shape and dtype, in which NaN stands for elements that are missing.
""",
)


def _is_nan(x: Any) -> Any:
    return p.isnan(x) if dtypes.is_float(dtypes.name_of(x)) else None


def _filled(x: Any, value: float) -> Any:
    """The input with a value in place of NaN."""
    x = tensor(x)
    missing = _is_nan(x)
    return x if missing is None else p.select(missing, value, x)


def _count(x: Any, axis: Any, keepdims: bool) -> Any:
    """The number of elements that are not NaN, as a float."""
    return over.sum(cast(p.logical_not(p.isnan(x)), dtypes.name_of(x)), axis, keepdims)


@op
def nansum(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the sum of elements over axes, with NaN as 0.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.nansum([1.0, float("nan"), 2.0]))
        3.0
    """
    return over.sum(_filled(x, 0.0), axis, keepdims)


@op
def nanprod(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the product of elements over axes, with NaN as 1.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanprod([3.0, float("nan"), 2.0]))
        6.0
    """
    return over.prod(_filled(x, 1.0), axis, keepdims)


@op
@accumulating
def nanmean(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the mean of the elements over axes that are not NaN. Over no elements it is NaN.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanmean([1.0, float("nan"), 2.0]))
        1.5
    """
    return p.divide(over.sum(_filled(x, 0.0), axis, keepdims), _count(x, axis, keepdims))


@op
@accumulating
def nanvar(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the variance of the elements over axes that are not NaN. Over no elements it is NaN.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanvar([1.0, float("nan"), 3.0]))
        1.0
    """
    missing = p.isnan(x)
    away = p.subtract(p.select(missing, 0.0, x), nanmean(x, axis, True))
    total = over.sum(p.square(p.select(missing, 0.0, away)), axis, keepdims)
    return p.divide(total, _count(x, axis, keepdims))


@op
@accumulating
def nanstd(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the standard deviation of the elements over axes that are not NaN. Over no elements it is NaN.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanstd([1.0, float("nan"), 3.0]))
        1.0
    """
    return p.sqrt(nanvar(x, axis, keepdims))


def _extreme(reduce: Any, fill: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x = tensor(x)
    missing = _is_nan(x)
    if missing is None:
        return reduce(x, axis, keepdims)
    found = reduce(p.select(missing, fill, x), axis, keepdims)
    return p.select(over.all(missing, axis, keepdims), float("nan"), found)


@op
def nanmax(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Returns the largest of the elements over axes that are not NaN, or NaN if there are none.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: a reduced axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanmax([1.0, float("nan"), 2.0]))
        2.0
    """
    return _extreme(over.max, float("-inf"), x, axis, keepdims)


@op
def nanmin(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Returns the smallest of the elements over axes that are not NaN, or NaN if there are none.

    Args:
        |without NaN|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: a reduced axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanmin([1.0, float("nan"), 2.0]))
        1.0
    """
    return _extreme(over.min, float("inf"), x, axis, keepdims)


def _position(find: Any, fill: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x = tensor(x)
    missing = _is_nan(x)
    if missing is None:
        return find(x, axis, keepdims)
    found = find(p.select(missing, fill, x), axis, keepdims)
    whole = over.all(missing, axis, keepdims)
    first = ordering.argmin(cast(missing, "int32"), axis, keepdims)  # where all others are as the fill
    at_fill = over.all(p.logical_or(missing, p.equal(x, fill)), axis, keepdims)
    return p.select(whole, -1, p.select(at_fill, first, found))


@op
def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the int32 index of the largest element along an axis that is not NaN, and -1 if there are none.

    Args:
        |position|

    Shapes:
        (batch, classes) -> (batch,) with axis=-1; any shape -> () with axis=None

    Raises:
        ShapeError: the axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> nan = float("nan")
        >>> ops.convert_to_numpy(ops.nanargmax([[nan, 1.0, 2.0], [nan, nan, nan]], axis=-1)).tolist()
        [2, -1]

    Source: -1 as in Keras 3, where NumPy raises an error: a compiled function cannot raise one.
    """
    return _position(ordering.argmax, float("-inf"), x, axis, keepdims)


@op
def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the int32 index of the smallest element along an axis that is not NaN, and -1 if there are none.

    Args:
        |position|

    Shapes:
        (batch, classes) -> (batch,) with axis=-1; any shape -> () with axis=None

    Raises:
        ShapeError: the axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> nan = float("nan")
        >>> ops.convert_to_numpy(ops.nanargmin([[nan, 1.0, 2.0], [nan, nan, nan]], axis=-1)).tolist()
        [1, -1]

    Source: -1 as in Keras 3, where NumPy raises an error: a compiled function cannot raise one.
    """
    return _position(ordering.argmin, float("inf"), x, axis, keepdims)


@op
def nancumsum(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """Computes the running sum along an axis, with NaN as 0.

    Args:
        |running|

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.nancumsum([1.0, float("nan"), 2.0])).tolist()
        [1.0, 1.0, 3.0]
    """
    return ordering.cumsum(_filled(x, 0.0), axis, dtype)


@op
def nancumprod(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """Computes the running product along an axis, with NaN as 1.

    Args:
        |running|

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.nancumprod([3.0, float("nan"), 2.0])).tolist()
        [3.0, 3.0, 6.0]
    """
    return ordering.cumprod(_filled(x, 1.0), axis, dtype)
