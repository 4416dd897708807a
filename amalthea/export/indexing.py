"""Lowerings by others of a format's table: indices along an axis as points, dilation, functions of the last axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.primitives import elementwise, indexing, movement
from amalthea.export.lowering import Value

Builder = Any  # a Lowering with reshape, transpose, cast and emit


def iota(operator: str) -> Callable[..., Value]:
    """Return the lowering of iota, with the name of the format's operator that counts from a start to an end."""

    def lower(b: Builder, *, shape: Any, axis: int, dtype: str) -> Value:
        size = shape[axis]
        if isinstance(size, int):
            counts = b.constant(np.arange(size), dtype)
        else:
            ends = [b.constant(0, "int32"), b.reshape(b.ints([size]), ()), b.constant(1, "int32")]
            counts = b.cast(b.emit(operator, ends, shape=(size,)), dtype)
        column = b.reshape(counts, [size if i == axis else 1 for i in range(len(shape))])
        return b.table[movement.broadcast_to](b, column, shape=shape)

    return lower


def clipped_starts(b: Builder, starts: Any, sizes: Any, block: Any) -> Value:
    """A vector of the indices where a block starts, clipped so that it lies inside of an array of these sizes."""
    whole = b.join([b.reshape(b.cast(s, "int32"), (1,)) for s in starts])
    room = b.ints([d - n for d, n in zip(sizes, block)])
    lower, upper = b.table[elementwise.maximum], b.table[elementwise.minimum]
    return lower(b, upper(b, whole, room), b.constant(0, "int32"))


def points_along(b: Builder, indices: Value, axis: int) -> Value:
    """Whole indices of the elements that indices along one axis choose."""
    shape = indices.shape
    iota = b.table[movement.iota]
    rows = [
        b.cast(indices, "int32") if a == axis else iota(b, shape=shape, axis=a, dtype="int32")
        for a in range(indices.rank)
    ]
    columns = [b.reshape(row, (*shape, 1)) for row in rows]
    return b.table[movement.concatenate](b, *columns, axis=indices.rank)


def _take_along_axis(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    return b.table[indexing.gather_points](b, x, points_along(b, indices, axis))


def _add_along_axis(b: Builder, x: Value, indices: Value, updates: Value, *, axis: int) -> Value:
    return b.table[indexing.scatter_add_points](b, x, points_along(b, indices, axis), updates)


def _scatter_add(b: Builder, x: Value, indices: Value, updates: Value, *, axis: int) -> Value:
    k = indices.rank
    column = b.reshape(b.cast(indices, "int32"), (*indices.shape, 1))
    to_front = [axis, *(a for a in range(x.rank) if a != axis)]
    lead = [*range(axis, axis + k), *range(axis), *range(axis + k, updates.rank)]
    add = b.table[indexing.scatter_add_points]
    made = add(b, b.transpose(x, to_front), column, b.transpose(updates, lead))
    return b.transpose(made, np.argsort(to_front).tolist())


def dilate(b: Builder, x: Value, *, steps: Any) -> Value:
    """Append zeros to each element on a new axis, merge the axes, and drop the zeros at the end."""
    for axis, step in enumerate(steps):
        if step == 1:
            continue
        before, size, behind = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
        apart = b.reshape(x, [shapes.size(before), size, 1, shapes.size(behind)])
        wide = b.table[movement.pad](b, apart, low=[0] * 4, high=[0, 0, step - 1, 0])
        merged = b.reshape(wide, [*before, size * step, *behind])
        limits = [*before, (size - 1) * step + 1, *behind]
        ones = [1] * merged.rank
        x = b.table[movement.slice](b, merged, starts=[0] * merged.rank, limits=limits, strides=ones)
    return x


def of_last_axis(function: Callable[[Builder, Value], Value]) -> Callable[..., Value]:
    """Return the lowering of a function of the last axis alone to any axis."""

    def lower(b: Builder, x: Value, *, axis: int) -> Value:
        axes = [*(a for a in range(x.rank) if a != axis), axis]
        return b.transpose(function(b, b.transpose(x, axes)), np.argsort(axes).tolist())

    return lower


ALONG = {
    indexing.take_along_axis: _take_along_axis,
    indexing.add_along_axis: _add_along_axis,
    indexing.scatter_add: _scatter_add,
}
