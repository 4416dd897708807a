"""Convolutions and pools in TensorFlow, whose CPU kernels support channels last, two axes of space, and one group.

A 1D operation is a 2D one with an axis of length 1. A 3D pool is a pool over the last two axes, then one over the
first; of equal elements it still chooses the first. Gradients of dilated convolutions dilate the kernel beforehand, and
those of grouped convolutions run group by group, because the kernels support neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from amalthea.engine.backends.tensorflow.arrays import tf
from amalthea.engine.primitives import windows as w

Pads = Sequence[tuple[int, int]]


def _last(x, data_format):
    return tf.transpose(x, (0, *range(2, x.ndim), 1)) if data_format == "channels_first" else x


def _back(x, data_format):
    return tf.transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1))) if data_format == "channels_first" else x


def _last_shape(shape, data_format):
    return (shape[0], *w.space_of(shape, data_format), w.channels_of(shape, data_format))


def _at_least_two(values: Any, rank: int, trivial: Any) -> Any:
    """Return one value per axis of space, for at least two axes."""
    return (trivial, *values) if rank == 1 else tuple(values)


def _two_axes(x):
    return x[:, None] if x.ndim == 3 else x


# ---------------------------------------------------------------------------------------- convolution


def _dilate(kernel, dilation):
    """Insert zeros between the elements of a kernel."""
    if all(d == 1 for d in dilation):
        return kernel
    steps = (*dilation, 1, 1)
    shape = [(n - 1) * d + 1 for n, d in zip(kernel.shape, steps)]
    ends = [0] * len(shape), shape
    return tf.raw_ops.StridedSliceGrad(shape=shape, begin=ends[0], end=ends[1], strides=steps, dy=kernel)


def _dilated_shape(shape, dilation):
    return (*((n - 1) * d + 1 for n, d in zip(shape, dilation)), *shape[-2:])


def _undilate(kernel, dilation):
    """The inverse of :func:`_dilate`."""
    return kernel[tuple(slice(None, None, d) for d in dilation)]


def same_padding(space, window, strides) -> list[tuple[int, int]]:
    """Return the padding that TensorFlow calls "SAME"."""
    wanted = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(space, window, strides)]
    return [(n // 2, n - n // 2) for n in wanted]


def _padding_mode(space, window, strides, padding: Pads) -> str | None:
    """Return TensorFlow's name of this padding, or None.

    Explicit padding is not used: oneDNN has no gradients for it (a step of ResNet-20 took 162 ms of processor time
    instead of 61), and the depthwise convolution of TensorFlow 2.21 ignores it, and aborts if it is fused with a bias.
    """
    if not any(map(any, padding)):
        return "VALID"
    return "SAME" if [*map(tuple, padding)] == same_padding(space, window, strides) else None


def _padded(x, padding: Pads):
    return tf.pad(x, [(0, 0), *padding, (0, 0)])


def _padded_shape(shape, padding: Pads):
    return (shape[0], *(n + low + high for n, (low, high) in zip(shape[1:], padding)), shape[-1])


def _no_padding(padding: Pads) -> Pads:
    return ((0, 0),) * len(padding)


def _unpadded(x, shape, padding: Pads):
    return tf.slice(x, (0, *(low for low, _ in padding), 0), shape)


def _is_depthwise(kernel_shape, channels: int, strides) -> bool:
    """True if the depthwise kernels apply: one channel per group, and equal strides on both axes."""
    return len(strides) == 2 and kernel_shape[-2] == 1 and channels > 1 and strides[0] == strides[1]


def _by_group(groups: int, function: Callable[..., Any], *arrays: Any) -> Any:
    parts = zip(*(tf.split(a, groups, axis=-1) for a in arrays))
    return tf.concat([function(*part) for part in parts], axis=-1)


def conv(x, kernel, *, strides, padding, dilation, groups, data_format):
    rank, x = len(strides), _last(x, data_format)
    if x.shape[0] == 0:  # TensorFlow's own answer has the shape of the input
        shape: Any = 0, *w.slid(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation), kernel.shape[-1]
        return _back(tf.zeros(shape, x.dtype), data_format)
    kernel = kernel[None] if rank == 1 else kernel
    args = _at_least_two(strides, rank, 1), _at_least_two(padding, rank, (0, 0)), _at_least_two(dilation, rank, 1)
    out = _conv(_two_axes(x), kernel, *args, groups)
    return _back(out[:, 0] if rank == 1 else out, data_format)


def _conv(x, kernel, strides, padding, dilation, groups):
    spread = _dilated_shape(kernel.shape, dilation)
    option = _padding_mode(x.shape[1:-1], spread[:-2], strides, padding)
    if option is None:
        return _conv(_padded(x, padding), kernel, strides, _no_padding(padding), dilation, groups)
    steps = {"strides": (1, *strides, 1), "padding": option}
    if groups > 1 and _is_depthwise(kernel.shape, groups, strides):
        kernel = _dilate(tf.reshape(kernel, (*kernel.shape[:2], groups, -1)), dilation)
        return tf.raw_ops.DepthwiseConv2dNative(input=x, filter=kernel, **steps)
    if groups > 1:
        return _by_group(groups, lambda x, k: _conv(x, k, strides, padding, dilation, 1), x, kernel)
    if len(strides) == 2:
        return tf.raw_ops.Conv2D(input=x, filter=kernel, dilations=(1, *dilation, 1), **steps)
    return tf.raw_ops.Conv3D(input=x, filter=_dilate(kernel, dilation), **steps)


def conv_input_gradient(g, kernel, *, shape, strides, padding, dilation, groups, data_format):
    rank, g = len(strides), _last(g, data_format)
    shape = _last_shape(shape, data_format)
    kernel = kernel[None] if rank == 1 else kernel
    kernel = _dilate(kernel, _at_least_two(dilation, rank, 1))
    inner = (shape[0], 1, *shape[1:]) if rank == 1 else shape
    args = inner, _at_least_two(strides, rank, 1), _at_least_two(padding, rank, (0, 0))
    out = _conv_input(_two_axes(g), kernel, *args, groups)
    return _back(out[:, 0] if rank == 1 else out, data_format)


def _conv_input(g, kernel, shape, strides, padding, groups):
    option = _padding_mode(shape[1:-1], kernel.shape[:-2], strides, padding)
    if option is None:
        return _unpadded(
            _conv_input(g, kernel, _padded_shape(shape, padding), strides, _no_padding(padding), groups), shape, padding
        )
    steps = {"strides": (1, *strides, 1), "padding": option}
    if groups > 1 and _is_depthwise(kernel.shape, groups, strides):
        kernel = tf.reshape(kernel, (*kernel.shape[:2], groups, -1))
        return tf.raw_ops.DepthwiseConv2dNativeBackpropInput(input_sizes=shape, filter=kernel, out_backprop=g, **steps)
    if groups > 1:
        one = (*shape[:-1], shape[-1] // groups)
        return _by_group(groups, lambda g, k: _conv_input(g, k, one, strides, padding, 1), g, kernel)
    backprop = tf.raw_ops.Conv2DBackpropInput if len(strides) == 2 else tf.raw_ops.Conv3DBackpropInputV2
    return backprop(input_sizes=shape, filter=kernel, out_backprop=g, **steps)


def conv_kernel_gradient(x, g, *, kernel_shape, strides, padding, dilation, groups, data_format):
    rank, dtype = len(strides), x.dtype
    x, g = _last(x, data_format), _last(g, data_format)
    if dtype in (tf.float16, tf.bfloat16):  # the kernels accumulate in 16 bits
        x, g = tf.cast(x, tf.float32), tf.cast(g, tf.float32)
    full = (1, *kernel_shape) if rank == 1 else kernel_shape
    dilation = _at_least_two(dilation, rank, 1)
    args = _dilated_shape(full, dilation), _at_least_two(strides, rank, 1), _at_least_two(padding, rank, (0, 0))
    out = tf.cast(_undilate(_conv_kernel(_two_axes(x), _two_axes(g), *args, groups), dilation), dtype)
    return out[0] if rank == 1 else out


def _conv_kernel(x, g, shape, strides, padding, groups):
    option = _padding_mode(x.shape[1:-1], shape[:-2], strides, padding)
    if option is None:
        return _conv_kernel(_padded(x, padding), g, shape, strides, _no_padding(padding), groups)
    steps = {"strides": (1, *strides, 1), "padding": option}
    if groups > 1 and _is_depthwise(shape, groups, strides):
        sizes = (*shape[:2], groups, shape[-1] // groups)
        out = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(input=x, filter_sizes=sizes, out_backprop=g, **steps)
        return tf.reshape(out, shape)
    if groups > 1:
        one = (*shape[:-1], shape[-1] // groups)
        return _by_group(groups, lambda x, g: _conv_kernel(x, g, one, strides, padding, 1), x, g)
    backprop = tf.raw_ops.Conv2DBackpropFilter if len(strides) == 2 else tf.raw_ops.Conv3DBackpropFilterV2
    return backprop(input=x, filter_sizes=shape, out_backprop=g, **steps)


# -------------------------------------------------------------------------------------------- pooling


class _Stage:
    """A 2D pool: its part of the attributes, and TensorFlow's form of its padding."""

    def __init__(self, space, axes, window, strides, padding):
        def pick(values, trivial):
            return [trivial if axis is None else values[axis] for axis in axes]

        self.space, self.window, self.strides = list(space), pick(window, 1), pick(strides, 1)
        self.padding = pick(padding, (0, 0))
        some = any(map(any, self.padding))
        self.padded = some and self.padding != same_padding(self.space, self.window, self.strides)
        self.options = {
            "ksize": (1, *self.window, 1),
            "strides": (1, *self.strides, 1),
            "padding": "SAME" if some and not self.padded else "VALID",
        }

    def pad(self, x, value):
        if not self.padded:
            return x
        return tf.pad(x, [(0, 0), *self.padding, (0, 0)], constant_values=tf.constant(value, x.dtype))

    def unpad(self, x):
        if not self.padded:
            return x
        return tf.slice(x, (0, *(low for low, _ in self.padding), 0), (x.shape[0], *self.space, x.shape[-1]))

    def shares(self, dtype):
        """Return the factor from a mean that counts padding to one that does not."""
        counts = w.window_counts(self.space, self.window, self.strides, self.padding)
        return tf.constant((prod(self.window) / counts)[..., None], dtype)

    def max(self, x):
        return tf.raw_ops.MaxPool(input=self.pad(x, x.dtype.min), **self.options)

    def max_gradient(self, g, x, out):
        x = self.pad(x, x.dtype.min)
        return self.unpad(tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=out, grad=g, **self.options))

    def mean(self, x):
        out = tf.raw_ops.AvgPool(value=self.pad(x, 0), **self.options)
        return out * self.shares(x.dtype) if self.padded else out

    def mean_gradient(self, g):
        g = g * self.shares(g.dtype) if self.padded else g
        pads = self.padding if self.padded else [(0, 0)] * 2
        space = [n + low + high for n, (low, high) in zip(self.space, pads)]
        shape = (g.shape[0], *space, g.shape[-1])
        return self.unpad(tf.raw_ops.AvgPoolGrad(orig_input_shape=shape, grad=g, **self.options))


class _Staged:
    """A pool as one or two stages; each has the shapes of its input and output."""

    def __init__(self, shape, *, window, strides, padding):
        batch, *space, channels = shape
        out = [(n + a + b - k) // s + 1 for n, k, s, (a, b) in zip(space, window, strides, padding)]
        args = window, strides, padding
        if len(space) == 3:
            d, h, width = space
            first = (batch * d, h, width, channels), (batch * d, *out[1:], channels), (1, 2)
            rest = out[1] * out[2]
            second = (batch, d, rest, channels), (batch, out[0], rest, channels), (0, None)
            stages = [first, second]
        else:
            axes = (0, 1) if len(space) == 2 else (None, 0)
            one = () if len(space) == 2 else (1,)
            stages = [((batch, *one, *space, channels), (batch, *one, *out, channels), axes)]
        self.stages = [(_Stage(inner[1:3], axes, *args), inner, outer) for inner, outer, axes in stages]
        self.shape, self.out_shape = tuple(shape), (batch, *out, channels)

    def forward(self, x, name: str) -> list[Any]:
        """Return the input, then the output of each stage."""
        values = [x]
        for stage, inner, _ in self.stages:
            values.append(getattr(stage, name)(tf.reshape(values[-1], inner)))
        return values


def _pool(x, name, data_format, attrs):
    x = _last(x, data_format)
    staged = _Staged(x.shape, **attrs)
    return _back(tf.reshape(staged.forward(x, name)[-1], staged.out_shape), data_format)


def max_pool(x, *, data_format, **attrs):
    return _pool(x, "max", data_format, attrs)


def avg_pool(x, *, data_format, **attrs):
    return _pool(x, "mean", data_format, attrs)


def max_pool_gradient(g, x, out, *, data_format, **attrs):
    if 0 in x.shape:  # TensorFlow's kernel refuses them
        return tf.zeros_like(x)
    g, x, out = (_last(v, data_format) for v in (g, x, out))
    staged = _Staged(x.shape, **attrs)
    values = [x, out] if len(staged.stages) == 1 else staged.forward(x, "max")
    for (stage, inner, outer), before, after in reversed([*zip(staged.stages, values, values[1:])]):
        g = stage.max_gradient(tf.reshape(g, outer), tf.reshape(before, inner), tf.reshape(after, outer))
    return _back(tf.reshape(g, staged.shape), data_format)


def avg_pool_gradient(g, *, shape, data_format, **attrs):
    g = _last(g, data_format)
    staged = _Staged(_last_shape(shape, data_format), **attrs)
    for stage, _, outer in reversed(staged.stages):
        g = stage.mean_gradient(tf.reshape(g, outer))
    return _back(tf.reshape(g, staged.shape), data_format)
