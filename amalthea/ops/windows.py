"""Ops that slide a window over space: convolutions and pools.

Spatial axes are time, or height and width, or depth, height and width. The layout is ``(batch, *space, channels)``, or
``(batch, channels, *space)`` with ``data_format="channels_first"``. ``*window`` stands for the sizes of a kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.passes.patterns import monotonic_before
from amalthea.engine.primitives import movement
from amalthea.engine.primitives import windows as w
from amalthea.engine.types import TensorLike
from amalthea.ops.base import floating, op, promoted, shape_of, tensor
from amalthea.ops.padding import one_each, pads, per_axis, transposed
from amalthea.ops.weight_products import by_weight

docstrings.share(
    "convolved",
    """
inputs: TensorLike of rank 3, 4 or 5: batch, 1 to 3 spatial axes, channels. It is promoted to one dtype with the
    kernel.
""",
)
docstrings.share(
    "convolution",
    """
strides: int from 1, or one for each spatial axis; step of the window. Defaults to 1.
padding: str; ``"valid"`` keeps the window inside of the input; ``"same"`` adds zeros so that the output has
    ceil(size / stride) elements; ``"causal"`` adds zeros before the input only. Defaults to ``"valid"``.
data_format: str; ``"channels_last"`` (channels are the last axis) or ``"channels_first"`` (channels are the
    axis after the batch). Defaults to None, which means ``config.image_data_format()``.
dilation_rate: int from 1, or one for each spatial axis; distance of neighbouring kernel elements in the input.
    Defaults to 1, which means no gaps.
""",
)
docstrings.share(
    "pool",
    """
inputs: TensorLike of rank 3, 4 or 5: batch, 1 to 3 spatial axes, channels. Whole numbers are computed in
    ``floatx``.
pool_size: int from 1, or one for each spatial axis; size of the window.
strides: int from 1, or one for each spatial axis; step of the window. Defaults to None, which means
    ``pool_size``: windows do not overlap.
padding: str; ``"valid"`` keeps the window inside of the input; ``"same"`` lets it reach over the border, so
    that the output has ceil(size / stride) elements. Defaults to ``"valid"``.
data_format: str; ``"channels_last"`` (channels are the last axis) or ``"channels_first"`` (channels are the
    axis after the batch). Defaults to None, which means ``config.image_data_format()``.
""",
)


@op
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Any:
    """Computes a convolution over 1 to 3 spatial axes.

    ``y[i, f]`` is the sum of ``x[stride * i + dilation * k, c] * kernel[k, c, f]`` over ``k`` and ``c``. The kernel is
    not mirrored, as usual in neural networks. A kernel for 1 / n of the input's channels makes a convolution in n
    groups: each group of channels has its own filters.

    Args:
        |convolved|
        kernel: TensorLike of shape ``(*window, channels / groups, filters)``, with either data format.
        |convolution|

    Shapes:
        (batch, *space, channels), (*window, channels / groups, filters) -> (batch, *new_space, filters)

    Raises:
        ArgumentError: an unknown padding, or strides that are not positive ints.
        ShapeError: the channels do not fit, or the window is larger than the input.

    Example:
        >>> from amalthea import ops
        >>> tuple(ops.conv(ops.ones((8, 32, 32, 3)), ops.ones((5, 5, 3, 16)), strides=2, padding="same").shape)
        (8, 16, 16, 16)
        >>> x, kernel = ops.reshape([1.0, 2.0, 4.0, 8.0], (1, 4, 1)), ops.reshape([-1.0, 1.0], (2, 1, 1))
        >>> ops.convert_to_numpy(ops.conv(x, kernel)).ravel().tolist()
        [1.0, 2.0, 4.0]
    """
    data_format = config.standardize_data_format(data_format)
    if (out := _by_weight(inputs, kernel, strides, data_format)) is not None:
        return out
    x, weights = promoted(inputs, kernel)
    rank, window = len(x.shape) - 2, shape_of(weights)[:-2]
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    channels = w.channels_of(shape_of(x), data_format)
    per_group = shape_of(weights)[-2]
    groups = channels // per_group if isinstance(channels, int) and channels % per_group == 0 else 1
    space = w.space_of(shape_of(x), data_format)
    widths = pads(padding, space, window, strides, dilation)
    return w.conv(
        x, weights, strides=strides, padding=widths, dilation=dilation, groups=groups, data_format=data_format
    )


def _by_weight(x: Any, kernel: Any, strides: Any, data_format: str) -> Any:
    """A convolution by a window of one element as a product with a weight that computes it itself; or None."""
    if not isinstance(kernel, ComputedVariable) or any(size != 1 for size in kernel.shape[:-2]):
        return None
    x, rank = tensor(x), len(kernel.shape) - 2
    if len(x.shape) != rank + 2 or set(per_axis(strides, rank, "strides")) != {1}:
        return None
    if data_format == "channels_first":
        x = movement.transpose(x, axes=(0, *range(2, rank + 2), 1))
    shape = shape_of(x)
    wide = movement.reshape(x, shape=(*shape[:-1], *(1,) * rank, shape[-1]))
    out = by_weight(wide, kernel, range(rank + 1, 2 * rank + 2), range(rank + 1))
    if out is None or data_format == "channels_last":
        return out
    return movement.transpose(out, axes=(0, rank + 1, *range(1, rank + 1)))


@op
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Any:
    """Convolves each channel with its own kernels, without sums over channels.

    Args:
        |convolved|
        kernel: TensorLike of shape ``(*window, channels, multiplier)``; ``multiplier`` kernels for each channel.
        |convolution|

    Shapes:
        (batch, *space, channels), (*window, channels, multiplier) -> (batch, *new_space, channels * multiplier)

    Raises:
        ArgumentError: an unknown padding, or strides that are not positive ints.
        ShapeError: the channels do not fit, or the window is larger than the input.

    Example:
        >>> from amalthea import ops
        >>> y = ops.depthwise_conv(ops.ones((8, 32, 32, 3)), ops.ones((5, 5, 3, 2)))
        >>> tuple(y.shape), float(y[0, 0, 0, 0])  # 5 * 5 ones
        ((8, 28, 28, 6), 25.0)
    """
    x, weights = promoted(inputs, kernel)
    *window, channels, multiplier = shape_of(weights)
    flat = movement.reshape(weights, shape=(*window, 1, channels * multiplier))
    return conv(x, flat, strides, padding, data_format, dilation_rate)


@op
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Any:
    """Computes a depthwise convolution, then a convolution of window size 1 that mixes the channels.

    Args:
        |convolved|
        depthwise_kernel: TensorLike of shape ``(*window, channels, multiplier)``, as in :func:`depthwise_conv`.
        pointwise_kernel: TensorLike of shape ``(*ones, channels * multiplier, filters)``, with windows of size 1.
        |convolution|

    Shapes:
        (batch, *space, channels), (*window, channels, multiplier), (*ones, channels * multiplier, filters) ->
        (batch, *new_space, filters)

    Raises:
        ArgumentError: an unknown padding, or strides that are not positive ints.
        ShapeError: the channels do not fit, or the window is larger than the input.

    Example:
        >>> from amalthea import ops
        >>> x, depthwise, pointwise = ops.ones((8, 32, 32, 3)), ops.ones((5, 5, 3, 1)), ops.ones((1, 1, 3, 16))
        >>> tuple(ops.separable_conv(x, depthwise, pointwise).shape)
        (8, 28, 28, 16)

    Source: Chollet, arXiv:1610.02357.
    """
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format, 1)


@op
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Any:
    """Computes a transposed convolution, the gradient of :func:`conv` by its input: it enlarges space by the strides.

    Args:
        |convolved|
        kernel: TensorLike of shape ``(*window, filters, channels)``, with either data format.
        strides: int from 1, or one for each spatial axis; factor by which space grows. Defaults to 1.
        padding: str; ``"valid"`` keeps all elements that the kernel reaches, ``"same"`` keeps size * stride of them.
            Defaults to ``"valid"``.
        output_padding: int from 0, or one for each spatial axis; elements added at the end of the output. Defaults to
            None, which adds as many as the size for ``padding`` needs.
        |data format of an op|
        dilation_rate: int from 1, or one for each spatial axis; distance of neighbouring kernel elements in the output.
            Defaults to 1, which means no gaps.

    Shapes:
        (batch, *space, channels), (*window, filters, channels) -> (batch, *new_space, filters)

    Raises:
        ArgumentError: strides or dilation rates that are not positive ints.
        ShapeError: the channels do not fit.

    Example:
        >>> from amalthea import ops
        >>> x, kernel = ops.ones((8, 16, 16, 4)), ops.ones((3, 3, 2, 4))
        >>> tuple(ops.conv_transpose(x, kernel, strides=2, padding="same").shape)
        (8, 32, 32, 2)

    Source: Dumoulin and Visin, arXiv:1603.07285.
    """
    x, weights = promoted(inputs, kernel)
    data_format = config.standardize_data_format(data_format)
    rank, window = len(x.shape) - 2, shape_of(weights)[:-2]
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    extra = [None] * rank if output_padding is None else one_each(output_padding, rank)
    sizes = [
        transposed(n, (k - 1) * d + 1, s, padding, more)
        for n, k, s, d, more in zip(w.space_of(shape_of(x), data_format), window, strides, dilation, extra)
    ]
    space, pairs, beyond = zip(*sizes)
    batch, filters = shape_of(x)[0], shape_of(weights)[-2]
    shape = w.with_space(batch, space, filters, data_format)
    out = w.conv_input_gradient(
        x, weights, shape=shape, strides=strides, padding=pairs, dilation=dilation, data_format=data_format
    )
    if not any(beyond):
        return out
    return movement.pad(out, low=(0,) * (rank + 2), high=w.with_space(0, beyond, 0, data_format))


def _pool(row: Any, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
    x = floating(inputs)
    data_format = config.standardize_data_format(data_format)
    rank = len(x.shape) - 2
    window = per_axis(pool_size, rank, "pool_size")
    strides = window if strides is None else per_axis(strides, rank, "strides")
    padding_pairs = pads(padding, w.space_of(shape_of(x), data_format), window, strides, (1,) * rank)
    return row(x, window=window, strides=strides, padding=padding_pairs, data_format=data_format)


@op
def max_pool(
    inputs: TensorLike,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Returns the largest element of each window, for each channel.

    Args:
        |pool|

    Shapes:
        (batch, *space, channels) -> (batch, *new_space, channels)

    Raises:
        ArgumentError: an unknown padding, or sizes that are not positive ints.
        ShapeError: the window is larger than the input.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape(ops.arange(16), (1, 4, 4, 1))
        >>> ops.convert_to_numpy(ops.max_pool(x, 2))[0, :, :, 0].tolist()
        [[5.0, 7.0], [13.0, 15.0]]
    """
    before = monotonic_before(inputs, config.standardize_data_format(data_format))
    if before is not None:
        source, again = before
        return again(max_pool(source, pool_size, strides, padding, data_format))
    return _pool(w.max_pool, inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: TensorLike,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Computes the mean of each window, for each channel. Elements beyond the border do not count.

    Args:
        |pool|

    Shapes:
        (batch, *space, channels) -> (batch, *new_space, channels)

    Raises:
        ArgumentError: an unknown padding, or sizes that are not positive ints.
        ShapeError: the window is larger than the input.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape(ops.arange(16), (1, 4, 4, 1))
        >>> ops.convert_to_numpy(ops.average_pool(x, 2))[0, :, :, 0].tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """
    return _pool(w.avg_pool, inputs, pool_size, strides, padding, data_format)
