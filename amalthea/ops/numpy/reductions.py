"""Ops that reduce many elements to one: sums, means, extremes, logical reductions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement
from amalthea.engine.primitives import reductions as r
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.ops.base import (
    accumulating,
    all_axes,
    as_bool,
    cast,
    is_over_nothing,
    mean_of,
    op,
    over_nothing,
    promoted,
    shape_of,
    summable,
    tensor,
)
from amalthea.ops.numpy.comparison import isclose


@op
def sum(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the sum of elements over axes.

    Args:
        x: TensorLike of any shape and dtype. Bools, int8 and int16 are added up as int32, uint8 and uint16 as uint32;
            any other dtype is kept.
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> x = [[1, 2, 3], [4, 5, 6]]
        >>> int(ops.sum(x)), ops.convert_to_numpy(ops.sum(x, axis=0)).tolist()
        (21, [5, 7, 9])

    Source: float16 and bfloat16 are added up in float32 and rounded once; Keras 3 does so on some backends only.
    """
    a = summable(x)
    return r.reduce_sum(a, axes=all_axes(axis, len(a.shape)), keepdims=bool(keepdims))


@op
def prod(
    x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False, dtype: DTypeLike | None = None
) -> Any:
    """Computes the product of elements over axes.

    Args:
        |any tensor|
        |reduced axes|
        dtype: DTypeLike; dtype in which the product is computed. Defaults to None: int32 for bools, int8 and int16,
            uint32 for uint8 and uint16, else the dtype of ``x``.

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.prod([[1, 2, 3], [4, 5, 6]], axis=1)).tolist()
        [6, 120]

    Source: differs from Keras 3 in the gradient at zeros: the product of the other factors, NaN there on some backends.
    """
    a = summable(x, dtype)
    return r.reduce_prod(a, axes=all_axes(axis, len(a.shape)), keepdims=bool(keepdims))


@op
@accumulating
def mean(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the mean of elements over axes: their sum divided by their number. Over no elements it is NaN.

    Args:
        |elementwise|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.mean([[1, 2, 3], [4, 5, 9]], axis=1)).tolist()
        [2.0, 6.0]

    Source: float16 and bfloat16 are added up in float32 and rounded once; Keras 3 does so on some backends only.
    """
    return mean_of(x, all_axes(axis, len(shape_of(x))), bool(keepdims))


@op
@accumulating
def var(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the variance of elements over axes: ``mean((x - mean(x)) ** 2)``.

    Args:
        |elementwise|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.var([1, 2, 3, 4]))
        1.25
    """
    axes = all_axes(axis, len(shape_of(x)))
    distance = p.subtract(x, mean_of(x, axes, True))
    if dtypes.is_complex(dtypes.name_of(x)):
        distance = p.absolute(distance)
    return mean_of(p.square(distance), axes, bool(keepdims))


@op
@accumulating
def std(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the standard deviation of elements over axes: ``sqrt(mean((x - mean(x)) ** 2))``.

    Args:
        |elementwise|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.std([[1, 3], [5, 5]], axis=1)).tolist()
        [1.0, 0.0]

    Source: differs from Keras 3 in the gradient: 0 where all elements are equal, as for :func:`sqrt` at 0.
    """
    return p.sqrt(var(x, axis, keepdims))


@op
def average(x: TensorLike, axis: int | Sequence[int] | None = None, weights: TensorLike | None = None) -> Any:
    """Computes the weighted mean over axes: ``sum(weights * x) / sum(weights)``, as a float.

    Args:
        |elementwise|
        axis: int or sequence of ints; the axes to reduce. Defaults to None, which reduces all axes.
        weights: TensorLike that broadcasts against ``x``, or one axis of weights for the elements along ``axis``.
            Defaults to None, which weighs all elements alike.

    Shapes:
        (batch, features), (features,) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.average([[1, 2, 6], [0, 0, 4]], axis=1, weights=[1, 1, 2])).tolist()
        [3.75, 2.0]
    """
    if weights is None:
        return mean(x, axis)
    a, w = promoted(x, weights, least=config.floatx())
    name, to = dtypes.name_of(a), dtypes.accumulator(dtypes.name_of(a))
    a, w = cast(a, to), cast(w, to)
    axes = all_axes(axis, len(a.shape))
    if len(w.shape) == 1 and len(a.shape) > 1:
        w = movement.reshape(w, shape=tuple(shape_of(w)[0] if i in axes else 1 for i in range(len(a.shape))))
    w = movement.broadcast_to(w, shape=shapes.broadcast(shape_of(a), shape_of(w)))
    total = r.reduce_sum(w, axes=axes)
    return cast(p.divide(r.reduce_sum(p.multiply(a, w), axes=axes), total), name)


def _extreme(row: Any, x: Any, axis: Any, keepdims: bool, initial: Any, pick: Any) -> Any:
    x = tensor(x)
    if initial is not None and is_over_nothing(x, axis):
        return cast(over_nothing(x, axis, keepdims, initial), dtypes.name_of(x))
    if dtypes.name_of(x) == "bool":
        return cast(_extreme(row, cast(x, "int32"), axis, keepdims, initial, pick), "bool")
    out = row(x, axes=all_axes(axis, len(x.shape)), keepdims=bool(keepdims))
    return out if initial is None else pick(out, initial)


@op
def max(
    x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False, initial: float | None = None
) -> Any:
    """Returns the largest element over axes. Equal largest elements share the gradient.

    Args:
        |any tensor|
        |reduced axes|
        initial: number of the dtype of ``x``; the result is at least this number, and equals it over no elements.
            Defaults to None, no bound.

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: a reduced axis has no elements and ``initial`` is None.

    Example:
        >>> from amalthea import ops
        >>> x = [[1, 9, 3], [4, 5, 6]]
        >>> ops.convert_to_numpy(ops.max(x, axis=1)).tolist(), int(ops.max(x, initial=100))
        ([9, 6], 100)
    """
    return _extreme(r.reduce_max, x, axis, keepdims, initial, p.maximum)


@op
def min(
    x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False, initial: float | None = None
) -> Any:
    """Returns the smallest element over axes. Equal smallest elements share the gradient.

    Args:
        |any tensor|
        |reduced axes|
        initial: number of the dtype of ``x``; the result is at most this number, and equals it over no elements.
            Defaults to None, no bound.

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: a reduced axis has no elements and ``initial`` is None.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.min([[1, 9, 3], [4, 5, 6]], axis=0)).tolist()
        [1, 5, 3]
    """
    return _extreme(r.reduce_min, x, axis, keepdims, initial, p.minimum)


@op
def amax(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Returns the largest element over axes; the same as :func:`max` without ``initial``.

    Args:
        |any tensor|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: a reduced axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.amax([[1, 9, 3], [4, 5, 6]], axis=1, keepdims=True)).tolist()
        [[9], [6]]
    """
    return max(x, axis, keepdims)


@op
def amin(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Returns the smallest element over axes; the same as :func:`min` without ``initial``.

    Args:
        |any tensor|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: a reduced axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.amin([[1, 9, 3], [4, 5, 6]], axis=1, keepdims=True)).tolist()
        [[1], [4]]
    """
    return min(x, axis, keepdims)


@op
def any(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Returns True where at least one element over axes is true; False over no elements.

    Args:
        x: TensorLike of any shape and dtype. Elements other than 0 count as True.
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.any([[True, False], [False, False]], axis=1)).tolist()
        [True, False]
    """
    a = cast(as_bool(x), "int32")
    if is_over_nothing(a, axis):
        return over_nothing(a, axis, keepdims, False)
    return cast(r.reduce_max(a, axes=all_axes(axis, len(a.shape)), keepdims=bool(keepdims)), "bool")


@op
def all(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Returns True where every element over axes is true; True over no elements.

    Args:
        x: TensorLike of any shape and dtype. Elements other than 0 count as True.
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.all([[True, False], [True, True]], axis=1)).tolist()
        [False, True]
    """
    a = cast(as_bool(x), "int32")
    if is_over_nothing(a, axis):
        return over_nothing(a, axis, keepdims, True)
    return cast(r.reduce_min(a, axes=all_axes(axis, len(a.shape)), keepdims=bool(keepdims)), "bool")


@op
def allclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Returns True if ``|x1 - x2| <= atol + rtol * |x2|`` for all elements, as :func:`isclose` compares them.

    Args:
        |float pair|
        |tolerance|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> ()

    Example:
        >>> from amalthea import ops
        >>> bool(ops.allclose([1.0, 2.0], [1.0, 2.00001])), bool(ops.allclose([1.0, 2.0], [1.0, 2.1]))
        (True, False)
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))


@op
def count_nonzero(x: TensorLike, axis: int | Sequence[int] | None = None) -> Any:
    """Counts the elements that are not 0, as int32.

    Args:
        |any tensor|
        axis: int or sequence of ints; the axes to count over. Defaults to None, which counts over all axes.

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.count_nonzero([[0, 7, 0], [1, 0, 2]], axis=1)).tolist()
        [1, 2]
    """
    return sum(cast(as_bool(x), "int32"), axis)


@op
@accumulating
def logsumexp(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes ``log(sum(exp(x)))`` over axes without overflow: the maximum is subtracted before and added after.

    Args:
        |elementwise|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Example:
        >>> from amalthea import ops
        >>> float(ops.logsumexp([1000.0, 1000.0]))  # 1000 + log(2)
        1000.693
    """
    axes = all_axes(axis, len(shape_of(x)))
    if is_over_nothing(x, axis):
        return cast(over_nothing(x, axis, keepdims, float("-inf")), dtypes.name_of(x))
    top = r.reduce_max(x, axes=axes, keepdims=True)
    top = p.select(p.isinf(top), 0.0, top)
    total = p.log(r.reduce_sum(p.exp(p.subtract(x, top)), axes=axes, keepdims=bool(keepdims)))
    kept = top if keepdims else movement.reshape(top, shape=shape_of(total))
    return p.add(total, kept)


@op
def ptp(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the range of elements over axes: the largest one minus the smallest one.

    Args:
        x: TensorLike of any shape and of any dtype but bool. The dtype is kept.
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        DtypeError: the input holds bools.
        ShapeError: a reduced axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ptp([[1, 9, 3], [4, 5, 6]], axis=1)).tolist()
        [8, 2]
    """
    return p.subtract(max(x, axis, keepdims), min(x, axis, keepdims))
