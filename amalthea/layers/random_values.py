"""Random values of images in training: contrast, brightness, inversion, posterization, solarization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops, random
from amalthea.errors import ArgumentError
from amalthea.layers.image_layer import RandomImage, limits, value_limits
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
        |image options|

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
        super().__init__(seed=seed, **kwargs)
        self.factor: tuple[Any, ...] = tuple(factor) if isinstance(factor, (list, tuple)) else (0, factor)
        if len(self.factor) != 2 or min(self.factor) < 0 or self.factor[0] > 1:
            raise ArgumentError("`factor` of RandomContrast is out of range.", expected="shares from 0", got=factor)
        self.value_range = value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        return self._draw(images, 1.0 - self.factor[0], 1.0 + self.factor[1], 1, 1, 1)

    def _changed(self, images: Any, drawn: Any) -> Any:
        mean = ops.mean(images, axis=self._space(images), keepdims=True)
        return ops.clip((images - mean) * drawn + mean, *map(float, self.value_range))


class RandomBrightness(RandomImage):
    """Makes each image lighter or darker at random in training: ``inputs + change * (high - low)``.

    ``change`` is drawn uniformly for each image, ``low`` and ``high`` are the limits of ``value_range``; the result is
    cut to them. Whole numbers keep their dtype.

    Args:
        factor: float or ``(lower, upper)``; limits of the change as a share of the range, from -1 to 1; a number ``f``
            means ``(-f, f)``.
        |value range|
        |seed|
        |image options|

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

    _keeps_dtype = True

    def __init__(
        self,
        factor: float | list[float] | tuple[float, ...],
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, **kwargs)
        self.factor = limits(factor, "factor")
        self.value_range = value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        return self._draw(images, *self.factor, 1, 1, 1)

    def _changed(self, images: Any, drawn: Any) -> Any:
        low, high = map(float, self.value_range)
        return ops.clip(images + ops.cast(drawn, ops.dtype(images)) * (high - low), low, high)


class RandomInvert(RandomImage):
    """Inverts the values of images at random in training: ``low + high - inputs``.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the probability that an image is inverted. A number
            ``f`` means ``(0, f)``. Defaults to 1.0.
        |value range|
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([0, 100, 255], "float32").reshape(1, 1, 3, 1)
        >>> np.asarray(layers.RandomInvert((1.0, 1.0))(x)).ravel().tolist()
        [255.0, 155.0, 0.0]
    """

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = limits(factor, "factor", 0.0), value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        return self._chosen(images, self.factor)

    def _changed(self, images: Any, drawn: Any) -> Any:
        return ops.where(drawn, float(sum(self.value_range)) - images, images)


class RandomPosterization(RandomImage):
    """Keeps only the highest bits of the values of each image in training.

    Args:
        factor: int or ``(lower, upper)``, from 1 to 8; limits of the number of bits. ``upper`` itself is drawn only
            if it equals ``lower``. A number ``f`` means ``(1, f)``.
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
        >>> x = np.array([0, 100, 200], "float32").reshape(1, 1, 3, 1)
        >>> np.asarray(layers.RandomPosterization((1, 1))(x)).ravel().tolist()
        [0.0, 0.0, 128.0]
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
        self.factor, self.value_range = limits(factor, "factor", 1, 8), value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        low, high = map(int, self.factor)
        bits = random.randint((ops.shape(images)[0],), low, max(high, low + 1), seed=self.generator)
        steps = ops.convert_to_tensor([2.0 ** (8 - n) for n in range(9)], "float32")
        return ops.reshape(ops.take(steps, bits, axis=0), (-1, 1, 1, 1))

    def _changed(self, images: Any, drawn: Any) -> Any:
        low, high = map(float, self.value_range)
        whole = ops.floor((ops.clip(images, low, high) - low) * (255.0 / (high - low)))
        step = ops.cast(drawn, ops.dtype(images))
        return ops.floor(whole / step) * step * ((high - low) / 255.0) + low


class Solarization(RandomImage):
    """Inverts the bright values of each image in training.

    With values from 0 to 255, ``sum = inputs + addition`` is cut to this range, and ``255 - sum`` is taken where
    ``sum`` is not below ``threshold``. Both are drawn for each image.

    Args:
        addition_factor: float or ``(lower, upper)``, from 0 to 1; limits of the addition as a share of 255. A number
            ``f`` means ``(0, f)``. Defaults to 0.0.
        threshold_factor: the same for the threshold.
        |value range|
        |seed|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: a factor is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([0, 100, 200], "float32").reshape(1, 1, 3, 1)
        >>> layer = layers.Solarization(threshold_factor=(0.5, 0.5))
        >>> np.asarray(layer(x)).ravel().tolist()
        [0.0, 100.0, 55.0]
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = limits(addition_factor, "addition_factor", 0.0)
        self.threshold_factor = limits(threshold_factor, "threshold_factor", 0.0)
        self.value_range = value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        both = self.addition_factor, self.threshold_factor
        return [self._draw(images, *factor, 1, 1, 1) for factor in both]

    def _changed(self, images: Any, drawn: Any) -> Any:
        low, high = map(float, self.value_range)
        addition, threshold = (ops.cast(x, ops.dtype(images)) * (high - low) for x in drawn)
        sums = ops.clip(images + addition, low, high)
        return ops.where(ops.less(sums - low, threshold), sums, low + high - sums)
