"""Distances between rows, and axes rearranged by a pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from amalthea import checks
from amalthea.engine import shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import accumulating_pair, op, shape_of
from amalthea.ops.base import tensor as tensor_of


@op
@accumulating_pair
def cdist(x: TensorLike, y: TensorLike) -> Any:
    """Computes the Euclidean distance of each row of ``x`` from each row of ``y``.

    Args:
        x: TensorLike with at least two axes; the last one holds coordinates. Whole numbers are computed in ``floatx``.
        y: TensorLike of points with as many coordinates. Axes in front of the points broadcast.

    Shapes:
        (n, coordinates), (m, coordinates) -> (n, m)

    Raises:
        ShapeError: the numbers of coordinates differ, or an input has fewer than two axes.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cdist([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0]])).tolist()
        [[4.0], [5.0]]

    Source: the gradient of two equal points, where none exists, counts as 0.
    """
    s1, s2 = shape_of(x), shape_of(y)
    if len(s1) < 2 or len(s2) < 2 or not shapes.agree(s1[-1], s2[-1]):
        raise ShapeError(
            "Points have one number of coordinates.",
            expected="(..., n, coordinates) and (..., m, coordinates)",
            got=f"{shapes.show(s1)} and {shapes.show(s2)}",
        )
    a, b = m.reshape(x, shape=(*s1[:-1], 1, s1[-1])), m.reshape(y, shape=(*s2[:-2], 1, *s2[-2:]))
    away = p.subtract(a, b)
    return p.sqrt(r.reduce_sum(p.square(away), axes=(len(away.shape) - 1,)))


@op
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: int) -> Any:
    """Reorders, merges and splits axes by a pattern of their names, as in ``"b (h w) c -> b c h w"``.

    Args:
        tensor: TensorLike of any dtype.
        pattern: str; the axes of the input, ``->``, and those of the output. Names in parentheses are one axis in the
            tensor, the last name running fastest. ``...`` stands for further axes, ``1`` for an axis of size 1.
        **axes_lengths: ints; sizes of named axes, needed where parentheses of the input have several unknown ones.

    Shapes:
        (b, h * w, c) -> (b, c, h, w) for ``"b (h w) c -> b c h w"``

    Raises:
        ArgumentError: the pattern cannot be read, or a name occurs on one side only.
        ShapeError: the input does not fit the pattern.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.rearrange([[1, 2, 3], [4, 5, 6]], "a b -> (b a)")).tolist()
        [1, 4, 2, 5, 3, 6]

    Source: Rogozhnikov, "Einops: clear and reliable tensor manipulations with Einstein-like notation", 2022.
    """
    x = tensor_of(tensor)
    left, right = _sides(pattern, len(x.shape))
    names, wanted = ([name for group in side for name in group] for side in (left, right))
    if len(set(names)) < len(names) or sorted(names) != sorted(wanted):
        raise ArgumentError("Each name occurs once on each side of a pattern.", got=pattern)
    for name in axes_lengths.keys() - set(names):
        raise ArgumentError(f"The pattern does not have an axis {name!r}.", expected=", ".join(names), got=name)
    sizes = _sizes(x, left, axes_lengths, pattern)
    split = m.reshape(x, shape=tuple(sizes[name] for name in names))
    moved = m.transpose(split, axes=tuple(names.index(name) for name in wanted))
    return m.reshape(moved, shape=tuple(shapes.size([sizes[name] for name in group]) for group in right))


def _sides(pattern: str, rank: int) -> list[list[list[str]]]:
    """The groups of names on both sides, with ``...`` spelt out; an axis of size 1 is a group without names."""
    sides = pattern.split("->")
    word = r"(?:[A-Za-z_]\w*|1|\.\.\.)"
    if len(sides) != 2 or not all(re.fullmatch(rf"\s*(?:(?:{word}|\((?:\s*{word})*\s*\))\s*)*", s) for s in sides):
        raise ArgumentError("The pattern of axes cannot be read.", expected="'b (h w) c -> b c h w'", got=pattern)
    groups = [[re.findall(word, g) for g in re.findall(rf"\([^)]*\)|{word}", side)] for side in sides]
    if sides[0].count("...") > 1 or sides[0].count("...") != sides[1].count("..."):
        raise ArgumentError("The dots of a pattern occur once on each side.", got=pattern)
    more = [f"...{n}" for n in range(rank - len(groups[0]) + 1)] if "..." in sides[0] else []
    return [[part for group in side for part in _spelt(group, more)] for side in groups]


def _spelt(group: list[str], more: Sequence[str]) -> list[list[str]]:
    if group == ["..."]:
        return [[name] for name in more]
    return [[name for word in group for name in (more if word == "..." else [word]) if name != "1"]]


def _sizes(x: Any, left: Sequence[Sequence[str]], given: dict[str, int], pattern: str) -> dict[str, Any]:
    shape = shape_of(x)
    if len(shape) != len(left):
        raise ShapeError("The input does not have the axes of the pattern.", expected=pattern, got=shapes.show(shape))
    sizes: dict[str, Any] = {k: checks.non_negative_int(v, k, "ops.rearrange") for k, v in given.items()}
    for group, dim in zip(left, shape):
        open_names = [name for name in group if name not in sizes]
        if len(open_names) > 1:
            raise ArgumentError(
                "The sizes of merged axes are not known.",
                expected=f"sizes of all but one of {', '.join(open_names)}",
                got=pattern,
                cure=f"ops.rearrange(x, pattern, {open_names[0]}=n)",
            )
        known = shapes.size([sizes[name] for name in group if name in sizes])
        if open_names:
            sizes[open_names[0]] = dim // known if known else 0
        whole = shapes.size([sizes[name] for name in group])
        if not shapes.agree(whole, dim):
            raise ShapeError("An axis does not have the size of its names.", expected=whole, got=dim)
    return sizes
