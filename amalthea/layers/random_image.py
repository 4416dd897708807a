"""Random flips, rotations, zooms, translations and crops of images in training."""

from __future__ import annotations

import math
from typing import Any

from amalthea import config, docstrings, ops, random
from amalthea.errors import ArgumentError
from amalthea.layers.layer import Layer
from amalthea.layers.options import seed_generator
from amalthea.ops import image
from amalthea.random import SeedGenerator

docstrings.share(
    "random call",
    """
    Call args:
        training: bool; whether the images are changed. Defaults to True.
    """,
)
docstrings.share(
    "image shapes",
    """
    Shapes: ``(batch, height, width, channels) -> (batch, height, width, channels)``, or one image without the batch.
    """,
)
docstrings.share(
    "value range",
    """
    value_range: ``(low, high)``; smallest and largest value of a pixel. Defaults to ``(0, 255)``.
    """,
)
docstrings.share(
    "filling",
    """
    fill_mode: str; values beyond the border: ``"reflect"`` (mirrored), ``"constant"``, ``"nearest"`` (the border's) or
        ``"wrap"`` (from the other side). Defaults to ``"reflect"``.
    interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
    fill_value: float; value beyond the border with ``fill_mode="constant"``. Defaults to 0.0.
    """,
)


class RandomImage(Layer):
    """The base of random image layers: seed, layout, and single images as batches of one. A subclass implements
    ``_changed``.
    """

    def _set_up(self, seed: Any, data_format: str | None = None) -> None:
        self.seed = seed
        self.generator = seed_generator(seed)
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any, training: bool = True) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        if not training:
            return self._unchanged(x)
        single = len(x.shape) == 3
        out = ops.cast(self._changed(ops.expand_dims(x, 0) if single else x), self.compute_dtype)
        return ops.squeeze(out, 0) if single else out

    def _unchanged(self, images: Any) -> Any:
        return images

    def _changed(self, images: Any) -> Any:
        raise NotImplementedError

    def _space(self, images: Any) -> tuple[int, int]:
        """Returns the axes of height and width."""
        return image.space_axes(len(images.shape), self.data_format)

    def _draw(self, images: Any, low: float, high: float, *more: int) -> Any:
        """Draws a uniform number for each image: ``(batch, *more)``."""
        shape = (ops.shape(images)[0], *more)
        return random.uniform(shape, low, high, dtype=self.compute_dtype, seed=self.generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


def limits(
    value: float | list[float] | tuple[float, ...], name: str, least: float = -1.0, most: float = 1.0
) -> tuple[float, float]:
    """Returns ``(lower, upper)``; one number means the same distance on both sides of 0."""
    pair: tuple[Any, ...] = tuple(value) if isinstance(value, (list, tuple)) else (-abs(value), abs(value))
    if len(pair) != 2 or pair[0] > pair[1] or pair[0] < least or pair[1] > most:
        raise ArgumentError(f"`{name}` is out of range.", expected=f"within {least} to {most}", got=value)
    return pair


class RandomFlip(RandomImage):
    """Mirrors each image at random in training, with probability one half.

    Args:
        mode: str; ``"horizontal"`` (left and right), ``"vertical"`` (top and bottom) or ``"horizontal_and_vertical"``,
            which draws for both. Defaults to ``"horizontal_and_vertical"``.
        |seed|
        |data format|
        |layer options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: no mode has this name.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3], "float32").reshape(1, 1, 3, 1)
        >>> y = np.asarray(layers.RandomFlip("horizontal", seed=1)(x)).ravel().tolist()
        >>> y in ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
        True
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ArgumentError("There is no such mode.", expected="horizontal, vertical or both", got=repr(mode))
        self._set_up(seed, data_format)
        self.mode = mode

    def _changed(self, images: Any) -> Any:
        for name, axis in zip(("vertical", "horizontal"), self._space(images)):
            if name in self.mode:
                chosen = ops.less(self._draw(images, 0.0, 1.0, 1, 1, 1), 0.5)
                images = ops.where(chosen, ops.flip(images, axis), images)
        return images


class _Affine(RandomImage):
    """Transforms each image by a matrix of its own; a subclass implements :meth:`_matrix`."""

    def _set_filling(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        """Returns ``[a0, a1, a2, b0, b1, b2]``, each one number for all images or one number for each."""
        raise NotImplementedError

    def _changed(self, images: Any) -> Any:
        batch = ops.shape(images)[0]
        height, width = (image.number(ops.shape(images)[axis]) for axis in self._space(images))
        rows = [*self._matrix(images, height, width), 0.0, 0.0]
        columns = [ops.broadcast_to(ops.cast(row, "float32"), (batch,)) for row in rows]
        return image.affine_transform(
            images, ops.stack(columns, axis=1), self.interpolation, self.fill_mode, self.fill_value, self.data_format
        )


class RandomRotation(_Affine):
    """Rotates each image about its centre by a random angle in training.

    Args:
        factor: float or ``(lower, upper)``; limits of the angle as a share of a full turn, from -1 to 1, positive
            counter-clockwise. A number ``f`` means ``(-f, f)``.
        |filling|
        |seed|
        |data format|
        |layer options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([[1, 2], [3, 4]], "float32").reshape(1, 2, 2, 1)
        >>> np.asarray(layers.RandomRotation((0.25, 0.25))(x)).round(1)[0, :, :, 0].tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.factor = limits(factor, "factor")

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        angle = self._draw(images, *self.factor) * (2.0 * math.pi)
        c, s = ops.cos(angle), ops.sin(angle)
        h, w = height - 1.0, width - 1.0
        return [c, -s, (w - (c * w - s * h)) / 2.0, s, c, (h - (s * w + c * h)) / 2.0]


class RandomZoom(_Affine):
    """Zooms each image in or out about its centre by a random factor in training.

    Args:
        height_factor: float or ``(lower, upper)``, from -1; limits of the change. Positive zooms out, so that the image
            becomes smaller; negative zooms in. A number ``f`` means ``(-f, f)``.
        width_factor: the same for the width. Defaults to None, which takes the factor drawn for the height.
        |filling|
        |seed|
        |data format|
        |layer options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: a factor is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.RandomZoom((1.0, 1.0), fill_mode="constant")
        >>> y = np.asarray(layer(np.ones((1, 8, 8, 1), "float32")))
        >>> float(y.sum()), float(y[0, 3:5, 3:5].sum())
        (16.0, 4.0)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
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

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        tall = 1.0 + self._draw(images, *self._tall)
        wide = tall if self._wide is None else 1.0 + self._draw(images, *self._wide)
        return [wide, 0.0, (width - 1.0) / 2.0 * (1.0 - wide), 0.0, tall, (height - 1.0) / 2.0 * (1.0 - tall)]


class RandomTranslation(_Affine):
    """Moves each image by a random distance in training.

    Args:
        height_factor: float or ``(lower, upper)``; limits of the distance as a share of the height, from -1 to 1,
            positive downwards. A number ``f`` means ``(-f, f)``.
        width_factor: the same as a share of the width, positive to the right.
        |filling|
        |seed|
        |data format|
        |layer options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: a factor is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3, 4], "float32").reshape(1, 1, 4, 1)
        >>> layer = layers.RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant")
        >>> np.asarray(layer(x)).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._set_up(seed, data_format)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall, self._wide = limits(height_factor, "height_factor"), limits(width_factor, "width_factor")

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        down, right = self._draw(images, *self._tall) * height, self._draw(images, *self._wide) * width
        return [1.0, 0.0, -right, 0.0, 1.0, -down]


class RandomCrop(RandomImage):
    """Cuts a window of a given size out of the images of a batch, at a random place in training.

    All images of a batch are cut at the same place. Outside training, and if an image is smaller than the window,
    images are cropped to the proportions of the window and resized.

    Args:
        height, width: int, at least 1; size of the window in pixels.
        |seed|
        |data format|
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        |layer options|

    |random call|

    Shapes: ``(batch, old_height, old_width, channels) -> (batch, height, width, channels)``, or one image without the
        batch.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.RandomCrop(4, 5)
        >>> tuple(layer(np.zeros((2, 8, 8, 3), "float32")).shape)
        (2, 4, 5, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self._set_up(seed, data_format)
        self.height, self.width = height, width

    def _changed(self, images: Any) -> Any:
        size, shape, axes = (self.height, self.width), ops.shape(images), self._space(images)
        if any(isinstance(shape[axis], int) and shape[axis] < new for axis, new in zip(axes, size)):
            return self._unchanged(images)
        starts: list[Any] = [0] * len(shape)
        wanted = list(shape)
        for axis, new in zip(axes, size):
            room = image.number(shape[axis]) - new + 1.0
            place = random.uniform((), 0.0, 1.0, seed=self.generator) * room
            starts[axis] = ops.cast(ops.minimum(ops.floor(place), room - 1.0), "int32")
            wanted[axis] = new
        return ops.slice(images, starts, wanted)

    def _unchanged(self, images: Any) -> Any:
        return image.resize(images, (self.height, self.width), crop_to_aspect_ratio=True, data_format=self.data_format)
