"""Values of images between their pixels."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import docstrings
from amalthea.engine.primitives import indexing
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import op, shape_of
from amalthea.ops.core import cast
from amalthea.ops.image.layout import number, positions, rounding

docstrings.share(
    "fill mode",
    """
fill_mode: str; pixels beyond the border: ``"constant"`` takes ``fill_value``, ``"nearest"`` the border,
    ``"reflect"`` mirrors with the border, ``"mirror"`` without it, ``"wrap"`` continues at the other end.
""",
)


def _folded(i: Any, period: Any, last: Any) -> Any:
    i = np_ops.mod(i, period)
    return np_ops.where(np_ops.greater(i, last), period - 1.0 - i, i)


# Pixels beyond the border: from an index and the size of the axis to the index that is read instead.
_BEYOND: dict[str, Callable[[Any, Any], Any]] = {
    "constant": lambda i, n: np_ops.clip(i, 0.0, n - 1.0),
    "nearest": lambda i, n: np_ops.clip(i, 0.0, n - 1.0),
    "wrap": lambda i, n: np_ops.mod(i, n),
    "reflect": lambda i, n: _folded(i, 2.0 * n, n - 1.0),
    "mirror": lambda i, n: np_ops.abs(
        np_ops.mod(np_ops.add(i, n - 1.0), np_ops.maximum(2.0 * n - 2.0, 1.0)) - (n - 1.0)
    ),
}


def interpolated(
    x: Any, coordinates: Sequence[Any], order: int, fill_mode: str, fill_value: Any, lead: Sequence[Any] = ()
) -> Any:
    """Read a tensor at points between its elements.

    Arrays in ``lead`` are whole indices of the first axes; ``coordinates`` are those of the axes behind. All have one
    shape. The axes that are left are those of each element.
    """
    if fill_mode not in _BEYOND:
        raise ArgumentError("This fill mode does not exist.", expected=", ".join(_BEYOND), got=repr(fill_mode))
    sizes = [number(n) for n in shape_of(x)[len(lead) : len(lead) + len(coordinates)]]
    depth = len(x.shape) - len(lead) - len(coordinates)

    def as_element(y: Any) -> Any:
        return np_ops.reshape(y, (*shape_of(y), *(1,) * depth))

    def element(indices: Sequence[Any]) -> Any:
        inside = [_BEYOND[fill_mode](k, n) for k, n in zip(indices, sizes)]
        found = indexing.gather_points(x, cast(np_ops.stack([*lead, *inside], axis=-1), "int32"))
        if fill_mode != "constant":
            return found
        seen = functools.reduce(np_ops.logical_and, (np_ops.equal(a, b) for a, b in zip(inside, indices)))
        return np_ops.where(as_element(seen), found, cast(fill_value, x.dtype))

    if order == 0:
        return element([np_ops.floor(c + 0.5) for c in coordinates])
    below = [np_ops.floor(c) for c in coordinates]
    above = [as_element(cast(np_ops.subtract(c, b), x.dtype)) for c, b in zip(coordinates, below)]
    parts = []
    for corner in itertools.product((0, 1), repeat=len(coordinates)):
        weights = [w if is_above else 1.0 - w for is_above, w in zip(corner, above)]
        at = [b + 1.0 if is_above else b for is_above, b in zip(corner, below)]
        parts.append(functools.reduce(np_ops.multiply, weights, element(at)))
    return functools.reduce(np_ops.add, parts)


def sampled(images: Any, rows: Any, columns: Any, interpolation: str, fill_mode: str, fill_value: float) -> Any:
    """Read pixels ``(batch, h, w, channels)`` at coordinates ``(batch, h, w)`` of images with channels last."""
    if interpolation not in ("nearest", "bilinear"):
        raise ArgumentError("This interpolation does not exist.", expected="nearest or bilinear", got=interpolation)
    batch = shape_of(images)[0]
    which = np_ops.broadcast_to(np_ops.reshape(positions(batch), (batch, 1, 1)), shape_of(rows))
    order = int(interpolation == "bilinear")
    return interpolated(images, (rows, columns), order, fill_mode, fill_value, lead=(which,))


@op
@rounding
def map_coordinates(
    inputs: TensorLike, coordinates: TensorLike, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Any:
    """Reads a tensor at given points, also between its elements.

    Args:
        inputs: TensorLike with at least one axis. Whole numbers are rounded back to their dtype.
        coordinates: TensorLike; along its first axis, one coordinate for each axis of the input.
        order: int; 0 takes the nearest element, 1 weighs the elements around the point by their distance (linear).
        |fill mode|
            Defaults to ``"constant"``.
        fill_value: float; value beyond the border. Defaults to 0.

    Shapes:
        (a, b), (2, ...) -> (...)

    Raises:
        ArgumentError: the order is not 0 or 1, or no fill mode has this name.
        ShapeError: there is not one coordinate for each axis.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape([0.0, 1.0, 2.0, 3.0], (2, 2))
        >>> ops.convert_to_numpy(ops.image.map_coordinates(x, [[0.5, 1.0], [0.5, 0.25]], order=1)).tolist()
        [1.5, 2.25]
    """
    if order not in (0, 1):
        raise ArgumentError("An interpolation of this order is not available.", expected="0 or 1", got=order)
    x: Any = inputs
    points = np_ops.array(coordinates)
    shape = shape_of(points)
    if not x.shape or not shape or shape[0] != len(x.shape):
        raise ShapeError(
            "A point has one coordinate for each axis.",
            expected=f"a first axis of {len(x.shape)} coordinates",
            got=shape,
        )
    points = cast(points, "float64" if x.dtype == "float64" else "float32")
    return interpolated(x, [points[n] for n in range(shape[0])], order, fill_mode, fill_value)
