"""Lowerings of what slides a window; ONNX has them over channels first alone."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from amalthea.backends.onnxruntime.builder import Builder, Value
from amalthea.primitives import windows as w


def _kernel(b: Builder, kernel: Value) -> Value:
    """``(*window, channels, filters)`` to ``(filters, channels, *window)``."""
    rank = kernel.rank
    return b.Transpose(kernel, perm=[rank - 1, rank - 2, *range(rank - 2)])


def _pads(padding: Any) -> list[int]:
    return [a for a, _ in padding] + [c for _, c in padding]


def _conv(b: Builder, x: Value, kernel: Value, *, strides, padding, dilation, groups, data_format) -> Value:
    return b.Conv(
        x,
        _kernel(b, kernel),
        strides=list(strides),
        pads=_pads(padding),
        dilations=list(dilation),
        group=groups,
        kernel_shape=list(kernel.shape[:-2]),
    )


def _conv_input(
    b: Builder, g: Value, kernel: Value, *, shape, strides, padding, dilation, groups, data_format
) -> Value:
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[:-2], dilation)]
    rest = [
        n + low + high - ((m - 1) * s + r)
        for n, (low, high), m, s, r in zip(shape[2:], padding, g.shape[2:], strides, reach)
    ]
    return b.ConvTranspose(
        g,
        _kernel(b, kernel),
        strides=list(strides),
        pads=_pads(padding),
        dilations=list(dilation),
        group=groups,
        kernel_shape=list(kernel.shape[:-2]),
        output_padding=rest,
    )


def _conv_kernel(
    b: Builder, x: Value, g: Value, *, kernel_shape, strides, padding, dilation, groups, data_format
) -> Value:
    """For each place in the window what it saw of the input, side by side, times the gradient: one matrix product."""
    *window, channels, filters = kernel_shape
    batch, out_space = x.shape[0], g.shape[2:]
    area = int(np.prod(out_space))
    if any(map(any, padding)):
        x = b.Pad(x, b.ints([0, 0, *_pads(padding)[: len(window)], 0, 0, *_pads(padding)[len(window) :]]), b.like(0, x))
    views = []
    for offset in itertools.product(*map(range, window)):
        starts = [o * d for o, d in zip(offset, dilation)]
        limits = [start + (n - 1) * s + 1 for start, n, s in zip(starts, out_space, strides)]
        axes = b.ints(range(2, 2 + len(window)))
        views.append(b.Slice(x, b.ints(starts), b.ints(limits), axes, b.ints(strides)))
    seen = b.Concat(*views, axis=1) if len(views) > 1 else views[0]
    places = len(views)
    left = b.reshape(g, [batch, groups, filters // groups, area])
    right = b.reshape(seen, [batch, places, groups, channels, area])
    right = b.reshape(b.Transpose(right, perm=[0, 2, 1, 3, 4]) if groups > 1 else right, [batch, groups, -1, area])
    products = b.ReduceSum(b.FusedMatMul(right, left, transB=1), b.ints([0]), keepdims=0)
    stacked = b.reshape(products, [groups, places * channels, filters // groups])
    return b.reshape(b.Transpose(stacked, perm=[1, 0, 2]), kernel_shape)


def _max_pool(b: Builder, x: Value, *, window, strides, padding, data_format) -> Value:
    out = b.MaxPool(x, kernel_shape=list(window), strides=list(strides), pads=_pads(padding))
    b.notes[("max_pool", x.name, window, strides, padding)] = b.nodes[-1]
    return out


def _max_pool_indices(b: Builder, x: Value, window, strides, padding) -> Value:
    """Where the forward pooling found its largest elements: it is asked for that too, if it was done here."""
    node = b.notes.get(("max_pool", x.name, window, strides, padding))
    if node is None or node.op_type != "MaxPool":
        _max_pool(b, x, window=window, strides=strides, padding=padding, data_format="channels_first")
        node = next(n for n in reversed(b.nodes) if n.op_type == "MaxPool")
    if len(node.output) == 1:
        node.output.append(b.name())
    return Value(node.output[1], "int64")


def _max_pool_gradient(b: Builder, g: Value, x: Value, out: Value, *, window, strides, padding, data_format) -> Value:
    places = _max_pool_indices(b, x, window, strides, padding)
    if all(s >= k for s, k in zip(strides, window)) and not any(map(any, padding)) and x.dtype == "float32":
        return b.MaxUnpool(g, places, b.ints(x.shape), kernel_shape=list(window), strides=list(strides))
    size = int(np.prod(x.shape))
    zeros = b.Expand(b.like(0, g), b.ints([size]))
    flat = b.ScatterElements(zeros, b.reshape(places, [-1]), b.reshape(g, [-1]), axis=0, reduction="add")
    return b.reshape(flat, x.shape)


def _avg_pool(b: Builder, x: Value, *, window, strides, padding, data_format) -> Value:
    return b.AveragePool(x, kernel_shape=list(window), strides=list(strides), pads=_pads(padding), count_include_pad=0)


WINDOWS = {
    w.conv: _conv,
    w.conv_input_gradient: _conv_input,
    w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool,
    w.max_pool_gradient: _max_pool_gradient,
    w.avg_pool: _avg_pool,
}
