"""Pooling layers whose output has a given size, whatever the size of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config, docstrings, ops
from amalthea.engine import dtypes
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.ops.windows import per_axis

docstrings.share(
    "output size",
    """
    output_size: int, or one for each axis of space; number of windows. Window ``i`` of ``count`` goes from
        ``floor(i * n / count)`` to ``ceil((i + 1) * n / count)``, so neighbours may overlap by one element.
    |data format|
    """,
)


def _bounds(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first and last (exclusive) indices of ``count`` windows that together cover ``size`` elements."""
    i = np.arange(count)
    return i * size // count, -((i + 1) * size // -count)


def _inside(size: Any, count: int) -> Any:
    """Returns bool ``(size, count)``: True where an element lies in a window; ``size`` may be a symbol."""
    positions, i = ops.arange(size), np.arange(count, dtype="int32")
    length = ops.add(ops.max(positions), 1)
    starts = ops.floor_divide(ops.multiply(i, length), count)
    ends = ops.floor_divide(ops.add(ops.multiply(i + 1, length), count - 1), count)
    positions = ops.expand_dims(positions, -1)
    return ops.logical_and(ops.greater_equal(positions, starts), ops.less(positions, ends))


class _Adaptive(Layer):
    """Pools one axis of space after the other: mean and maximum of a box can be taken axis by axis."""

    _rank = 2

    def __init__(self, output_size: int | Sequence[int], data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = per_axis(output_size, self._rank, "output_size")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        x = inputs
        for axis, count in enumerate(self.output_size, first):
            size = ops.shape(x)[axis]
            if count == 1:
                x = self._whole(x, axis)
            elif isinstance(size, int):
                x = self._windows(x, axis, *_bounds(size, count))
            else:
                x = self._open_windows(x, axis, _inside(size, count))
        return x

    def _whole(self, x: Any, axis: int) -> Any:
        """Pools an axis to a single window."""
        raise NotImplementedError

    def _windows(self, x: Any, axis: int, starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> Any:
        """Pools an axis of known size."""
        raise NotImplementedError

    def _open_windows(self, x: Any, axis: int, inside: Any) -> Any:
        """Pools an axis whose size is known only when an executable runs."""
        raise NotImplementedError


class _AdaptiveAverage(_Adaptive):
    _computes_in_floats = True

    def _whole(self, x: Any, axis: int) -> Any:
        return ops.mean(x, axis=axis, keepdims=True)

    def _windows(self, x: Any, axis: int, starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> Any:
        positions = np.arange(ends[-1])[:, None]
        inside = (positions >= starts) & (positions < ends)
        return _mixed(x, axis, (inside / (ends - starts)).astype("float32"))

    def _open_windows(self, x: Any, axis: int, inside: Any) -> Any:
        ones = ops.cast(inside, "float32")
        return _mixed(x, axis, ops.divide(ones, ops.sum(ones, axis=0)))


def _mixed(x: Any, axis: int, shares: Any) -> Any:
    return ops.moveaxis(ops.matmul(ops.moveaxis(x, axis, -1), ops.cast(shares, ops.dtype(x))), -1, axis)


class _AdaptiveMax(_Adaptive):
    def _whole(self, x: Any, axis: int) -> Any:
        return ops.max(x, axis=axis, keepdims=True)

    def _windows(self, x: Any, axis: int, starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> Any:
        # Shorter windows repeat their last place, which changes no maximum.
        positions = np.minimum(starts[:, None] + np.arange((ends - starts).max()), ends[:, None] - 1)
        return ops.max(ops.take(x, positions.astype("int32"), axis=axis), axis=axis + 1)

    def _open_windows(self, x: Any, axis: int, inside: Any) -> Any:
        rows = ops.expand_dims(ops.moveaxis(x, axis, -1), -1)
        kind = ops.dtype(x)
        least = -np.inf if dtypes.is_float(kind) else np.iinfo(kind).min
        rows = ops.where(inside, rows, np.asarray(least, dtypes.to_numpy(kind)))
        return ops.moveaxis(ops.max(rows, axis=-2), -1, axis)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """Takes the means of a given number of windows of time, whatever the length of the input.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3, 4, 5], "float32").reshape(1, 5, 1)
        >>> np.asarray(layers.AdaptiveAveragePooling1D(2)(x)).ravel().tolist()
        [2.0, 4.0]
    """

    _rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """Takes the means of a given number of windows of an image, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AdaptiveAveragePooling2D((2, 3))(np.zeros((1, 5, 7, 3), "float32")).shape)
        (1, 2, 3, 3)
    """

    _rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """Takes the means of a given number of windows of a volume, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, output_depth, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AdaptiveAveragePooling3D(2)(np.zeros((1, 5, 7, 3, 4), "float32")).shape)
        (1, 2, 2, 2, 4)
    """

    _rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """Takes the largest values of a given number of windows of time, whatever the length of the input.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3, 4, 5], "float32").reshape(1, 5, 1)
        >>> np.asarray(layers.AdaptiveMaxPooling1D(2)(x)).ravel().tolist()
        [3.0, 5.0]
    """

    _rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """Takes the largest values of a given number of windows of an image, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
        >>> np.asarray(layers.AdaptiveMaxPooling2D((1, 3))(x)).ravel().tolist()
        [6.0, 7.0, 8.0]
    """

    _rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """Takes the largest values of a given number of windows of a volume, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, output_depth, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AdaptiveMaxPooling3D((1, 2, 3))(np.zeros((1, 5, 7, 3, 4), "float32")).shape)
        (1, 1, 2, 3, 4)
    """

    _rank = 3
