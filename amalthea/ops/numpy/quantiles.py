"""Quantiles and percentiles: elements between which a given share of the others lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import checks, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import accumulating, all_axes, cast, one_axis, op, shape_of, tensor
from amalthea.ops.numpy.ordering import argsort
from amalthea.ops.sorting import order

# Methods whose position is a smooth function of the share q: ``n q + a + q (1 - a - b) - 1``, by a and b.
_POSITIONS = {
    "linear": (1.0, 1.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_STEPS = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation")  # ``n q - 1`` is the position
METHODS = (*_POSITIONS, "lower", "higher", "midpoint", "nearest", *_STEPS)

docstrings.share(
    "quantile options",
    """
axis: int or sequence of ints; the axes to reduce. Defaults to None, which reduces all axes.
method: str; of the two elements around the wanted position, ``"lower"`` and ``"higher"`` take one, ``"nearest"`` the
    nearer one (of two equally near ones, that of the even position), ``"midpoint"`` their mean, and ``"linear"``
    weighs them by their distance. ``"inverted_cdf"``, ``"averaged_inverted_cdf"``, ``"closest_observation"``,
    ``"interpolated_inverted_cdf"``, ``"hazen"``, ``"weibull"``, ``"median_unbiased"`` and ``"normal_unbiased"`` have
    other positions, those of NumPy. Defaults to ``"linear"``.
keepdims: bool; True keeps each reduced axis with size 1. Defaults to False, which removes them.
""",
)
docstrings.share("quantile shares", "q: TensorLike of at most one axis; shares of the elements, from 0 to 1.")
docstrings.share("percentile shares", "q: TensorLike of at most one axis; shares of the elements in percent, 0 to 100.")


def _quantiles(x: Any, q: Any, axis: Any, method: str, keepdims: bool, skip_nan: bool, whole: float = 1.0) -> Any:
    if method not in METHODS:
        raise ArgumentError(f"There is no method {method!r}.", expected=", ".join(map(repr, METHODS)))
    q, shape_q = _shares(q, whole)
    full = shape_of(x)
    axes = all_axes(axis, len(full))
    rest = tuple(n for n in range(len(full)) if n not in axes)
    lead = tuple(full[n] for n in rest)
    n = shapes.size([full[a] for a in axes])
    if not isinstance(n, int):
        raise ShapeError("A quantile needs known sizes of the axes that it reduces.", got=shapes.show(full))
    count: Any = shape_q[0] if shape_q else 1
    if n == 0:
        picked = m.broadcast_to(cast(float("nan"), dtypes.name_of(x)), shape=(*lead, count))
    else:
        flat = m.reshape(m.transpose(x, axes=(*rest, *axes)), shape=(*lead, n))
        picked = _picked(order(flat, -1)[0], q, count, method, skip_nan)
    front = m.transpose(picked, axes=(len(lead), *range(len(lead))))
    return m.reshape(front, shape=(*shape_q, *(r.kept_shape(full, axes) if keepdims else lead)))


def _shares(q: Any, whole: float) -> tuple[Any, Any]:
    """The shares from 0 to 1 in float64 as a vector, and their shape. Those that have a value are checked."""
    q = np.asarray(q, "float64") if _is_plain(q) else tensor(q)  # not rounded to float32: 1 / 6 of 6 elements is 1
    shape = shape_of(q)
    if len(shape) > 1:
        raise ShapeError("Shares of elements are a number or a vector.", expected="at most 1 axis", got=len(shape))
    vector = p.divide(cast(m.reshape(q, shape=(shapes.size(shape),)), "float64"), whole)
    if not isinstance(vector, Tensor):
        values = np.asarray(vector)
        if not ((values >= 0) & (values <= 1)).all():
            raise ArgumentError("A share of the elements is out of its range.", expected=f"0 to {whole:g}", got=q)
    return vector, shape


def _is_plain(q: Any) -> bool:
    """True for a number, or a list of them."""
    return all(map(_is_plain, q)) if isinstance(q, (list, tuple)) else dtypes.is_python_number(q)


def _picked(ordered: Any, q: Any, count: Any, method: str, skip_nan: bool) -> Any:
    """The quantiles ``(..., count)`` of sorted elements ``(..., n)``, in which NaN comes last."""
    *lead, n = shape_of(ordered)
    axis, name = len(lead), dtypes.name_of(ordered)
    known = r.reduce_sum(cast(p.logical_not(p.isnan(ordered)), "int32"), axes=(axis,), keepdims=True)
    largest = p.subtract(cast(known, "float64"), 1.0) if skip_nan else native(np.full((1,), n - 1.0))
    low, weight = (_step if method in _STEPS else _between_two)(largest, q, method)
    last = p.maximum(largest, 0.0)
    low, high = (p.minimum(p.maximum(index, 0.0), last) for index in (low, p.add(low, 1.0)))
    out = below = _at(ordered, low, (*lead, count))
    if weight is not None:
        between, above = p.greater(weight, 0.0), _at(ordered, high, (*lead, count))
        out = p.select(between, _between(below, above, cast(weight, name)), below)
    if skip_nan:
        return out
    return p.select(p.less(known, n), float("nan"), out)


def _between_two(largest: Any, q: Any, method: str) -> tuple[Any, Any]:
    """The index below a position, and the weight of the element after it; None for the one below alone."""
    a, b = _POSITIONS.get(method, (1.0, 1.0))
    if a == b == 1.0:
        at = p.multiply(largest, q)  # whole numbers stay whole in floating point
    else:
        at = p.add(p.add(p.multiply(p.add(largest, 1.0), q), p.multiply(q, 1.0 - a - b)), a - 1.0)
    at = p.minimum(p.maximum(at, 0.0), p.maximum(largest, 0.0))
    if method == "nearest":
        return p.round(at), None
    low = p.floor(at)
    share = p.subtract(at, low)
    if method in _POSITIONS or method == "lower":
        return low, share if method in _POSITIONS else None
    return low, p.multiply(cast(p.greater(share, 0.0), "float64"), 0.5 if method == "midpoint" else 1.0)


def _step(largest: Any, q: Any, method: str) -> tuple[Any, Any]:
    """The same for methods that step from element to element; the index may be below 0.

    The product ``n q`` is compared, and not subtracted: where a library fuses both, a whole product is not whole.
    """
    product = p.multiply(p.add(largest, 1.0), q)
    if method == "closest_observation":
        halves = p.floor(p.multiply(product, 2.0))
        low = p.floor(p.multiply(p.subtract(halves, 3.0), 0.5))
        is_tie = p.logical_and(
            p.equal(p.multiply(product, 2.0), halves), p.equal(p.multiply(low, 2.0), p.subtract(halves, 3.0))
        )
        is_odd = p.logical_not(p.equal(p.multiply(p.floor(p.multiply(low, 0.5)), 2.0), low))
        return low, cast(p.logical_not(p.logical_and(is_tie, is_odd)), "float64")
    whole = p.floor(product)
    is_between = cast(p.logical_not(p.equal(product, whole)), "float64")
    averages = method == "averaged_inverted_cdf"
    return p.subtract(whole, 1.0), p.add(p.multiply(is_between, 0.5), 0.5) if averages else is_between


def _between(low: Any, high: Any, weight: Any) -> Any:
    """``low + (high - low) * weight``, also for two equal infinities."""
    same = p.logical_and(p.isinf(low), p.equal(low, high))
    return p.add(low, p.multiply(p.select(same, 0.0, p.subtract(high, low)), weight))


def _at(ordered: Any, positions: Any, shape: Any) -> Any:
    indices = m.broadcast_to(cast(positions, "int32"), shape=shape)
    return indexing.take_along_axis(ordered, indices, axis=len(shape) - 1)


@op
@accumulating
def quantile(
    x: TensorLike,
    q: TensorLike,
    axis: int | Sequence[int] | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Computes quantiles over axes: the element at position ``q * (n - 1)`` of the ``n`` sorted elements.

    Args:
        |elementwise|
        |quantile shares|
        |quantile options|

    Shapes:
        (batch, features), () -> (batch,) with axis=1; (batch, features), (k,) -> (k, batch) with axis=1

    Raises:
        ArgumentError: no method has this name, or a share is not from 0 to 1.
        ShapeError: the shares have more than one axis, or the size of a reduced axis is not known.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.quantile([1.0, 2.0, 4.0, 10.0], [0.5, 1.0])).tolist()
        [3.0, 10.0]

    Source: NaN over no elements, and where an element is NaN, as in NumPy. Between two equal infinities it is that
    infinity, where NumPy gives NaN.
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=False)


@op
@accumulating
def percentile(
    x: TensorLike,
    q: TensorLike,
    axis: int | Sequence[int] | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Computes percentiles over axes: quantiles whose shares are given in percent.

    Args:
        |elementwise|
        |percentile shares|
        |quantile options|

    Shapes:
        (batch, features), () -> (batch,) with axis=1; (batch, features), (k,) -> (k, batch) with axis=1

    Raises:
        ArgumentError: no method has this name, or a share is not from 0 to 100.
        ShapeError: the shares have more than one axis, or the size of a reduced axis is not known.

    Example:
        >>> from amalthea import ops
        >>> float(ops.percentile([1.0, 2.0, 4.0, 10.0], 75, method="lower"))
        4.0

    Source: NaN over no elements, and where an element is NaN, as in NumPy. Between two equal infinities it is that
    infinity, where NumPy gives NaN.
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=False, whole=100.0)


@op
@accumulating
def nanquantile(
    x: TensorLike,
    q: TensorLike,
    axis: int | Sequence[int] | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Computes quantiles over axes of the elements that are not NaN. Over no elements they are NaN.

    Args:
        |elementwise|
        |quantile shares|
        |quantile options|

    Shapes:
        (batch, features), () -> (batch,) with axis=1; (batch, features), (k,) -> (k, batch) with axis=1

    Raises:
        ArgumentError: no method has this name, or a share is not from 0 to 1.
        ShapeError: the shares have more than one axis, or the size of a reduced axis is not known.

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanquantile([1.0, float("nan"), 4.0, 10.0], 0.5))
        4.0
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=True)


@op
@accumulating
def nanpercentile(
    x: TensorLike,
    q: TensorLike,
    axis: int | Sequence[int] | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Computes percentiles over axes of the elements that are not NaN. Over no elements they are NaN.

    Args:
        |elementwise|
        |percentile shares|
        |quantile options|

    Shapes:
        (batch, features), () -> (batch,) with axis=1; (batch, features), (k,) -> (k, batch) with axis=1

    Raises:
        ArgumentError: no method has this name, or a share is not from 0 to 100.
        ShapeError: the shares have more than one axis, or the size of a reduced axis is not known.

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanpercentile([1.0, float("nan"), 4.0, 10.0], 25))
        2.5
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=True, whole=100.0)


@op
@accumulating
def nanmedian(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Computes the median over axes of the elements that are not NaN. Over no elements it is NaN.

    Args:
        |elementwise|
        |reduced axes|

    Shapes:
        (batch, features) -> (batch,) with axis=1; any shape -> () with axis=None

    Raises:
        ShapeError: the size of a reduced axis is not known.

    Example:
        >>> from amalthea import ops
        >>> float(ops.nanmedian([1.0, float("nan"), 4.0]))
        2.5
    """
    return _quantiles(x, 0.5, axis, "midpoint", keepdims, skip_nan=True)


@op
def argpartition(x: TensorLike, kth: int, axis: int | None = -1) -> Any:
    """Returns int32 indices that bring the element of rank ``kth`` to its place, smaller ones before, larger after.

    Args:
        |any tensor|
        kth: int; the rank, from 0 for the smallest element. Negative ones count from the largest.
        axis: int; the axis to partition. Defaults to -1, the last axis. None partitions the flattened input.

    Shapes:
        any shape -> the same shape; with axis=None, one axis with all elements

    Raises:
        ArgumentError: the axis does not have so many elements.

    Example:
        >>> from amalthea import ops
        >>> x = ops.array([40, 10, 30, 20])
        >>> indices = ops.argpartition(x, 1)
        >>> int(x[indices[1]])
        20

    Source: all elements are sorted, which is one of the partitions; under Keras 3 the order of the others is undefined.
    """
    a = tensor(x)
    n = shapes.size(shape_of(a)) if axis is None else shape_of(a)[one_axis(axis, len(a.shape))]
    checks.integer(kth, "kth", "ops.argpartition")
    if isinstance(n, int) and not -n <= kth < n:
        raise ArgumentError("An element of this rank does not exist.", expected=f"{-n} to {n - 1}", got=kth)
    return argsort(a, axis)
