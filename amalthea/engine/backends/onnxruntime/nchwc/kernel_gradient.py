"""The gradient of a convolution's kernel, as a blocked convolution in which batch and channels have swapped roles.

The sum over rows and images is the sum over channels of that convolution; one block holds one row of several images.
Its image is the input, as high as the number of channels; channels are interleaved in pairs, ``column 0 of a, column 0
of b, column 1 of a, ...``, so that each kernel element that is read is used for two positions. Its kernel is the
output's gradient, once per row of the window, padded with zeros. It takes 0.6 of the time of im2col and a matrix
product, which copies more.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from amalthea.engine.backends.onnx.builder import Builder, Value
from amalthea.engine.backends.onnxruntime.nchwc.layout import DOMAIN, affine, block_size, gather_rows, to_blocks


def is_supported(x: Value, g: Value, window, *, strides, padding, dilation, groups) -> bool:
    """True if images, channels and filters fill blocks.

    A 1x1 window is a matrix product without copies, and is not supported.
    """
    n = block_size() if x.dtype == "float32" and len(window) == 2 and groups == dilation[-1] == 1 else 0
    if not n or tuple(window) == (1, 1) or min(map(min, padding)) < 0:
        return False
    return not (x.shape[0] % n or x.shape[1] % n or g.shape[1] % n) and prod(x.shape) * prod(g.shape) > 0


def kernel_gradient(b: Builder, x: Value, g: Value, window, *, strides, padding, dilation) -> Value:
    """Return the gradient, ``(*window, channels, filters)``."""
    (high, wide), (step, across), (left, _) = window, strides, padding[1]
    rows = -(-x.shape[2] // step)
    columns = max((g.shape[3] - 1) * across + wide, x.shape[3] + left)
    taps = [_tap(i * dilation[0] - padding[0][0], step, g.shape[2], rows) for i in range(high)]
    pieces, images = _pieces(b, g, taps), _images(b, x, step, rows, left, columns)
    found, order = [], []
    for rest, image in enumerate(images):
        these = [i for i, tap in enumerate(taps) if tap.rest == rest]
        if these:
            kernel = _kernel(b, g, pieces, [taps[i] for i in these], rows)
            attrs = {"kernel_shape": [1, g.shape[3]], "strides": [1, 1], "dilations": [1, across * 2]}
            out = b.Conv(image, kernel, domain=DOMAIN, pads=[0] * 4, **attrs)
            found.append(_unblock(b, out, len(these), x.shape[1], g.shape[1]))
            order += these
    whole = found[0]
    if len(found) > 1:
        whole = b.Gather(b.Concat(*found, axis=0), b.ints(np.argsort(order)), axis=0)
    return b.Slice(whole, b.ints([0]), b.ints([wide]), b.ints([1]))  # the image may be wider than the windows' reach


class _Tap(NamedTuple):
    """A row of the window. It covers the rows ``step * i + rest`` of the input.

    For i from ``before`` on, these meet the rows ``start`` to ``end`` of the output's gradient.
    """

    rest: int
    before: int
    start: int
    end: int


def _tap(shift: int, step: int, height: int, rows: int) -> _Tap:
    """Return the row of the window that covers row ``step * h + shift`` of the input for row h of the output."""
    first, rest = divmod(shift, step)
    start, end = max(0, -first), min(height, rows - first)
    return _Tap(rest, max(0, first), start, end) if start < end else _Tap(rest, rows, 0, 0)


def _images(b: Builder, x: Value, step: int, rows: int, left: int, columns: int) -> list[Value]:
    """Return, for each row within a step, ``(1, rows and images, channels / 2, columns and pairs)`` in blocks."""
    n, (batch, channels, height, width) = block_size(), x.shape
    high, groups, pairs = rows * step, batch // n, channels // 2
    pads = [0, left, high - height, columns - width - left]
    image = affine(b, to_blocks(b, x), channels, pads=pads) if any(pads) else to_blocks(b, x)  # Pad runs in one thread
    image = b.ReorderInput(b.reshape(image, [groups, n, channels // n * high, columns * n]), domain=DOMAIN)
    image = b.reshape(image, [groups * high * columns * pairs, 2 * n])
    order = np.arange(groups * high * columns * pairs).reshape(groups, channels // n, rows, step, columns, n // 2)
    order = order.transpose(3, 2, 0, 1, 5, 4)
    return [b.reshape(gather_rows(b, image, part), [1, rows * batch, pairs, columns * 2]) for part in order]


def _pieces(b: Builder, g: Value, taps: list[_Tap]) -> list[dict[tuple[int, int], Value]]:
    """Return, for each block of filters, the ranges of rows that taps use: ``(row, images / block, column)``."""
    n, (batch, filters, height, width) = block_size(), g.shape
    blocks = filters // n
    x = b.reshape(to_blocks(b, g), [batch * blocks * height, width * n])
    x = gather_rows(b, x, np.arange(batch * blocks * height).reshape(batch, blocks, height).transpose(1, 2, 0))
    x = b.reshape(x, [blocks * height * batch // n, n * n, 1, width])
    x = b.ReorderOutput(x, domain=DOMAIN, channels=n * n, channels_last=1)
    x = b.reshape(x, [blocks * height, batch * width * n])
    runs = list(pairwise(sorted({0, height, *(end for tap in taps for end in tap[2:])})))
    sizes = [end - start for start, end in runs] * blocks
    parts = iter(b.emit("Split", [x, b.ints(sizes)], outputs=len(sizes), axis=0) if len(sizes) > 1 else [x])
    return [{run: next(parts) for run in runs} for _ in range(blocks)]


def _kernel(b: Builder, g: Value, pieces, taps: list[_Tap], rows: int) -> Value:
    """Return ``(filters and taps, rows and images, 1, columns)`` in blocks."""
    parts: list[Value] = []
    for runs in pieces:
        for _, before, start, end in taps:
            inside = [part for (first, last), part in runs.items() if start <= first and last <= end]
            parts += [*_zeros(b, g, before), *inside, *_zeros(b, g, rows - before - (end - start))]
    return b.reshape(b.Concat(*parts, axis=0), [g.shape[1] * len(taps), rows * g.shape[0], 1, g.shape[3]])


def _zeros(b: Builder, g: Value, rows: int) -> list[Value]:
    shape = (rows, g.shape[0] * g.shape[3] * block_size())
    if rows and ("zeros", shape) not in b.memo:
        b.memo["zeros", shape] = b.Expand(b.like(0, g), b.ints(shape))
    return [b.memo["zeros", shape]] if rows else []


def _unblock(b: Builder, x: Value, taps: int, channels: int, filters: int) -> Value:
    """Return ``(taps, columns, channels, filters)``."""
    n = block_size()
    apart = b.reshape(x, [filters // n, taps, channels // 2, -1, 2, n])
    return b.reshape(b.Transpose(apart, perm=[1, 3, 2, 4, 0, 5]), [taps, -1, channels, filters])
