"""Ops that join, split, turn and mirror tensors along given axes; see :mod:`amalthea.ops.numpy.movement`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import checks, docstrings
from amalthea.engine import shapes
from amalthea.engine.primitives import movement as m
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import all_axes, one_axis, op, promoted, shape_of, tensor
from amalthea.ops.numpy.movement import concatenate, ravel, split

docstrings.share(
    "split parts",
    """
indices_or_sections: int, the number of equal parts; or sequence of ints, the indices at which a new part begins.
""",
)


@op
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Any:
    """Joins two tensors along an axis.

    Args:
        x1, x2: TensorLike; promoted to one dtype. All axes but ``axis`` have equal sizes.
        axis: int; the axis to join along. Defaults to None, which joins the flattened inputs.

    Shapes:
        (a, c), (b, c) -> (a + b, c) with axis=0; any shapes -> one axis with axis=None

    Raises:
        ShapeError: the shapes differ on another axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.append([1, 2], [[3], [4]])).tolist()
        [1, 2, 3, 4]
    """
    pair = promoted(x1, x2)
    return concatenate([ravel(x) for x in pair]) if axis is None else concatenate(pair, axis=axis)


@op
def dstack(xs: Sequence[TensorLike]) -> Any:
    """Joins tensors along the third axis; vectors and matrices get it first.

    Args:
        |joined inputs|

    Shapes:
        (a, b), (a, b) -> (a, b, 2); (b,), (b,) -> (1, b, 2)

    Raises:
        ShapeError: the shapes differ on another axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.dstack([[1, 2], [3, 4]])).tolist()
        [[[1, 3], [2, 4]]]
    """
    return concatenate([_with_three_axes(tensor(x)) for x in xs], axis=2)


def _with_three_axes(x: Any) -> Any:
    shape = shape_of(x)
    if len(shape) >= 3:
        return x
    return m.reshape(x, shape={0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)])


@op
def array_split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Splits a tensor along an axis, into parts whose sizes differ by at most 1, or at given indices.

    Args:
        |any tensor|
        indices_or_sections: int from 1, the number of parts, of which the first ones are larger; or sequence of ints,
            the indices at which a new part begins.
        axis: int; the axis to split. Defaults to 0, the first.

    Shapes:
        (5, b) -> (2, b), (2, b), (1, b) for three parts

    Returns:
        A list of tensors.

    Raises:
        ArgumentError: the number of parts is not a positive int.
        ShapeError: the size of the axis is not known.

    Example:
        >>> from amalthea import ops
        >>> [ops.convert_to_numpy(part).tolist() for part in ops.array_split([1, 2, 3, 4, 5], 3)]
        [[1, 2], [3, 4], [5]]
    """
    a = tensor(x)
    axis = one_axis(axis, len(a.shape))
    if np.ndim(indices_or_sections):
        return split(a, indices_or_sections, axis)
    parts: Any = checks.positive_int(indices_or_sections, "indices_or_sections", "ops.array_split")
    total = shape_of(a)[axis]
    if not isinstance(total, int):
        raise ShapeError(
            "An axis of unknown size cannot be split into unequal parts.",
            expected="a known size",
            got=shapes.show(shape_of(a)),
            cure="ops.split(x, n)",
        )
    size, larger = divmod(total, parts)
    return split(a, [n * size + min(n, larger) for n in range(1, parts)], axis)


def _split_along(x: Any, parts: Any, axis: int, least: int, name: str) -> list[Any]:
    a = tensor(x)
    if len(a.shape) < least:
        raise ShapeError(
            f"ops.{name} splits along an axis that the input does not have.",
            expected=f"at least {least} axes",
            got=shapes.show(shape_of(a)),
        )
    return split(a, parts, axis)


@op
def vsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """Splits a tensor vertically: along the first axis, into equal parts or at given indices.

    Args:
        x: TensorLike with at least two axes.
        |split parts|

    Shapes:
        (n * a, b) -> n tensors of shape (a, b)

    Returns:
        A list of tensors.

    Raises:
        ShapeError: the axis does not split into so many equal parts, or there are fewer than two axes.

    Example:
        >>> from amalthea import ops
        >>> [ops.convert_to_numpy(part).tolist() for part in ops.vsplit([[1, 2], [3, 4]], 2)]
        [[[1, 2]], [[3, 4]]]
    """
    return _split_along(x, indices_or_sections, 0, 2, "vsplit")


@op
def hsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """Splits a tensor horizontally: along the second axis, a vector along its only one.

    Args:
        x: TensorLike with at least one axis.
        |split parts|

    Shapes:
        (a, n * b) -> n tensors of shape (a, b); (n * b,) -> n tensors of shape (b,)

    Returns:
        A list of tensors.

    Raises:
        ShapeError: the axis does not split into so many equal parts, or there are no axes.

    Example:
        >>> from amalthea import ops
        >>> [ops.convert_to_numpy(part).tolist() for part in ops.hsplit([[1, 2, 3], [4, 5, 6]], [1])]
        [[[1], [4]], [[2, 3], [5, 6]]]
    """
    a = tensor(x)
    return _split_along(a, indices_or_sections, 0 if len(a.shape) == 1 else 1, 1, "hsplit")


@op
def dsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """Splits a tensor along the third axis, into equal parts or at given indices.

    Args:
        x: TensorLike with at least three axes.
        |split parts|

    Shapes:
        (a, b, n * c) -> n tensors of shape (a, b, c)

    Returns:
        A list of tensors.

    Raises:
        ShapeError: the axis does not split into so many equal parts, or there are fewer than three axes.

    Example:
        >>> from amalthea import ops
        >>> [ops.convert_to_numpy(part).tolist() for part in ops.dsplit([[[1, 2], [3, 4]]], 2)]
        [[[[1], [3]]], [[[2], [4]]]]
    """
    return _split_along(x, indices_or_sections, 2, 3, "dsplit")


def _mirrored(x: Any, axis: int, name: str) -> Any:
    a = tensor(x)
    if len(a.shape) <= axis:
        raise ShapeError(
            f"ops.{name} mirrors an axis that the input does not have.",
            expected=f"at least {axis + 1} axes",
            got=shapes.show(shape_of(a)),
        )
    return m.flip(a, axes=(axis,))


@op
def flipud(x: TensorLike) -> Any:
    """Reverses the order of elements along the first axis: up and down are exchanged.

    Args:
        x: TensorLike with at least one axis.

    Shapes:
        any shape -> the same shape

    Raises:
        ShapeError: the input does not have any axes.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.flipud([[1, 2], [3, 4]])).tolist()
        [[3, 4], [1, 2]]
    """
    return _mirrored(x, 0, "flipud")


@op
def fliplr(x: TensorLike) -> Any:
    """Reverses the order of elements along the second axis: left and right are exchanged.

    Args:
        x: TensorLike with at least two axes.

    Shapes:
        any shape -> the same shape

    Raises:
        ShapeError: the input has fewer than two axes.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.fliplr([[1, 2], [3, 4]])).tolist()
        [[2, 1], [4, 3]]
    """
    return _mirrored(x, 1, "fliplr")


@op
def rot90(array: TensorLike, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """Turns a tensor by multiples of 90 degrees in the plane of two axes.

    Args:
        array: TensorLike with at least two axes.
        k: int; number of turns, from the first of the two axes towards the second. Defaults to 1.
        axes: two different ints; the axes of the plane. Defaults to the first two.

    Shapes:
        (a, b) -> (b, a) for odd ``k``, (a, b) for even ``k``

    Raises:
        ArgumentError: the axes are not two different axes of the input.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.rot90([[1, 2], [3, 4]])).tolist()
        [[2, 4], [1, 3]]
    """
    a = tensor(array)
    plane = all_axes(axes, len(a.shape))
    if len(plane) != 2 or plane[0] == plane[1]:
        raise ArgumentError("A plane has two different axes.", expected="such as (0, 1)", got=axes)
    turns = checks.integer(k, "k", "ops.rot90") % 4
    first, second = plane
    if turns == 2:
        return m.flip(a, axes=plane)
    if not turns:
        return a
    order = list(range(len(a.shape)))
    order[first], order[second] = second, first
    turned = m.transpose(a, axes=tuple(order))
    return m.flip(turned, axes=(first if turns == 1 else second,))
