"""Convolutions and pools from slices and matrix products: PyTensor's own do not support our attributes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.backends.pytensor.lowerings import pad
from amalthea.engine.backends.pytensor.operators import like, pt
from amalthea.engine.primitives import windows as w


def _last(x, data_format):
    return pt.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def _back(x, data_format):
    return pt.moveaxis(x, -1, 1) if data_format == "channels_first" else x


def _padded(x, padding, value: float = 0):
    low, high = ((0, *(pair[i] for pair in padding), 0) for i in (0, 1))
    return pad(x, low=low, high=high, value=value) if any(map(any, padding)) else x


def _window_offsets(window, strides, dilation, out_space):
    """Return, for each offset in the window, the slices of the padded input that it covers."""
    return [(slice(None), *offset) for offset in w._window_offsets(window, strides, dilation, out_space)]


def _views(x, window, strides, padding, dilation, value: float = 0):
    """Return, for each offset in the window, the elements it covers ``(batch, *space, channels)``.

    And the output's space.
    """
    out_space = w.slid(x.type.shape[1:-1], window, strides, padding, dilation)
    x = _padded(x, padding, value)
    return [x[offset] for offset in _window_offsets(window, strides, dilation, out_space)], out_space


def _rows(x, window, strides, padding, dilation):
    """Return one row per window with all elements that it covers (im2col)."""
    views, out_space = _views(x, window, strides, padding, dilation)
    seen = pt.concatenate(views, axis=-1) if len(views) > 1 else views[0]
    return seen.reshape((-1, prod(window) * x.type.shape[-1])), out_space


def _flat(x):
    return x.reshape((-1, x.type.shape[-1]))


def _by_group(groups: int, function: Callable[..., Any], *arrays: Any):
    """Apply the function to each group of channels, and concatenate."""
    if groups == 1:
        return function(*arrays)
    sizes = [x.type.shape[-1] // groups for x in arrays]
    parts = [[x[..., i * n : (i + 1) * n] for x, n in zip(arrays, sizes)] for i in range(groups)]
    return pt.concatenate([function(*part) for part in parts], axis=-1)


def _conv(x, kernel, *, strides, padding, dilation, groups, data_format):
    def one(x, k):
        rows, space = _rows(x, k.type.shape[:-2], strides, padding, dilation)
        return pt.dot(rows, _flat(k)).reshape((x.type.shape[0], *space, k.type.shape[-1]))

    return _back(_by_group(groups, one, _last(x, data_format), kernel), data_format)


def _conv_input(g, kernel, *, shape, strides, padding, dilation, groups, data_format):
    """Add the contribution of each window offset at the elements that it covers."""
    window, space = kernel.type.shape[:-2], w.space_of(shape, data_format)
    padded = [d + low + high for d, (low, high) in zip(space, padding)]
    inside = (slice(None), *(slice(low, low + d) for d, (low, _) in zip(space, padding)))

    def one(g, k):
        channels = k.type.shape[-2]
        parts = pt.dot(_flat(g), _flat(k).T).reshape((*g.type.shape[:-1], prod(window), channels))
        out = pt.alloc(like(0, g), shape[0], *padded, channels)
        for i, offset in enumerate(_window_offsets(window, strides, dilation, g.type.shape[1:-1])):
            out = pt.inc_subtensor(out[offset], parts[..., i, :])
        return out[inside]

    return _back(_by_group(groups, one, _last(g, data_format), kernel), data_format)


def _conv_kernel(x, g, *, kernel_shape, strides, padding, dilation, groups, data_format):
    window = kernel_shape[:-2]

    def one(x, g):
        rows, _ = _rows(x, window, strides, padding, dilation)
        return pt.dot(rows.T, _flat(g)).reshape((*window, x.type.shape[-1], g.type.shape[-1]))

    return _by_group(groups, one, _last(x, data_format), _last(g, data_format))


def _max_pool(x, *, window, strides, padding, data_format):
    lowest = dtypes.bounds(x.dtype)[0]
    views, _ = _views(_last(x, data_format), window, strides, padding, (1,) * len(window), lowest)
    return _back(reduce(pt.maximum, views), data_format)


def _avg_pool(x, *, window, strides, padding, data_format):
    counts = w.window_counts(w.space_of(x.type.shape, data_format), window, strides, padding)[..., None]
    views, _ = _views(_last(x, data_format), window, strides, padding, (1,) * len(window))
    return _back(pt.true_div(reduce(pt.add, views), like(counts, x)), data_format)


WINDOW_LOWERINGS = {
    w.conv: _conv,
    w.conv_input_gradient: _conv_input,
    w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool,
    w.avg_pool: _avg_pool,
}
