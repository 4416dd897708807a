"""Random flips, rotations, zooms, translations, shears and crops of images in training."""

from __future__ import annotations

import math
from typing import Any

from amalthea import ops, random
from amalthea.errors import ArgumentError
from amalthea.layers import boxes
from amalthea.layers.image_layer import MovingLayer, RandomImage, limits
from amalthea.ops import image
from amalthea.random import SeedGenerator


class RandomFlip(MovingLayer, RandomImage):
    """Mirrors each image at random in training, with probability one half.

    Args:
        mode: str; ``"horizontal"`` (left and right), ``"vertical"`` (top and bottom) or ``"horizontal_and_vertical"``,
            which draws for both. Defaults to ``"horizontal_and_vertical"``.
        |seed|
        |data format|
        |image options|

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
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ArgumentError("This mode does not exist.", expected="horizontal, vertical or both", got=repr(mode))
        self.mode = mode

    def _drawn(self, images: Any) -> Any:
        return {
            name: ops.less(self._draw(images, 0.0, 1.0, 1, 1, 1), 0.5)
            for name in ("vertical", "horizontal")
            if name in self.mode
        }

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        for name, axis in zip(("vertical", "horizontal"), self._space(images)):
            if name in drawn:
                images = ops.where(drawn[name], ops.flip(images, axis), images)
        return images

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        left, top, right, bottom = ops.unstack(corners, 4, axis=-1)
        height, width = map(image.number, before)
        chosen = {name: ops.reshape(value, (-1, 1)) for name, value in drawn.items()}
        if "horizontal" in drawn:
            flipped = (width - right, width - left)
            left, right = (ops.where(chosen["horizontal"], a, b) for a, b in zip(flipped, (left, right)))
        if "vertical" in drawn:
            flipped = (height - bottom, height - top)
            top, bottom = (ops.where(chosen["vertical"], a, b) for a, b in zip(flipped, (top, bottom)))
        return ops.stack([left, top, right, bottom], axis=-1)


class _Affine(MovingLayer, RandomImage):
    """Transforms each image by a matrix of its own; a subclass implements :meth:`_matrix`."""

    def _set_filling(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        """Returns ``[a0, a1, a2, b0, b1, b2]``, each one number for all images or one number for each."""
        raise NotImplementedError

    def _drawn(self, images: Any) -> Any:
        batch = ops.shape(images)[0]
        height, width = map(image.number, self._sizes(images))
        rows = [*self._matrix(images, height, width), 0.0, 0.0]
        return ops.stack([ops.broadcast_to(ops.cast(row, "float32"), (batch,)) for row in rows], axis=1)

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        return image.affine_transform(images, drawn, interpolation, self.fill_mode, self.fill_value, self.data_format)

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        a0, a1, a2, b0, b1, b2 = (ops.reshape(drawn[:, i], (-1, 1, 1)) for i in range(6))
        area = a0 * b1 - a1 * b0

        def move(x: Any, y: Any) -> tuple[Any, Any]:  # the matrix says where a pixel is read; this is its inverse
            x, y = x - a2, y - b2
            return (b1 * x - a1 * y) / area, (a0 * y - b0 * x) / area

        return boxes.moved(corners, move)


class RandomRotation(_Affine):
    """Rotates each image about its centre by a random angle in training.

    Args:
        factor: float or ``(lower, upper)``; limits of the angle as a share of a full turn, from -1 to 1, positive
            counter-clockwise. A number ``f`` means ``(-f, f)``.
        |filling|
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
        super().__init__(seed=seed, data_format=data_format, **kwargs)
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
        |image options|

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
        super().__init__(seed=seed, data_format=data_format, **kwargs)
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
        |image options|

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
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall, self._wide = limits(height_factor, "height_factor"), limits(width_factor, "width_factor")

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        down, right = self._draw(images, *self._tall) * height, self._draw(images, *self._wide) * width
        return [1.0, 0.0, -right, 0.0, 1.0, -down]


class RandomShear(_Affine):
    """Shears each image by a random amount in training, from its upper left corner.

    The pixel at column ``x``, row ``y`` is read at column ``x + a * y`` and row ``y + b * x``. ``a`` and ``b`` are
    drawn from ``x_factor`` and ``y_factor``, and both change their sign with probability one half.

    Args:
        x_factor: float or ``(lower, upper)``; limits of the shear of the columns, from -1 to 1. A number ``f`` means
            ``(-f, f)``. Defaults to 0.0.
        y_factor: the same for the rows.
        |filling|
        |data format|
        |seed|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: a factor is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([[1, 2, 3], [1, 2, 3]], "float32").reshape(1, 2, 3, 1)
        >>> layer = layers.RandomShear(x_factor=(1.0, 1.0), fill_mode="nearest")
        >>> np.asarray(layer(x))[0, 1, :, 0].tolist() in ([2.0, 3.0, 3.0], [1.0, 1.0, 2.0])
        True
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_filling(fill_mode, interpolation, fill_value)
        self.x_factor, self.y_factor = limits(x_factor, "x_factor"), limits(y_factor, "y_factor")

    def _matrix(self, images: Any, height: Any, width: Any) -> list[Any]:
        sign = self._signs(images)
        across, down = (ops.multiply(sign, self._draw(images, *f)) for f in (self.x_factor, self.y_factor))
        return [1.0, across, 0.0, down, 1.0, 0.0]


class RandomCrop(MovingLayer, RandomImage):
    """Cuts a window of a given size out of the images of a batch, at a random place in training.

    All images of a batch are cut at the same place. Outside training, and if an image is smaller than the window,
    images are cropped to the proportions of the window and resized.

    Args:
        height, width: int, at least 1; size of the window in pixels.
        |seed|
        |data format|
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        |image options|

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
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height, self.width = height, width

    def _drawn_if(self, images: Any, training: bool) -> Any:
        """Returns the corner of the window; None where images are resized instead."""
        corner = []
        for old, new in zip(self._sizes(images), (self.height, self.width)):
            if not training or isinstance(old, int) and old < new:
                return (None,)
            room = image.number(old) - new + 1.0
            place = random.uniform((), 0.0, 1.0, seed=self.generator) * room
            corner.append(ops.cast(ops.minimum(ops.floor(place), room - 1.0), "int32"))
        return tuple(corner)

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        size = (self.height, self.width)
        if drawn[0] is None:
            return image.resize(images, size, interpolation, crop_to_aspect_ratio=True, data_format=self.data_format)
        starts: list[Any] = [0] * len(images.shape)
        wanted = list(ops.shape(images))
        for axis, start, new in zip(self._space(images), drawn, size):
            starts[axis], wanted[axis] = start, new
        return ops.slice(images, starts, wanted)

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        size = (self.height, self.width)
        region = image.fitted(before, size, crop=True) if drawn[0] is None else (*drawn, *size)
        return boxes.stretched(corners, region, size)
