"""Ops that pick elements: ``x[...]``, ``take``, and their kin."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.primitives import elementwise
from amalthea.engine.primitives import indexing as i
from amalthea.engine.primitives import movement as m
from amalthea.errors import ArgumentError, ShapeError, TraceError
from amalthea.ops.base import one_axis, op, shape_of, tensor, value_of


def _indices(indices: Any) -> Any:
    indices = tensor(indices)
    if dtypes.is_integer(dtypes.name_of(indices)):
        return indices
    if dtypes.name_of(indices) == "bool":
        raise TraceError("Picking by a mask gives a size that is not known.", got=indices, cure="ops.where(mask, x, y)")
    return elementwise.cast(indices, dtype="int32")


@op
def take(x: Any, indices: Any, axis: Any = None) -> Any:
    """The slices along an axis (or the elements, in flat order) that the indices name."""
    x, indices = tensor(x), _indices(indices)
    if axis is None:
        x, axis = m.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    return i.gather(x, indices, axis=one_axis(axis, len(x.shape)))


@op
def take_along_axis(x: Any, indices: Any, axis: Any = None) -> Any:
    """One element an index, at the index's own place on the other axes."""
    x, indices = tensor(x), _indices(indices)
    if axis is None:
        x, axis = m.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    axis = one_axis(axis, len(x.shape))
    if len(indices.shape) != len(x.shape):
        raise ShapeError(
            "Indices along an axis have as many axes as what they are taken from.",
            expected=len(x.shape),
            got=len(indices.shape),
        )
    other = shapes.broadcast(*(tuple(1 if a == axis else d for a, d in enumerate(shape_of(v))) for v in (x, indices)))
    x, indices = (m.broadcast_to(v, shape=(*other[:axis], shape_of(v)[axis], *other[axis + 1 :])) for v in (x, indices))
    return i.take_along_axis(x, indices, axis=axis)


@op
def nonzero(x: Any) -> Any:
    """For each axis, the indices where x is not zero. How many there are depends on the values: eager only."""
    if isinstance(value_of(x), Tensor):
        raise TraceError("How many elements are not zero is not known in a trace.", cure="ops.where(condition, x, y)")
    return tuple(part.astype("int32") for part in np.nonzero(np.asarray(value_of(x))))


@op
def get_item(x: Any, key: Any) -> Any:
    """``x[key]``: ints, slices, ``...``, None, and arrays of whole numbers (also symbolic)."""
    x = tensor(x)
    if _is_mask(key):
        return _by_mask(x, key)
    parts = _full_key(key if isinstance(key, tuple) else (key,), len(x.shape))
    picked = _by_slices(x, [p for p in parts if p is not None])
    arrays = [p for p in parts if p is not None and _is_array(p)]
    if arrays:
        picked, parts = _by_arrays(picked, parts)
    shape, dims = [], iter(shape_of(picked))
    for part in parts:
        if part is None:
            shape.append(1)
        elif part is _KEEP or isinstance(part, slice):
            shape.append(next(dims))
        else:
            next(dims)
    return m.reshape(picked, shape=tuple(shape))


_KEEP = object()


def _is_mask(key: Any) -> bool:
    return getattr(key, "dtype", None) is not None and dtypes.name_of(key) == "bool"


def _by_mask(x: Any, key: Any) -> Any:
    if isinstance(x, Tensor) or isinstance(key, Tensor):
        raise TraceError("Picking by a mask gives a size that is not known.", cure="ops.where(mask, x, y)")
    return i.gather_points(x, np.argwhere(np.asarray(key)).astype("int32"))


def _is_array(part: Any) -> bool:
    return not isinstance(part, (slice, int, np.integer, shapes.Dim)) and part is not _KEEP


def _full_key(key: tuple[Any, ...], rank: int) -> list[Any]:
    """The key with ``...`` spelt out, so that it names every axis."""
    named = sum(1 for part in key if part is not None and part is not Ellipsis)
    if named > rank:
        raise ArgumentError(f"There are {rank} axes to index, not {named}.", got=key)
    rest = [slice(None)] * (rank - named)
    places = [n for n, part in enumerate(key) if part is Ellipsis]
    if not places:
        return [*key, *rest]
    return [*key[: places[0]], *rest, *key[places[0] + 1 :]]


def _by_slices(x: Any, parts: list[Any]) -> Any:
    """The block that ints and slices name; an int leaves an axis of size 1, an array leaves its axis whole."""
    starts, limits, strides, back = [], [], [], []
    for axis, (part, dim) in enumerate(zip(parts, shape_of(x))):
        start, limit, stride, reverse = _range(part, dim, axis)
        starts.append(start)
        limits.append(limit)
        strides.append(stride)
        back += [axis] if reverse else []
    if starts != [0] * len(starts) or tuple(limits) != shape_of(x) or strides != [1] * len(strides):
        x = m.slice(x, starts=tuple(starts), limits=tuple(limits), strides=tuple(strides))
    return m.flip(x, axes=tuple(back)) if back else x


def _range(part: Any, dim: Any, axis: int) -> tuple[Any, Any, int, bool]:
    if isinstance(part, (int, np.integer)):
        start = operator.index(part)
        if isinstance(dim, int) and not -dim <= start < dim:
            raise IndexError(f"index {start} is out of bounds for axis {axis} with size {dim}")
        start = start + dim if start < 0 else start
        return start, start + 1, 1, False
    if not isinstance(part, slice):
        return 0, dim, 1, False
    if isinstance(dim, int) and not any(isinstance(v, shapes.Dim) for v in (part.start, part.stop)):
        start, stop, step = part.indices(dim)
        count = len(range(start, stop, step))
        if step > 0:
            return start, builtin_max(start, stop), step, False
        first = start + (count - 1) * step
        return (first, start + 1, -step, True) if count else (0, 0, 1, False)
    return _symbolic_range(part, dim)


builtin_max = max


def _symbolic_range(part: slice, dim: Any) -> tuple[Any, Any, int, bool]:
    """A slice of an axis whose size is not known; what is counted from the end is taken to be there."""
    step = 1 if part.step is None else part.step
    if step < 0:
        if part.start is not None or part.stop is not None:
            raise TraceError("A backward slice of an axis of unknown size has no bounds.", got=part, cure="x[::-1]")
        return 0, dim, -step, True
    start = 0 if part.start is None else part.start
    stop = dim if part.stop is None else part.stop
    start = start + dim if isinstance(start, int) and start < 0 else start
    return start, stop + dim if isinstance(stop, int) and stop < 0 else stop, step, False


def _by_arrays(x: Any, parts: list[Any]) -> tuple[Any, list[Any]]:
    """Arrays of indices picked.

    Their axes stand in the place of the indices if those (ints too) are neighbours, else in front.
    """
    named = [part for part in parts if part is not None]
    axes = [axis for axis, part in enumerate(named) if _is_array(part)]
    arrays = [_indices(named[axis]) for axis in axes]
    single = [axis for axis, part in enumerate(named) if not isinstance(part, slice)]
    neighbours = single == list(range(single[0], single[0] + len(single)))
    shape = shapes.broadcast(*(shape_of(a) for a in arrays))
    rest = [axis for axis in range(len(named)) if axis not in axes]
    place = axes[0] if neighbours else 0
    if len(arrays) == 1:
        picked, at = i.gather(x, arrays[0], axis=axes[0]), axes[0]
    else:
        points = [m.reshape(m.broadcast_to(_int32(a), shape=shape), shape=(*shape, 1)) for a in arrays]
        moved = m.transpose(x, axes=(*axes, *rest))
        picked, at = i.gather_points(moved, m.concatenate(*points, axis=len(shape))), 0
    block = list(range(at, at + len(shape)))
    order = [axis for axis in range(len(picked.shape)) if axis not in block]
    order[place:place] = block
    if order != sorted(order):
        picked = m.transpose(picked, axes=tuple(order))
    left = [part for part in parts if part is None or not _is_array(part)]
    counted = [n for n, part in enumerate(left) if part is not None]
    start = counted[place] if place < len(counted) else len(left)
    return picked, [*left[:start], *[_KEEP] * len(shape), *left[start:]]


def _int32(indices: Any) -> Any:
    return indices if dtypes.name_of(indices) == "int32" else elementwise.cast(indices, dtype="int32")
