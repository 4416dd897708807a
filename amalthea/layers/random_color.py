"""Random contrast, brightness and erasing of images in training; contrast stretching and histogram equalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, ops, random
from amalthea.checks import one_or_several, share
from amalthea.errors import ArgumentError
from amalthea.layers.layer import Layer
from amalthea.layers.random_image import RandomImage, limits
from amalthea.ops import image
from amalthea.random import SeedGenerator


class RandomContrast(RandomImage):
    """Changes the contrast of each image at random in training: ``mean + (inputs - mean) * contrast``.

    ``contrast`` is drawn uniformly from ``1 - lower`` to ``1 + upper`` for each image, ``mean`` is that of each
    channel.

    Args:
        factor: float or ``(lower, upper)``; limits of the change, from 0; a number ``f`` means ``(0, f)``. ``lower`` is
            at most 1.
        |value range|
        |seed|
        **kwargs: ``data_format``, as in the other layers; and options of every layer, see :class:`Layer`.

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([100.0, 200.0], "float32").reshape(1, 1, 2, 1)
        >>> y = np.asarray(layers.RandomContrast((0.5, 0.0), seed=1)(x)).ravel()
        >>> bool(100 <= y[0] <= y[1] <= 200), round(float(y.mean()))
        (True, 150)
    """

    def __init__(
        self,
        factor: float | list[float] | tuple[float, ...],
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        data_format = kwargs.pop("data_format", None)
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self.factor: tuple[Any, ...] = tuple(factor) if isinstance(factor, (list, tuple)) else (0, factor)
        if len(self.factor) != 2 or min(self.factor) < 0 or self.factor[0] > 1:
            raise ArgumentError("`factor` of RandomContrast is out of range.", expected="shares from 0", got=factor)
        self.value_range = tuple(value_range)

    def _changed(self, images: Any) -> Any:
        by = self._draw(images, 1.0 - self.factor[0], 1.0 + self.factor[1], 1, 1, 1)
        mean = ops.mean(images, axis=self._space(images), keepdims=True)
        return ops.clip((images - mean) * by + mean, *map(float, self.value_range))


class RandomBrightness(RandomImage):
    """Makes each image lighter or darker at random in training: ``inputs + change * (high - low)``.

    ``change`` is drawn uniformly for each image, ``low`` and ``high`` are the limits of ``value_range``; the result is
    cut to them.

    Args:
        factor: float or ``(lower, upper)``; limits of the change as a share of the range, from -1 to 1; a number ``f``
            means ``(-f, f)``.
        |value range|
        |seed|
        **kwargs: ``data_format``, as in the other layers; and options of every layer, see :class:`Layer`.

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.RandomBrightness((0.2, 0.2), value_range=(0, 1))
        >>> np.asarray(layer(np.array([0.1, 0.9], "float32").reshape(1, 1, 2, 1))).ravel().tolist()
        [0.3, 1.0]
    """

    def __init__(
        self,
        factor: float | list[float] | tuple[float, ...],
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        data_format = kwargs.pop("data_format", None)
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self.factor = limits(factor, "factor")
        self.value_range = tuple(value_range)

    def _changed(self, images: Any) -> Any:
        low, high = map(float, self.value_range)
        return ops.clip(images + self._draw(images, *self.factor, 1, 1, 1) * (high - low), low, high)


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
        |layer options|

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
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self.factor: tuple[Any, ...] = tuple(factor) if isinstance(factor, (list, tuple)) else (0, factor)
        self.scale: tuple[Any, ...] = tuple(scale) if isinstance(scale, (list, tuple)) else (scale, scale)
        self.fill_value, self.value_range = fill_value, tuple(value_range)

    def _changed(self, images: Any) -> Any:
        axes, shape = self._space(images), ops.shape(images)
        area, shape_of_it = self._draw(images, *self.scale), self._draw(images, -1.0, 1.0)
        sides = [ops.minimum(ops.sqrt(area * ops.exp(sign * shape_of_it)), 1.0) for sign in (1.0, -1.0)]
        inside = ops.less(self._draw(images, 0.0, 1.0, 1, 1, 1), self._draw(images, *self.factor, 1, 1, 1))
        for axis, side in zip(axes, sides):
            start = self._draw(images, 0.0, 1.0) * (1.0 - side)
            alone = [shape[axis] if i == axis else 1 for i in range(4)]
            place = ops.reshape((image.positions(shape[axis]) + 0.5) / image.number(shape[axis]), alone)
            low, high = (ops.reshape(x, (shape[0], 1, 1, 1)) for x in (start, start + side))
            inside = ops.logical_and(inside, ops.logical_and(ops.greater_equal(place, low), ops.less(place, high)))
        return ops.where(inside, self._cover(images), images)

    def _cover(self, images: Any) -> Any:
        if self.fill_value is not None:
            return ops.cast(self.fill_value, ops.dtype(images))
        low, high = map(float, self.value_range)
        noise = random.normal(ops.shape(images), dtype=self.compute_dtype, seed=self.generator)
        return ops.clip((noise + 1.0) / 2.0 * (high - low) + low, low, high)


class AutoContrast(Layer):
    """Stretches each channel of each image over the whole range of values, in training and outside it.

    ``output = (inputs - min) * (high - low) / (max - min) + low``, with the minimum and maximum of the channel. A
    channel of one value is left as it is.

    Args:
        |value range|
        **kwargs: ``data_format``, as in the other layers; and options of every layer, see :class:`Layer`.

    |image shapes|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([10, 20, 30], "float32").reshape(1, 3, 1, 1)
        >>> np.asarray(layers.AutoContrast()(x)).ravel().tolist()
        [0.0, 127.5, 255.0]
    """

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Any):
        data_format = kwargs.pop("data_format", None)
        super().__init__(**kwargs)
        self.value_range = tuple(value_range)
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        low, high = map(float, self.value_range)
        space = image.space_axes(len(x.shape), self.data_format)
        least, most = ops.min(x, axis=space, keepdims=True), ops.max(x, axis=space, keepdims=True)
        flat = ops.equal(least, most)
        spread = (x - least) * ((high - low) / ops.where(flat, 1.0, most - least)) + low
        return ops.cast(ops.where(flat, x, ops.clip(spread, low, high)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Equalization(Layer):
    """Equalizes the histogram of each channel: afterwards all values occur about equally often.

    The histogram is that of the whole batch; the layer does the same in training and outside it.

    Args:
        |value range|
        bins: int, at least 1; number of values that the histogram distinguishes. Defaults to 256.
        |data format|
        |layer options|

    |image shapes|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([10, 11, 12], "float32").reshape(1, 3, 1, 1)
        >>> np.asarray(layers.Equalization()(x)).ravel().tolist()
        [0.0, 128.0, 255.0]
    """

    def __init__(
        self, value_range: Sequence[float] = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.value_range, self.bins = tuple(value_range), bins
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        low, high = map(float, self.value_range)
        axis = len(x.shape) - (1 if self.data_format == "channels_last" else 3)
        channels = [(c - low) * (255.0 / (high - low)) for c in ops.unstack(x, axis=axis)]
        even = [self._equalized(c) * ((high - low) / 255.0) + low for c in channels]
        return ops.cast(ops.stack(even, axis=axis), self.compute_dtype)

    def _equalized(self, channel: Any) -> Any:
        """Equalizes one channel of all images of the batch, with values from 0 to 255."""
        positions = ops.cast(ops.clip(channel / 255.0 * (self.bins - 1), 0.0, self.bins - 1.0), "int32")
        hot = ops.one_hot(ops.reshape(positions, (-1,)), self.bins, dtype="float32")
        below = ops.cumsum(ops.sum(hot, axis=0))
        least = ops.min(ops.where(ops.greater(below, 0.0), below, below[-1]))
        many = ops.greater(below[-1], least)
        table = ops.round((below - least) * 255.0 / ops.where(many, below[-1] - least, 1.0))
        spread = ops.cast(ops.take(ops.clip(table, 0.0, 255.0), positions), ops.dtype(channel))
        return ops.where(many, spread, channel)
