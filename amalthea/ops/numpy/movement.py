"""Ops that rearrange elements: shapes, axes, joining, splitting, repeating, padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import checks, docstrings
from amalthea.engine import shapes
from amalthea.engine.primitives import indexing as i
from amalthea.engine.primitives import movement as m
from amalthea.engine.types import ShapeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import all_axes, one_axis, op, promoted, resolve, shape_of, static, tensor

docstrings.share("joined inputs", "xs: sequence of TensorLike; the tensors to join, promoted to one dtype.")


@op
def reshape(x: TensorLike, newshape: ShapeLike) -> Any:
    """Puts the same elements, in the same order (row by row), into another shape.

    Args:
        |any tensor|
        newshape: ShapeLike; the new shape. One size may be -1 (or None): it is computed from the number of elements.

    Shapes:
        (a, b) -> (a * b,) for ``newshape=(-1,)``; any shape -> ``newshape``

    Raises:
        ArgumentError: more than one size is -1.
        ShapeError: the number of elements would change.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.reshape([1, 2, 3, 4, 5, 6], (2, -1))).tolist()
        [[1, 2, 3], [4, 5, 6]]
    """
    a = tensor(x)
    return m.reshape(a, shape=resolve(newshape, shape_of(a)))


@op
def ravel(x: TensorLike) -> Any:
    """Flattens a tensor to one axis, row by row.

    Args:
        |any tensor|

    Shapes:
        (a, b, c) -> (a * b * c,)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ravel([[1, 2], [3, 4]])).tolist()
        [1, 2, 3, 4]
    """
    a = tensor(x)
    return m.reshape(a, shape=(shapes.size(shape_of(a)),))


@op
def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Any:
    """Permutes the axes: axis ``k`` of the output is axis ``axes[k]`` of the input.

    Args:
        |any tensor|
        axes: sequence of ints, a permutation of the axes. Defaults to None, which reverses their order.

    Shapes:
        (a, b, c) -> (c, b, a); (a, b, c) -> (a, c, b) with axes=(0, 2, 1)

    Raises:
        ShapeError: ``axes`` does not name every axis once.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.transpose([[1, 2, 3], [4, 5, 6]])).tolist()
        [[1, 4], [2, 5], [3, 6]]
    """
    a = tensor(x)
    rank = len(a.shape)
    return m.transpose(a, axes=tuple(range(rank))[::-1] if axes is None else all_axes(tuple(axes), rank))


@op
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Any:
    """Exchanges two axes.

    Args:
        |any tensor|
        axis1, axis2: int; the axes to exchange. Negative ones count from the end.

    Shapes:
        (a, b, c) -> (c, b, a) with axis1=0, axis2=2

    Example:
        >>> from amalthea import ops
        >>> tuple(ops.swapaxes(ops.ones((2, 3, 4)), 0, -1).shape)
        (4, 3, 2)
    """
    a = tensor(x)
    order = list(range(len(a.shape)))
    first, second = one_axis(axis1, len(order)), one_axis(axis2, len(order))
    order[first], order[second] = order[second], order[first]
    return m.transpose(a, axes=tuple(order))


@op
def moveaxis(x: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Moves axes to new positions; the other axes keep their order.

    Args:
        |any tensor|
        source: int or sequence of ints; present positions of the axes to move.
        destination: int or sequence of ints; their positions in the output, in the same order.

    Shapes:
        (a, b, c) -> (b, c, a) with source=0, destination=-1

    Example:
        >>> from amalthea import ops
        >>> images = ops.ones((8, 3, 32, 48))  # channels first
        >>> tuple(ops.moveaxis(images, 1, -1).shape)
        (8, 32, 48, 3)
    """
    a = tensor(x)
    rank = len(a.shape)
    come, go = all_axes(source, rank), all_axes(destination, rank)
    order = [axis for axis in range(rank) if axis not in come]
    for place, axis in sorted(zip(go, come)):
        order.insert(place, axis)
    return m.transpose(a, axes=tuple(order))


@op
def expand_dims(x: TensorLike, axis: int | Sequence[int]) -> Any:
    """Inserts axes of size 1.

    Args:
        |any tensor|
        axis: int or sequence of ints; positions of the new axes in the output. Negative ones count from the end.

    Shapes:
        (a, b) -> (1, a, b) with axis=0; (a, b) -> (a, b, 1) with axis=-1

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.expand_dims([1, 2, 3], -1)).tolist()
        [[1], [2], [3]]
    """
    a = tensor(x)
    count = len(axis) if isinstance(axis, (list, tuple)) else 1
    new = all_axes(axis, len(a.shape) + count)
    rest = iter(shape_of(a))
    return m.reshape(a, shape=tuple(1 if n in new else next(rest) for n in range(len(a.shape) + count)))


@op
def squeeze(x: TensorLike, axis: int | Sequence[int] | None = None) -> Any:
    """Removes axes of size 1.

    Args:
        |any tensor|
        axis: int or sequence of ints; the axes to remove. Defaults to None, which removes all axes of size 1.

    Shapes:
        (a, 1, b, 1) -> (a, b); (a, 1, b, 1) -> (a, b, 1) with axis=1

    Raises:
        ShapeError: a named axis does not have size 1.

    Example:
        >>> from amalthea import ops
        >>> x = ops.ones((2, 1, 3, 1))
        >>> tuple(ops.squeeze(x).shape), tuple(ops.squeeze(x, axis=1).shape)
        ((2, 3), (2, 3, 1))
    """
    a = tensor(x)
    shape = shape_of(a)
    axes = [n for n, d in enumerate(shape) if d == 1] if axis is None else all_axes(axis, len(shape))
    for n in axes:
        if not shapes.agree(shape[n], 1):
            raise ShapeError(f"Axis {n} cannot be left out.", expected="size 1", got=shapes.show(shape))
    return m.reshape(a, shape=tuple(d for n, d in enumerate(shape) if n not in axes))


@op
def broadcast_to(x: TensorLike, shape: ShapeLike) -> Any:
    """Repeats elements along axes of size 1, and along new axes in front, to fill a shape.

    Args:
        |any tensor|
        shape: ShapeLike; shape of the output.

    Shapes:
        (a, 1) -> (b, a, c) for ``shape=(b, a, c)``

    Raises:
        ShapeError: ``x`` does not broadcast to the shape.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.broadcast_to([[1], [2]], (2, 3))).tolist()
        [[1, 1, 1], [2, 2, 2]]
    """
    return m.broadcast_to(tensor(x), shape=static(shape))


@op
def concatenate(xs: Sequence[TensorLike], axis: int = 0) -> Any:
    """Joins tensors along an existing axis.

    Args:
        |joined inputs|
        axis: int; the axis to join along. Defaults to 0, the first.

    Shapes:
        (a, c), (b, c) -> (a + b, c) with axis=0

    Raises:
        ShapeError: the shapes differ on another axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.concatenate([[[1, 2]], [[3, 4], [5, 6]]])).tolist()
        [[1, 2], [3, 4], [5, 6]]
    """
    values = promoted(*xs)
    axis = one_axis(axis, len(values[0].shape))
    return values[0] if len(values) == 1 else m.concatenate(*values, axis=axis)


@op
def stack(x: Sequence[TensorLike], axis: int = 0) -> Any:
    """Joins tensors of one shape along a new axis.

    Args:
        x: sequence of TensorLike of one shape; the tensors to join, promoted to one dtype.
        axis: int; position of the new axis in the output. Defaults to 0, the first.

    Shapes:
        n tensors of shape (a, b) -> (n, a, b) with axis=0

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.stack([[1, 2], [3, 4]], axis=1)).tolist()
        [[1, 3], [2, 4]]
    """
    values = promoted(*x)
    axis = one_axis(axis, len(values[0].shape) + 1)
    return m.concatenate(*(_with_axis(v, axis) for v in values), axis=axis)


def _with_axis(x: Any, axis: int) -> Any:
    shape = shape_of(x)
    return m.reshape(x, shape=(*shape[:axis], 1, *shape[axis:]))


@op
def hstack(xs: Sequence[TensorLike]) -> Any:
    """Joins tensors horizontally: along the second axis, vectors along their only one.

    Args:
        |joined inputs|

    Shapes:
        (a, b), (a, c) -> (a, b + c); (b,), (c,) -> (b + c,)

    Raises:
        ShapeError: the shapes differ on another axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hstack([[[1], [2]], [[3], [4]]])).tolist()
        [[1, 3], [2, 4]]
    """
    return concatenate(xs, axis=0 if len(tensor(xs[0]).shape) == 1 else 1)


@op
def vstack(xs: Sequence[TensorLike]) -> Any:
    """Joins tensors vertically: along the first axis. A vector counts as one row.

    Args:
        |joined inputs|

    Shapes:
        (a, c), (b, c) -> (a + b, c); (c,), (c,) -> (2, c)

    Raises:
        ShapeError: the shapes differ on another axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.vstack([[1, 2], [3, 4]])).tolist()
        [[1, 2], [3, 4]]
    """
    return concatenate([expand_dims(x, 0) if len(tensor(x).shape) == 1 else x for x in xs], axis=0)


@op
def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Splits a tensor along an axis, into equal parts or at given indices.

    Args:
        |any tensor|
        indices_or_sections: int, the number of equal parts; or sequence of ints, the indices at which a new part
            begins.
        axis: int; the axis to split. Defaults to 0, the first.

    Shapes:
        (n * a, b) -> n tensors of shape (a, b)

    Returns:
        A list of tensors.

    Raises:
        ArgumentError: the number of parts is not positive.
        ShapeError: the axis does not split into so many equal parts.

    Example:
        >>> from amalthea import ops
        >>> [ops.convert_to_numpy(part).tolist() for part in ops.split([1, 2, 3, 4, 5], [2, 3])]
        [[1, 2], [3], [4, 5]]
    """
    a = tensor(x)
    axis = one_axis(axis, len(a.shape))
    total = shape_of(a)[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        checks.positive_int(indices_or_sections, "indices_or_sections", "ops.split")
        if isinstance(total, int) and total % indices_or_sections:
            raise ShapeError(
                "The axis does not split into equal parts.", expected=f"a multiple of {indices_or_sections}", got=total
            )
        ends = [total // indices_or_sections * n for n in range(1, indices_or_sections)]
    else:
        ends = [operator.index(n) for n in indices_or_sections]
    return [m.part(a, axis, start, stop) for start, stop in zip([0, *ends], [*ends, total])]


@op
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Any]:
    """Splits a tensor into its slices along an axis, and removes that axis.

    Args:
        |any tensor|
        num: int; size of the axis. Defaults to None, which reads it from the shape of ``x``.
        axis: int; the axis to split and remove. Defaults to 0, the first.

    Shapes:
        (n, a, b) -> n tensors of shape (a, b) with axis=0

    Returns:
        A list of tensors.

    Example:
        >>> from amalthea import ops
        >>> [ops.convert_to_numpy(row).tolist() for row in ops.unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    a = tensor(x)
    axis = one_axis(axis, len(a.shape))
    return [squeeze(piece, axis) for piece in split(a, num or shape_of(a)[axis], axis)]


@op
def flip(x: TensorLike, axis: int | Sequence[int] | None = None) -> Any:
    """Reverses the order of elements along axes.

    Args:
        |any tensor|
        axis: int or sequence of ints; the axes to reverse. Defaults to None, which reverses all axes.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.flip([[1, 2, 3], [4, 5, 6]], axis=1)).tolist()
        [[3, 2, 1], [6, 5, 4]]
    """
    a = tensor(x)
    return m.flip(a, axes=all_axes(axis, len(a.shape)))


@op
def roll(x: TensorLike, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Any:
    """Shifts elements along axes; elements that leave at the end come back at the start.

    Args:
        |any tensor|
        shift: int or sequence of ints, one for each axis in ``axis``; number of positions, negative towards the start.
        axis: int or sequence of ints; the axes to shift along. Defaults to None, which shifts the flattened input and
            restores its shape.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.roll([1, 2, 3, 4], 1)).tolist()
        [4, 1, 2, 3]
    """
    a = tensor(x)
    if axis is None:
        return reshape(roll(ravel(a), shift, 0), shape_of(a))
    axes = all_axes(axis, len(a.shape))
    moves: Any = np.ravel(shift).tolist() if np.ndim(shift) else [shift] * len(axes)
    for by, axis_ in zip(moves, axes, strict=True):
        n = shape_of(a)[axis_]
        if n == 0:
            continue
        cut = (-by) % n
        a = m.concatenate(m.part(a, axis_, cut, n), m.part(a, axis_, 0, cut), axis=axis_)
    return a


@op
def tile(x: TensorLike, repeats: int | Sequence[int]) -> Any:
    """Repeats a whole tensor along its axes.

    Args:
        |any tensor|
        repeats: int or sequence of ints from 0; number of repetitions for each axis, for the last axes if there are
            fewer of them than axes. More of them add axes in front.

    Shapes:
        (a, b) -> (2 * a, 3 * b) for ``repeats=(2, 3)``

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.tile([1, 2], (2, 2))).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    a = tensor(x)
    times: list[Any] = list(repeats) if isinstance(repeats, (list, tuple)) else [repeats]
    shape = [1] * (len(times) - len(a.shape)) + list(shape_of(a))
    times = [1] * (len(shape) - len(times)) + times
    pairs = [part for d in shape for part in (1, d)]
    wide = [part for t, d in zip(times, shape) for part in (t, d)]
    repeated = m.broadcast_to(m.reshape(a, shape=tuple(pairs)), shape=tuple(wide))
    return m.reshape(repeated, shape=tuple(t * d for t, d in zip(times, shape)))


@op
def repeat(x: TensorLike, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Repeats each element along an axis.

    Args:
        |any tensor|
        repeats: int from 0, the number of repetitions of every element; or sequence of ints, one for each element along
            the axis.
        axis: int; the axis to repeat along. Defaults to None, which repeats the elements of the flattened input.

    Shapes:
        (a, b) -> (a, repeats * b) with axis=1

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.repeat([1, 2], 2)).tolist()
        [1, 1, 2, 2]
        >>> ops.convert_to_numpy(ops.repeat([1, 2], [3, 1])).tolist()
        [1, 1, 1, 2]
    """
    a = tensor(x)
    if axis is None:
        a, axis = m.reshape(a, shape=(shapes.size(shape_of(a)),)), 0
    axis, shape = one_axis(axis, len(a.shape)), shape_of(a)
    if np.ndim(repeats) == 0:
        times: Any = int(repeats)  # type: ignore[arg-type]
        inner = (*shape[: axis + 1], times, *shape[axis + 1 :])
        wide = m.broadcast_to(_with_axis(a, axis + 1), shape=inner)
        return m.reshape(wide, shape=(*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))
    return i.gather(a, np.repeat(np.arange(shape[axis], dtype="int32"), np.asarray(repeats)), axis=axis)


PADDINGS = ("constant", "edge", "reflect", "symmetric", "wrap")


@op
def pad(
    x: TensorLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: float | None = None,
) -> Any:
    """Adds elements before and after each axis.

    Args:
        |any tensor|
        pad_width: pairs of ints (before, after) from 0, one for each axis; one pair or one int holds for all axes.
        mode: str; ``"constant"`` adds ``constant_values``, ``"edge"`` repeats the border, ``"reflect"`` mirrors without
            the border, ``"symmetric"`` mirrors with it, ``"wrap"`` continues at the other end. Defaults to
            ``"constant"``.
        constant_values: float; the value to add. Defaults to None, which means 0.

    Shapes:
        (a, b) -> (a + 1, b + 3) for ``pad_width=((1, 0), (1, 2))``

    Raises:
        ArgumentError: no mode has this name.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.pad([[1, 2, 3]], ((0, 0), (1, 2)))).tolist()
        [[0, 1, 2, 3, 0, 0]]
        >>> ops.convert_to_numpy(ops.pad([1, 2, 3], (2, 1), mode="reflect")).tolist()
        [3, 2, 1, 2, 3, 2]
    """
    a = tensor(x)
    rank = len(a.shape)
    widths = np.broadcast_to(np.asarray(pad_width), (rank, 2)).tolist()
    low, high = tuple(before for before, _ in widths), tuple(after for _, after in widths)
    if mode not in PADDINGS:
        raise ArgumentError(f"There is no padding mode {mode!r}.", expected=", ".join(map(repr, PADDINGS)))
    if mode == "constant":
        return m.pad(a, low=low, high=high, value=constant_values or 0)
    for axis in range(rank):
        if low[axis] or high[axis]:
            positions = np.arange(shape_of(a)[axis], dtype="int32")
            source = np.pad(positions, (low[axis], high[axis]), mode=mode)
            a = i.gather(a, source, axis=axis)
    return a


@op
def meshgrid(*x: TensorLike, indexing: str = "xy") -> list[Any]:
    """Makes the coordinates of a grid: each vector is repeated along the axes of the others.

    Args:
        *x: TensorLike; one vector of coordinates for each axis of the grid.
        indexing: str; ``"xy"`` lets the first vector run along the second axis (columns), as in a plot; ``"ij"`` lets
            each vector run along its own axis. Defaults to ``"xy"``.

    Shapes:
        (n,), (m,) -> two tensors of shape (m, n) for ``"xy"``, (n, m) for ``"ij"``

    Returns:
        A list of tensors, one for each vector.

    Example:
        >>> from amalthea import ops
        >>> xs, ys = ops.meshgrid([1, 2, 3], [10, 20])
        >>> ops.convert_to_numpy(xs).tolist(), ops.convert_to_numpy(ys).tolist()
        ([[1, 2, 3], [1, 2, 3]], [[10, 10, 10], [20, 20, 20]])
    """
    vectors = [ravel(v) for v in x]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    sizes = [0] * len(order)
    for v, place in zip(vectors, order):
        sizes[place] = shape_of(v)[0]
    return [
        m.broadcast_to(
            m.reshape(v, shape=tuple(sizes[place] if n == place else 1 for n in range(len(order)))), shape=tuple(sizes)
        )
        for v, place in zip(vectors, order)
    ]
