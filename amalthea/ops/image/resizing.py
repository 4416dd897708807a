"""Sizes of images.

A spatial axis is resized by one matrix product: a column of the matrix holds the weights of the old pixels in a new
one. The matrix depends on sizes alone, so a compiled step holds it as a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import checks, config
from amalthea.engine import shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import accumulating, all_axes, one_axis, op, shape_of, tensor
from amalthea.ops.core import cast
from amalthea.ops.image.layout import number, positions, rounding, space_axes


def _triangle(x: Any) -> Any:
    return np_ops.maximum(np_ops.subtract(1.0, x), 0.0)


def _cubic(x: Any) -> Any:
    """Source: Keys, "Cubic convolution interpolation for digital image processing", 1981, equation 15."""
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np_ops.where(np_ops.less(x, 1.0), near, np_ops.where(np_ops.less(x, 2.0), far, 0.0))


def _lanczos(radius: int) -> Callable[[Any], Any]:
    """Source: Duchon, "Lanczos filtering in one and two dimensions", 1979."""

    def kernel(x: Any) -> Any:
        safe = np_ops.maximum(x, 1e-3)
        wave = radius * np_ops.sin(math.pi * safe) * np_ops.sin(math.pi * safe / radius) / (math.pi**2 * safe * safe)
        return np_ops.where(np_ops.less(x, radius), np_ops.where(np_ops.less_equal(x, 1e-3), 1.0, wave), 0.0)

    return kernel


_KERNELS: dict[str, Callable[[Any], Any]] = {
    "bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5),
}  # fmt: skip


def shares(old: Any, new: Any, kernel: Callable[[Any], Any], antialias: bool, step: Any, shift: Any = 0.0) -> Any:
    """Compute the weight of each old pixel in each new one, as a matrix ``(old, new)``.

    ``step`` is the distance of neighbouring new pixels among the old ones; the new ones are moved by ``shift``.
    """
    centres = np_ops.multiply(np_ops.subtract(positions(new) + 0.5, shift), step) - 0.5
    reach = np_ops.maximum(step, 1.0) if antialias else 1.0
    away = np_ops.abs(centres[None, :] - positions(old)[:, None]) / reach
    raw = kernel(away)
    total = np_ops.sum(raw, axis=0, keepdims=True)
    nothing = np_ops.less(np_ops.abs(total), 1e-4)
    weights = np_ops.where(nothing, 0.0, raw / np_ops.where(nothing, 1.0, total))
    inside = np_ops.logical_and(np_ops.less_equal(-0.5, centres), np_ops.less_equal(centres, number(old) - 0.5))
    return np_ops.where(inside, weights, 0.0)


def _along(x: Any, axis: int, new: Any, interpolation: str, antialias: bool) -> Any:
    old = shape_of(x)[axis]
    if isinstance(old, int) and old == new:
        return x
    if interpolation == "nearest":
        nearest = np_ops.floor((positions(new) + 0.5) * np_ops.divide(number(old), number(new)))
        return np_ops.take(x, cast(np_ops.clip(nearest, 0.0, number(old) - 1.0), "int32"), axis=axis)
    step = np_ops.divide(number(old), number(new))
    return _mixed(x, axis, shares(old, new, _KERNELS[interpolation], antialias, step))


def _mixed(x: Any, axis: int, matrix: Any) -> Any:
    mixed = np_ops.matmul(np_ops.moveaxis(x, axis, -1), cast(matrix, x.dtype))
    return np_ops.moveaxis(mixed, -1, axis)


def fitted(old: tuple[Any, Any], size: Any, crop: bool) -> tuple[int, int, int, int]:
    """Find the region of an image that has the proportions of a new size: ``(top, left, height, width)``.

    It is the largest one inside the image with ``crop``, else the smallest one around it.
    """
    if not all(isinstance(n, int) for n in old):
        raise ShapeError("The size of the images must be known for this.", expected="ints", got=shapes.show(old))
    height, width = old
    by_width, by_height = int(width * size[0] / size[1]), int(height * size[1] / size[0])
    if crop:
        height, width = max(min(height, by_width), 1), max(min(width, by_height), 1)
        return (old[0] - height) // 2, (old[1] - width) // 2, height, width
    # As Keras does on JAX and PyTorch: the odd one of the pixels to add is left out.
    down, across = ((max(a, b) - a) // 2 for a, b in ((height, by_width), (width, by_height)))
    return -down, -across, height + 2 * down, width + 2 * across


def _fit(x: Any, axes: tuple[int, int], size: Any, crop: bool, value: float) -> Any:
    """The images cropped or padded to the proportions of the new size."""
    top, left, height, width = fitted(tuple(shape_of(x)[axis] for axis in axes), size, crop)
    if crop:
        return crop_centre(x, axes, (height, width))
    sides: list[tuple[int, ...]] = [(0, 0)] * len(x.shape)
    for axis, start in zip(axes, (top, left)):
        sides[axis] = (-start, -start)
    return np_ops.pad(x, sides, constant_values=value)


def crop_centre(x: Any, axes: tuple[int, int], size: tuple[Any, Any]) -> Any:
    """Cut the middle out of images."""
    key = [slice(None)] * len(x.shape)
    for axis, new in zip(axes, size):
        start = (shape_of(x)[axis] - new) // 2
        key[axis] = slice(start, start + new)
    return x[tuple(key)]


def _new_size(size: Any) -> tuple[Any, Any]:
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ArgumentError("The size of images is a height and a width.", expected="two ints", got=repr(size))
    for n in size:
        if not isinstance(n, shapes.Dim):
            checks.positive_int(n, "size", "ops.image.resize")
    return tuple(size)


@op
@rounding
def resize(
    images: TensorLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Resizes images to a given height and width.

    Args:
        |images|
        size: two ints; the new height and width, in pixels.
        interpolation: str; ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``. Defaults to
            ``"bilinear"``.
        antialias: bool; True averages over all old pixels that fall into a new one when an image shrinks. It does not
            change ``"nearest"``. Defaults to False.
        crop_to_aspect_ratio: bool; True first cuts the middle of the image to the proportions of ``size``. Defaults to
            False.
        pad_to_aspect_ratio: bool; True first pads the image to the proportions of ``size``. Defaults to False; without
            both options the image is stretched.
        fill_mode: str; only ``"constant"``, which pads with ``fill_value``.
        fill_value: float; value of the padding. Defaults to 0.
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, *size, channels); (height, width, channels) -> (*size, channels)

    Raises:
        ArgumentError: an unknown interpolation or fill mode, or both aspect ratio options.
        ShapeError: the input does not have 3 or 4 axes, or its size must be known to keep proportions and is not.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape([0.0, 10.0, 20.0, 30.0], (2, 2, 1))
        >>> ops.convert_to_numpy(ops.image.resize(image, (2, 4)))[:, :, 0].tolist()
        [[0.0, 2.5, 7.5, 10.0], [20.0, 22.5, 27.5, 30.0]]

    Source: Keys, "Cubic convolution interpolation for digital image processing", 1981; Duchon, "Lanczos filtering in
    one and two dimensions", 1979.
    """
    if interpolation != "nearest" and interpolation not in _KERNELS:
        raise ArgumentError(
            "This interpolation does not exist.", expected=", ".join(["nearest", *_KERNELS]), got=interpolation
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("An image is cropped or padded to its new proportions, not both.")
    if fill_mode != "constant":
        raise ArgumentError("This fill mode does not exist.", expected="'constant'", got=repr(fill_mode))
    x: Any = images
    sizes = _new_size(size)
    axes = space_axes(len(x.shape), config.standardize_data_format(data_format))
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        x = _fit(x, axes, sizes, crop_to_aspect_ratio, fill_value)
    for axis, new in zip(axes, sizes):
        x = _along(x, one_axis(axis, len(x.shape)), new, interpolation, antialias)
    return x


_METHODS = {
    "linear": _triangle, "bilinear": _triangle, "trilinear": _triangle,
    "cubic": _cubic, "bicubic": _cubic, "tricubic": _cubic, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5),
}  # fmt: skip


@op
@accumulating
def scale_and_translate(
    images: TensorLike,
    output_shape: Sequence[int],
    scale: TensorLike,
    translation: TensorLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Any:
    """Scales images by any factor along some axes, then moves them.

    A point ``x`` of the input comes to ``x * scale + translation``, with pixel ``i`` at ``i + 0.5``. New pixels beyond
    the input are 0.

    Args:
        images: TensorLike of any number of axes. Whole numbers are computed in ``floatx``.
        output_shape: sequence of ints; shape of the output. Axes that are not scaled keep their size.
        scale: TensorLike; one factor for each scaled axis.
        translation: TensorLike; one distance, in pixels of the output, for each scaled axis.
        spatial_dims: sequence of ints; the axes to scale.
        method: str; ``"linear"`` (or ``"bilinear"``, ``"trilinear"``), ``"cubic"`` (or ``"bicubic"``, ``"tricubic"``),
            ``"lanczos3"`` or ``"lanczos5"``.
        antialias: bool; True averages over all old pixels that fall into a new one where an axis shrinks. Defaults to
            True.

    Shapes:
        any shape -> ``output_shape``

    Raises:
        ArgumentError: no method has this name, or there is not one scale and one distance for each axis.
        ShapeError: the output shape changes an axis that is not scaled.

    Example:
        >>> from amalthea import ops
        >>> x = ops.array([1.0, 2.0, 3.0])
        >>> ops.convert_to_numpy(ops.image.scale_and_translate(x, (3,), [1.0], [1.0], (0,), "linear")).tolist()
        [0.0, 1.0, 2.0]
    """
    x: Any = images
    if method not in _METHODS:
        raise ArgumentError("This method does not exist.", expected=", ".join(_METHODS), got=repr(method))
    old, axes = shape_of(x), all_axes(list(spatial_dims), len(x.shape))
    new = tuple(output_shape)
    if len(new) != len(old) or any(n not in axes and not shapes.agree(a, b) for n, (a, b) in enumerate(zip(old, new))):
        raise ShapeError("Axes that are not scaled keep their size.", expected=shapes.show(old), got=shapes.show(new))
    factors, distances = (cast(tensor(v), x.dtype) for v in (scale, translation))
    if tuple(factors.shape) != (len(axes),) or tuple(distances.shape) != (len(axes),):
        raise ArgumentError(
            "Each axis has one scale and one distance.",
            expected=f"{len(axes)} numbers",
            got=f"{tuple(factors.shape)} and {tuple(distances.shape)}",
        )
    for n, axis in enumerate(axes):
        matrix = shares(old[axis], new[axis], _METHODS[method], antialias, 1.0 / factors[n], distances[n])
        x = _mixed(x, axis, matrix)
    return x
