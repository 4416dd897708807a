"""Histograms of images: contrast stretching and histogram equalization."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.checks import any_number, positive_int, several
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.image_layer import ImageLayer, value_limits
from amalthea.ops import image, scattering


class AutoContrast(ImageLayer):
    """Stretches each channel of each image over the whole range of values, in training and outside it.

    ``output = (inputs - min) * (high - low) / (max - min) + low``, with the minimum and maximum of the channel. A
    channel of one value is left as it is.

    Args:
        |value range|
        |image options|

    |image shapes|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([10, 20, 30], "float32").reshape(1, 3, 1, 1)
        >>> np.asarray(layers.AutoContrast()(x)).ravel().tolist()
        [0.0, 127.5, 255.0]
    """

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self.value_range = value_limits(value_range)

    def _changed(self, images: Any, drawn: Any) -> Any:
        x, space = images, self._space(images)
        low, high = map(float, self.value_range)
        least, most = ops.min(x, axis=space, keepdims=True), ops.max(x, axis=space, keepdims=True)
        flat = ops.equal(least, most)
        spread = (x - least) * ((high - low) / ops.where(flat, 1.0, most - least)) + low
        return ops.where(flat, x, ops.clip(spread, low, high))


class Equalization(ImageLayer):
    """Equalizes the histogram of each channel: afterwards all values occur about equally often.

    The histogram is that of the whole batch; the layer does the same in training and outside it.

    Args:
        |value range|
        bins: int, at least 1; number of values that the histogram distinguishes. Defaults to 256.
        |data format|
        |image options|

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
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.bins = value_limits(value_range), bins

    def _changed(self, images: Any, drawn: Any) -> Any:
        low, high = map(float, self.value_range)
        axis = 3 if self.data_format == "channels_last" else 1
        channels = [(c - low) * (255.0 / (high - low)) for c in ops.unstack(images, axis=axis)]
        even = [self._equalized(c) * ((high - low) / 255.0) + low for c in channels]
        return ops.stack(even, axis=axis)

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


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Equalizes the histogram of each channel within tiles of each image, without making noise much stronger.

    An image is divided into tiles. Counts of a tile's histogram above a limit are spread over all values; a pixel's new
    value is interpolated between those of the four nearest tiles. Whole numbers keep their dtype. The layer does the
    same in training and outside it.

    Args:
        |value range|
        clip_limit: float; limit of the counts, in means of all counts; 0 or less sets no limit. Defaults to 4.0.
        tile_grid_size: two ints, at least 1; number of tiles along the height and the width. Defaults to ``(8, 8)``.
        |data format|
        |image options|

    |image shapes|

    Raises:
        ArgumentError: ``tile_grid_size`` is not two positive ints.
        ShapeError: the height or the width of the images is not known.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([10, 11, 12, 13], "float32").reshape(1, 2, 2, 1)
        >>> layer = layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=0.0, tile_grid_size=(1, 1))
        >>> np.asarray(layer(x)).ravel().tolist()
        [63.75, 127.5, 191.25, 255.0]

    Source: Zuiderveld, "Contrast limited adaptive histogram equalization", in Graphics Gems IV, 1994.
    """

    _argument_checks = {"clip_limit": any_number, "tile_grid_size": several(positive_int)}
    _keeps_dtype = True

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        if len(tile_grid_size) != 2:
            raise ArgumentError("Tiles lie in rows and columns.", expected="two positive ints", got=tile_grid_size)
        self.value_range, self.clip_limit, self.tile_grid_size = value_limits(value_range), clip_limit, tile_grid_size

    def _changed(self, images: Any, drawn: Any) -> Any:
        low, high = map(float, self.value_range)
        x = images if self.data_format == "channels_last" else ops.moveaxis(images, 1, 3)
        even = self._equalized((x - low) * (255.0 / (high - low))) * ((high - low) / 255.0) + low
        return even if self.data_format == "channels_last" else ops.moveaxis(even, 3, 1)

    def _equalized(self, x: Any) -> Any:
        """Equalizes images ``(batch, height, width, channels)`` with values from 0 to 255."""
        batch, height, width, channels = ops.shape(x)
        if not all(isinstance(n, int) for n in (height, width, channels)):
            raise ShapeError("The size of the images must be known for this.", expected="ints", got=x.shape)
        (rows, columns), sizes = self.tile_grid_size, (height, width)
        tall, wide = (-(-n // count) for n, count in zip(sizes, self.tile_grid_size))
        mirrored = [mirror(n, m) for n, m in zip(sizes, (tall * rows, wide * columns))]
        pixels = ops.cast(ops.clip(x, 0.0, 255.0), "int32")
        whole = ops.take(ops.take(pixels, mirrored[0], axis=1), mirrored[1], axis=2)
        tiles = ops.reshape(whole, (batch, rows, tall, columns, wide, channels))
        tiles = ops.transpose(tiles, (0, 1, 3, 5, 2, 4))
        tables = self._tables(ops.reshape(tiles, (batch, rows, columns, channels, tall * wide)))
        return self._looked_up(pixels, tables, (tall, wide))

    def _tables(self, tiles: Any) -> Any:
        """Returns the new value of each value in each tile: ``(batch, rows, columns, channels, 256)``."""
        *lead, area = ops.shape(tiles)
        counts = histograms(tiles)
        if self.clip_limit > 0:
            clipped = ops.minimum(counts, self.clip_limit * area / 256.0)
            counts = clipped + ops.sum(counts - clipped, axis=-1, keepdims=True) / 256.0
        below = ops.cumsum(counts, axis=-1)
        least = below[..., :1]
        rest = area - least
        return ops.clip((below - least) * 255.0 / ops.where(ops.equal(rest, 0.0), 1.0, rest), 0.0, 255.0)

    def _looked_up(self, pixels: Any, tables: Any, tile: tuple[int, int]) -> Any:
        """Interpolates between the tables of the four nearest tiles."""
        batch, height, width, channels = ops.shape(pixels)
        flat = ops.reshape(tables, (-1,))
        strides = np.cumprod([256, channels, self.tile_grid_size[1], self.tile_grid_size[0]])
        first = ops.cast(image.positions(batch), "int32") * int(strides[3])
        at = pixels + ops.reshape(first, (batch, 1, 1, 1)) + np.arange(channels, dtype="int32") * 256
        ways = [nearest_two(n, *of) for n, *of in zip((height, width), tile, self.tile_grid_size)]
        out: Any = 0.0
        for (down, share), (across, part) in itertools.product(*ways):
            place = down[:, None, None] * int(strides[2]) + across[:, None] * int(strides[1])
            out = out + ops.take(flat, at + place) * (share[:, None, None] * part[:, None])
        return out


def histograms(values: Any) -> Any:
    """Counts the values from 0 to 255 along the last axis of int32: ``(..., n) -> (..., 256)``."""
    *lead, n = ops.shape(values)
    rows = functools.reduce(operator.mul, lead)
    flat = ops.reshape(values, (rows, n))
    at = flat + ops.cast(ops.expand_dims(image.positions(rows), 1), "int32") * 256
    counts = scattering.update(ops.zeros((rows * 256,)), ops.reshape(at, (rows * n, 1)), ops.ones((rows * n,)), "add")
    return ops.reshape(counts, (*lead, 256))


def mirror(size: int, wanted: int) -> np.ndarray:
    """Returns the indices that continue an axis by its mirror image."""
    at = np.arange(wanted) % (2 * size)
    return np.where(at < size, at, 2 * size - 1 - at).astype("int32")


def nearest_two(size: int, tile: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns, for each pixel along an axis, the two tiles whose centres are nearest, and their weights."""
    at = (np.arange(size) - tile / 2.0) / tile
    first = np.floor(at)
    both = ((first, 1.0 - (at - first)), (first + 1.0, at - first))
    return [(np.clip(n, 0, count - 1).astype("int32"), weight.astype("float32")) for n, weight in both]
