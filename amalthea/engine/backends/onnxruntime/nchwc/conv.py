"""Lowerings of convolutions to the NCHWc operators that ONNX Runtime reserves for its own optimizer.

In the blocked layout ``(batch, channels / block, *space, block)`` a convolution takes 0.6 of the time of channels
first. The optimizer uses these operators for constant kernels only; kernels in training change, so kernels and images
are reordered by the graph itself.
"""

from __future__ import annotations

from math import prod

import numpy as np

from amalthea.engine.backends.onnx.builder import Builder, Value
from amalthea.engine.backends.onnx.windows import WINDOW_LOWERINGS
from amalthea.engine.backends.onnxruntime.nchwc import kernel_gradient
from amalthea.engine.backends.onnxruntime.nchwc.layout import (
    DOMAIN,
    affine,
    block_size,
    blocked_value,
    from_blocks,
    gather_rows,
    to_blocks,
)
from amalthea.engine.primitives import windows as w


def _supports_blocks(b: Builder, x: Value, window, channels: int, filters: int, groups: int) -> bool:
    """True if channels and filters fill blocks.

    For a 1x1 window (a matrix product) only if the image is blocked already.
    """
    n = block_size() if x.dtype == "float32" and len(window) == 2 and groups == 1 else 0
    whole_blocks = n > 0 and (channels % n == 0 or channels < n) and filters % n == 0
    return whole_blocks and (tuple(window) != (1, 1) or blocked_value(b, x) is not None)


def _blocked_conv(b: Builder, x: Value, kernel: Value, filters: int, window, **attrs) -> Value:
    """A convolution by a blocked kernel; an image with less than one block of channels is not reordered."""
    if x.shape[1] >= block_size():
        x = to_blocks(b, x)
    return from_blocks(b, b.Conv(x, kernel, domain=DOMAIN, kernel_shape=list(window), **attrs), filters)


def _blocked_kernel(b: Builder, kernel: Value) -> Value:
    """Reorder ``(*window, in, out)`` to blocks of both, in the shape ``(out, in, *window)`` of the operator."""
    n, (*window, channels, filters) = block_size(), kernel.shape
    if channels < n:
        apart, order = [*window, channels, filters // n, n], [3, 2, 0, 1, 4]
    else:
        apart, order = [*window, channels // n, n, filters // n, n], [4, 2, 0, 1, 3, 5]
    return b.reshape(b.Transpose(b.reshape(kernel, apart), perm=order), [filters, channels, *window])


def _rotated_kernel(b: Builder, kernel: Value) -> Value:
    """Rotate a kernel by 180 degrees and swap in and out: ``(in, out, *window)``, in blocks.

    Only transpositions of matrices are fast in the runtime, so rows of matrices are gathered.
    """
    n, (*window, channels, filters) = block_size(), kernel.shape
    matrices = b.Transpose(b.reshape(kernel, [prod(window), channels, filters]), perm=[0, 2, 1])
    order = np.arange(prod(kernel.shape) // n).reshape(*window, filters // n, n, channels // n)[::-1, ::-1]
    x = gather_rows(b, b.reshape(matrices, [prod(kernel.shape) // n, n]), order.transpose(4, 2, 0, 1, 3))
    return b.reshape(x, [channels, filters, *window])


def _conv(b: Builder, x: Value, kernel: Value, *, strides, padding, dilation, groups, data_format) -> Value:
    *window, channels, filters = kernel.shape
    if not _supports_blocks(b, x, window, channels, filters, groups):
        attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        return WINDOW_LOWERINGS[w.conv](b, x, kernel, data_format=data_format, **attrs)
    pads = [end for ends in zip(*padding) for end in ends]
    kernel = _blocked_kernel(b, kernel)
    return _blocked_conv(b, x, kernel, filters, window, strides=list(strides), pads=pads, dilations=list(dilation))


def _conv_input(
    b: Builder, g: Value, kernel: Value, *, shape, strides, padding, dilation, groups, data_format
) -> Value:
    """Without strides, the input's gradient is a convolution by the rotated kernel."""
    *window, channels, filters = kernel.shape
    reach = [(k - 1) * d for k, d in zip(window, dilation)]
    ends = [[r - p for r, p in zip(reach, side)] for side in zip(*padding)]
    plain = max(strides) > 1 or min(map(min, ends)) < 0 or min(channels, filters) < block_size()
    if plain or not _supports_blocks(b, g, window, filters, channels, groups):
        attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        return WINDOW_LOWERINGS[w.conv_input_gradient](b, g, kernel, shape=shape, data_format=data_format, **attrs)
    rotated = _rotated_kernel(b, kernel)
    return _blocked_conv(b, g, rotated, channels, window, strides=[1, 1], pads=sum(ends, []), dilations=list(dilation))


def _max_pool(b: Builder, x: Value, *, window, strides, padding, data_format) -> Value:
    """Pool a blocked image in blocks; the runtime's optimizer would reorder it there and back."""
    if blocked_value(b, x) is None:
        return WINDOW_LOWERINGS[w.max_pool](
            b, x, window=window, strides=strides, padding=padding, data_format=data_format
        )
    pads = [end for ends in zip(*padding) for end in ends]
    attrs = {"kernel_shape": list(window), "strides": list(strides), "pads": pads}
    return from_blocks(b, b.MaxPool(to_blocks(b, x), domain=DOMAIN, **attrs), x.shape[1])


def _conv_kernel(b: Builder, x: Value, g: Value, *, kernel_shape, data_format, **attrs) -> Value:
    window = kernel_shape[:-2]
    if kernel_gradient.is_supported(x, g, window, **attrs):
        del attrs["groups"]
        return kernel_gradient.kernel_gradient(b, x, g, window, **attrs)
    if tuple(window) == (1, 1) and max(attrs["strides"]) > 1 and not any(map(any, attrs["padding"])):
        x, attrs["strides"] = _subsample(b, x, attrs["strides"])
    return WINDOW_LOWERINGS[w.conv_kernel_gradient](
        b, x, g, kernel_shape=kernel_shape, data_format=data_format, **attrs
    )


def _subsample(b: Builder, x: Value, strides) -> tuple[Value, tuple[int, ...]]:
    """Take the elements that a strided 1x1 window sees, by a blocked convolution: Slice runs in one thread."""
    n, (_, channels, *space) = block_size(), x.shape
    if not n or x.dtype != "float32" or channels % n:
        return x, strides
    out = from_blocks(b, affine(b, to_blocks(b, x), channels, strides=list(strides)), channels)
    out.shape = (*x.shape[:2], *(-(-d // s) for d, s in zip(space, strides)))
    return out, (1, 1)


NCHWC_CONV_LOWERINGS = {
    w.conv: _conv,
    w.conv_input_gradient: _conv_input,
    w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool,
}
