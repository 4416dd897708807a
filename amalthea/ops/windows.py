"""Ops that slide a window over space: convolutions and pools, with Keras's words for padding and layout."""

from __future__ import annotations

from typing import Any

from amalthea import config
from amalthea.checks import positive_int
from amalthea.engine import shapes
from amalthea.engine.passes.patterns import monotonic_before
from amalthea.engine.primitives import movement
from amalthea.engine.primitives import windows as w
from amalthea.errors import ArgumentError
from amalthea.ops.base import floating, op, promoted, shape_of

Pairs = tuple[tuple[Any, Any], ...]


def per_axis(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """One int for each axis of space, or an error that names the argument."""
    values = value if isinstance(value, (list, tuple)) else (value,) * rank
    result = tuple(int(v) for v in values if positive_int.accepts(v))
    if len(result) != rank or len(values) != rank:
        raise ArgumentError(f"`{name}` is a positive int, or one for each of {rank} axes.", got=repr(value))
    return result


def same_padding(size: Any, window: int, stride: int) -> tuple[Any, Any]:
    """What to add before and after, so that there is one output a stride; the odd one goes after."""
    if stride == 1:
        total: Any = window - 1
    else:
        total = ((size + stride - 1) // stride - 1) * stride + window - size
        total = max(total, 0) if isinstance(total, int) else total
    return total // 2, total - total // 2


def pads(padding: Any, space: shapes.Shape, window: Any, strides: Any, dilation: Any) -> Pairs:
    """Keras's word (``valid``, ``same``, ``causal``) as numbers for each axis of space."""
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same", "causal"):
        raise ArgumentError("There is no such padding.", expected="'valid', 'same' or 'causal'", got=repr(padding))
    kind, reach = padding.lower(), [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    if kind == "valid":
        return ((0, 0),) * len(reach)
    if kind == "causal":
        return tuple((r - 1, 0) for r in reach)
    return tuple(same_padding(n, r, s) for n, r, s in zip(space, reach, strides))


@op
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolution over 1 to 3 axes of space. Groups follow from the channels of input and kernel."""
    x, kernel = promoted(inputs, kernel)
    data_format = config.standardize_data_format(data_format)
    rank, window = len(x.shape) - 2, shape_of(kernel)[:-2]
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    channels = w.channels_of(shape_of(x), data_format)
    per_group = shape_of(kernel)[-2]
    groups = channels // per_group if isinstance(channels, int) and channels % per_group == 0 else 1
    space = w.space_of(shape_of(x), data_format)
    padding_pairs = pads(padding, space, window, strides, dilation)
    return w.conv(
        x, kernel, strides=strides, padding=padding_pairs, dilation=dilation, groups=groups, data_format=data_format
    )


@op
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Each channel convolved by its own kernels: ``(*window, channels, multiplier)``."""
    x, kernel = promoted(inputs, kernel)
    *window, channels, multiplier = shape_of(kernel)
    flat = movement.reshape(kernel, shape=(*window, 1, channels * multiplier))
    return conv(x, flat, strides, padding, data_format, dilation_rate)


@op
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A depthwise convolution, then one that mixes the channels in each place."""
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format, 1)


@op
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """The opposite of a convolution in shape: its gradient by the input.

    Shapes: the kernel is ``(*window, filters, channels)``.
    """
    x, kernel = promoted(inputs, kernel)
    data_format = config.standardize_data_format(data_format)
    rank, window = len(x.shape) - 2, shape_of(kernel)[:-2]
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    extra = [None] * rank if output_padding is None else _non_negative(output_padding, rank)
    sizes = [
        _transposed(n, (k - 1) * d + 1, s, padding, more)
        for n, k, s, d, more in zip(w.space_of(shape_of(x), data_format), window, strides, dilation, extra)
    ]
    space, pairs, beyond = zip(*sizes)
    batch, filters = shape_of(x)[0], shape_of(kernel)[-2]
    shape = w.with_space(batch, space, filters, data_format)
    out = w.conv_input_gradient(
        x, kernel, shape=shape, strides=strides, padding=pairs, dilation=dilation, data_format=data_format
    )
    if not any(beyond):
        return out
    return movement.pad(out, low=(0,) * (rank + 2), high=w.with_space(0, beyond, 0, data_format))


def _non_negative(value: Any, rank: int) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * rank


def _transposed(n: Any, reach: int, stride: int, padding: str, more: int | None) -> tuple[Any, tuple[int, int], int]:
    """Size and padding of a transposed convolution on one axis as Keras counts them, and zeros beyond its reach."""
    covered = (n - 1) * stride + reach
    if padding.lower() == "valid":
        return covered, (0, 0), max(stride - reach, 0) if more is None else more
    size = n * stride if more is None else covered - 2 * (reach // 2) + more
    total = covered - size
    low = max(total // 2, 0)
    high = total - low
    return (size, (low, high), 0) if high >= 0 else (size + high, (low, 0), -high)


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
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The largest in each window; windows side by side unless strides say otherwise."""
    before = monotonic_before(inputs, config.standardize_data_format(data_format))
    if before is not None:
        source, again = before
        return again(max_pool(source, pool_size, strides, padding, data_format))
    return _pool(w.max_pool, inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The mean of each window, padding not counted; windows side by side unless strides say otherwise."""
    return _pool(w.avg_pool, inputs, pool_size, strides, padding, data_format)
