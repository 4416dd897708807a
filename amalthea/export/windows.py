"""Convolutions and pools for formats whose operators have channels last, and pad with SAME's widths or not at all.

A format gives its own operators (:class:`Kernels`); paddings of other widths, one and three axes of space, groups of
volumes, and transposed convolutions are written over them, with other lowerings of the format's table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea.engine.primitives import elementwise, movement
from amalthea.engine.primitives import windows as w
from amalthea.export.lowering import Value

Builder = Any  # a Lowering with reshape, transpose, ints, constant and like


class Kernels(NamedTuple):
    """The operators of a format; all have channels last. A mode of padding is ``"SAME"`` or ``"VALID"``.

    Args:
        conv_2d: of the builder, data, kernel, and keywords shape (of the output), mode, strides, dilation, groups.
        conv_3d: the same, without groups, and always VALID.
        pool_2d: of the builder, ``"max"`` or ``"mean"``, data, and keywords shape, mode, window, strides; a mean does
            not count elements that SAME pads with.
    """

    conv_2d: Callable[..., Value]
    conv_3d: Callable[..., Value]
    pool_2d: Callable[..., Value]


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
    return b.table[movement.pad](b, x, low=low, high=high, value=value)


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
) -> tuple[Value, str, list[Any]]:
    """The data as a window slides over it, the operator's mode of padding, and the sizes of space that come out."""
    if is_same(x, padding, window, strides, dilation):
        return x, "SAME", [-(-n // s) for n, s in zip(x.shape[1:-1], strides)]
    x = padded(b, x, padding, value)
    return x, "VALID", _space(x, window, strides, dilation)


def _space(x: Value, window: Any, strides: Any, dilation: Any) -> list[Any]:
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    return [(n - r) // s + 1 for n, r, s in zip(x.shape[1:-1], reach, strides)]


def _conv(kernels: Kernels) -> Callable[..., Value]:
    @_channels_last
    def lower(b: Builder, x: Value, kernel: Value, *, strides: Any, padding: Any, dilation: Any, groups: int) -> Value:
        if x.rank == 5:
            return _conv_3d(b, kernels, padded(b, x, padding), kernel, strides, dilation, groups)
        rank = x.rank
        x, mode, space = _framed(b, x, padding, kernel.shape, strides, dilation)
        x, kernel = _as_two(b, x), b.reshape(kernel, (1, *kernel.shape)) if rank == 3 else kernel
        shape = (x.shape[0], *_two(space), kernel.shape[-1])
        options = {"shape": shape, "mode": mode, "groups": groups}
        made = kernels.conv_2d(b, x, kernel, strides=_two(strides), dilation=_two(dilation), **options)
        return _as_one(b, made, rank)

    return lower


def _conv_3d(b: Builder, kernels: Kernels, x: Value, kernel: Value, strides: Any, dilation: Any, groups: int) -> Value:
    if groups != 1:
        return by_group(b, lambda x, k: _conv_3d(b, kernels, x, k, strides, dilation, 1), x, kernel, groups)
    shape = (x.shape[0], *_space(x, kernel.shape[:3], strides, dilation), kernel.shape[-1])
    return kernels.conv_3d(b, x, kernel, shape=shape, strides=strides, dilation=dilation)


def by_group(b: Builder, conv: Callable[[Value, Value], Value], x: Value, kernel: Value, groups: int) -> Value:
    """A convolution of each group of channels with its own filters."""
    channels, filters = static(kernel.shape[-2:])
    parts = zip(_parts(b, x, groups, channels), _parts(b, kernel, groups, filters // groups))
    made = [conv(part, kernels) for part, kernels in parts]
    return b.table[movement.concatenate](b, *made, axis=x.rank - 1)


def _parts(b: Builder, x: Value, count: int, width: int) -> list[Value]:
    """Parts of equal width along the last axis."""
    begins = [[0] * (x.rank - 1) + [i * width] for i in range(count)]
    ends = [[*x.shape[:-1], (i + 1) * width] for i in range(count)]
    strides = [1] * x.rank
    return [b.table[movement.slice](b, x, starts=s, limits=e, strides=strides) for s, e in zip(begins, ends)]


def _pool(kernels: Kernels, kind: str, value: float) -> Callable[..., Value]:
    """A pool; elements of padding do not count."""

    @_channels_last
    def lower(b: Builder, x: Value, *, window: Any, strides: Any, padding: Any) -> Value:
        if x.rank == 5:
            return _pool_3d(b, lower, x, window, strides, padding)
        framed, mode, space = _framed(b, x, padding, window, strides, [1] * len(window), value)

        def plain(x: Value) -> Value:
            shape = (x.shape[0], *_two(space), x.shape[-1])
            options = {"shape": shape, "mode": mode, "window": _two(window), "strides": _two(strides)}
            return _as_one(b, kernels.pool_2d(b, kind, _as_two(b, x), **options), x.rank)

        if kind == "max" or mode == "SAME" or not any(n != 0 for pair in padding for n in pair):
            return plain(framed)
        ones = b.table[movement.broadcast_to](b, b.like(1, x), shape=(1, *x.shape[1:-1], 1))
        return b.table[elementwise.divide](b, plain(framed), plain(padded(b, ones, padding)))

    return lower


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
    wide = b.table[movement.dilate](b, g, steps=(1, *strides, 1))
    *window, channels, filters = kernel.shape
    flipped = b.table[movement.flip](b, kernel, axes=tuple(range(len(window))))
    grouped = b.reshape(flipped, (*window, channels, groups, filters // groups))
    rank = len(window)
    axes = [*range(rank), rank + 2, rank + 1, rank]
    swapped = b.reshape(b.transpose(grouped, axes), (*window, filters // groups, groups * channels))
    reach = [(k - 1) * d for k, d in zip(window, dilation)]
    low = [r - p[0] for r, p in zip(reach, padding)]
    high = [n + r - lo - m for n, r, lo, m in zip(space, reach, low, wide.shape[1:-1])]
    made = b.table[w.conv](
        b, wide, swapped, strides=[1] * rank, padding=list(zip(low, high)), dilation=dilation, groups=groups,
        data_format="channels_last",
    )  # fmt: skip
    return b.transpose(made, [0, made.rank - 1, *range(1, made.rank - 1)]) if first else made


def windows(kernels: Kernels) -> dict[Any, Callable[..., Value]]:
    """Return the lowerings over a format's operators."""
    return {
        w.conv: _conv(kernels),
        w.conv_input_gradient: _conv_input,
        w.max_pool: _pool(kernels, "max", -np.inf),
        w.avg_pool: _pool(kernels, "mean", 0.0),
    }
