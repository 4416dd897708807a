"""Lowerings of what slides a window: PyTorch wants channels first, and no padding on one side alone."""

from __future__ import annotations

from math import prod

import torch
import torch.nn.functional as F

from amalthea.backends.torch.arrays import to_tensor
from amalthea.primitives import windows as w


def _first(x, data_format):
    return x.movedim(-1, 1) if data_format == "channels_last" else x


def _back(x, data_format):
    return x.movedim(1, -1) if data_format == "channels_last" else x


def _padded(x, padding, value=0.0):
    """Space padded; ``x`` has channels first."""
    widths = [width for pair in reversed(padding) for width in pair]
    return F.pad(x, widths, value=value) if any(widths) else x


def _unpadded(x, padding):
    for axis, (low, high) in enumerate(padding, start=2):
        x = x.narrow(axis, low, x.shape[axis] - low - high)
    return x


def _kernel_first(kernel):
    rank = kernel.ndim
    return kernel.permute(rank - 1, rank - 2, *range(rank - 2))


def _conv(x, kernel, *, strides, padding, dilation, groups, data_format):
    function = (F.conv1d, F.conv2d, F.conv3d)[len(strides) - 1]
    x = _padded(_first(x, data_format), padding)
    return _back(function(x, _kernel_first(kernel), None, strides, 0, dilation, groups), data_format)


def _conv_backward(g, x, kernel, which, strides, dilation, groups):
    zeros, wanted = [0] * len(strides), [which == 0, which == 1, False]
    return torch.ops.aten.convolution_backward(
        g, x, kernel, None, strides, zeros, dilation, False, zeros, groups, wanted
    )[which]  # fmt: skip


def _conv_input(g, kernel, *, shape, strides, padding, dilation, groups, data_format):
    space = [n + low + high for n, (low, high) in zip(w.space_of(shape, data_format), padding)]
    x = torch.empty((shape[0], w.channels_of(shape, data_format), *space), dtype=g.dtype, device=g.device)
    out = _conv_backward(_first(g, data_format), x, _kernel_first(kernel), 0, strides, dilation, groups)
    return _back(_unpadded(out, padding), data_format)


def _conv_kernel(x, g, *, kernel_shape, strides, padding, dilation, groups, data_format):
    *window, channels, filters = kernel_shape
    kernel = torch.empty((filters, channels, *window), dtype=g.dtype, device=g.device)
    x = _padded(_first(x, data_format), padding)
    out = _conv_backward(_first(g, data_format), x, kernel, 1, strides, dilation, groups)
    return out.permute(*range(2, out.ndim), 1, 0)


def _max_pool(x, *, window, strides, padding, data_format):
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(window) - 1]
    x = _padded(_first(x, data_format), padding, value=float("-inf"))
    return _back(function(x, window, strides), data_format)


def _max_pool_gradient(g, x, out, **attrs):
    with torch.enable_grad():
        again = x.detach().requires_grad_()
        return torch.autograd.grad(_max_pool(again, **attrs), again, g)[0]


def _avg_pool(x, *, window, strides, padding, data_format):
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(window) - 1]
    space, dtype = w.space_of(tuple(x.shape), data_format), x.dtype
    x = _padded(_first(x, data_format), padding)
    if len(window) == 3 and dtype in (torch.float16, torch.bfloat16):
        x = x.float()  # there is no kernel for halves in three dimensions
    counts = to_tensor(w.window_counts(space, window, strides, padding)).to(x)
    return _back((function(x, window, strides) * prod(window) / counts).to(dtype), data_format)


WINDOWS = {
    w.conv: _conv, w.conv_input_gradient: _conv_input, w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool, w.max_pool_gradient: _max_pool_gradient, w.avg_pool: _avg_pool,
}  # fmt: skip
