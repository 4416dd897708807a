"""Ops that cut and pad the borders of images, and cut images into patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import checks, config, docstrings
from amalthea.engine import shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import op, shape_of, tensor
from amalthea.ops.image.layout import batched, space_axes
from amalthea.ops.padding import pads
from amalthea.ops.windowing import per_side, windows_along

docstrings.share("images of any dtype", "images: TensorLike of any dtype; one image or a batch.")
docstrings.share(
    "patches",
    """
strides: int from 1, or one for each side; distance of neighbouring patches. Defaults to None, which means ``size``:
    patches do not overlap.
dilation_rate: int from 1, or one for each side; distance of neighbouring pixels of a patch. Defaults to 1.
padding: str; ``"valid"`` keeps patches inside of the image; ``"same"`` adds zeros so that there are
    ceil(size / stride) of them. Defaults to ``"valid"``.
""",
)


def _two_of(before: Any, after: Any, target: Any, size: Any, words: Sequence[str], is_crop: bool) -> tuple[Any, Any]:
    """The widths before and after an axis, given two of them and the size that results."""
    owner = f"ops.image.{'crop' if is_crop else 'pad'}_images"
    given = dict(zip(words, (before, after, target)))
    known = {k: checks.non_negative_int(v, k, owner) for k, v in given.items() if v is not None}
    if len(known) != 2:
        raise ArgumentError(
            f"{owner} takes two of three widths for each side.",
            expected=f"two of {', '.join(words)}",
            got=", ".join(f"{k}={v}" for k, v in given.items()),
        )
    if target is not None:
        rest = (size - target if is_crop else target - size) - (after if before is None else before)
        before, after = (rest, after) if before is None else (before, rest)
    wrong = [n for n in (before, after) if isinstance(n, int) and n < 0]
    left = size - before - after
    if wrong or (is_crop and isinstance(left, int) and left <= 0):
        raise ArgumentError(
            f"The widths of {owner} do not fit the image.",
            expected=f"widths from 0 that fit a side of {size} pixels",
            got=", ".join(f"{k}={v}" for k, v in known.items()),
        )
    return before, after


@op
def crop_images(
    images: TensorLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Cuts borders off images: two of top, bottom and target height are given, two of left, right and target width.

    Args:
        |images of any dtype|
        top_cropping, left_cropping, bottom_cropping, right_cropping: ints from 0; numbers of pixels to cut off. Default
            to None, which follows from the two others.
        target_height, target_width: ints from 1; size of the output. Default to None, which follows from the two
            others.
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, target_height, target_width, channels)

    Raises:
        ArgumentError: not two of three numbers are given for a side, or they do not fit the image.
        ShapeError: the input is not an image.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape(ops.arange(9), (3, 3, 1))
        >>> cropped = ops.image.crop_images(image, 1, 0, target_height=2, target_width=2)
        >>> ops.convert_to_numpy(cropped)[:, :, 0].tolist()
        [[3, 4], [6, 7]]
    """
    x = tensor(images)
    axes = space_axes(len(x.shape), config.standardize_data_format(data_format))
    sizes = [shape_of(x)[axis] for axis in axes]
    words = (("top_cropping", "bottom_cropping", "target_height"), ("left_cropping", "right_cropping", "target_width"))
    given = (top_cropping, bottom_cropping, target_height), (left_cropping, right_cropping, target_width)
    key: list[Any] = [slice(None)] * len(x.shape)
    for axis, size, names, three in zip(axes, sizes, words, given):
        before, after = _two_of(*three, size, names, is_crop=True)
        key[axis] = slice(before, size - after)
    return np_ops.get_item(x, tuple(key))


@op
def pad_images(
    images: TensorLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Adds zeros around images: two of top, bottom and target height are given, two of left, right and target width.

    Args:
        |images of any dtype|
        top_padding, left_padding, bottom_padding, right_padding: ints from 0; numbers of pixels to add. Default to
            None, which follows from the two others.
        target_height, target_width: ints from 1; size of the output. Default to None, which follows from the two
            others.
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, target_height, target_width, channels)

    Raises:
        ArgumentError: not two of three numbers are given for a side, or they do not fit the image.
        ShapeError: the input is not an image.

    Example:
        >>> from amalthea import ops
        >>> padded = ops.image.pad_images(ops.ones((1, 2, 1)), 1, 0, 0, 1)
        >>> ops.convert_to_numpy(padded)[:, :, 0].tolist()
        [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    x = tensor(images)
    axes = space_axes(len(x.shape), config.standardize_data_format(data_format))
    sizes = [shape_of(x)[axis] for axis in axes]
    words = (("top_padding", "bottom_padding", "target_height"), ("left_padding", "right_padding", "target_width"))
    given = (top_padding, bottom_padding, target_height), (left_padding, right_padding, target_width)
    low, high = [0] * len(x.shape), [0] * len(x.shape)
    for axis, size, names, three in zip(axes, sizes, words, given):
        low[axis], high[axis] = _two_of(*three, size, names, is_crop=False)
    return np_ops.pad(x, list(zip(low, high)))


def _patches(x: Any, size: Any, strides: Any, dilation: Any, padding: Any, owner: str) -> Any:
    """Patches of ``(batch, *space, channels)`` as channels, the pixels of a patch one after the other."""
    rank = len(x.shape) - 2
    window = per_side(size, rank, "size", owner)
    step = window if strides is None else per_side(strides, rank, "strides", owner)
    gap = per_side(dilation, rank, "dilation_rate", owner)
    checks.one_of("valid", "same")(padding, "padding", owner)
    widths = pads(padding, shape_of(x)[1:-1], window, step, gap)
    x = np_ops.pad(x, [(0, 0), *widths, (0, 0)]) if padding == "same" else x
    for axis in range(rank, 0, -1):
        x = windows_along(x, axis, window[axis - 1], step[axis - 1], gap[axis - 1])
    shape = shape_of(x)
    counts, inside = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
    x = np_ops.transpose(x, (0, *counts, *inside, 2 * rank + 1))
    return np_ops.reshape(x, (shape[0], *(shape[n] for n in counts), shapes.size(window) * shape[-1]))


@op
def extract_patches(
    images: TensorLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Cuts images into patches, each of which becomes one element with many channels.

    Args:
        |images of any dtype|
        size: int from 1, or two; height and width of a patch.
        |patches|
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, rows, columns, patch_height * patch_width * channels)

    Raises:
        ArgumentError: a size is not a positive int, or no padding has this name.
        ShapeError: the input is not an image, or a patch is larger.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape(ops.arange(16), (4, 4, 1))
        >>> ops.convert_to_numpy(ops.image.extract_patches(image, 2)).tolist()
        [[[0, 1, 4, 5], [2, 3, 6, 7]], [[8, 9, 12, 13], [10, 11, 14, 15]]]
    """
    x, restored = batched(tensor(images), data_format)
    return restored(_patches(x, size, strides, dilation_rate, padding, "ops.image.extract_patches"))


@op
def extract_patches_3d(
    volumes: TensorLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Cuts volumes into patches, each of which becomes one element with many channels.

    Args:
        volumes: TensorLike of any dtype; one volume or a batch.
        size: int from 1, or three; depth, height and width of a patch.
        |patches|
        |data format of an op|

    Shapes:
        (batch, depth, height, width, channels) -> (batch, *counts, patch_depth * patch_height * patch_width * channels)

    Raises:
        ArgumentError: a size is not a positive int, or no padding has this name.
        ShapeError: the input does not have 4 or 5 axes, or a patch is larger.

    Example:
        >>> from amalthea import ops
        >>> tuple(ops.image.extract_patches_3d(ops.ones((8, 4, 6, 6, 3)), (2, 3, 3)).shape)
        (8, 2, 2, 2, 54)
    """
    x = tensor(volumes)
    format_ = config.standardize_data_format(data_format)
    if len(x.shape) not in (4, 5):
        raise ShapeError("This is not a volume.", expected="4 axes, or 5 with the batch", got=f"{len(x.shape)} axes")
    single = len(x.shape) == 4
    x = np_ops.expand_dims(x, 0) if single else x
    x = x if format_ == "channels_last" else np_ops.moveaxis(x, 1, -1)
    out = _patches(x, size, strides, dilation_rate, padding, "ops.image.extract_patches_3d")
    out = out if format_ == "channels_last" else np_ops.moveaxis(out, -1, 1)
    return np_ops.squeeze(out, 0) if single else out
