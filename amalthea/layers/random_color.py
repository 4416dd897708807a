"""Random colours of images in training: hue, saturation, shades of grey, jitter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, ops
from amalthea.checks import share
from amalthea.layers.image_layer import RandomImage, another_seed, limits, value_limits
from amalthea.layers.random_values import RandomBrightness, RandomContrast
from amalthea.ops import image
from amalthea.random import SeedGenerator


def _grey(images: Any, data_format: str) -> Any:
    """Returns shades of grey with one channel; an image of one channel is grey already."""
    channels = ops.shape(images)[3 if data_format == "channels_last" else 1]
    return images if channels == 1 else image.rgb_to_grayscale(images, data_format)


class _InHSV(RandomImage):
    """The base of layers that change hue, saturation or value."""

    value_range: tuple[float, float]

    def _hsv(self, images: Any) -> list[Any]:
        low, high = map(float, self.value_range)
        hsv = image.rgb_to_hsv((images - low) / (high - low), self.data_format)
        return ops.split(hsv, 3, axis=self._channel_axis)

    def _from_hsv(self, *channels: Any) -> Any:
        low, high = map(float, self.value_range)
        rgb = image.hsv_to_rgb(ops.concatenate(list(channels), axis=self._channel_axis), self.data_format)
        return ops.clip(rgb, 0.0, 1.0) * (high - low) + low

    @property
    def _channel_axis(self) -> int:
        return 3 if self.data_format == "channels_last" else 1


class RandomHue(_InHSV):
    """Turns the hue of each image at random in training, by ``shift / 2`` of the colour circle.

    ``shift`` is drawn from ``factor``, and its sign is drawn too.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the shift. A number ``f`` means ``(0, f)``.
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
        >>> red = np.array([200, 0, 0], "float32").reshape(1, 1, 1, 3)
        >>> y = np.asarray(layers.RandomHue((1.0, 1.0))(red))  # half of the circle
        >>> y.ravel().tolist()
        [0.0, 200.0, 200.0]
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
        return self._signs(images, 1, 1, 1) * self._draw(images, *self.factor, 1, 1, 1) * 0.5

    def _changed(self, images: Any, drawn: Any) -> Any:
        hue, saturation, value = self._hsv(images)
        hue = ops.mod(hue + drawn, 1.0)
        return self._from_hsv(hue, saturation, value)


class RandomSaturation(_InHSV):
    """Makes the colours of each image weaker or stronger at random in training.

    The saturation is multiplied by ``factor / (1 - factor)``, with a ``factor`` drawn for each image: 0 gives shades of
    grey, 0.5 the image itself, 1 full saturation.

    Args:
        factor: float or ``(lower, upper)``, at most 1; limits of the factor. A number ``f`` means ``(0, f)``.
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
        >>> x = np.array([200, 100, 100], "float32").reshape(1, 1, 1, 3)
        >>> np.asarray(layers.RandomSaturation((0.0, 0.0))(x)).ravel().tolist()
        [200.0, 200.0, 200.0]
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
        self.factor, self.value_range = limits(factor, "factor", start=0.0), value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        factor = self._draw(images, *self.factor, 1, 1, 1)
        return factor / (1.0 - factor + config.epsilon())

    def _changed(self, images: Any, drawn: Any) -> Any:
        hue, saturation, value = self._hsv(images)
        return self._from_hsv(hue, ops.clip(saturation * drawn, 0.0, 1.0), value)


class RandomGrayscale(RandomImage):
    """Turns images into shades of grey at random in training. Whole numbers keep their dtype.

    Args:
        factor: float from 0 to 1; probability that an image is changed. Defaults to 0.5.
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
        >>> x = np.array([100, 0, 0], "float32").reshape(1, 1, 1, 3)
        >>> np.asarray(layers.RandomGrayscale(1.0)(x)).ravel().tolist()
        [29.89, 29.89, 29.89]
    """

    _keeps_dtype = True
    _argument_checks = {"factor": share}

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor

    def _drawn(self, images: Any) -> Any:
        return self._chosen(images, (self.factor, self.factor))

    def _changed(self, images: Any, drawn: Any) -> Any:
        return ops.where(drawn, _grey(images, self.data_format), images)


class RandomColorDegeneration(RandomImage):
    """Mixes each image with its shades of grey at random in training: ``inputs + factor * (grey - inputs)``.

    ``factor`` is drawn for each image: 0 gives the image itself, 1 shades of grey.

    Args:
        factor: float or ``(lower, upper)``, at most 1; limits of the factor. A number ``f`` means ``(0, f)``.
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
        >>> x = np.array([100, 0, 0], "float32").reshape(1, 1, 1, 3)
        >>> np.asarray(layers.RandomColorDegeneration((1.0, 1.0))(x)).ravel().tolist()
        [29.89, 29.89, 29.89]
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
        self.factor, self.value_range = limits(factor, "factor", start=0.0), value_limits(value_range)

    def _drawn(self, images: Any) -> Any:
        return self._draw(images, *self.factor, 1, 1, 1)

    def _changed(self, images: Any, drawn: Any) -> Any:
        mixed = images + drawn * (_grey(images, self.data_format) - images)
        return ops.clip(mixed, *map(float, self.value_range))


class RandomColorJitter(RandomImage):
    """Changes brightness, contrast, saturation and hue of each image at random in training, one after the other.

    Args:
        |value range|
        brightness_factor: float or ``(lower, upper)``, as in :class:`RandomBrightness`. Defaults to None, which leaves
            the brightness as it is.
        contrast_factor: the same, as in :class:`RandomContrast`.
        saturation_factor: the same, as in :class:`RandomSaturation`.
        hue_factor: the same, as in :class:`RandomHue`.
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: a factor is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.full((1, 1, 1, 3), 100.0, "float32")
        >>> layer = layers.RandomColorJitter(brightness_factor=(0.2, 0.2), saturation_factor=(0.0, 0.0))
        >>> np.asarray(layer(x)).ravel().tolist()
        [151.0, 151.0, 151.0]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_limits(value_range)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        steps = {
            "random_brightness": (RandomBrightness, brightness_factor),
            "random_contrast": (RandomContrast, contrast_factor),
            "random_saturation": (RandomSaturation, saturation_factor),
            "random_hue": (RandomHue, hue_factor),
        }
        for number, (name, (cls, factor)) in enumerate(steps.items()):
            options = {"value_range": value_range, "data_format": data_format, "dtype": self.dtype_policy}
            made = None if factor is None else cls(factor, seed=another_seed(seed, number), **options)
            setattr(self, name, made)
        self._steps = tuple(steps)

    def _drawn(self, images: Any) -> Any:
        layers = {name: getattr(self, name) for name in self._steps}
        return {name: layer._drawn(images) for name, layer in layers.items() if layer is not None}

    def _changed(self, images: Any, drawn: Any) -> Any:
        for name, one in drawn.items():
            images = getattr(self, name)._changed(images, one)
        return images
