"""Lowerings of convolutions and pools; ONNX has them for channels first only."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.backends.onnx.builder import Builder, Value, kernel_dtype
from amalthea.engine.primitives import windows as w


def _kernel(b: Builder, kernel: Value) -> Value:
    """Transpose ``(*window, channels, filters)`` to ``(filters, channels, *window)``."""
    rank = kernel.rank
    return b.Transpose(kernel, perm=[rank - 1, rank - 2, *range(rank - 2)])


def _pads(padding: Any) -> list[int]:
    return [a for a, _ in padding] + [c for _, c in padding]


def _conv(b: Builder, x: Value, kernel: Value, *, strides, padding, dilation, groups, data_format) -> Value:
    if not shapes.is_static([width for pair in padding for width in pair]):
        x, padding = padded(b, x, *zip(*padding)), [(0, 0)] * len(padding)
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
    """Unfold the input by window offsets (im2col), and multiply by the gradient in one matrix product."""
    *window, channels, filters = kernel_shape
    x = padded(b, x, *zip(*padding))
    attrs = {"strides": strides, "dilation": dilation}
    # Time of _both_shifted relative to im2col, for 3x3: 0.7 with 16 channels, 0.87 with 64, 2 or more with 3 or 1.
    if groups == strides[0] == 1 and window[0] > 1 < len(window) and channels >= 16:
        return _both_shifted(b, x, g, window, **attrs)
    seen = _unfold(b, x, window, space=g.shape[2:], **attrs)
    offsets, area = int(np.prod(window)), shapes.size(g.shape[2:])
    left = b.reshape(g, [g.shape[0], groups, filters // groups, area])
    right = b.reshape(seen, [g.shape[0], offsets, groups, channels, area])
    if groups > 1:
        right = b.Transpose(right, perm=[0, 2, 1, 3, 4])
    right = b.reshape(right, [g.shape[0], groups, offsets * channels, area])
    products = b.ReduceSum(b.FusedMatMul(right, left, transB=1), b.ints([0]), keepdims=0)
    stacked = b.reshape(products, [groups, offsets * channels, filters // groups])
    return b.reshape(b.Transpose(stacked, perm=[1, 0, 2]), kernel_shape)


def _both_shifted(b: Builder, x: Value, g: Value, window, *, strides, dilation) -> Value:
    """Shift the gradient along the first axis of the window, and the input along the others: fewer copies."""
    batch, channels, filters, space = x.shape[0], x.shape[1], g.shape[1], (x.shape[2], *g.shape[3:])
    rows, *rest = window
    seen = _unfold(b, x, (1, *rest), strides=strides, dilation=dilation, space=space)
    # Pad is fast if it adds whole rows, and slow with negative widths.
    ends = [(i * dilation[0], space[0] - g.shape[2] - i * dilation[0]) for i in range(rows)]
    moved = [padded(b, g, (low, *(0 for _ in rest)), (high, *(0 for _ in rest))) for low, high in ends]
    offsets, area = int(np.prod(rest)), shapes.size(space)
    left = b.reshape(seen, [batch, offsets * channels, area])
    right = b.reshape(b.Concat(*moved, axis=1), [batch, rows * filters, area])
    products = b.ReduceSum(b.FusedMatMul(left, right, transB=1), b.ints([0]), keepdims=0)
    apart = b.reshape(products, [offsets, channels, rows, filters])
    return b.reshape(b.Transpose(apart, perm=[2, 0, 1, 3]), [*window, channels, filters])


def _unfold(b: Builder, x: Value, window, *, strides, dilation, space) -> Value:
    """Return the elements that each window offset covers, side by side as channels (im2col)."""
    views, axes = [], b.ints(range(2, 2 + len(window)))
    for offset in itertools.product(*map(range, window)):
        starts = [o * d for o, d in zip(offset, dilation)]
        limits = [start + (n - 1) * s + 1 for start, n, s in zip(starts, space, strides)]
        views.append(b.Slice(x, b.ints(starts), b.ints(limits), axes, b.ints(strides)))
    return b.Concat(*views, axis=1) if len(views) > 1 else views[0]


def padded(b: Builder, x: Value, low, high, value: Any = 0) -> Value:
    """Pad the axes of space, with zeros by default; a negative width crops."""
    if not any(width != 0 for width in (*low, *high)):
        return x
    out = b.Pad(x, b.ints([0, 0, *low, 0, 0, *high]), b.like(value, x))
    out.shape = (*x.shape[:2], *(n + a + c for n, a, c in zip(x.shape[2:], low, high)))
    return out


def _max_pool(b: Builder, x: Value, *, window, strides, padding, data_format) -> Value:
    if not shapes.is_static([width for pair in padding for width in pair]):
        least = -np.inf if dtypes.is_float(x.dtype) else np.iinfo(x.dtype).min
        x, padding = padded(b, x, *zip(*padding), value=least), [(0, 0)] * len(padding)
    return b.MaxPool(x, kernel_shape=list(window), strides=list(strides), pads=_pads(padding))


def _max_pool_gradient(b: Builder, g: Value, x: Value, out: Value, *, window, strides, padding, data_format) -> Value:
    """Compare elements if windows do not overlap. MaxPool's indices, used otherwise, are computed by a scalar loop."""
    if tuple(window) == tuple(strides) and not any(map(any, padding)):
        return _tournament_gradient(b, g, x, window)
    size, wide = (
        shapes.size(x.shape),
        b.cast(x, kernel_dtype("MaxPool", x.dtype)),
    )  # the cast does not change the indices
    pads = _pads(padding)
    _, found = b.emit("MaxPool", [wide], outputs=2, kernel_shape=list(window), strides=list(strides), pads=pads)
    zeros = b.Expand(b.like(0, g), b.ints([size]))
    indices = b.reshape(Value(found.name, "int64"), [-1])
    return b.reshape(b.ScatterElements(zeros, indices, b.reshape(g, [-1]), axis=0, reduction="add"), x.shape)


def _tournament_gradient(b: Builder, g: Value, x: Value, window) -> Value:
    """Find the largest element axis by axis, and route the gradient back; the first of equal elements gets it."""
    space, shape = g.shape[2:], x.shape
    lengths = [n * k for n, k in zip(space, window)]
    if tuple(lengths) != tuple(shape[2:]):
        x = b.Slice(x, b.ints([0] * len(window)), b.ints(lengths), b.ints(range(2, len(shape))))
    rounds, lead = [], shape[0] * shape[1]
    for axis in reversed(range(len(window))):
        before, behind = lead * shapes.size(lengths[:axis]) * space[axis], shapes.size(space[axis + 1 :])
        best, *others = _split_block(b, x, before, window[axis], behind)
        won = []
        for other in others:
            won.append(b.cast(b.Greater(other, best), g.dtype))
            best = b.Max(best, other)
        rounds.append((won, before, behind))
        x = best
    for won, before, behind in reversed(rounds):
        g = _route_gradient(b, g, won, before, behind)
    rest = [n - m for n, m in zip(shape[2:], lengths)]
    g = b.reshape(g, [*shape[:2], *lengths])
    return padded(b, g, [0] * len(rest), rest)


def _split_block(b: Builder, x: Value, before: Any, count: int, behind: Any) -> list[Value]:
    """Split the elements of a block into one array each."""
    if count == 1:
        return [x]
    if behind > 1:
        return b.emit("Split", [b.reshape(x, [before, count, behind])], outputs=count, axis=1, num_outputs=count)
    # One transposition takes a third of the time of many short slices. The reshape keeps the runtime from undoing it.
    x = b.reshape(b.Transpose(b.reshape(x, [before, count]), perm=[1, 0]), [count * before])
    return b.emit("Split", [x], outputs=count, axis=0, num_outputs=count)


def _route_gradient(b: Builder, g: Value, won: list[Value], before: Any, behind: Any) -> Value:
    """The inverse of :func:`_split_block`: the gradient goes to the last element that won, or to the first."""
    if not won:
        return g
    g, parts = b.reshape(g, [before, 1, behind] if behind > 1 else [before]), []
    for here in reversed(won):
        parts.insert(0, b.Mul(g, here))
        g = b.Sub(g, parts[0])
    if behind > 1:
        return b.Concat(g, *parts, axis=1)
    whole = b.reshape(b.Concat(g, *parts, axis=0), [len(parts) + 1, before])
    return b.Transpose(whole, perm=[1, 0])


def _avg_pool(b: Builder, x: Value, *, window, strides, padding, data_format) -> Value:
    if not shapes.is_static([width for pair in padding for width in pair]):
        return _padded_avg_pool(b, x, window, strides, padding)
    return b.AveragePool(x, kernel_shape=list(window), strides=list(strides), pads=_pads(padding), count_include_pad=0)


def _padded_avg_pool(b: Builder, x: Value, window: Any, strides: Any, padding: Any) -> Value:
    """Pool with widths of padding that the graph computes: sums, over the sums of ones; padding does not count."""
    attrs = {"kernel_shape": list(window), "strides": list(strides)}
    ones = b.Expand(b.like(1, x), b.ints([1, 1, *x.shape[2:]]))
    ones.shape = (1, 1, *x.shape[2:])
    sums, counts = (b.AveragePool(padded(b, v, *zip(*padding)), **attrs) for v in (x, ones))
    return b.Div(sums, counts)


WINDOW_LOWERINGS = {
    w.conv: _conv,
    w.conv_input_gradient: _conv_input,
    w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool,
    w.max_pool_gradient: _max_pool_gradient,
    w.avg_pool: _avg_pool,
}
