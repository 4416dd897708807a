"""Ops that take many elements to fewer: sums, means, extremes, positions, running sums, sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing, movement
from amalthea.engine.primitives import reductions as r
from amalthea.ops.base import accumulating, all_axes, cast, one_axis, op, promoted, shape_of, tensor
from amalthea.ops.numpy.arithmetic import as_bool, isclose


def _summable(x: Any, dtype: Any = None) -> Any:
    """Bools and short whole numbers are added up as int32, as in Keras."""
    x = tensor(x)
    name = dtypes.name_of(x)
    if dtype is not None:
        return cast(x, dtypes.standardize(dtype))
    if name in ("bool", "int8", "int16"):
        return cast(x, "int32")
    return cast(x, "uint32") if name in ("uint8", "uint16") else x


@op
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over the axes (all by default)."""
    x = _summable(x)
    return r.reduce_sum(x, axes=all_axes(axis, len(x.shape)), keepdims=bool(keepdims))


@op
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over the axes (all by default)."""
    x = _summable(x, dtype)
    return r.reduce_prod(x, axes=all_axes(axis, len(x.shape)), keepdims=bool(keepdims))


def count(shape: shapes.Shape, axes: tuple[int, ...]) -> Any:
    """How many elements are reduced to one. A symbol counts as itself: such a graph only finds types."""
    number = shapes.size([shape[axis] for axis in axes])
    return float(number) if isinstance(number, int) else 1.0


def mean_of(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    n = count(shape_of(x), axes)
    total = r.reduce_sum(x, axes=axes, keepdims=keepdims)
    return p.multiply(total, 1.0 / n if n else float("nan"))


@op
@accumulating
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over the axes (all by default), as a float."""
    return mean_of(x, all_axes(axis, len(x.shape)), bool(keepdims))


@op
@accumulating
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of the squared distances from the mean."""
    axes = all_axes(axis, len(x.shape))
    return mean_of(p.square(p.subtract(x, mean_of(x, axes, True))), axes, bool(keepdims))


@op
@accumulating
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of :func:`var`. Of equal elements it is 0, and so is its gradient there."""
    return p.sqrt(var(x, axis, keepdims))


@op
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean, each element counted with its weight."""
    if weights is None:
        return mean(x, axis)
    x, weights = promoted(x, weights, least=config.floatx())
    name, to = dtypes.name_of(x), dtypes.accumulator(dtypes.name_of(x))
    x, weights = cast(x, to), cast(weights, to)
    axes = all_axes(axis, len(x.shape))
    if len(weights.shape) == 1 and len(x.shape) > 1:
        shape = tuple(shape_of(weights)[0] if a in axes else 1 for a in range(len(x.shape)))
        weights = movement.reshape(weights, shape=shape)
    weights = movement.broadcast_to(weights, shape=shapes.broadcast(shape_of(x), shape_of(weights)))
    total = r.reduce_sum(weights, axes=axes)
    return cast(p.divide(r.reduce_sum(p.multiply(x, weights), axes=axes), total), name)


def _is_over_nothing(x: Any, axis: Any) -> bool:
    """Whether some axis that is reduced is known to have no elements."""
    shape = shape_of(x)
    return 0 in [shape[a] for a in all_axes(axis, len(shape))]


def _over_nothing(x: Any, axis: Any, keepdims: bool, value: Any) -> Any:
    """The result of a reduction over no elements (its identity), in the shape of the output."""
    full, axes = shape_of(x), all_axes(axis, len(x.shape))
    shape = r.kept_shape(full, axes) if keepdims else tuple(d for a, d in enumerate(full) if a not in axes)
    return movement.broadcast_to(native(np.asarray(value)), shape=shape)


def _extreme(row: Any, x: Any, axis: Any, keepdims: bool, initial: Any, pick: Any) -> Any:
    x = tensor(x)
    if initial is not None and _is_over_nothing(x, axis):
        return cast(_over_nothing(x, axis, keepdims, initial), dtypes.name_of(x))
    if dtypes.name_of(x) == "bool":
        return cast(_extreme(row, cast(x, "int32"), axis, keepdims, initial, pick), "bool")
    out = row(x, axes=all_axes(axis, len(x.shape)), keepdims=bool(keepdims))
    return out if initial is None else pick(out, initial)


@op
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest over the axes (all by default), and no smaller than ``initial``."""
    return _extreme(r.reduce_max, x, axis, keepdims, initial, p.maximum)


@op
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest over the axes (all by default), and no larger than ``initial``."""
    return _extreme(r.reduce_min, x, axis, keepdims, initial, p.minimum)


@op
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The same as :func:`max`."""
    return max(x, axis, keepdims)


@op
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The same as :func:`min`."""
    return min(x, axis, keepdims)


@op
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """True where any element over the axes is true; False over nothing."""
    x = cast(as_bool(x), "int32")
    if _is_over_nothing(x, axis):
        return _over_nothing(x, axis, keepdims, False)
    return cast(r.reduce_max(x, axes=all_axes(axis, len(x.shape)), keepdims=bool(keepdims)), "bool")


@op
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """True where every element over the axes is true; True over nothing."""
    x = cast(as_bool(x), "int32")
    if _is_over_nothing(x, axis):
        return _over_nothing(x, axis, keepdims, True)
    return cast(r.reduce_min(x, axes=all_axes(axis, len(x.shape)), keepdims=bool(keepdims)), "bool")


@op
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """True if all elements are close, as :func:`isclose` says."""
    return all(isclose(x1, x2, rtol, atol, equal_nan))


@op
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not zero."""
    return sum(cast(as_bool(x), "int32"), axis)


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
def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Where the largest stands along the axis, or in the flat order without one; int32."""
    return _position(r.argmax, x, axis, keepdims)


@op
def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Where the smallest stands along the axis, or in the flat order without one; int32."""
    return _position(r.argmin, x, axis, keepdims)


def _running(row: Any, x: Any, axis: Any, dtype: Any) -> Any:
    x = tensor(x) if dtype is None else cast(tensor(x), dtypes.standardize(dtype))
    x = cast(x, "int32") if dtypes.name_of(x) == "bool" else x
    if axis is None:
        x, axis = movement.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    return row(x, axis=one_axis(axis, len(x.shape)))


@op
def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The running sum along the axis, or over all elements in order, in the dtype of x (int32 for bools)."""
    return _running(r.cumsum, x, axis, dtype)


@op
def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The running product along the axis, or over all elements in order."""
    return _running(r.cumprod, x, axis, dtype)


def _order(x: Any, axis: Any) -> tuple[Any, Any]:
    """Sorted values and where they stood, smallest first, NaN last: the largest of the mirrored values."""
    x = tensor(x)
    if dtypes.name_of(x) == "bool":
        values, places = _order(cast(x, "uint8"), axis)
        return cast(values, "bool"), places
    if axis is None:
        x, axis = movement.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    axis, last = one_axis(axis, len(x.shape)), len(x.shape) - 1
    swap = list(range(last + 1))
    swap[axis], swap[last] = last, axis
    mirrored = _mirrored(movement.transpose(x, axes=tuple(swap)))
    values, places = indexing.top_k(mirrored, k=shape_of(mirrored)[-1])
    return movement.transpose(_mirrored(values), axes=tuple(swap)), movement.transpose(places, axes=tuple(swap))


def _mirrored(x: Any) -> Any:
    """The values in the opposite order: negated, or for whole numbers with every bit turned over."""
    name = dtypes.name_of(x)
    if dtypes.is_float(name):
        return p.negative(x)
    ones = np.iinfo(name).max if name.startswith("uint") else -1
    return p.bitwise_xor(x, native(np.asarray(ones, dtypes.to_numpy(name))))


@op
def sort(x: Any, axis: Any = -1) -> Any:
    """The elements in rising order along the axis."""
    return _order(x, axis)[0]


@op
def argsort(x: Any, axis: Any = -1) -> Any:
    """Where the elements of the sorted order stand; equal ones keep their order. int32."""
    return _order(x, axis)[1]


@op
@accumulating
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over the axes, without overflow."""
    axes = all_axes(axis, len(x.shape))
    if _is_over_nothing(x, axis):
        return cast(_over_nothing(x, axis, keepdims, float("-inf")), dtypes.name_of(x))
    top = r.reduce_max(x, axes=axes, keepdims=True)
    top = p.select(p.isinf(top), 0.0, top)
    total = p.log(r.reduce_sum(p.exp(p.subtract(x, top)), axes=axes, keepdims=bool(keepdims)))
    kept = top if keepdims else movement.reshape(top, shape=shape_of(total))
    return p.add(total, kept)


@op
@accumulating
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle of the sorted elements, or the mean of the two in the middle; NaN over nothing, and where one is."""
    if _is_over_nothing(x, axis):
        return cast(_over_nothing(x, axis, keepdims, float("nan")), dtypes.name_of(x))
    rank, axes = len(x.shape), all_axes(axis, len(x.shape))
    rest = [a for a in range(rank) if a not in axes]
    full = shape_of(x)
    flat = movement.transpose(x, axes=(*rest, *axes))
    n = int(np.prod([full[a] for a in axes]))
    flat = movement.reshape(flat, shape=(*(full[a] for a in rest), n))
    ordered, last = _order(flat, -1)[0], len(rest)
    low = movement.part(ordered, last, (n - 1) // 2, (n - 1) // 2 + 1)
    high = movement.part(ordered, last, n // 2, n // 2 + 1)
    middle = p.add(p.multiply(low, 0.5), p.multiply(high, 0.5))
    middle = p.select(p.isnan(movement.part(ordered, last, n - 1, n)), float("nan"), middle)
    shape = r.kept_shape(full, axes) if keepdims else tuple(full[a] for a in rest)
    return movement.reshape(middle, shape=shape)
