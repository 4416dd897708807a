"""Random changes of one image, drawn from NumPy's global generator: ``numpy.random.seed`` repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.errors import ArgumentError, ShapeError
from amalthea.preprocessing.affine import apply_affine_transform

docstrings.share(
    "drawn image",
    """
    x: array; one image.
    """,
)
docstrings.share(
    "axes of an image",
    """
    row_axis: int; axis of the rows. Defaults to 1.
    col_axis: int; axis of the columns. Defaults to 2.
    channel_axis: int; axis of the channels. Defaults to 0.
    fill_mode: str; pixels beyond the borders: ``"constant"``, ``"nearest"``, ``"reflect"`` or ``"wrap"``. Defaults to
        ``"nearest"``.
    cval: float; value of those pixels for ``"constant"``. Defaults to 0.
    interpolation_order: int; 0 takes the nearest pixel, 1 interpolates linearly. Defaults to 1.
    """,
)


@docstrings.fill
def random_rotation(
    x: Any,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Rotates an image by a random angle.

    Args:
        |drawn image|
        rg: float; largest angle, in degrees.
        |axes of an image|

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.random_rotation(np.ones((1, 2, 2)), 90).tolist()
        [[[1.0, 1.0], [1.0, 1.0]]]
    """
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta=theta, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


@docstrings.fill
def random_shift(
    x: Any,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shifts an image by random distances.

    Args:
        |drawn image|
        wrg: float; largest shift along the columns, as a share of the width.
        hrg: float; largest shift along the rows, as a share of the height.
        |axes of an image|

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.random_shift(np.ones((1, 2, 2)), 0.5, 0.5).tolist()
        [[[1.0, 1.0], [1.0, 1.0]]]
    """
    x = np.asarray(x)
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(
        x, tx=tx, ty=ty, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


@docstrings.fill
def random_shear(
    x: Any,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shears an image by a random angle.

    Args:
        |drawn image|
        intensity: float; largest angle, in degrees.
        |axes of an image|

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.random_shear(np.ones((1, 2, 2)), 20).tolist()
        [[[1.0, 1.0], [1.0, 1.0]]]
    """
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, shear=shear, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


@docstrings.fill
def random_zoom(
    x: Any,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Zooms an image by random factors, one for each axis of space.

    Args:
        |drawn image|
        zoom_range: pair of float; smallest and largest factor.
        |axes of an image|

    Shapes: (channels, height, width) -> the same.

    Raises:
        ArgumentError: the range is not a pair.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.random_zoom(np.ones((1, 2, 2)), (0.8, 1.2)).tolist()
        [[[1.0, 1.0], [1.0, 1.0]]]
    """
    low, high = checked_pair(zoom_range, "zoom_range")
    zx, zy = (1, 1) if low == 1 and high == 1 else np.random.uniform(low, high, 2)
    return apply_affine_transform(
        x, zx=zx, zy=zy, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


def checked_pair(value: Any, name: str) -> tuple[float, float]:
    """Two numbers, or :class:`ArgumentError`."""
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != 2:
        raise ArgumentError(f"`{name}` is a pair of numbers.", expected="two floats", got=repr(value))
    return float(value[0]), float(value[1])


def apply_channel_shift(x: Any, intensity: Any, channel_axis: int = 0) -> np.ndarray:
    """Adds to the channels of an image, within its smallest and largest element.

    Args:
        x: array; one image.
        intensity: float, or one for each channel; what is added.
        channel_axis: int; axis of the channels. Defaults to 0.

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.apply_channel_shift(np.array([[[0.0, 5.0]]]), 2.0).tolist()
        [[[2.0, 5.0]]]
    """
    x = np.moveaxis(np.asarray(x), channel_axis, -1)
    added = np.asarray(intensity)
    shifted = x + (added.astype(x.dtype) if added.ndim == 0 or x.dtype.kind != "f" else added)
    return np.moveaxis(np.clip(shifted, np.min(x), np.max(x)).astype(x.dtype), -1, channel_axis)


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """Adds a random number to all channels of an image.

    Args:
        x: array; one image.
        intensity_range: float; largest number.
        channel_axis: int; axis of the channels. Defaults to 0.

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.random_channel_shift(np.ones((1, 1, 2)), 3.0).tolist()
        [[[1.0, 1.0]]]
    """
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """Multiplies the brightness of an image, as whole numbers from 0 to 255.

    Args:
        x: array; one image, channels last. A fourth channel (transparency) stays.
        brightness: float; factor.
        scale: bool; whether the smallest element becomes 0 and the largest 255 before. Defaults to True.

    Shapes: (height, width, channels) -> the same.

    Raises:
        ShapeError: the image has other axes.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.apply_brightness_shift(np.array([[[0.0], [255.0]]]), 0.5).ravel().tolist()
        [0.0, 127.0]
    """
    x = np.asarray(x, "float32")
    if x.ndim != 3 or x.shape[2] not in (1, 3, 4):
        raise ShapeError("An image has 1, 3 or 4 channels.", expected="(height, width, 3)", got=x.shape)
    if scale and x.size:
        x = x - np.min(x)
        largest = np.max(x)
        x = x / largest * 255 if largest else x
    pixels = x.astype("uint8")
    made = np.clip(np.float32(brightness) * pixels.astype("float32"), 0, 255).astype("uint8")
    if x.shape[2] == 4:
        made[:, :, 3] = pixels[:, :, 3]
    return made.astype("float32")


def random_brightness(x: Any, brightness_range: Sequence[float], scale: bool = True) -> np.ndarray:
    """Multiplies the brightness of an image by a random factor.

    Args:
        x: array; one image, channels last.
        brightness_range: pair of float; smallest and largest factor.
        scale: bool; whether the smallest element becomes 0 and the largest 255 before. Defaults to True.

    Shapes: (height, width, channels) -> the same.

    Raises:
        ArgumentError: the range is not a pair.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.random_brightness(np.array([[[0.0], [255.0]]]), (1, 1)).ravel().tolist()
        [0.0, 255.0]
    """
    low, high = checked_pair(brightness_range, "brightness_range")
    return apply_brightness_shift(x, np.random.uniform(low, high), scale)


def flip_axis(x: Any, axis: int) -> np.ndarray:
    """Reverses an image along one axis.

    Args:
        x: array.
        axis: int; the axis.

    Shapes: any shape -> the same.

    Example:
        >>> from amalthea.preprocessing import image
        >>> image.flip_axis([1, 2, 3], 0).tolist()
        [3, 2, 1]
    """
    return np.flip(np.asarray(x), axis)
