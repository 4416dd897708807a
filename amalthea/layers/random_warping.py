"""Random perspectives and elastic maps of images in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops, random
from amalthea.checks import share
from amalthea.errors import ShapeError
from amalthea.layers import boxes
from amalthea.layers.image_layer import MovingLayer, RandomImage, limits, value_limits
from amalthea.ops import image
from amalthea.random import SeedGenerator


class RandomPerspective(MovingLayer, RandomImage):
    """Moves the corners of images at random in training, and all pixels by the perspective that they determine.

    A corner at column ``x``, row ``y`` moves to ``x * (1 + a)``, ``y * (1 + b)``, with ``a`` and ``b`` drawn from
    ``-scale / 2`` to ``scale / 2``.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the probability that an image is changed. A number
            ``f`` means ``(0, f)``. Defaults to 1.0.
        scale: float from 0 to 1; range of the moves. Defaults to 1.0.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_value: float; value beyond the border. Defaults to 0.0.
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` or ``scale`` is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
        >>> y = np.asarray(layers.RandomPerspective((1.0, 1.0), scale=0.0)(x))  # no corner moves
        >>> bool(np.allclose(x, y, atol=1e-4))
        True
    """

    _argument_checks = {"scale": share}

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.scale = limits(factor, "factor", 0.0), scale
        self.interpolation, self.fill_value = interpolation, fill_value

    def _drawn(self, images: Any) -> Any:
        height, width = (image.number(n) - 1.0 for n in self._sizes(images))
        zero = height * 0.0
        corners = [(zero, zero), (width, zero), (zero, height), (width, height)]
        start = ops.stack([ops.stack([ops.cast(v, "float32") for v in corner]) for corner in corners])
        chosen = self._chosen(images, self.factor)
        share_of_it = ops.cast(self._draw(images, -0.5 * self.scale, 0.5 * self.scale, 4, 2), "float32")
        return chosen, ops.broadcast_to(start, ops.shape(share_of_it)), start * (1.0 + share_of_it)

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        chosen, start, end = drawn
        moved = image.perspective_transform(images, start, end, interpolation, self.fill_value, self.data_format)
        return ops.where(chosen, moved, images)

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        chosen, start, end = drawn
        return ops.where(chosen[:, :, :, 0], boxes.moved(corners, image.perspective(start, end)), corners)


class RandomElasticTransform(MovingLayer, RandomImage):
    """Moves pixels by smooth random distances in training.

    The distances are normal noise, blurred by a Gaussian with standard deviation ``0.05 * s * min(height, width)`` and
    multiplied by ``0.1 * s * max(height, width)``, with an ``s`` drawn for a whole batch. The result is cut to
    ``value_range``. Masks move like their images; boxes cannot be moved.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the probability that an image is changed. A number
            ``f`` means ``(0, f)``. Defaults to 1.0.
        scale: float or ``(lower, upper)``, from 0 to 1; limits of ``s``. A number ``f`` means ``(0, f)``. Defaults to
            1.0.
        |filling|
        |value range|
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` or ``scale`` is out of range, or boxes were given.
        ShapeError: the height or the width of the images is not known.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.ones((1, 8, 8, 1), "float32")
        >>> y = np.asarray(layers.RandomElasticTransform(scale=0.5, seed=1)(x))
        >>> bool(np.allclose(x, y, atol=1e-5))
        True

    Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", 2003.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.scale = limits(factor, "factor", 0.0), limits(scale, "scale", 0.0)
        self.interpolation, self.fill_mode, self.fill_value = interpolation, fill_mode, fill_value
        self.value_range = value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        sizes = self._sizes(images)
        if not all(isinstance(n, int) for n in sizes):
            raise ShapeError("The size of the images must be known for this.", expected="ints", got=images.shape)
        chosen = self._chosen(images, self.factor)
        strength = random.uniform((), *self.scale, dtype="float32", seed=self.generator)
        shape = (ops.shape(images)[0], *sizes, 2)
        noise = random.normal(shape, dtype="float32", seed=self.generator)
        spread = 0.05 * min(sizes)
        moves = image.smooth(noise, ops.maximum(strength, 1e-6) * spread, self.scale[1] * spread)
        return chosen, moves * strength * (0.1 * max(sizes))

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        chosen, moves = drawn
        moved = image.displaced(images, moves, interpolation, self.fill_mode, self.fill_value, self.data_format)
        return ops.where(chosen, moved, images)

    def _changed(self, images: Any, drawn: Any) -> Any:
        return ops.clip(super()._changed(images, drawn), *map(float, self.value_range))
