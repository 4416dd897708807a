"""Convolutions and pools of Core ML, which have channels first."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.primitives import elementwise, movement
from amalthea.engine.primitives import windows as w
from amalthea.export.coreml.builder import Builder
from amalthea.export.lowering import Value


def _kernel(b: Builder, kernel: Value) -> Value:
    """``(*window, channels, filters)`` as ``(filters, channels, *window)``."""
    return b.transpose(kernel, [kernel.rank - 1, kernel.rank - 2, *range(kernel.rank - 2)])


def _framed(b: Builder, x: Value, padding: Any, value: float = 0.0) -> tuple[Value, list[int]]:
    """The data and the operator's widths of padding; widths with symbols are padded before."""
    flat = [n for pair in padding for n in pair]
    if shapes.is_static(flat):
        return x, flat
    low, high = ([0, 0, *(pair[i] for pair in padding)] for i in (0, 1))
    return b.table[movement.pad](b, x, low=low, high=high, value=value), [0] * len(flat)


def _conv(
    b: Builder, x: Value, kernel: Value, *, strides: Any, padding: Any, dilation: Any, groups: int, data_format: str
) -> Value:
    space = w.slid(x.shape[2:], kernel.shape[:-2], strides, padding, dilation)
    shape = (x.shape[0], kernel.shape[-1], *space)
    x, widths = _framed(b, x, padding)
    return b.emit(
        "conv", [x, _kernel(b, kernel)], shape, strides=list(strides), pad_type="custom", pad=widths,
        dilations=list(dilation), groups=groups,
    )  # fmt: skip


def _conv_input(
    b: Builder, g: Value, kernel: Value, *, shape: Any, strides: Any, padding: Any, dilation: Any, groups: int,
    data_format: str,
) -> Value:  # fmt: skip
    """A transposed convolution without padding, cropped or padded with zeros to the size that is asked for."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[:-2], dilation)]
    whole = [(m - 1) * s + r for m, s, r in zip(g.shape[2:], strides, reach)]
    made = b.emit(
        "conv_transpose", [g, _kernel(b, kernel)], (g.shape[0], shape[1], *whole), strides=list(strides),
        pad_type="valid", dilations=list(dilation), groups=groups,
    )  # fmt: skip
    low = [0, 0, *(-lo for lo, _ in padding)]
    high = [0, 0, *(n + lo - full for n, (lo, _), full in zip(shape[2:], padding, whole))]
    return b.table[movement.pad](b, made, low=low, high=high)


def _pooled(b: Builder, operator: str, x: Value, window: Any, strides: Any, widths: list[int], **options: Any) -> Value:
    pairs = list(zip(widths[::2], widths[1::2]))
    shape = (*x.shape[:2], *w.slid(x.shape[2:], window, strides, pairs, [1] * len(window)))
    return b.emit(
        operator, [x], shape, kernel_sizes=list(window), strides=list(strides), pad_type="custom", pad=widths, **options
    )


def _max_pool(b: Builder, x: Value, *, window: Any, strides: Any, padding: Any, data_format: str) -> Value:
    x, widths = _framed(b, x, padding, -np.inf)
    return _pooled(b, "max_pool", x, window, strides, widths)


def _avg_pool(b: Builder, x: Value, *, window: Any, strides: Any, padding: Any, data_format: str) -> Value:
    """A mean in which padding does not count: with symbols, by the mean of ones."""
    framed, widths = _framed(b, x, padding)
    options = {"exclude_padding_from_average": True}
    made = _pooled(b, "avg_pool", framed, window, strides, widths, **options)
    if framed is x:
        return made
    ones = b.table[movement.broadcast_to](b, b.like(1, x), shape=(1, 1, *x.shape[2:]))
    ones, widths = _framed(b, ones, padding)
    return b.table[elementwise.divide](b, made, _pooled(b, "avg_pool", ones, window, strides, widths, **options))


WINDOWS = {w.conv: _conv, w.conv_input_gradient: _conv_input, w.max_pool: _max_pool, w.avg_pool: _avg_pool}
