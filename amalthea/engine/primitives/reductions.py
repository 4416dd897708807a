"""Reductions along axes. Axes are non-negative, and a tuple."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives.elementwise import add, cast, divide, equal, multiply
from amalthea.engine.primitives.movement import broadcast_to, pad, part, reshape, transpose
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import ShapeError


def _check_axes(x: Type, axes: tuple[int, ...]) -> None:
    if any(not 0 <= axis < len(x.shape) for axis in axes) or len(set(axes)) < len(axes):
        raise ShapeError(
            "The axes to reduce are not different axes of the input.",
            expected=f"different axes of 0 to {len(x.shape) - 1}",
            got=f"{axes} for {x}",
        )


def kept_shape(shape: shapes.Shape, axes: tuple[int, ...]) -> shapes.Shape:
    """Return the shape with size 1 on each of the axes."""
    return tuple(1 if axis in axes else dim for axis, dim in enumerate(shape))


def _reduced(x: Type, *, axes: tuple[int, ...], keepdims: bool) -> Type:
    _check_axes(x, axes)
    if keepdims:
        return Type(kept_shape(x.shape, axes), x.dtype)
    return Type(tuple(d for axis, d in enumerate(x.shape) if axis not in axes), x.dtype)


def _check_not_empty(x: Type, axes: tuple[int, ...]) -> None:
    if any(x.shape[axis] == 0 for axis in axes):
        raise ShapeError(
            "An axis without elements does not have a largest or smallest element.",
            expected="at least 1 element along each axis that is reduced",
            got=f"axes {axes} of {x}",
        )


def _extreme(x: Type, *, axes: tuple[int, ...], keepdims: bool) -> Type:
    out = _reduced(x, axes=axes, keepdims=keepdims)
    _check_not_empty(x, axes)
    return out


def _position(x: Type, *, axis: int) -> Type:
    _check_axes(x, (axis,))
    _check_not_empty(x, (axis,))
    return Type(x.shape[:axis] + x.shape[axis + 1 :], "int32")


def _along(x: Type, *, axis: int, reverse: bool) -> Type:
    _check_axes(x, (axis,))
    return x


def _reductions(primitive):
    return [
        sample(numbers(2, 3, 4), axes=(1,)),
        sample(numbers(2, 3, 4), axes=(0, 2), keepdims=True),
        sample(numbers(2, 3), axes=(0, 1)),
        sample(np.array([[3, 1, 2], [4, -5, 6]], "int32"), axes=(1,)),
    ]


reduction = Family(_reduced, _reductions)
extreme = Family(_extreme, _reductions)
position = Family(
    _position,
    lambda primitive: (
        [sample(numbers(2, 3, 4), axis=axis) for axis in range(3)] + [sample(np.array([1.0, 1.0]), axis=0)]
    ),
)


@primitive(reduction, accumulates=True)
def reduce_sum(x, *, axes, keepdims=False):
    """The sum over the axes."""
    return np.sum(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


@primitive(reduction, accumulates=True)
def reduce_prod(x, *, axes, keepdims=False):
    """The product over the axes."""
    return np.prod(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


@primitive(extreme)
def reduce_max(x, *, axes, keepdims=False):
    """The largest element over the axes; equal ones share the gradient."""
    return np.max(x, axis=axes, keepdims=keepdims)


@primitive(extreme)
def reduce_min(x, *, axes, keepdims=False):
    """The smallest element over the axes; equal ones share the gradient."""
    return np.min(x, axis=axes, keepdims=keepdims)


@primitive(position)
def argmax(x, *, axis):
    """The index of the largest element along one axis; the first of equal ones."""
    return np.argmax(x, axis=axis).astype("int32")


@primitive(position)
def argmin(x, *, axis):
    """The index of the smallest element along one axis; the first of equal ones."""
    return np.argmin(x, axis=axis).astype("int32")


@primitive(Family(_along), accumulates=True)
def cumsum(x, *, axis, reverse=False):
    """The cumulative sum along one axis; from the end if ``reverse``."""
    if reverse:
        return np.flip(np.cumsum(np.flip(x, axis), axis=axis, dtype=x.dtype), axis)
    return np.cumsum(x, axis=axis, dtype=x.dtype)


@primitive(Family(_along), accumulates=True)
def cumprod(x, *, axis, reverse=False):
    """The cumulative product along one axis; from the end if ``reverse``."""
    if reverse:
        return np.flip(np.cumprod(np.flip(x, axis), axis=axis, dtype=x.dtype), axis)
    return np.cumprod(x, axis=axis, dtype=x.dtype)


def _cumprod(x, *, axis, reverse):
    """Multiply over distances 1, 2, 4, ... (a parallel scan)."""
    size, step = x.type.shape[axis], 1
    while step < size:
        x = multiply(x, _moved(x, axis, step, reverse, fill=1))
        step *= 2
    return x


def _only(x, axis, width):
    return tuple(width if i == axis else 0 for i in range(x.ndim))


cumprod.decomposition = _cumprod


def spread(g, x, axes):
    """Broadcast a reduced value back over the axes of the reduction."""
    return broadcast_to(reshape(g, shape=kept_shape(x.type.shape, axes)), shape=x.type.shape)


def _extreme_gradient(g, x, out, *, axes, keepdims):
    chosen = cast(equal(x, spread(out, x, axes)), dtype=x.dtype)
    share = divide(g, reduce_sum(chosen, axes=axes, keepdims=keepdims))
    return (multiply(chosen, spread(share, x, axes)),)


def _product_gradient(g, x, out, *, axes, keepdims):
    """The product of the elements before and the elements after, which is right with zeros among them."""
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    order, shape = (*rest, *axes), x.type.shape
    lead = tuple(shape[a] for a in rest)
    turned = transpose(x, axes=order)
    flat = reshape(turned, shape=(*lead, shapes.size([shape[a] for a in axes])))
    last = len(lead)
    others = multiply(_before(flat, last), _before(flat, last, reverse=True))
    back = transpose(reshape(others, shape=turned.type.shape), axes=tuple(order.index(a) for a in range(x.ndim)))
    return (multiply(spread(g, x, axes), back),)


def _before(x, axis, reverse=False):
    """Return, for each element, the product of those before it along an axis (after it, if ``reverse``).

    1 for the first.
    """
    return cumprod(_moved(x, axis, 1, reverse, fill=1), axis=axis, reverse=reverse)


def _moved(x, axis, steps, reverse, fill):
    """Shift elements by ``steps`` positions along an axis (back, if ``reverse``), and fill the free positions."""
    size = x.type.shape[axis]
    kept = part(x, axis, steps, size) if reverse else part(x, axis, 0, size - steps)
    low, high = (0, steps) if reverse else (steps, 0)
    return pad(kept, low=_only(x, axis, low), high=_only(x, axis, high), value=fill)


def _running_product_gradient(g, x, out, *, axis, reverse):
    """``before[i] * total[i]`` with ``total[i] = g[i] + x[i + 1] * total[i + 1]``, by a parallel scan."""
    size = x.type.shape[axis]
    if size == 0:
        return (g,)
    total, factor = g, _moved(x, axis, 1, not reverse, fill=0)
    step = 1
    while step < size:
        total = add(total, multiply(factor, _moved(total, axis, step, not reverse, fill=0)))
        factor = multiply(factor, _moved(factor, axis, step, not reverse, fill=0))
        step *= 2
    return (multiply(_before(x, axis, reverse), total),)


reduce_sum.gradient = lambda g, x, out, *, axes, keepdims: (spread(g, x, axes),)
reduce_prod.gradient = _product_gradient
reduce_max.gradient = _extreme_gradient
reduce_min.gradient = _extreme_gradient
cumsum.gradient = lambda g, x, out, *, axis, reverse: (cumsum(g, axis=axis, reverse=not reverse),)
cumprod.gradient = _running_product_gradient
cumsum.samples = lambda: [sample(numbers(3, 4), axis=axis, reverse=back) for axis in (0, 1) for back in (False, True)]
_ZEROS = np.array([[1.5, 0.0, -2.0], [0.0, 3.0, 0.0], [0.5, -1.0, 2.0]])  # one in a row, several, none
cumprod.samples = lambda: [
    sample(x, axis=1, reverse=back) for x in (numbers(3, 4, low=0.5), _ZEROS) for back in (False, True)
]
reduce_prod.samples = lambda: [
    *_reductions(None),
    sample(_ZEROS, axes=(1,)),
    sample(_ZEROS, axes=(0, 1), keepdims=True),
]


# ------------------------------------------------------------------------------------------------ sizes


def size_of(dim: shapes.DimLike) -> Any:
    """Return a dimension as an int, or as an int32 tensor that the graph computes, for one with symbols."""
    if not isinstance(dim, shapes.Dim):
        return dim
    return reduce_sum(broadcast_to(np.ones((), "int32"), shape=(dim,)), axes=(0,), keepdims=False)


def inverse_count(x: Any, axes: Sequence[int]) -> Any:
    """Return 1 / the number of elements along some axes: a float (NaN for none), or a tensor of the dtype of ``x``."""
    number = size_of(shapes.size([type_of(x).shape[axis] for axis in axes]))
    if isinstance(number, int):
        return 1.0 / number if number else float("nan")
    return cast(divide(1.0, cast(number, dtype="float32")), dtype=type_of(x).dtype)
