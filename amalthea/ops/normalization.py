"""Normalization by moments: of a batch, of each example, by the root mean square, by a norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config, docstrings
from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement, normalization, reductions
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError
from amalthea.ops.base import accumulating, all_axes, cast, floating, mean_of, one_axis, op, shape_of, tensor

docstrings.share(
    "normalized axes",
    """
axis: int or sequence of ints; the axes over which the statistics are computed. Defaults to -1, the last axis.
    None means all axes.
epsilon: float above 0; keeps the divisor from 0. Defaults to None, which means ``config.epsilon()`` (1e-7).
""",
)


@op
@accumulating
def moments(
    x: TensorLike, axes: int | Sequence[int] | None, keepdims: bool = False, synchronized: bool = False
) -> tuple[Any, Any]:
    """Computes the mean and the variance over axes: ``m = mean(x)`` and ``mean((x - m) ** 2)``.

    Args:
        |elementwise|
        axes: int or sequence of ints; the axes to reduce. None reduces all axes.
        keepdims: bool; True keeps each reduced axis with size 1. Defaults to False, which removes them.
        synchronized: bool; accepted for Keras; in `fit` moments are of the whole batch, on many processes too.

    Shapes:
        (batch, features) -> (features,), (features,) with axes=0

    Returns:
        A tuple of the mean and the variance.

    Example:
        >>> from amalthea import ops
        >>> mean, variance = ops.moments([[1, 10], [3, 30]], axes=0)
        >>> ops.convert_to_numpy(mean).tolist(), ops.convert_to_numpy(variance).tolist()
        ([2.0, 20.0], [1.0, 100.0])
    """
    over = all_axes(axes, len(shape_of(x)))
    mean = mean_of(x, over, True)
    variance = mean_of(p.square(p.subtract(x, mean)), over, bool(keepdims))
    return (mean if keepdims else movement.reshape(mean, shape=shape_of(variance))), variance


@op
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Any:
    """Normalizes with given moments: ``(x - mean) / sqrt(variance + epsilon) * scale + offset``.

    Args:
        |elementwise|
        mean: TensorLike; one mean for each element of ``axis``.
        variance: TensorLike; one variance for each element of ``axis``.
        axis: int; the axis of the features, to which all vectors belong.
        offset: TensorLike; one number for each feature, added at the end. Defaults to None, which adds nothing.
        scale: TensorLike; one factor for each feature. Defaults to None, which means 1.
        epsilon: float from 0; keeps the divisor from 0. Defaults to 1e-3.

    Shapes:
        (batch, features), (features,), (features,) -> (batch, features) with axis=-1

    Example:
        >>> from amalthea import ops
        >>> y = ops.batch_normalization([[1.0, 10.0], [3.0, 30.0]], mean=[2.0, 20.0], variance=[1.0, 100.0], axis=-1)
        >>> ops.convert_to_numpy(y).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]

    Source: Ioffe and Szegedy, arXiv:1502.03167.
    """
    a = floating(x)
    axis, name = one_axis(axis, len(a.shape)), dtypes.name_of(a)
    shape = tuple(d if i == axis else 1 for i, d in enumerate(shape_of(a)))

    def along(v: Any) -> Any:
        return movement.reshape(cast(tensor(v), name), shape=shape)

    factor = p.rsqrt(p.add(along(variance), epsilon))
    factor = factor if scale is None else p.multiply(factor, along(scale))
    shift = p.negative(p.multiply(along(mean), factor))
    shift = shift if offset is None else p.add(shift, along(offset))
    return p.add(p.multiply(a, factor), shift)


def normalize_batch(
    x: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Any:
    """Normalizes with the moments of the input: ``(x - mean) / sqrt(variance + epsilon) * scale + offset``.

    The moments are computed over all axes but one. Layers use this function in training; it is not one of Keras's ops.

    Args:
        x: TensorLike; whole numbers are computed in ``floatx``.
        axis: int; the axis of the features, to which all vectors belong.
        offset: TensorLike; one number for each feature, added at the end. Defaults to None, which adds nothing.
        scale: TensorLike; one factor for each feature. Defaults to None, which means 1.
        epsilon: float from 0; keeps the divisor from 0. Defaults to 1e-3.

    Shapes:
        (batch, features) -> (batch, features), (features,), (features,) with axis=-1

    Returns:
        A tuple: the normalized input, the means and the variances.

    Example:
        >>> from amalthea import ops
        >>> y, mean, variance = ops.normalize_batch([[1.0, 10.0], [3.0, 30.0]], axis=-1)
        >>> ops.convert_to_numpy(mean).tolist(), ops.convert_to_numpy(variance).tolist()
        ([2.0, 20.0], [1.0, 100.0])
    """
    a = floating(x)
    axis = one_axis(axis, len(a.shape))
    scale, offset = _scale_and_offset(a, scale, offset, shape_of(a)[axis : axis + 1])
    return normalization.batch_normalize(a, scale, offset, axis=axis, epsilon=float(epsilon))


def _scale_and_offset(x: Any, scale: Any, offset: Any, shape: Any) -> list[Any]:
    """Both in the dtype of x and in that shape; ones and zeros where there are none."""
    name = dtypes.name_of(x)
    given = [(np.ones, scale), (np.zeros, offset)]
    return [
        native(make(shape, dtypes.to_numpy(name)))
        if v is None
        else movement.reshape(cast(tensor(v), name), shape=shape)
        for make, v in given
    ]


@op
@accumulating
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: int | Sequence[int] | None = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Any:
    """Normalizes each example by its own moments: ``(x - mean) / sqrt(variance + epsilon) * gamma + beta``.

    Args:
        |elementwise|
        gamma: TensorLike; factors in the shape of the normalized axes. Defaults to None, which means 1.
        beta: TensorLike; numbers to add, in the shape of the normalized axes. Defaults to None, which adds nothing.
        |normalized axes|
        **kwargs: ``rms_scaling``: bool; True computes :func:`rms_normalization` with ``scale=gamma`` instead.

    Shapes:
        (batch, features), (features,), (features,) -> (batch, features)

    Raises:
        ArgumentError: an unknown argument is given.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.layer_normalization([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])).tolist()
        [[-1.2247, 0.0, 1.2247], [-1.2247, 0.0, 1.2247]]

    Source: Ba, Kiros and Hinton, arXiv:1607.06450. With ``rms_scaling``, Keras 3 divides by the standard deviation.
    """
    unknown = kwargs.keys() - {"rms_scaling"}
    if unknown:
        raise ArgumentError(f"layer_normalization has no argument {min(unknown)!r}.", got=", ".join(sorted(unknown)))
    if kwargs.get("rms_scaling"):
        return rms_normalization(x, gamma, axis, epsilon)
    full = shape_of(x)
    over, rank, epsilon = all_axes(axis, len(full)), len(full), float(epsilon or config.epsilon())
    if sorted(over) == list(range(rank - len(over), rank)) and over:
        first = rank - len(over)
        scale, offset = _scale_and_offset(x, gamma, beta, full[first:])
        return normalization.layer_normalize(x, scale, offset, axis=first, epsilon=epsilon)[0]
    shape = tuple(d if i in over else 1 for i, d in enumerate(full))
    mean, variance = moments(x, over, keepdims=True)
    out = p.multiply(p.subtract(x, mean), p.rsqrt(p.add(variance, epsilon)))
    for value, row in ((gamma, p.multiply), (beta, p.add)):
        if value is not None:
            out = row(out, movement.reshape(cast(tensor(value), dtypes.name_of(x)), shape=shape))
    return out


@op
@accumulating
def rms_normalization(
    x: TensorLike,
    scale: TensorLike | None = None,
    axis: int | Sequence[int] | None = -1,
    epsilon: float | None = None,
) -> Any:
    """Divides by the root mean square: ``x / sqrt(mean(x ** 2) + epsilon) * scale``.

    Args:
        |elementwise|
        scale: TensorLike that broadcasts against ``x``; factors. Defaults to None, which means 1.
        |normalized axes|

    Shapes:
        (batch, features), (features,) -> (batch, features)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.rms_normalization([[3.0, 4.0]])).tolist()  # the root mean square is 3.5355
        [[0.8485, 1.1314]]

    Source: Zhang and Sennrich, arXiv:1910.07467.
    """
    over = all_axes(axis, len(shape_of(x)))
    square = mean_of(p.square(x), over, True)
    out = p.multiply(x, p.rsqrt(p.add(square, epsilon or config.epsilon())))
    return out if scale is None else p.multiply(out, cast(tensor(scale), dtypes.name_of(x)))


@op
@accumulating
def normalize(
    x: TensorLike, axis: int | Sequence[int] | None = -1, order: int = 2, epsilon: float | None = None
) -> Any:
    """Divides by the norm: ``x / max(sum(|x| ** order) ** (1 / order), epsilon)``.

    A zero vector stays a zero vector; its gradient is ``1 / epsilon``.

    Args:
        |elementwise|
        |normalized axes|
        order: int from 1; order of the norm: 1 for the sum of absolute values, 2 for the Euclidean norm. Defaults to 2.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.normalize([[3.0, 4.0]])).tolist()
        [[0.6, 0.8]]
        >>> ops.convert_to_numpy(ops.normalize([[3.0, 1.0]], order=1)).tolist()
        [[0.75, 0.25]]
    """
    over = all_axes(axis, len(shape_of(x)))
    if order == 2:
        norm = p.sqrt(reductions.reduce_sum(p.square(x), axes=over, keepdims=True))
    else:
        total = reductions.reduce_sum(p.power(p.absolute(x), float(order)), axes=over, keepdims=True)
        norm = p.power(total, 1.0 / order)
    return p.divide(x, p.maximum(norm, float(epsilon or config.epsilon())))
