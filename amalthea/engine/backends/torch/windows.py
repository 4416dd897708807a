"""Lowerings of convolutions and pools. PyTorch needs channels first, and the same padding on both sides."""

from __future__ import annotations

from functools import reduce
from math import prod

import torch
import torch.nn.functional as F

from amalthea.engine.backends.torch.arrays import to_tensor
from amalthea.engine.primitives import windows as w

_aten = torch.ops.aten


def _first(x, data_format):
    return x.movedim(-1, 1) if data_format == "channels_last" else x


def _back(x, data_format):
    return x.movedim(1, -1) if data_format == "channels_last" else x


def _padded(x, padding, value=0.0):
    """Pad the axes of space; ``x`` has channels first."""
    widths = [width for pair in reversed(padding) for width in pair]
    return F.pad(x, widths, value=value) if any(widths) else x


def _unpadded(x, padding):
    for axis, (low, high) in enumerate(padding, start=2):
        x = x.narrow(axis, low, x.shape[axis] - low - high)
    return x


def _symmetric_padding(padding):
    """Split a padding into a symmetric part, for PyTorch's kernel, and the rest, to be padded before."""
    low = [min(pair) for pair in padding]
    return low, [(a - n, b - n) for n, (a, b) in zip(low, padding)]


def _kernel_first(kernel):
    rank = kernel.ndim
    return kernel.permute(rank - 1, rank - 2, *range(rank - 2))


def _conv(x, kernel, **attrs):
    return conv_filters_first(x, _kernel_first(kernel), **attrs)


def conv_filters_first(x, kernel, bias=None, *, strides, padding, dilation, groups, data_format):
    """A convolution by a kernel with filters first, and a bias per filter or None."""
    function = (F.conv1d, F.conv2d, F.conv3d)[len(strides) - 1]
    inside, rest = _symmetric_padding(padding)
    x = _padded(_first(x, data_format), rest)
    return _back(function(x, kernel, bias, strides, inside, dilation, groups), data_format)


def filters_first(kernel, *, channels_last):
    """Return a kernel with filters first, in the memory format that matches the layout of the data."""
    if channels_last:
        return kernel.movedim(-1, 0).contiguous().movedim(-1, 1)
    return _kernel_first(kernel).contiguous()


def conv_gradients(g, kernel, x, wanted=(True, True), *, strides, padding, dilation, groups, data_format, **_):
    """Return the gradients of a convolution with respect to input and kernel, in one call; None if not wanted."""
    inside, rest = _symmetric_padding(padding)
    x = _padded(_first(x, data_format), rest)
    by_x, by_kernel, _ = _aten.convolution_backward(
        _first(g, data_format), x, _kernel_first(kernel), None, strides, inside, dilation, False,
        [0] * len(strides), groups, [*wanted, False],
    )  # fmt: skip
    by_x = _back(_unpadded(by_x, rest), data_format) if wanted[0] else None
    return by_x, by_kernel.permute(*range(2, by_kernel.ndim), 1, 0) if wanted[1] else None


def _conv_input(g, kernel, *, shape, **attrs):
    return conv_gradients(g, kernel, g.new_empty(shape), (True, False), **attrs)[0]


def _conv_kernel(x, g, *, kernel_shape, **attrs):
    return conv_gradients(g, g.new_empty(kernel_shape), x, (False, True), **attrs)[1]


_LEAST_ELEMENTS = 1 << 17


def _max_pool(x, *, window, strides, padding, data_format):
    whole = data_format == "channels_last" and not any(map(any, padding))
    if whole and x.numel() >= _LEAST_ELEMENTS and max(window) <= 3 and not torch.is_grad_enabled():
        return _pooled_by_axis(x, window, strides)
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(window) - 1]
    x = _padded(_first(x, data_format), padding, value=float("-inf"))
    return _back(function(x, window, strides), data_format)


def _pooled_by_axis(x, window, strides):
    """Compute a max pool as the maximum of shifted views, axis by axis.

    PyTorch's kernel also stores indices: 0.41 ms for 128 images of 26 x 26 x 32, instead of 0.17 here.
    """
    for axis, (size, step) in enumerate(zip(window, strides), start=1):
        last = (x.shape[axis] - size) // step * step
        views = [x[(slice(None),) * axis + (slice(i, i + last + 1, step),)] for i in range(size)]
        x = reduce(torch.maximum, views)
    return x


def _max_pool_gradient(g, x, out, **attrs):
    with torch.enable_grad():
        again = x.detach().requires_grad_()
        return torch.autograd.grad(_max_pool(again, **attrs), again, g)[0]


def max_pool_and_indices(x, *, window, strides, padding, data_format):
    """Return a 2D max pool, and the data for its gradient: the input (for its shape), indices and padding."""
    inside, rest = _symmetric_padding(padding)
    inside, rest = (inside, rest) if all(2 * a <= b for a, b in zip(inside, window)) else ([0, 0], padding)
    x = _padded(_first(x, data_format), rest, value=float("-inf"))
    out, indices = _aten.max_pool2d_with_indices(x, window, strides, inside)
    return _back(out, data_format), (x, indices, inside, rest)


def max_pool_gradient_at(g, seen, *, window, strides, padding, data_format):
    """The gradient of a max pool, by the indices that it found."""
    x, indices, inside, rest = seen
    g = _first(g, data_format)
    by_x = _aten.max_pool2d_with_indices_backward(g, x, window, strides, inside, [1, 1], False, indices)
    return _back(_unpadded(by_x, rest), data_format)


def _avg_pool(x, *, window, strides, padding, data_format):
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(window) - 1]
    space, dtype = w.space_of(tuple(x.shape), data_format), x.dtype
    x = _padded(_first(x, data_format), padding)
    if len(window) == 3 and dtype in (torch.float16, torch.bfloat16):
        x = x.float()  # there is no kernel for halves in three dimensions
    counts = to_tensor(w.window_counts(space, window, strides, padding)).to(x)
    return _back((function(x, window, strides) * prod(window) / counts).to(dtype), data_format)


WINDOW_LOWERINGS = {
    w.conv: _conv, w.conv_input_gradient: _conv_input, w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool, w.max_pool_gradient: _max_pool_gradient, w.avg_pool: _avg_pool,
}  # fmt: skip
