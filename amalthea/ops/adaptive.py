"""Pools whose output has a given size, whatever the size of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import accumulating, cast, op, shape_of, tensor
from amalthea.ops.padding import per_axis

docstrings.share(
    "adaptive pool",
    """
output_size: int from 1, or one for each spatial axis; number of windows. Window ``i`` of ``count`` goes from
    ``floor(i * n / count)`` to ``ceil((i + 1) * n / count)``, so neighbours may overlap by one element.
""",
)


def _bounds(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and last (exclusive) indices of ``count`` windows that together cover ``size`` elements."""
    i = np.arange(count)
    return i * size // count, -((i + 1) * size // -count)


def _inside(size: Any, count: int) -> Any:
    """Bools ``(size, count)``: True where an element lies in a window; ``size`` may be a symbol."""
    positions, i = np_ops.arange(size), np.arange(count, dtype="int32")
    length = np_ops.add(np_ops.max(positions), 1)
    starts = np_ops.floor_divide(np_ops.multiply(i, length), count)
    ends = np_ops.floor_divide(np_ops.add(np_ops.multiply(i + 1, length), count - 1), count)
    positions = np_ops.expand_dims(positions, -1)
    return np_ops.logical_and(np_ops.greater_equal(positions, starts), np_ops.less(positions, ends))


def _by_axis(x: Any, output_size: Any, data_format: Any, pool: Any) -> Any:
    """Pool one axis of space after the other: mean and maximum of a box can be taken axis by axis."""
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise ShapeError(
            "A pool slides over 1 to 3 axes of space.",
            expected="batch, space and channels: 3 to 5 axes",
            got=shapes.show(shape_of(x)),
        )
    first = 1 if config.standardize_data_format(data_format) == "channels_last" else 2
    for axis, count in enumerate(per_axis(output_size, rank, "output_size"), first):
        x = pool(x, axis, count, shape_of(x)[axis])
    return x


def _average(x: Any, axis: int, count: int, size: Any) -> Any:
    if count == 1:
        return np_ops.mean(x, axis=axis, keepdims=True)
    if isinstance(size, int):
        starts, ends = _bounds(size, count)
        positions = np.arange(ends[-1])[:, None]
        inside = (positions >= starts) & (positions < ends)
        shares: Any = (inside / (ends - starts)).astype("float32")
    else:
        ones = cast(_inside(size, count), "float32")
        shares = np_ops.divide(ones, np_ops.sum(ones, axis=0))
    mixed = np_ops.matmul(np_ops.moveaxis(x, axis, -1), cast(shares, dtypes.name_of(x)))
    return np_ops.moveaxis(mixed, -1, axis)


def _maximum(x: Any, axis: int, count: int, size: Any) -> Any:
    if count == 1:
        return np_ops.max(x, axis=axis, keepdims=True)
    if isinstance(size, int):  # shorter windows repeat their last element, which changes no maximum
        starts, ends = _bounds(size, count)
        positions = np.minimum(starts[:, None] + np.arange((ends - starts).max()), ends[:, None] - 1)
        return np_ops.max(np_ops.take(x, positions.astype("int32"), axis=axis), axis=axis + 1)
    rows = np_ops.expand_dims(np_ops.moveaxis(x, axis, -1), -1)
    kind = dtypes.name_of(x)
    least = np.asarray(dtypes.bounds(kind)[0], dtypes.to_numpy(kind))
    rows = np_ops.where(_inside(size, count), rows, least)
    return np_ops.moveaxis(np_ops.max(rows, axis=-2), -1, axis)


@op
@accumulating
def adaptive_average_pool(inputs: TensorLike, output_size: int | Sequence[int], data_format: str | None = None) -> Any:
    """Computes the means of a given number of windows along each axis of space, for each channel.

    Args:
        inputs: TensorLike of rank 3, 4 or 5: batch, 1 to 3 spatial axes, channels. Whole numbers are computed in
            ``floatx``.
        |adaptive pool|
        |data format of an op|

    Shapes:
        (batch, *space, channels) -> (batch, *output_size, channels)

    Raises:
        ArgumentError: the output size is not positive, or does not fit the number of axes.
        ShapeError: the input does not have 1 to 3 spatial axes.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape([1.0, 2.0, 3.0, 4.0, 5.0], (1, 5, 1))
        >>> ops.convert_to_numpy(ops.adaptive_average_pool(x, 3)).ravel().tolist()
        [1.5, 3.0, 4.5]
    """
    return _by_axis(inputs, output_size, data_format, _average)


@op
def adaptive_max_pool(inputs: TensorLike, output_size: int | Sequence[int], data_format: str | None = None) -> Any:
    """Returns the maxima of a given number of windows along each axis of space, for each channel.

    Args:
        inputs: TensorLike of rank 3, 4 or 5: batch, 1 to 3 spatial axes, channels.
        |adaptive pool|
        |data format of an op|

    Shapes:
        (batch, *space, channels) -> (batch, *output_size, channels)

    Raises:
        ArgumentError: the output size is not positive, or does not fit the number of axes.
        ShapeError: the input does not have 1 to 3 spatial axes.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape([1.0, 2.0, 3.0, 4.0, 5.0], (1, 5, 1))
        >>> ops.convert_to_numpy(ops.adaptive_max_pool(x, 3)).ravel().tolist()
        [2.0, 4.0, 5.0]
    """
    return _by_axis(tensor(inputs), output_size, data_format, _maximum)
