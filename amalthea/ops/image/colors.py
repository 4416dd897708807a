"""Colour spaces of images."""

from __future__ import annotations

from typing import Any

from amalthea import config
from amalthea.engine import dtypes, shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import DtypeError, ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import accumulating, op, shape_of, tensor
from amalthea.ops.image.layout import rounding, space_axes


def _channels(x: Any, data_format: Any) -> tuple[list[Any], int]:
    """The three channels, each with an axis of size 1, and that axis."""
    format_ = config.standardize_data_format(data_format)
    space_axes(len(x.shape), format_)
    axis = len(x.shape) - (1 if format_ == "channels_last" else 3)
    if not shapes.agree(shape_of(x)[axis], 3):
        raise ShapeError("A colour has three channels.", expected="3 channels", got=shapes.show(shape_of(x)))
    return np_ops.split(x, [1, 2], axis=axis), axis


def _of_floats(images: Any, name: str) -> Any:
    x = tensor(images)
    if not dtypes.is_float(dtypes.name_of(x)):
        raise DtypeError(
            f"ops.image.{name} takes colours from 0 to 1.",
            expected="floats",
            got=dtypes.name_of(x),
            cure="ops.cast(images, 'float32') / 255",
        )
    return x


@op
@rounding
def rgb_to_grayscale(images: TensorLike, data_format: str | None = None) -> Any:
    """Converts colours to shades of grey: ``0.2989 * red + 0.587 * green + 0.114 * blue``.

    Args:
        |images|
        |data format of an op|

    Shapes:
        (batch, height, width, 3) -> (batch, height, width, 1)

    Raises:
        ShapeError: the input is not an image with three channels.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.image.rgb_to_grayscale([[[1.0, 1.0, 0.0]]])).ravel().tolist()
        [0.8859]
    """
    (red, green, blue), _ = _channels(images, data_format)
    return red * 0.2989 + green * 0.587 + blue * 0.114


@op
def rgb_to_hsv(images: TensorLike, data_format: str | None = None) -> Any:
    """Converts red, green and blue to hue, saturation and value, all from 0 to 1.

    Args:
        images: TensorLike of floats from 0 to 1; one image or a batch.
        |data format of an op|

    Shapes:
        (batch, height, width, 3) -> (batch, height, width, 3)

    Raises:
        DtypeError: the input does not hold floats.
        ShapeError: the input is not an image with three channels.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.image.rgb_to_hsv([[[0.0, 0.5, 0.0]]])).ravel().tolist()
        [0.3333, 1.0, 0.5]

    Source: Smith, "Color gamut transform pairs", 1978. The hue of a shade of grey is 0.
    """
    return _to_hsv(_of_floats(images, "rgb_to_hsv"), data_format)


@accumulating
def _to_hsv(x: Any, data_format: Any) -> Any:
    (red, green, blue), axis = _channels(x, data_format)
    value = np_ops.maximum(np_ops.maximum(red, green), blue)
    range_ = value - np_ops.minimum(np_ops.minimum(red, green), blue)
    is_grey = np_ops.equal(range_, 0.0)
    safe = np_ops.where(is_grey, 1.0, range_)
    of_red = np_ops.mod((green - blue) / safe, 6.0)
    of_others = np_ops.where(np_ops.equal(value, green), (blue - red) / safe + 2.0, (red - green) / safe + 4.0)
    hue = np_ops.where(is_grey, 0.0, np_ops.where(np_ops.equal(value, red), of_red, of_others) / 6.0)
    return np_ops.concatenate([hue, np_ops.divide_no_nan(range_, value), value], axis=axis)


@op
def hsv_to_rgb(images: TensorLike, data_format: str | None = None) -> Any:
    """Converts hue, saturation and value, all from 0 to 1, to red, green and blue.

    Args:
        images: TensorLike of floats from 0 to 1; one image or a batch.
        |data format of an op|

    Shapes:
        (batch, height, width, 3) -> (batch, height, width, 3)

    Raises:
        DtypeError: the input does not hold floats.
        ShapeError: the input is not an image with three channels.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.image.hsv_to_rgb([[[1 / 3, 1.0, 0.5]]])).ravel().tolist()
        [0.0, 0.5, 0.0]

    Source: Smith, "Color gamut transform pairs", 1978.
    """
    return _to_rgb(_of_floats(images, "hsv_to_rgb"), data_format)


@accumulating
def _to_rgb(x: Any, data_format: Any) -> Any:
    (hue, saturation, value), axis = _channels(x, data_format)
    angle = hue * 6.0
    away = [np_ops.abs(angle - 3.0) - 1.0, 2.0 - np_ops.abs(angle - 2.0), 2.0 - np_ops.abs(angle - 4.0)]
    pure = np_ops.concatenate([np_ops.clip(a, 0.0, 1.0) for a in away], axis=axis)
    return ((pure - 1.0) * saturation + 1.0) * value
