"""Lowerings of convolutions and pools. LiteRT's have channels last, and pad with SAME's widths or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine.primitives import movement
from amalthea.engine.primitives import windows as w
from amalthea.export.litert.builder import Builder
from amalthea.export.litert.operators import OPERATORS, pad
from amalthea.export.lowering import Value

_VALID, _SAME = 1, 0


def _channels_last(lower: Callable[..., Value]) -> Callable[..., Value]:
    """Run a lowering of channels last on data of either format, with one axis of space made two."""

    def run(b: Builder, x: Value, *rest: Value, data_format: str, **attrs: Any) -> Value:
        first = data_format == "channels_first"
        if first:
            x = b.transpose(x, [0, *range(2, x.rank), 1])
        made = lower(b, x, *rest, **attrs)
        return b.transpose(made, [0, made.rank - 1, *range(1, made.rank - 1)]) if first else made

    return run


def _as_two(b: Builder, x: Value) -> Value:
    """An axis of size 1 before a single axis of space."""
    return b.reshape(x, (x.shape[0], 1, *x.shape[1:])) if x.rank == 3 else x


def _as_one(b: Builder, x: Value, rank: int) -> Value:
    return b.reshape(x, (x.shape[0], *x.shape[2:])) if rank == 3 else x


def _two(values: Sequence[Any], fill: Any = 1) -> list[Any]:
    return [fill, *values] if len(values) == 1 else list(values)


def static(sizes: Sequence[Any]) -> list[int]:
    """Sizes that are ints: those of weights."""
    return [int(d) for d in sizes]


def padded(b: Builder, x: Value, padding: Any, value: Any = 0) -> Value:
    """Pad the axes of space of data with channels last."""
    if not any(n != 0 for pair in padding for n in pair):
        return x
    low, high = ([0, *(pair[i] for pair in padding), 0] for i in (0, 1))
    return pad(b, x, low=low, high=high, value=value)


def is_same(x: Value, padding: Any, window: Any, strides: Any, dilation: Any) -> bool:
    """Whether these widths are what the operators call SAME: as even as can be, for ceil(size / stride) windows."""
    for size, pair, k, s, d in zip(x.shape[1:-1], padding, window, strides, dilation):
        total = (-(-size // s) - 1) * s + (k - 1) * d + 1 - size
        if isinstance(total, int):
            total = max(total, 0)
        if tuple(pair) != (total // 2, total - total // 2):
            return False
    return True


def _framed(
    b: Builder, x: Value, padding: Any, window: Any, strides: Any, dilation: Any, value: Any = 0
) -> tuple[Value, int, list[Any]]:
    """The data as a window slides over it, the operator's mode of padding, and the sizes of space that come out."""
    if is_same(x, padding, window, strides, dilation):
        return x, _SAME, [-(-n // s) for n, s in zip(x.shape[1:-1], strides)]
    x = padded(b, x, padding, value)
    return x, _VALID, _space(x, window, strides, dilation)


def _space(x: Value, window: Any, strides: Any, dilation: Any) -> list[Any]:
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    return [(n - r) // s + 1 for n, r, s in zip(x.shape[1:-1], reach, strides)]


@_channels_last
def _conv(b: Builder, x: Value, kernel: Value, *, strides: Any, padding: Any, dilation: Any, groups: int) -> Value:
    if x.rank == 5:
        return _conv_3d(b, x, kernel, strides, padding, dilation, groups)
    rank = x.rank
    x, mode, space = _framed(b, x, padding, kernel.shape, strides, dilation)
    x, kernel = _as_two(b, x), b.reshape(kernel, (1, *kernel.shape)) if rank == 3 else kernel
    strides, dilation, space = _two(strides), _two(dilation), _two(space)
    window, (channels, filters) = kernel.shape[:-2], static(kernel.shape[-2:])
    options = {
        "strideH": strides[0], "strideW": strides[1], "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
        "padding": mode,
    }  # fmt: skip
    shape = (x.shape[0], *space, filters)
    if channels == 1 and groups == x.shape[-1] and groups > 1:
        # The filters of a channel are neighbours in both layouts.
        flat = b.reshape(kernel, (1, *window, filters))
        bias = b.constant(np.zeros(filters), x.dtype)
        made = b.DEPTHWISE_CONV_2D(x, flat, bias, shape=shape, depthMultiplier=filters // groups, **options)
    else:
        moved = b.transpose(kernel, [3, 0, 1, 2])
        made = b.CONV_2D(x, moved, b.constant(np.zeros(filters), x.dtype), shape=shape, **options)
    return _as_one(b, made, rank)


def _conv_3d(b: Builder, x: Value, kernel: Value, strides: Any, padding: Any, dilation: Any, groups: int) -> Value:
    x = padded(b, x, padding)
    if groups != 1:
        none, (channels, filters) = [(0, 0)] * 3, static(kernel.shape[-2:])
        parts = zip(_parts(b, x, groups, channels), _parts(b, kernel, groups, filters // groups))
        made = [_conv_3d(b, part, kernels, strides, none, dilation, 1) for part, kernels in parts]
        return OPERATORS[movement.concatenate](b, *made, axis=4)
    shape = (x.shape[0], *_space(x, kernel.shape[:3], strides, dilation), kernel.shape[-1])
    names = ("D", "H", "W")
    options = {f"stride{n}": s for n, s in zip(names, strides)}
    options |= {f"dilation{n}Factor": d for n, d in zip(names, dilation)}
    return b.CONV_3D(x, kernel, shape=shape, padding=_VALID, **options)


def _parts(b: Builder, x: Value, count: int, width: int) -> list[Value]:
    """Parts of equal width along the last axis."""
    begins = [[0] * (x.rank - 1) + [i * width] for i in range(count)]
    ends = [[*x.shape[:-1], (i + 1) * width] for i in range(count)]
    strides = [1] * x.rank
    return [OPERATORS[movement.slice](b, x, starts=s, limits=e, strides=strides) for s, e in zip(begins, ends)]


def _pool(operator: str, value: float) -> Callable[..., Value]:
    """A pool; elements of padding do not count."""

    @_channels_last
    def lower(b: Builder, x: Value, *, window: Any, strides: Any, padding: Any) -> Value:
        if x.rank == 5:
            return _pool_3d(b, lower, x, window, strides, padding)
        rank, ones = x.rank, [1] * len(window)
        framed, mode, space = _framed(b, x, padding, window, strides, ones, value)
        made = _plain_pool(b, operator, framed, mode, space, window, strides, rank)
        if operator == "MAX_POOL_2D" or mode == _SAME or not any(n != 0 for pair in padding for n in pair):
            return made
        shape = (1, *x.shape[1:-1], 1)
        inside = padded(b, b.BROADCAST_TO(b.like(1, x), b.ints(shape), shape=shape), padding)
        return b.DIV(made, _plain_pool(b, operator, inside, mode, space, window, strides, rank))

    return lower


def _plain_pool(
    b: Builder, operator: str, x: Value, mode: int, space: Any, window: Any, strides: Any, rank: int
) -> Value:
    x, window, strides = _as_two(b, x), _two(window), _two(strides)
    made = b.emit(
        operator, [x], shape=(x.shape[0], *_two(space), x.shape[-1]), padding=mode,
        strideH=strides[0], strideW=strides[1], filterHeight=window[0], filterWidth=window[1],
    )  # fmt: skip
    return _as_one(b, made, rank)


def _pool_3d(b: Builder, pool: Any, x: Value, window: Any, strides: Any, padding: Any) -> Value:
    """A pool over volumes: over their planes, then along the first axis of space. Counts are products by axis."""
    n, depth, *plane, channels = x.shape
    attrs = {"data_format": "channels_last"}
    flat = b.reshape(x, (n * depth, *plane, channels))
    flat = pool(b, flat, window=window[1:], strides=strides[1:], padding=padding[1:], **attrs)
    new = flat.shape[1:3]
    rows = b.reshape(flat, (n, depth, new[0] * new[1], channels))
    around = [padding[0], (0, 0)]
    made = pool(b, rows, window=(window[0], 1), strides=(strides[0], 1), padding=around, **attrs)
    return b.reshape(made, (n, made.shape[1], *new, channels))


def _conv_input(
    b: Builder, g: Value, kernel: Value, *, shape: Any, strides: Any, padding: Any, dilation: Any, groups: int,
    data_format: str,
) -> Value:  # fmt: skip
    """The transposed convolution, as a convolution of the dilated input with the flipped kernel."""
    first = data_format == "channels_first"
    g = b.transpose(g, [0, *range(2, g.rank), 1]) if first else g
    space = shape[2:] if first else shape[1:-1]
    wide = OPERATORS[movement.dilate](b, g, steps=(1, *strides, 1))
    *window, channels, filters = kernel.shape
    flipped = OPERATORS[movement.flip](b, kernel, axes=tuple(range(len(window))))
    grouped = b.reshape(flipped, (*window, channels, groups, filters // groups))
    rank = len(window)
    axes = [*range(rank), rank + 2, rank + 1, rank]
    swapped = b.reshape(b.transpose(grouped, axes), (*window, filters // groups, groups * channels))
    reach = [(k - 1) * d for k, d in zip(window, dilation)]
    low = [r - p[0] for r, p in zip(reach, padding)]
    high = [n + r - lo - m for n, r, lo, m in zip(space, reach, low, wide.shape[1:-1])]
    made = _conv(
        b, wide, swapped, strides=[1] * rank, padding=list(zip(low, high)), dilation=dilation, groups=groups,
        data_format="channels_last",
    )  # fmt: skip
    return b.transpose(made, [0, made.rank - 1, *range(1, made.rank - 1)]) if first else made


WINDOWS = {
    w.conv: _conv,
    w.conv_input_gradient: _conv_input,
    w.max_pool: _pool("MAX_POOL_2D", -np.inf),
    w.avg_pool: _pool("AVERAGE_POOL_2D", 0.0),
}
