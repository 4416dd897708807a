"""Images changed at random in training, each in its own way; otherwise they pass unchanged."""

from __future__ import annotations

import math
from typing import Any

from amalthea import config, ops, random
from amalthea.errors import ArgumentError
from amalthea.layers.layer import Layer
from amalthea.ops import image


class RandomImage(Layer):
    """The base: a seed, the layout, one image taken as a batch of one. A subclass says :meth:`changed`."""

    def _set_up(self, seed: Any, data_format: str | None = None) -> None:
        self.seed = seed
        self.seed_generator = seed if isinstance(seed, random.SeedGenerator) else random.SeedGenerator(seed)
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any, training: bool = True) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        if not training:
            return self.unchanged(x)
        single = len(x.shape) == 3
        out = ops.cast(self.changed(ops.expand_dims(x, 0) if single else x), self.compute_dtype)
        return ops.squeeze(out, 0) if single else out

    def unchanged(self, images: Any) -> Any:
        return images

    def changed(self, images: Any) -> Any:
        raise NotImplementedError

    def space(self, images: Any) -> tuple[int, int]:
        """The axes of height and width."""
        return image.space_axes(len(images.shape), self.data_format)

    def draw(self, images: Any, low: float, high: float, *more: int) -> Any:
        """One number for each image, ``(batch, *more)``."""
        shape = (ops.shape(images)[0], *more)
        return random.uniform(shape, low, high, dtype=self.compute_dtype, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


def limits(
    value: float | list[float] | tuple[float, ...], name: str, least: float = -1.0, most: float = 1.0
) -> tuple[float, float]:
    """A pair of limits; one number stands for both sides of 0."""
    pair: tuple[Any, ...] = tuple(value) if isinstance(value, (list, tuple)) else (-abs(value), abs(value))
    if len(pair) != 2 or pair[0] > pair[1] or pair[0] < least or pair[1] > most:
        raise ArgumentError(f"`{name}` is out of range.", expected=f"within {least} to {most}", got=value)
    return pair


class RandomFlip(RandomImage):
    """Mirrors images.

    Args:
        mode: ``"horizontal"``, ``"vertical"`` or ``"horizontal_and_vertical"``; each with probability one half.
        seed: an int or a SeedGenerator.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.RandomFlip("horizontal")(np.ones((2, 4, 4, 3), "float32")).shape
        (2, 4, 4, 3)
    """

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: Any = None, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ArgumentError("There is no such mode.", expected="horizontal, vertical or both", got=repr(mode))
        self._set_up(seed, data_format)
        self.mode = mode

    def changed(self, images: Any) -> Any:
        for name, axis in zip(("vertical", "horizontal"), self.space(images)):
            if name in self.mode:
                chosen = ops.less(self.draw(images, 0.0, 1.0, 1, 1, 1), 0.5)
                images = ops.where(chosen, ops.flip(images, axis), images)
        return images


class _Affine(RandomImage):
    """Moves images by a matrix for each; a subclass says :meth:`matrix`."""

    def _set_filling(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        """``[a0, a1, a2, b0, b1, b2]``, each a number for all images or one for each."""
        raise NotImplementedError

    def changed(self, images: Any) -> Any:
        batch = ops.shape(images)[0]
        height, width = (image.number(ops.shape(images)[axis]) for axis in self.space(images))
        rows = [*self.matrix(images, height, width), 0.0, 0.0]
        columns = [ops.broadcast_to(ops.cast(row, "float32"), (batch,)) for row in rows]
        return image.affine_transform(
            images, ops.stack(columns, axis=1), self.interpolation, self.fill_mode, self.fill_value, self.data_format
        )


class RandomRotation(_Affine):
    """Turns images about their centre.

    Args:
        factor: the largest turn either way, or the limits of the turn; 1 is a full turn, above 0 counter-clockwise.
        fill_mode: what stands beyond the border: ``"reflect"``, ``"constant"``, ``"nearest"`` or ``"wrap"``.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        seed: an int or a SeedGenerator.
        fill_value: the constant.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.factor = limits(factor, "factor")

    def matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        angle = self.draw(images, *self.factor) * (2.0 * math.pi)
        c, s = ops.cos(angle), ops.sin(angle)
        h, w = height - 1.0, width - 1.0
        return [c, -s, (w - (c * w - s * h)) / 2.0, s, c, (h - (s * w + c * h)) / 2.0]


class RandomZoom(_Affine):
    """Zooms images in or out about their centre.

    Args:
        height_factor: the largest zoom either way, or its limits; above 0 is out: the image becomes smaller.
        width_factor: the same for the width; that of the height unless given, so that proportions stay.
        fill_mode: what stands beyond the border: ``"reflect"``, ``"constant"``, ``"nearest"`` or ``"wrap"``.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        seed: an int or a SeedGenerator.
        fill_value: the constant.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall = limits(height_factor, "height_factor", most=math.inf)
        self._wide = None if width_factor is None else limits(width_factor, "width_factor", most=math.inf)

    def matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        tall = 1.0 + self.draw(images, *self._tall)
        wide = tall if self._wide is None else 1.0 + self.draw(images, *self._wide)
        return [wide, 0.0, (width - 1.0) / 2.0 * (1.0 - wide), 0.0, tall, (height - 1.0) / 2.0 * (1.0 - tall)]


class RandomTranslation(_Affine):
    """Moves images up, down and sideways.

    Args:
        height_factor: the largest move either way as a share of the height, or its limits; above 0 is down.
        width_factor: the same for the width; above 0 is to the right.
        fill_mode: what stands beyond the border: ``"reflect"``, ``"constant"``, ``"nearest"`` or ``"wrap"``.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        seed: an int or a SeedGenerator.
        fill_value: the constant.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall, self._wide = limits(height_factor, "height_factor"), limits(width_factor, "width_factor")

    def matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        down, right = self.draw(images, *self._tall) * height, self.draw(images, *self._wide) * width
        return [1.0, 0.0, -right, 0.0, 1.0, -down]


class RandomCrop(RandomImage):
    """Cuts a window of one size out of each batch, in a place drawn at random; images too small are resized.

    Args:
        height, width: the size of the window.
        seed: an int or a SeedGenerator.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: Any = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self._set_up(seed, data_format)
        self.height, self.width = height, width

    def changed(self, images: Any) -> Any:
        size, shape, axes = (self.height, self.width), ops.shape(images), self.space(images)
        if any(isinstance(shape[axis], int) and shape[axis] < new for axis, new in zip(axes, size)):
            return self.unchanged(images)
        starts: list[Any] = [0] * len(shape)
        wanted = list(shape)
        for axis, new in zip(axes, size):
            room = image.number(shape[axis]) - new + 1.0
            place = random.uniform((), 0.0, 1.0, seed=self.seed_generator) * room
            starts[axis] = ops.cast(ops.minimum(ops.floor(place), room - 1.0), "int32")
            wanted[axis] = new
        return ops.slice(images, starts, wanted)

    def unchanged(self, images: Any) -> Any:
        return image.resize(images, (self.height, self.width), crop_to_aspect_ratio=True, data_format=self.data_format)
