"""Filters of images: blurs, edges, and the comparison of local means and variances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import checks
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import windows as w
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import accumulating, accumulating_pair, op, shape_of
from amalthea.ops.core import cast
from amalthea.ops.image.layout import batched, rounding
from amalthea.ops.windowing import per_side


def filtered(x: Any, kernel: Any, padding: str) -> Any:
    """Correlate each channel of images with kernels ``(height, width, n)``, which become a last axis."""
    batch, height, width, channels = shape_of(x)
    planes = np_ops.reshape(np_ops.transpose(x, (0, 3, 1, 2)), (batch * channels, height, width, 1))
    sizes = kernel.shape[:2]
    pads = tuple(((k - 1) // 2, k // 2) if padding == "same" else (0, 0) for k in sizes)
    weights = cast(kernel[:, :, None, :], dtypes.name_of(x))
    out = w.conv(planes, weights, strides=(1, 1), padding=pads, dilation=(1, 1), groups=1, data_format="channels_last")
    _, rows, columns, count = shape_of(out)
    return np_ops.transpose(np_ops.reshape(out, (batch, channels, rows, columns, count)), (0, 2, 3, 1, 4))


def _gaussian(size: int, sigma: Any) -> Any:
    """Weights of a Gaussian at equal distances around its middle, which add up to 1; ``sigma`` may be a tensor."""
    at = (np.arange(size) - (size - 1) / 2).astype("float32")
    weights = np_ops.exp(np_ops.square(at / sigma) * -0.5)
    return weights / np_ops.sum(weights)


def filtered_by(x: Any, kernel: Any, data_format: Any) -> Any:
    """Correlate each channel of images with one kernel ``(height, width)``; beyond the border is 0."""
    whole, restored = batched(x, data_format)
    return restored(filtered(whole, np.asarray(kernel, "float32")[:, :, None], "same")[..., 0])


def blurred_by(x: Any, kernel_size: Sequence[int], sigma: Any, data_format: Any) -> Any:
    """Blur images by a Gaussian whose standard deviations may be tensors."""
    whole, restored = batched(x, data_format)
    return restored(blurred(whole, kernel_size, sigma))


def blurred(x: Any, kernel_size: Sequence[int], sigma: Any) -> Any:
    """Blur images ``(batch, height, width, channels)`` along one axis after the other; beyond the border is 0."""
    down, across = (_gaussian(n, s) for n, s in zip(kernel_size, sigma))
    once = filtered(x, down[:, None, None], "same")[..., 0]
    return filtered(once, across[None, :, None], "same")[..., 0]


@op
@rounding
def gaussian_blur(
    images: TensorLike,
    kernel_size: int | Sequence[int] = (3, 3),
    sigma: float | Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Any:
    """Blurs images: a pixel becomes a mean of its neighbours, weighted by a Gaussian. Beyond the border is 0.

    Args:
        |images|
        kernel_size: int from 1, or two; height and width of the neighbourhood. Defaults to 3 by 3.
        sigma: float above 0, or two; standard deviations of the Gaussian, in pixels. Defaults to 1.
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, height, width, channels)

    Raises:
        ArgumentError: a size or a standard deviation is not positive.
        ShapeError: the input is not an image.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape([0.0, 0.0, 1.0, 0.0, 0.0], (1, 5, 1))
        >>> ops.convert_to_numpy(ops.image.gaussian_blur(image, kernel_size=(1, 3))).ravel().tolist()
        [0.0, 0.2741, 0.4519, 0.2741, 0.0]
    """
    size = per_side(kernel_size, 2, "kernel_size", "ops.image.gaussian_blur")
    spread: Any = tuple(sigma) if isinstance(sigma, (list, tuple)) else (sigma,) * 2
    if len(spread) != 2:
        raise ArgumentError(
            "`sigma` of ops.image.gaussian_blur is one number, or two.", expected="2 numbers", got=sigma
        )
    for value in spread:
        checks.positive_number(value, "sigma", "ops.image.gaussian_blur")
    x, restored = batched(images, data_format)
    return restored(blurred(x, size, spread))


@op
@accumulating
def sobel_edges(images: TensorLike, data_format: str | None = None) -> Any:
    """Computes how images change downwards and to the right, by the filters of Sobel. Beyond the border is 0.

    Args:
        |images as floats|
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, height, width, channels, 2), with the change downwards first

    Raises:
        ShapeError: the input is not an image.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape(ops.arange(9, dtype="float32"), (3, 3, 1))
        >>> ops.convert_to_numpy(ops.image.sobel_edges(image))[1, 1, 0].tolist()
        [24.0, 8.0]

    Source: as Keras 3 on JAX and PyTorch; on TensorFlow it mirrors images at their border.
    """
    down = np.array([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])
    x, restored = batched(images, data_format)
    return restored(filtered(x, np.stack([down, down.T], axis=-1), "same"))


@op
@accumulating_pair
def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """Computes the structural similarity of images: 1 for equal ones.

    ``(2 * m1 * m2 + c1) * (2 * c12 + c2) / ((m1 ** 2 + m2 ** 2 + c1) * (v1 + v2 + c2))`` with local means ``m``,
    variances ``v`` and the covariance ``c12``, all weighted by a Gaussian; and the mean of it over the image.

    Args:
        image1, image2: TensorLike of one shape; images or batches of them. Whole numbers are computed in ``floatx``.
        max_val: float above 0; the largest possible value, such as 1 or 255. Defaults to 1.
        filter_size: int from 1; height and width of a neighbourhood. Defaults to 11.
        filter_sigma: float above 0; standard deviation of the Gaussian, in pixels. Defaults to 1.5.
        k1, k2: floats from 0; ``c1 = (k1 * max_val) ** 2`` and ``c2 = (k2 * max_val) ** 2``. Default to 0.01 and 0.03.
        |data format of an op|

    Shapes:
        (batch, height, width, channels), the same shape -> (batch,); (height, width, channels) -> ()

    Raises:
        ArgumentError: a number is out of its range.
        ShapeError: the shapes differ, the inputs are not images, or they are smaller than a neighbourhood.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape(ops.arange(9, dtype="float32") / 9, (3, 3, 1))
        >>> round(float(ops.image.ssim(image, image * 0.5, filter_size=3)), 2)
        0.7

    Source: Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    owner = "ops.image.ssim"
    size = checks.positive_int(filter_size, "filter_size", owner)
    for name, value in (("max_val", max_val), ("filter_sigma", filter_sigma)):
        checks.positive_number(value, name, owner)
    for name, value in (("k1", k1), ("k2", k2)):
        checks.non_negative_number(value, name, owner)
    s1, s2 = shape_of(image1), shape_of(image2)
    if len(s1) != len(s2) or not all(map(shapes.agree, s1, s2)):
        raise ShapeError("The images differ in shape.", expected=shapes.show(s1), got=shapes.show(s2))
    (x, _), (y, _) = batched(image1, data_format), batched(image2, data_format)
    if any(isinstance(n, int) and n < size for n in shape_of(x)[1:3]):
        raise ShapeError(
            "The images are smaller than a neighbourhood.",
            expected=f"at least {size} by {size} pixels",
            got=shapes.show(shape_of(x)[1:3]),
            cure=f"filter_size={max(min(n for n in shape_of(x)[1:3] if isinstance(n, int)), 1)}",
        )
    values = _similarity(x, y, _gaussian(size, filter_sigma), (k1 * max_val) ** 2, (k2 * max_val) ** 2)
    out = np_ops.mean(values, axis=(1, 2, 3))
    return out[0] if len(s1) == 3 else out


def _similarity(x: Any, y: Any, weights: np.ndarray, c1: float, c2: float) -> Any:
    kernel = np.outer(weights, weights)[:, :, None]

    def local(z: Any) -> Any:
        return filtered(z, kernel, "valid")[..., 0]

    mean_x, mean_y = local(x), local(y)
    products = np_ops.multiply(mean_x, mean_y)
    squares = np_ops.add(np_ops.square(mean_x), np_ops.square(mean_y))
    covariance = local(np_ops.multiply(x, y)) - products
    variances = local(np_ops.add(np_ops.square(x), np_ops.square(y))) - squares
    return (2.0 * products + c1) * (2.0 * covariance + c2) / ((squares + c1) * (variances + c2))
