"""Windows along one axis, as a new axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import checks
from amalthea.engine import shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import shape_of


def per_side(value: Any, rank: int, name: str, owner: str, least: int = 1) -> tuple[int, ...]:
    """Return one int for each axis, or raise an error that names the argument."""
    check = checks.at_least_int(least)
    if not isinstance(value, (list, tuple)):
        return (int(check(value, name, owner)),) * rank
    if len(value) != rank:
        raise ArgumentError(
            f"`{name}` of {owner} is one int, or one for each axis.", expected=f"{rank} ints", got=value
        )
    return tuple(int(check(v, name, owner)) for v in value)


def positions(count: Any, size: int, stride: int, dilation: int) -> Any:
    """Return the indices ``(count, size)`` of the elements of each window along an axis."""
    first = m.iota(shape=(count, size), axis=0, dtype="int32")
    inside = m.iota(shape=(count, size), axis=1, dtype="int32")
    return p.add(p.multiply(first, np.int32(stride)), p.multiply(inside, np.int32(dilation)))


def windows_along(x: Any, axis: int, size: int, stride: int, dilation: int) -> Any:
    """Replace an axis by two: the windows that lie within it, and the elements of a window."""
    length, reach = shape_of(x)[axis], (size - 1) * dilation + 1
    if isinstance(length, int) and length < reach:
        raise ShapeError(
            "A window is larger than the input.", expected=f"at least {reach} elements", got=shapes.show(shape_of(x))
        )
    count = (length - reach) // stride + 1
    return indexing.gather(x, positions(count, size, stride, dilation), axis=axis)
