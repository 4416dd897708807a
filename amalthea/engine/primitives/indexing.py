"""Gather and scatter primitives: elements picked by computed indices, and their inverses, which add.

Negative indices count from the end. Indices out of range are an error on some libraries and undefined on others, so
callers check or clip the indices of users.
"""

from __future__ import annotations

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.movement import broadcast_to
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


def _check(x: Type, indices: Type, axis: int = 0) -> None:
    if not dtypes.is_integer(indices.dtype):
        raise DtypeError("An index is not an integer.", expected="int32 or int64", got=indices)
    if not 0 <= axis < len(x.shape):
        raise ShapeError("The input does not have the axis to pick along.", got=f"axis {axis} for {x}")


def _gather(x: Type, indices: Type, *, axis: int) -> Type:
    _check(x, indices, axis)
    return Type(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], x.dtype)


def _scatter_add(x: Type, indices: Type, updates: Type, *, axis: int) -> Type:
    wanted = _gather(x, indices, axis=axis)
    if len(wanted.shape) != len(updates.shape) or not all(map(shapes.agree, wanted.shape, updates.shape)):
        raise ShapeError("The updates do not have the shape that the indices pick.", expected=wanted, got=updates)
    return x


def _along(x: Type, indices: Type, *, axis: int) -> Type:
    _check(x, indices, axis)
    same = len(x.shape) == len(indices.shape)
    if not same or not all(shapes.agree(a, b) for i, (a, b) in enumerate(zip(x.shape, indices.shape)) if i != axis):
        raise ShapeError(f"The indices and the input differ on another axis than {axis}.", expected=x, got=indices)
    return Type(indices.shape, x.dtype)


def _add_along(x: Type, indices: Type, updates: Type, *, axis: int) -> Type:
    _along(x, indices, axis=axis)
    return x


def _points(x: Type, indices: Type) -> Type:
    _check(x, indices)
    depth = indices.shape[-1] if indices.shape else None
    if not isinstance(depth, int) or depth > len(x.shape):
        raise ShapeError("The last axis of the indices is not a point's coordinates.", expected=x, got=indices)
    return Type(indices.shape[:-1] + x.shape[depth:], x.dtype)


def _add_points(x: Type, indices: Type, updates: Type) -> Type:
    wanted = _points(x, indices)
    if len(wanted.shape) != len(updates.shape) or not all(map(shapes.agree, wanted.shape, updates.shape)):
        raise ShapeError("The updates do not fit the points.", expected=wanted, got=updates)
    return x


def _top(x: Type, *, k: int) -> tuple[Type, Type]:
    if not x.shape or (isinstance(x.shape[-1], int) and k > x.shape[-1]):
        raise ShapeError(f"There are no {k} elements along the last axis.", got=x)
    shape = (*x.shape[:-1], k)
    return Type(shape, x.dtype), Type(shape, "int32")


@primitive(Family(_gather))
def gather(x, indices, *, axis):
    """The slices of ``x`` along ``axis`` at the indices."""
    return np.take(x, indices, axis=axis)


@primitive(Family(_scatter_add), accumulates=True)
def scatter_add(x, indices, updates, *, axis):
    """``x`` with each update added to the slice along ``axis`` that its index names; repeated indices add up."""
    out = np.array(np.moveaxis(x, axis, 0))
    lead = np.moveaxis(updates, range(axis, axis + indices.ndim), range(indices.ndim))
    np.add.at(out, indices, lead)
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))


@primitive(Family(_along))
def take_along_axis(x, indices, *, axis):
    """One element of ``x`` per index, taken along ``axis`` at the index's position on the other axes."""
    return np.take_along_axis(x, indices, axis=axis)


@primitive(Family(_add_along), accumulates=True)
def add_along_axis(x, indices, updates, *, axis):
    """``x`` with each update added where :func:`take_along_axis` would read."""
    out = np.array(x)
    grid = list(np.indices(indices.shape, sparse=True))
    grid[axis] = indices
    np.add.at(out, tuple(grid), updates)
    return out


@primitive(Family(_points))
def gather_points(x, indices):
    """The slices of ``x`` at points: the last axis of the indices holds coordinates on the first axes of ``x``."""
    return x[tuple(np.moveaxis(indices, -1, 0))]


@primitive(Family(_add_points), accumulates=True)
def scatter_add_points(x, indices, updates):
    """``x`` with updates added where :func:`gather_points` would read."""
    out = np.array(x)
    np.add.at(out, tuple(np.moveaxis(indices, -1, 0)), updates)
    return out


@primitive(Family(_top), single=False)
def top_k(x, *, k):
    """The k largest elements along the last axis in descending order, and their indices.

    Of equal ones the first is first.
    """
    order = np.argsort(_descending(x), axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, axis=-1), order.astype("int32")


def _descending(x):
    return np.invert(x) if x.dtype.kind in "iub" else -x


def _zeros(of):
    return broadcast_to(np.zeros((), dtypes.to_numpy(of.dtype)), shape=of.type.shape)


gather.gradient = lambda g, x, i, out, *, axis: (scatter_add(_zeros(x), i, g, axis=axis), None)
scatter_add.gradient = lambda g, x, i, u, out, *, axis: (g, None, gather(g, i, axis=axis))
take_along_axis.gradient = lambda g, x, i, out, *, axis: (add_along_axis(_zeros(x), i, g, axis=axis), None)
add_along_axis.gradient = lambda g, x, i, u, out, *, axis: (g, None, take_along_axis(g, i, axis=axis))
gather_points.gradient = lambda g, x, i, out: (scatter_add_points(_zeros(x), i, g), None)
scatter_add_points.gradient = lambda g, x, i, u, out: (g, None, gather_points(g, i))
top_k.gradient = lambda g, x, out, *, k: (add_along_axis(_zeros(x), out[1], g[0], axis=x.ndim - 1),)

gather.samples = lambda: [
    sample(numbers(4, 3), np.array([[0, 2], [3, 0]], "int32"), axis=0),
    sample(numbers(2, 4, 3), np.array([1, -1, 1], "int64"), axis=1),
    sample(numbers(4), np.int32(2), axis=0),
]
scatter_add.samples = lambda: [
    sample(numbers(4, 3), np.array([0, 2, 0], "int32"), numbers(3, 3, seed=1), axis=0),
    sample(numbers(2, 4), np.array([[1, 1], [0, 3]], "int32"), numbers(2, 2, 2, seed=1), axis=1),
]
take_along_axis.samples = lambda: [
    sample(numbers(3, 4), np.array([[0, 0], [3, 1], [2, 2]], "int32"), axis=1),
    sample(numbers(3, 2), np.array([[2, 0]], "int32"), axis=0),
]
add_along_axis.samples = lambda: [
    sample(numbers(3, 4), np.array([[0, 0], [3, 1], [2, 2]], "int32"), numbers(3, 2, seed=1), axis=1),
]
gather_points.samples = lambda: [
    sample(numbers(3, 4), np.array([[0, 1], [2, 3], [0, 1]], "int32")),
    sample(numbers(3, 4), np.array([[[1]], [[-1]]], "int32")),
]
scatter_add_points.samples = lambda: [
    sample(numbers(3, 4), np.array([[0, 1], [2, 3], [0, 1]], "int32"), numbers(3, seed=1)),
    sample(numbers(3, 2), np.array([[1], [1]], "int32"), numbers(2, 2, seed=1)),
]
top_k.samples = lambda: [sample(numbers(3, 5), k=2), sample(np.array([1, 3, 3, 2], "int32"), k=4)]
