"""Filters and rectangles at random on images in training: sharpness, blur, erasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops, random
from amalthea.checks import one_or_several, share
from amalthea.errors import ArgumentError
from amalthea.layers.image_layer import RandomImage, limits, value_limits
from amalthea.ops import image
from amalthea.random import SeedGenerator


class RandomSharpness(RandomImage):
    """Blurs or sharpens each image at random in training: ``blurred + 2 * factor * (inputs - blurred)``.

    ``factor`` is drawn for each image: 0 gives the blurred image, 0.5 the image itself, 1 a sharper one. ``blurred`` is
    the mean of a pixel, with weight 5 of 13, and its eight neighbours; the result is cut to ``value_range``.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1. A number ``f`` means ``(0, f)``.
        |value range|
        |data format|
        |seed|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((1, 3, 3, 1), "float32")
        >>> x[0, 1, 1] = 13.0
        >>> np.asarray(layers.RandomSharpness((0.0, 0.0))(x))[0, 1, :, 0].tolist()
        [1.0, 5.0, 1.0]
    """

    def __init__(
        self,
        factor: Any,
        value_range: Sequence[float] = (0, 255),
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = limits(factor, "factor", 0.0), value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        return self._draw(images, *self.factor, 1, 1, 1)

    def _changed(self, images: Any, drawn: Any) -> Any:
        blurred = (
            image.filtered_by(images, [[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]], self.data_format) / 13.0
        )
        return ops.clip(blurred + 2.0 * drawn * (images - blurred), *map(float, self.value_range))


class RandomGaussianBlur(RandomImage):
    """Blurs images at random in training: a pixel becomes a mean of its neighbours, weighted by a Gaussian.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the probability that an image is blurred. A number
            ``f`` means ``(0, f)``. Defaults to 1.0.
        kernel_size: odd int, or two; height and width of the neighbourhood. Defaults to 3.
        sigma: float or ``(lower, upper)``, from 0 to 1; limits of the Gaussian's standard deviation in pixels, which is
            drawn for the height and the width of a whole batch. A number ``s`` means ``(0, s)``. Defaults to 1.0.
        |value range|
        |data format|
        |seed|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` or ``sigma`` is out of range, or ``kernel_size`` is not odd.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([0, 1, 0], "float32").reshape(1, 1, 3, 1)
        >>> layer = layers.RandomGaussianBlur((1.0, 1.0), kernel_size=(1, 3), sigma=(1.0, 1.0))
        >>> np.asarray(layer(x)).ravel().tolist()
        [0.2741, 0.4519, 0.2741]
    """

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: int | Sequence[int] = 3,
        sigma: Any = 1.0,
        value_range: Sequence[float] = (0, 255),
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.sigma = limits(factor, "factor", 0.0), limits(sigma, "sigma", 0.0)
        size: Any = tuple(kernel_size) if isinstance(kernel_size, (list, tuple)) else (kernel_size, kernel_size)
        if len(size) != 2 or any(not isinstance(n, int) or n < 1 or n % 2 == 0 for n in size):
            raise ArgumentError(
                "`kernel_size` of RandomGaussianBlur is odd.", expected="1, 3, 5, ... or two", got=kernel_size
            )
        self.kernel_size, self.value_range = size, value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        sigma = random.uniform((2,), *self.sigma, dtype="float32", seed=self.generator) + 1e-6
        return self._chosen(images, self.factor), sigma

    def _changed(self, images: Any, drawn: Any) -> Any:
        chosen, sigma = drawn
        blurred = image.blurred_by(images, self.kernel_size, (sigma[0], sigma[1]), self.data_format)
        return ops.clip(ops.where(chosen, blurred, images), *map(float, self.value_range))


class RandomErasing(RandomImage):
    """Covers a random rectangle of each image in training.

    The probability is drawn from ``factor`` for each image, the rectangle's share of the area from ``scale``, and its
    proportions at random.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; probability that an image is covered, or limits between which
            it is drawn. A number ``f`` means ``(0, f)``. Defaults to 1.0.
        scale: float or ``(lower, upper)``, from 0 to 1; the rectangle's share of the image. Defaults to ``(0.02,
            0.33)``.
        fill_value: float; value that covers the rectangle. Defaults to None, which covers it with noise.
        |value range|
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.RandomErasing((1.0, 1.0), scale=0.25, fill_value=0.0, seed=1)
        >>> y = np.asarray(layer(np.ones((4, 64, 64, 1), "float32")))
        >>> [0.1 < float(np.mean(image == 0)) < 0.3 for image in y]
        [True, True, True, True]

    Source: Zhong et al., "Random erasing data augmentation", 2017.
    """

    _argument_checks = dict.fromkeys(("factor", "scale"), one_or_several(share))

    def __init__(
        self,
        factor: float | list[float] | tuple[float, ...] = 1.0,
        scale: float | list[float] | tuple[float, ...] = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor: tuple[Any, ...] = tuple(factor) if isinstance(factor, (list, tuple)) else (0, factor)
        self.scale: tuple[Any, ...] = tuple(scale) if isinstance(scale, (list, tuple)) else (scale, scale)
        self.fill_value, self.value_range = fill_value, value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        axes, shape = self._space(images), ops.shape(images)
        area, shape_of_it = self._draw(images, *self.scale), self._draw(images, -1.0, 1.0)
        sides = [ops.minimum(ops.sqrt(area * ops.exp(sign * shape_of_it)), 1.0) for sign in (1.0, -1.0)]
        inside = self._chosen(images, self.factor)
        for axis, side in zip(axes, sides):
            start = self._draw(images, 0.0, 1.0) * (1.0 - side)
            alone = [shape[axis] if i == axis else 1 for i in range(4)]
            place = ops.reshape((image.positions(shape[axis]) + 0.5) / image.number(shape[axis]), alone)
            low, high = (ops.reshape(x, (shape[0], 1, 1, 1)) for x in (start, start + side))
            inside = ops.logical_and(inside, ops.logical_and(ops.greater_equal(place, low), ops.less(place, high)))
        return inside, self._cover(images)

    def _changed(self, images: Any, drawn: Any) -> Any:
        inside, cover = drawn
        return ops.where(inside, ops.cast(cover, ops.dtype(images)), images)

    def _cover(self, images: Any) -> Any:
        if self.fill_value is not None:
            return self.fill_value
        low, high = map(float, self.value_range)
        noise = random.normal(ops.shape(images), dtype=self.compute_dtype, seed=self.generator)
        return ops.clip((noise + 1.0) / 2.0 * (high - low) + low, low, high)
