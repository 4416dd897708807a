"""Ops that pick elements by their indices: ``x[...]``, ``take``, ``nonzero``."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.primitives import elementwise
from amalthea.engine.primitives import indexing as i
from amalthea.engine.primitives import movement as m
from amalthea.engine.types import ShapeLike, TensorLike
from amalthea.errors import ArgumentError, DtypeError, ShapeError, TraceError
from amalthea.ops.base import one_axis, op, shape_of, static, tensor, value_of


def _indices(indices: Any) -> Any:
    indices = tensor(indices)
    if dtypes.is_integer(dtypes.name_of(indices)):
        return indices
    if dtypes.name_of(indices) == "bool":
        raise TraceError("Picking by a mask gives a size that is not known.", got=indices, cure="ops.where(mask, x, y)")
    return elementwise.cast(indices, dtype="int32")


@op
def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Any:
    """Picks slices along an axis by their indices.

    Args:
        |any tensor|
        indices: TensorLike of whole numbers, of any shape; negative ones count from the end. Indices beyond the axis
            are not checked, so some backends raise and others return undefined elements.
        axis: int; the axis to pick along. Defaults to None, which picks elements of the flattened input.

    Shapes:
        (rows, columns), (n,) -> (n, columns) with axis=0; (rows, columns), (a, b) -> (a, b) with axis=None

    Raises:
        TraceError: the indices are bools, so the number of results is not known.

    Example:
        >>> from amalthea import ops
        >>> x = [[1, 2], [3, 4], [5, 6]]
        >>> ops.convert_to_numpy(ops.take(x, [2, 0], axis=0)).tolist()
        [[5, 6], [1, 2]]
    """
    a, positions = tensor(x), _indices(indices)
    if axis is None:
        a, axis = m.reshape(a, shape=(shapes.size(shape_of(a)),)), 0
    return i.gather(a, positions, axis=one_axis(axis, len(a.shape)))


@op
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Any:
    """Picks one element for each index, along one axis: ``y[r, c] = x[r, indices[r, c]]`` for ``axis=1``.

    Args:
        |any tensor|
        indices: TensorLike of whole numbers, with as many axes as ``x``, as :func:`argsort` gives them. All axes but
            ``axis`` broadcast against those of ``x``.
        axis: int; the axis to pick along. Defaults to None, which picks elements of the flattened input by one axis of
            indices.

    Shapes:
        (rows, columns), (rows, n) -> (rows, n) with axis=1

    Raises:
        ShapeError: the indices do not have as many axes as ``x``.
        TraceError: the indices are bools.

    Example:
        >>> from amalthea import ops
        >>> x = [[30, 10, 20], [5, 6, 4]]
        >>> ops.convert_to_numpy(ops.take_along_axis(x, ops.argsort(x), axis=1)).tolist()
        [[10, 20, 30], [4, 5, 6]]
    """
    a, positions = tensor(x), _indices(indices)
    if axis is None:
        a, axis = m.reshape(a, shape=(shapes.size(shape_of(a)),)), 0
    axis = one_axis(axis, len(a.shape))
    if len(positions.shape) != len(a.shape):
        raise ShapeError(
            "Indices along an axis have as many axes as what they are taken from.",
            expected=len(a.shape),
            got=len(positions.shape),
        )
    both = (a, positions)
    other = shapes.broadcast(*(tuple(1 if n == axis else d for n, d in enumerate(shape_of(v))) for v in both))
    a, positions = (m.broadcast_to(v, shape=(*other[:axis], shape_of(v)[axis], *other[axis + 1 :])) for v in both)
    return i.take_along_axis(a, positions, axis=axis)


@op
def nonzero(x: TensorLike) -> Any:
    """Returns the indices of the elements that are not 0, in one int32 array for each axis.

    Args:
        x: TensorLike of any shape, with a value: the number of results depends on it.

    Shapes:
        any shape with n elements other than 0 -> one array of shape (n,) for each axis

    Raises:
        TraceError: ``x`` is symbolic, in a compiled function or a functional model.

    Example:
        >>> from amalthea import ops
        >>> rows, columns = ops.nonzero([[0, 7, 0], [5, 0, 9]])
        >>> rows.tolist(), columns.tolist()
        ([0, 1, 1], [1, 0, 2])
    """
    if isinstance(value_of(x), Tensor):
        raise TraceError("How many elements are not zero is not known in a trace.", cure="ops.where(condition, x, y)")
    return tuple(part.astype("int32") for part in np.nonzero(np.asarray(value_of(x))))


@op
def unravel_index(indices: TensorLike, shape: ShapeLike) -> tuple[Any, ...]:
    """Converts indices of a flattened tensor into coordinates, one tensor for each axis.

    Args:
        indices: TensorLike of whole numbers from 0, below the number of elements. Those without a value, in a compiled
            function, are not checked.
        shape: ShapeLike; shape of the tensor.

    Shapes:
        any shape -> one tensor of that shape for each axis

    Returns:
        A tuple of tensors, of the dtype of the indices.

    Raises:
        ArgumentError: an index lies outside of the shape.
        DtypeError: the indices are not whole numbers.

    Example:
        >>> from amalthea import ops
        >>> rows, columns = ops.unravel_index([0, 5, 7], (2, 4))
        >>> ops.convert_to_numpy(rows).tolist(), ops.convert_to_numpy(columns).tolist()
        ([0, 1, 1], [0, 1, 3])

    Source: an index outside of the shape is refused as in NumPy; Keras 3 clips it on some backends.
    """
    flat, sizes = tensor(indices), static(shape)
    if not dtypes.is_integer(dtypes.name_of(flat)):
        raise DtypeError("An index is a whole number.", expected="integers", got=dtypes.name_of(flat))
    if not isinstance(flat, Tensor):
        known = np.asarray(flat)
        outside = (known < 0) | (known >= shapes.size(sizes))
        if outside.any():
            raise ArgumentError(
                "An index lies outside of the shape.",
                expected=f"0 to {shapes.size(sizes) - 1}, for the shape {shapes.show(sizes)}",
                got=known[outside].flat[0],
            )
    coordinates = []
    for size in reversed(sizes[1:]):
        divisor = elementwise.cast(np.asarray(size or 1), dtype=dtypes.name_of(flat))
        rest = elementwise.floor_divide(flat, divisor)
        coordinates.append(elementwise.subtract(flat, elementwise.multiply(rest, divisor)))
        flat = rest
    return (*((flat,) if sizes else ()), *reversed(coordinates))


@op
def get_item(x: TensorLike, key: Any) -> Any:
    """Computes ``x[key]``: picks elements by ints, slices, ``...``, None and arrays, as NumPy does.

    Args:
        |any tensor|
        key: int, slice, ``...``, None (a new axis), array of whole numbers, or a tuple of these; or one array of bools
            where ``x`` has a value. Arrays may be symbolic.

    Shapes:
        (rows, columns) -> (columns,) for ``x[0]``; (rows, columns) -> (rows, 1) for ``x[:, :1]``

    Raises:
        ArgumentError: the key names more axes than ``x`` has.
        IndexError: an int lies beyond its axis.
        TraceError: the key is a mask of bools and ``x`` or the mask is symbolic.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape(ops.arange(12), (3, 4))
        >>> ops.convert_to_numpy(ops.get_item(x, (slice(None), [0, -1]))).tolist()  # x[:, [0, -1]]
        [[0, 3], [4, 7], [8, 11]]
    """
    a = tensor(x)
    if _is_mask(key):
        return _by_mask(a, key)
    parts = _full_key(key if isinstance(key, tuple) else (key,), len(a.shape))
    picked = _by_slices(a, [p for p in parts if p is not None])
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
    """Replaces ``...`` in a key, so that the key names every axis."""
    named = sum(1 for part in key if part is not None and part is not Ellipsis)
    if named > rank:
        raise ArgumentError(f"There are {rank} axes to index, not {named}.", got=key)
    rest = [slice(None)] * (rank - named)
    ellipses = [n for n, part in enumerate(key) if part is Ellipsis]
    if not ellipses:
        return [*key, *rest]
    return [*key[: ellipses[0]], *rest, *key[ellipses[0] + 1 :]]


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
    """A slice of an axis of unknown size; indices counted from the end are taken to be valid."""
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
