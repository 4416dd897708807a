"""Ops that put elements elsewhere: shapes, axes, joining, splitting, repeating, padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import all_axes, one_axis, op, promoted, shape_of, static, tensor


@op
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in another shape; one dimension may be -1 and is worked out."""
    x = tensor(x)
    return m.reshape(x, shape=resolve(newshape, shape_of(x)))


def resolve(newshape: Any, old: shapes.Shape) -> shapes.Shape:
    """A shape in which -1 (or None) is replaced by what is left."""
    newshape = newshape if isinstance(newshape, (list, tuple)) else (newshape,)
    shape = static([-1 if d is None else d for d in newshape])
    if shape.count(-1) > 1:
        raise ArgumentError("Only one dimension can be worked out.", expected="at most one -1", got=shapes.show(shape))
    if -1 not in shape:
        return shape
    known = shapes.size([d for d in shape if d != -1])
    total = shapes.size(old)
    if known == 0 or (isinstance(total, int) and isinstance(known, int) and total % known):
        raise ShapeError(
            "The input cannot be reshaped: the dimension that is left is not whole.",
            expected=f"a multiple of {known} elements",
            got=f"{total} elements in {shapes.show(old)}",
        )
    return tuple(total // known if d == -1 else d for d in shape)


@op
def ravel(x: Any) -> Any:
    """All elements in one axis."""
    x = tensor(x)
    return m.reshape(x, shape=(shapes.size(shape_of(x)),))


@op
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; reversed by default."""
    x = tensor(x)
    rank = len(x.shape)
    return m.transpose(x, axes=tuple(range(rank))[::-1] if axes is None else all_axes(tuple(axes), rank))


@op
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes changed for each other."""
    x = tensor(x)
    order = list(range(len(x.shape)))
    a, b = one_axis(axis1, len(order)), one_axis(axis2, len(order))
    order[a], order[b] = order[b], order[a]
    return m.transpose(x, axes=tuple(order))


@op
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the rest keep their order."""
    x = tensor(x)
    rank = len(x.shape)
    come, go = all_axes(source, rank), all_axes(destination, rank)
    order = [axis for axis in range(rank) if axis not in come]
    for place, axis in sorted(zip(go, come)):
        order.insert(place, axis)
    return m.transpose(x, axes=tuple(order))


@op
def expand_dims(x: Any, axis: Any) -> Any:
    """A new axis of size 1 in that place of the result."""
    x = tensor(x)
    count = len(axis) if isinstance(axis, (list, tuple)) else 1
    new = all_axes(axis, len(x.shape) + count)
    rest = iter(shape_of(x))
    return m.reshape(x, shape=tuple(1 if i in new else next(rest) for i in range(len(x.shape) + count)))


@op
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without the axes of size 1 (all of them, or those named)."""
    x = tensor(x)
    shape = shape_of(x)
    axes = [i for i, d in enumerate(shape) if d == 1] if axis is None else all_axes(axis, len(shape))
    for i in axes:
        if not shapes.agree(shape[i], 1):
            raise ShapeError(f"Axis {i} cannot be left out.", expected="size 1", got=shapes.show(shape))
    return m.reshape(x, shape=tuple(d for i, d in enumerate(shape) if i not in axes))


@op
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated along axes of size 1, or new ones in front, to fill the shape."""
    return m.broadcast_to(tensor(x), shape=static(shape))


@op
def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """The inputs one after the other along an axis."""
    values = promoted(*xs)
    axis = one_axis(axis, len(values[0].shape))
    return values[0] if len(values) == 1 else m.concatenate(*values, axis=axis)


@op
def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Inputs of one shape side by side along a new axis."""
    values = promoted(*x)
    axis = one_axis(axis, len(values[0].shape) + 1)
    return m.concatenate(*(_with_axis(v, axis) for v in values), axis=axis)


def _with_axis(x: Any, axis: int) -> Any:
    shape = shape_of(x)
    return m.reshape(x, shape=(*shape[:axis], 1, *shape[axis:]))


@op
def hstack(xs: Sequence[Any]) -> Any:
    """Side by side: along the second axis, or the only one."""
    return concatenate(xs, axis=0 if len(tensor(xs[0]).shape) == 1 else 1)


@op
def vstack(xs: Sequence[Any]) -> Any:
    """One below the other: along the first axis of at least two."""
    return concatenate([expand_dims(x, 0) if len(tensor(x).shape) == 1 else x for x in xs], axis=0)


@op
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """So many equal parts along an axis, or parts that end before the given indices."""
    x = tensor(x)
    axis = one_axis(axis, len(x.shape))
    total = shape_of(x)[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if isinstance(total, int) and total % indices_or_sections:
            raise ShapeError(
                "The axis does not split into equal parts.", expected=f"a multiple of {indices_or_sections}", got=total
            )
        ends = [total // indices_or_sections * i for i in range(1, indices_or_sections)]
    else:
        ends = [operator.index(i) for i in indices_or_sections]
    return [m.part(x, axis, start, stop) for start, stop in zip([0, *ends], [*ends, total])]


@op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """The slices along an axis, without it."""
    x = tensor(x)
    axis = one_axis(axis, len(x.shape))
    return [squeeze(piece, axis) for piece in split(x, num or shape_of(x)[axis], axis)]


@op
def flip(x: Any, axis: Any = None) -> Any:
    """The opposite order along the axes (all by default)."""
    x = tensor(x)
    return m.flip(x, axes=all_axes(axis, len(x.shape)))


@op
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moved along the axes; what leaves at the end comes back at the start."""
    x = tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), shape_of(x))
    axes = all_axes(axis, len(x.shape))
    moves = shift if isinstance(shift, (list, tuple)) else [shift] * len(axes)
    for by, a in zip(moves, axes, strict=True):
        n = shape_of(x)[a]
        if n == 0:
            continue
        cut = (-by) % n
        x = m.concatenate(m.part(x, a, cut, n), m.part(x, a, 0, cut), axis=a)
    return x


@op
def tile(x: Any, repeats: Any) -> Any:
    """The whole repeated along each axis."""
    x = tensor(x)
    times = list(repeats) if isinstance(repeats, (list, tuple)) else [repeats]
    shape = [1] * (len(times) - len(x.shape)) + list(shape_of(x))
    times = [1] * (len(shape) - len(times)) + times
    pairs = [part for d in shape for part in (1, d)]
    wide = [part for t, d in zip(times, shape) for part in (t, d)]
    repeated = m.broadcast_to(m.reshape(x, shape=tuple(pairs)), shape=tuple(wide))
    return m.reshape(repeated, shape=tuple(t * d for t, d in zip(times, shape)))


@op
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated along an axis, all as often or each as often as it is told."""
    x = tensor(x)
    if axis is None:
        x, axis = m.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    axis, shape = one_axis(axis, len(x.shape)), shape_of(x)
    if np.ndim(repeats) == 0:
        inner = (*shape[: axis + 1], int(repeats), *shape[axis + 1 :])
        wide = m.broadcast_to(_with_axis(x, axis + 1), shape=inner)
        return m.reshape(wide, shape=(*shape[:axis], shape[axis] * int(repeats), *shape[axis + 1 :]))
    return indexing.gather(x, np.repeat(np.arange(shape[axis], dtype="int32"), np.asarray(repeats)), axis=axis)


@op
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """More elements before and after, on each axis: a constant, the edge, or a mirror image."""
    x = tensor(x)
    rank = len(x.shape)
    widths = np.broadcast_to(np.asarray(pad_width), (rank, 2)).tolist()
    low, high = tuple(a for a, _ in widths), tuple(b for _, b in widths)
    if mode == "constant":
        return m.pad(x, low=low, high=high, value=constant_values or 0)
    for axis in range(rank):
        if low[axis] or high[axis]:
            places = np.arange(shape_of(x)[axis], dtype="int32")
            source = np.pad(places, (low[axis], high[axis]), mode=mode)  # type: ignore[call-overload]
            x = indexing.gather(x, source, axis=axis)
    return x


@op
def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """Each vector repeated over the grid that all span."""
    vectors = [ravel(v) for v in x]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    sizes = [0] * len(order)
    for v, place in zip(vectors, order):
        sizes[place] = shape_of(v)[0]
    return [
        m.broadcast_to(
            m.reshape(v, shape=tuple(sizes[place] if i == place else 1 for i in range(len(order)))), shape=tuple(sizes)
        )
        for v, place in zip(vectors, order)
    ]
