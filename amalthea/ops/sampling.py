"""Values of images between their pixels, and affine maps of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import config
from amalthea.engine.primitives import indexing
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import floating, op, shape_of, tensor
from amalthea.ops.core import cast


def number(size: Any) -> Any:
    """Turn a size into a float; a size that is not known yet is counted when the graph runs."""
    return float(size) if isinstance(size, int) else np_ops.sum(np_ops.ones((size,)))


def positions(count: Any) -> Any:
    """Make the numbers 0, 1, 2, ... as floats."""
    if isinstance(count, int):
        return cast(np_ops.arange(count), "float32")
    return np_ops.cumsum(np_ops.ones((count,))) - 1.0


def _folded(i: Any, period: Any, last: Any) -> Any:
    i = np_ops.mod(i, period)
    return np_ops.where(np_ops.greater(i, last), period - 1.0 - i, i)


# Pixels beyond the border: from an index and the size of the axis to the index that is read instead.
_BEYOND: dict[str, Callable[[Any, Any], Any]] = {
    "constant": lambda i, n: np_ops.clip(i, 0.0, n - 1.0),
    "nearest": lambda i, n: np_ops.clip(i, 0.0, n - 1.0),
    "wrap": lambda i, n: np_ops.mod(i, n),
    "reflect": lambda i, n: _folded(i, 2.0 * n, n - 1.0),
    "mirror": lambda i, n: np_ops.abs(np_ops.mod(i + n - 1.0, np_ops.maximum(2.0 * n - 2.0, 1.0)) - (n - 1.0)),
}


def sampled(images: Any, rows: Any, columns: Any, interpolation: str, fill_mode: str, fill_value: float) -> Any:
    """Read pixels ``(batch, h, w, channels)`` at coordinates ``(batch, h, w)`` of images with channels last."""
    if fill_mode not in _BEYOND:
        raise ArgumentError("There is no such fill mode.", expected=", ".join(_BEYOND), got=repr(fill_mode))
    if interpolation not in ("nearest", "bilinear"):
        raise ArgumentError("There is no such interpolation.", expected="nearest or bilinear", got=interpolation)
    batch, height, width, _ = shape_of(images)
    which = np_ops.broadcast_to(np_ops.reshape(positions(batch), (batch, 1, 1)), shape_of(rows))
    sizes = number(height), number(width)

    def pixel(i: Any, j: Any) -> Any:
        inside = [_BEYOND[fill_mode](k, n) for k, n in zip((i, j), sizes)]
        points = cast(np_ops.stack([which, *inside], axis=-1), "int32")
        found = indexing.gather_points(images, points)
        if fill_mode != "constant":
            return found
        seen = np_ops.logical_and(*(np_ops.equal(a, b) for a, b in zip(inside, (i, j))))
        return np_ops.where(np_ops.expand_dims(seen, -1), found, cast(fill_value, images.dtype))

    if interpolation == "nearest":
        return pixel(np_ops.floor(rows + 0.5), np_ops.floor(columns + 0.5))
    top, left = np_ops.floor(rows), np_ops.floor(columns)
    down, right = (cast(np_ops.expand_dims(x, -1), images.dtype) for x in (rows - top, columns - left))
    above = pixel(top, left) * (1.0 - right) + pixel(top, left + 1.0) * right
    below = pixel(top + 1.0, left) * (1.0 - right) + pixel(top + 1.0, left + 1.0) * right
    return above * (1.0 - down) + below * down


@op
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Rotates, scales, shears and shifts images by an affine map of coordinates.

    The pixel at column x, row y of the output is read at column ``a0 * x + a1 * y + a2`` and row
    ``b0 * x + b1 * y + b2`` of the input.

    Args:
        images: TensorLike; one image or a batch. Whole numbers are computed in ``floatx``.
        transform: TensorLike; ``[a0, a1, a2, b0, b1, b2, 0, 0]``, one for all images or one for each.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_mode: str; pixels beyond the border: ``"constant"`` takes ``fill_value``, ``"nearest"`` the border,
            ``"reflect"`` mirrors with the border, ``"mirror"`` without it, ``"wrap"`` continues at the other end.
            Defaults to ``"constant"``.
        fill_value: float; value beyond the border. Defaults to 0.
        |data format of an op|

    Shapes:
        (batch, height, width, channels), (batch, 8) -> (batch, height, width, channels)

    Raises:
        ArgumentError: an unknown interpolation or fill mode.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape([1.0, 2.0, 3.0], (1, 3, 1))
        >>> shifted = ops.image.affine_transform(image, [1.0, 0, 1, 0, 1, 0, 0, 0])  # read one column to the right
        >>> ops.convert_to_numpy(shifted)[0, :, 0].tolist()
        [2.0, 3.0, 0.0]
    """
    x, t = floating(images), cast(tensor(transform), "float32")
    single = len(x.shape) == 3
    x = np_ops.expand_dims(x, 0) if single else x
    t = np_ops.expand_dims(t, 0) if len(t.shape) == 1 else t
    first = config.standardize_data_format(data_format) == "channels_first"
    x = np_ops.transpose(x, (0, 2, 3, 1)) if first else x
    batch, height, width, _ = shape_of(x)
    down, across = np_ops.reshape(positions(height), (1, height, 1)), np_ops.reshape(positions(width), (1, 1, width))
    a = [np_ops.reshape(t[:, i], (shape_of(t)[0], 1, 1)) for i in range(6)]
    columns, rows = a[0] * across + a[1] * down + a[2], a[3] * across + a[4] * down + a[5]
    where = (batch, height, width)
    rows, columns = np_ops.broadcast_to(rows, where), np_ops.broadcast_to(columns, where)
    out = sampled(x, rows, columns, interpolation, fill_mode, fill_value)
    out = np_ops.transpose(out, (0, 3, 1, 2)) if first else out
    return np_ops.squeeze(out, 0) if single else out
