"""Primitives that slide a window over the axes of space: convolution, pooling, and their gradients.

``x`` is ``(batch, *space, channels)``, or ``(batch, channels, *space)`` with ``data_format="channels_first"``; a kernel
is ``(*window, channels / groups, filters)`` in both cases. ``padding`` is one ``(low, high)`` pair per axis of space.
Convolution and its two gradients are each linear in both inputs, and the gradients of each are the other two.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import (
    add,
    cast,
    divide,
    equal,
    logical_and,
    logical_not,
    logical_or,
    multiply,
    select,
)
from amalthea.engine.primitives.movement import broadcast_to, dilate, pad, reshape, slice
from amalthea.engine.primitives.reductions import reduce_min
from amalthea.engine.primitives.table import Family, Sample, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


# ----------------------------------------------------------------------------------------- typing rules
def space_of(shape: shapes.Shape, data_format: str) -> shapes.Shape:
    """Return the sizes of the axes of space."""
    return shape[1:-1] if data_format == "channels_last" else shape[2:]


def channels_of(shape: shapes.Shape, data_format: str) -> shapes.DimLike:
    return shape[-1] if data_format == "channels_last" else shape[1]


def with_space(batch, space, channels, data_format: str) -> shapes.Shape:
    """Return the shape with these parts."""
    return (batch, *space, channels) if data_format == "channels_last" else (batch, channels, *space)


def slid(space, window, strides, padding, dilation) -> shapes.Shape:
    """Return the sizes of the axes of space after a window has slid over them."""
    result = []
    for axis, (d, k, s, (low, high), gap) in enumerate(zip(space, window, strides, padding, dilation)):
        reach = (k - 1) * gap + 1
        room = d + low + high
        if isinstance(room, int) and room < reach:
            raise ShapeError(
                f"The window is larger than the input on axis {axis} of space.",
                expected=f"at least {reach} elements",
                got=f"{d}",
                cure="padding='same', or a smaller kernel or pool",
            )
        result.append((room - reach) // s + 1)
    return tuple(result)


def _check_rank(x: Type, rank: int) -> None:
    if len(x.shape) != rank + 2:
        raise ShapeError(
            f"The window has {rank} axes of space, and the input another number.",
            expected=f"(batch, {rank} axes of space, channels)",
            got=x,
        )


def _conv(x: Type, kernel: Type, *, strides, padding, dilation, groups, data_format) -> Type:
    rank = len(strides)
    _check_rank(x, rank)
    if x.dtype != kernel.dtype:
        raise DtypeError("Input and kernel have different dtypes.", expected=x.dtype, got=kernel.dtype)
    channels = channels_of(x.shape, data_format)
    if not shapes.agree(channels, kernel.shape[-2] * groups):
        raise ShapeError(
            "Input and kernel have different numbers of channels.",
            expected=f"{kernel.shape[-2]} channels for each of {groups} groups",
            got=f"{channels} in {x}",
        )
    space = slid(space_of(x.shape, data_format), kernel.shape[:-2], strides, padding, dilation)
    return Type(with_space(x.shape[0], space, kernel.shape[-1], data_format), x.dtype)


def _conv_input(g: Type, kernel: Type, *, shape, **attrs) -> Type:
    return Type(tuple(shape), g.dtype)


def _conv_kernel(x: Type, g: Type, *, kernel_shape, **attrs) -> Type:
    return Type(tuple(kernel_shape), g.dtype)


def _pool(x: Type, *, window, strides, padding, data_format) -> Type:
    _check_rank(x, len(window))
    space = slid(space_of(x.shape, data_format), window, strides, padding, (1,) * len(window))
    return Type(with_space(x.shape[0], space, channels_of(x.shape, data_format), data_format), x.dtype)


# ----------------------------------------------------------------- reference in NumPy, for channels last
def _last(x, data_format):
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def _back(x, data_format):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if data_format == "channels_first" else x


def _window_offsets(window, strides, dilation, out_space):
    """Iterate over the offsets in the window: for each, the slices of the padded input that it covers."""
    for offset in itertools.product(*map(range, window)):
        starts = [o * d for o, d in zip(offset, dilation)]
        yield tuple(np.s_[start : start + (n - 1) * s + 1 : s] for start, n, s in zip(starts, out_space, strides))


def _unfold(x, window, strides, padding, dilation, fill: float = 0):
    """Return the elements of each window (im2col): ``(batch, *space, channels)`` to ``(batch, *out, offsets,
    channels)``.
    """
    out_space = slid(x.shape[1:-1], window, strides, padding, dilation)
    x = np.pad(x, [(0, 0), *padding, (0, 0)], constant_values=fill)
    views = [x[(np.s_[:], *offset)] for offset in _window_offsets(window, strides, dilation, out_space)]
    return np.stack(views, axis=-2)


def _fold(patches, shape, window, strides, padding, dilation):
    """The transpose of :func:`_unfold` (col2im): elements that several windows share are summed."""
    space = [d + low + high for d, (low, high) in zip(shape[1:-1], padding)]
    out = np.zeros((shape[0], *space, shape[-1]), patches.dtype)
    for i, offset in enumerate(_window_offsets(window, strides, dilation, patches.shape[1:-2])):
        out[(np.s_[:], *offset)] += patches[..., i, :]
    return out[(np.s_[:], *(np.s_[low : low + d] for d, (low, _) in zip(shape[1:-1], padding)))]


def _by_group(groups: int, function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    parts = zip(*(np.split(a, groups, axis=-1) for a in arrays))
    joined = np.concatenate([function(*part) for part in parts], axis=-1)
    return joined.astype(arrays[0].dtype, copy=False)  # NumPy multiplies bfloat16 into float32


@primitive(Family(_conv))
def conv(x, kernel, *, strides, padding, dilation, groups=1, data_format="channels_last"):
    """Cross-correlation of the input with a kernel over space, summed over the channels of a group."""
    window = kernel.shape[:-2]

    def one(x, k):
        patches = _unfold(x, window, strides, padding, dilation)
        flat = k.reshape(-1, k.shape[-1])
        return patches.reshape(*patches.shape[:-2], len(flat)) @ flat

    return _back(_by_group(groups, one, _last(x, data_format), kernel), data_format)


@primitive(Family(_conv_input))
def conv_input_gradient(g, kernel, *, shape, strides, padding, dilation, groups=1, data_format="channels_last"):
    """The gradient of :func:`conv` with respect to its input, of the given shape: the transposed convolution."""
    window = kernel.shape[:-2]
    space, channels = space_of(shape, data_format), channels_of(shape, data_format)

    def one(g, k):
        patches = (g @ k.reshape(-1, k.shape[-1]).T).reshape(*g.shape[:-1], prod(window), channels // groups)
        return _fold(patches, (shape[0], *space, channels // groups), window, strides, padding, dilation)

    return _back(_by_group(groups, one, _last(g, data_format), kernel), data_format)


@primitive(Family(_conv_kernel))
def conv_kernel_gradient(x, g, *, kernel_shape, strides, padding, dilation, groups=1, data_format="channels_last"):
    """The gradient of :func:`conv` with respect to its kernel, of the given shape."""
    window = kernel_shape[:-2]

    def one(x, g):
        patches = _unfold(x, window, strides, padding, dilation)
        flat = patches.reshape(-1, patches.shape[-2] * patches.shape[-1])
        return (flat.T @ g.reshape(-1, g.shape[-1])).reshape(*window, x.shape[-1], g.shape[-1])

    return _by_group(groups, one, _last(x, data_format), _last(g, data_format))


@primitive(Family(_pool))
def max_pool(x, *, window, strides, padding, data_format="channels_last"):
    """The largest element in each window; of equal ones, the first gets the gradient."""
    patches = _unfold(
        _last(x, data_format), window, strides, padding, (1,) * len(window), fill=dtypes.bounds(x.dtype.name)[0]
    )
    return _back(patches.max(axis=-2), data_format)


@primitive(Family(_pool), accumulates=True)
def avg_pool(x, *, window, strides, padding, data_format="channels_last"):
    """The mean of each window; padding does not count."""
    x = _last(x, data_format)
    patches = _unfold(x, window, strides, padding, (1,) * len(window))
    counts = window_counts(x.shape[1:-1], window, strides, padding)[..., None]
    return _back((patches.sum(axis=-2) / counts).astype(x.dtype), data_format)


@primitive(Family(lambda g, x, out, **attrs: x), accumulates=True)
def max_pool_gradient(g, x, out, *, window, strides, padding, data_format="channels_last"):
    """The gradient of :func:`max_pool` with respect to its input."""
    g, x = _last(g, data_format), _last(x, data_format)
    ones = (1,) * len(window)
    patches = _unfold(x, window, strides, padding, ones, fill=dtypes.bounds(x.dtype.name)[0])
    first = patches.argmax(axis=-2)[..., None, :]
    chosen = np.arange(prod(window)).reshape(-1, 1) == first
    folded = _fold(np.where(chosen, g[..., None, :], 0), x.shape, window, strides, padding, ones)
    return _back(folded.astype(x.dtype), data_format)


@primitive(Family(lambda g, *, shape, **attrs: Type(tuple(shape), g.dtype)), accumulates=True)
def avg_pool_gradient(g, *, shape, window, strides, padding, data_format="channels_last"):
    """The gradient of :func:`avg_pool` with respect to its input, of the given shape."""
    space, g = space_of(shape, data_format), _last(g, data_format)
    share = g / window_counts(space, window, strides, padding)[..., None]
    patches = np.broadcast_to(share[..., None, :], (*g.shape[:-1], prod(window), g.shape[-1]))
    folded = _fold(patches, (shape[0], *space, g.shape[-1]), window, strides, padding, (1,) * len(window))
    return _back(folded.astype(g.dtype), data_format)


def window_counts(space, window, strides, padding) -> np.ndarray:
    """Return the number of input elements, without padding, in each window."""
    ones = np.ones((1, *space, 1))
    return _unfold(ones, window, strides, padding, (1,) * len(window)).sum(axis=-2)[0, ..., 0]


# -------------------------------------------------------------------- decompositions, for both layouts
def _visits(space, padding, window, strides, out_space, data_format):
    """Iterate over the offsets in the window: functions that read the elements each covers, and that write there."""
    padded = tuple(d + a + b for d, (a, b) in zip(space, padding))
    for offset in _window_offsets(window, strides, (1,) * len(window), out_space):
        starts = tuple(p.start for p in offset)
        limits = tuple(p.stop for p in offset)
        rest = tuple(d - stop for d, stop in zip(padded, limits))

        def read(x, starts=starts, limits=limits):
            lead, channels = x.type.shape[0], channels_of(x.type.shape, data_format)
            return slice(
                x,
                starts=with_space(0, starts, 0, data_format),
                limits=with_space(lead, limits, channels, data_format),
                strides=with_space(1, strides, 1, data_format),
            )

        def write(g, starts=starts, rest=rest):
            spaced = dilate(g, steps=with_space(1, strides, 1, data_format))
            low, high = with_space(0, starts, 0, data_format), with_space(0, rest, 0, data_format)
            return pad(spaced, low=low, high=high)

        yield read, write


def _unpad(x, space, padding, data_format):
    lows = tuple(low for low, _ in padding)
    limits = tuple(low + d for low, d in zip(lows, space))
    shape = x.type.shape
    return slice(
        x,
        starts=with_space(0, lows, 0, data_format),
        limits=with_space(shape[0], limits, channels_of(shape, data_format), data_format),
        strides=(1,) * len(shape),
    )


def _max_pool_gradient(g, x, out, *, window, strides, padding, data_format):
    if window == strides and not any(map(any, padding)):
        return _max_of_blocks_gradient(g, x, out, window, data_format)
    space, out_space = space_of(x.type.shape, data_format), space_of(out.type.shape, data_format)
    lows = with_space(0, [a for a, _ in padding], 0, data_format)
    highs = with_space(0, [b for _, b in padding], 0, data_format)
    padded = pad(x, low=lows, high=highs, value=float("-inf"))
    total, taken = None, None
    for read, write in _visits(space, padding, window, strides, out_space, data_format):
        here = equal(read(padded), out)
        first = here if taken is None else logical_and(here, logical_not(taken))
        taken = here if taken is None else logical_or(taken, here)
        term = write(multiply(g, cast(first, dtype=g.dtype)))
        total = term if total is None else add(total, term)
    return _unpad(total, space, padding, data_format)


def _avg_pool_gradient(g, *, shape, window, strides, padding, data_format):
    space, out_space = space_of(shape, data_format), space_of(g.type.shape, data_format)
    counts = window_counts(space, window, strides, padding)
    counts = counts.reshape(with_space(1, counts.shape, 1, data_format))
    share = divide(g, counts.astype(dtypes.to_numpy(g.dtype)))
    if window == strides and not any(map(any, padding)):
        return _spread_windows(share, shape, window, data_format)
    total = None
    for _, write in _visits(space, padding, window, strides, out_space, data_format):
        total = write(share) if total is None else add(total, write(share))
    return _unpad(total, space, padding, data_format)


def _max_of_blocks_gradient(g, x, out, window, data_format):
    """The gradient if windows do not overlap: in each, the first of the largest elements gets the gradient."""
    shape, out_space = x.type.shape, space_of(out.type.shape, data_format)
    batch, channels = shape[0], channels_of(shape, data_format)
    full = [n * k for n, k in zip(out_space, window)]
    wide = with_space(batch, [part for n, k in zip(out_space, window) for part in (n, k)], channels, data_format)
    thin = with_space(batch, [part for n in out_space for part in (n, 1)], channels, data_format)
    axes = tuple((1 if data_format == "channels_last" else 2) + 2 * i + 1 for i in range(len(window)))
    limits = with_space(batch, full, channels, data_format)
    blocks = reshape(slice(x, starts=(0,) * len(shape), limits=limits, strides=(1,) * len(shape)), shape=wide)
    order = np.arange(prod(window), dtype=dtypes.to_numpy(g.dtype))
    order = order.reshape([wide[i] if i in axes else 1 for i in range(len(wide))])
    here = select(equal(blocks, reshape(out, shape=thin)), order, order * 0 + prod(window))
    chosen = equal(reduce_min(here, axes=axes, keepdims=True), order)
    spread = reshape(multiply(cast(chosen, dtype=g.dtype), reshape(g, shape=thin)), shape=limits)
    return pad(spread, low=(0,) * len(shape), high=tuple(d - n for d, n in zip(shape, limits)))


def _spread_windows(g, shape, window, data_format):
    """Repeat each element over its window if windows do not overlap; zeros in the remainder."""
    batch, channels = shape[0], channels_of(shape, data_format)
    out_space = space_of(g.type.shape, data_format)
    ones = [part for n in out_space for part in (n, 1)]
    wide = [part for n, k in zip(out_space, window) for part in (n, k)]
    full = [n * k for n, k in zip(out_space, window)]
    g = reshape(g, shape=with_space(batch, ones, channels, data_format))
    g = reshape(
        broadcast_to(g, shape=with_space(batch, wide, channels, data_format)),
        shape=with_space(batch, full, channels, data_format),
    )
    left = [d - n for d, n in zip(space_of(shape, data_format), full)]
    return pad(g, low=(0,) * len(shape), high=with_space(0, left, 0, data_format)) if any(left) else g


max_pool_gradient.decomposition = _max_pool_gradient
avg_pool_gradient.decomposition = _avg_pool_gradient

conv.gradient = lambda g, x, k, out, **attrs: (
    conv_input_gradient(g, k, shape=x.type.shape, **attrs),
    conv_kernel_gradient(x, g, kernel_shape=k.type.shape, **attrs),
)
conv_input_gradient.gradient = lambda h, g, k, out, *, shape, **attrs: (
    conv(h, k, **attrs),
    conv_kernel_gradient(h, g, kernel_shape=k.type.shape, **attrs),
)
conv_kernel_gradient.gradient = lambda h, x, g, out, *, kernel_shape, **attrs: (
    conv_input_gradient(g, h, shape=x.type.shape, **attrs),
    conv(x, h, **attrs),
)
max_pool.gradient = lambda g, x, out, **attrs: (max_pool_gradient(g, x, out, **attrs),)
avg_pool.gradient = lambda g, x, out, **attrs: (avg_pool_gradient(g, shape=x.type.shape, **attrs),)
avg_pool_gradient.gradient = lambda h, g, out, *, shape, **attrs: (avg_pool(h, **attrs),)


# ----------------------------------------------------------------------------------------------- samples
_CONVS = [  # x, kernel, attributes
    ((2, 5, 6, 2), (3, 2, 2, 3), {"strides": (1, 2), "padding": ((1, 1), (0, 1)), "dilation": (1, 1)}),
    ((1, 7, 6, 4), (2, 2, 2, 6), {"strides": (1, 1), "padding": ((0, 0),) * 2, "dilation": (2, 1), "groups": 2}),
    ((2, 8, 3), (3, 3, 2), {"strides": (2,), "padding": ((2, 0),), "dilation": (1,)}),
    (
        (1, 4, 4, 3, 1),
        (2, 2, 2, 1, 2),
        {"strides": (2, 1, 1), "padding": ((0, 1), (1, 0), (0, 0)), "dilation": (1, 1, 1)},
    ),
    (
        (2, 2, 5, 5),
        (2, 2, 2, 3),
        {"strides": (2, 2), "padding": ((0, 0),) * 2, "dilation": (1, 1), "data_format": "channels_first"},
    ),
]
_POOLS = [
    ((2, 4, 6, 2), {"window": (2, 2), "strides": (2, 2), "padding": ((0, 0), (0, 0))}),
    ((1, 5, 5, 2), {"window": (3, 3), "strides": (2, 1), "padding": ((1, 1), (1, 1))}),
    ((2, 7, 1), {"window": (3,), "strides": (2,), "padding": ((0, 0),)}),
    ((2, 3, 5, 4), {"window": (2, 2), "strides": (2, 2), "padding": ((0, 1), (0, 0)), "data_format": "channels_first"}),
    ((1, 3, 4, 2, 2), {"window": (2, 2, 1), "strides": (1, 2, 1), "padding": ((0, 0),) * 3}),
]


def _conv_samples(kind: str) -> list[Sample]:
    return [_conv_sample(kind, x_shape, k_shape, dict(attrs)) for x_shape, k_shape, attrs in _CONVS]


def _conv_sample(kind: str, x_shape: tuple[int, ...], k_shape: tuple[int, ...], attrs: dict[str, Any]) -> Sample:
    attrs = {"groups": 1, "data_format": "channels_last", **attrs}
    out = _conv(Type(x_shape, "float64"), Type(k_shape, "float64"), **attrs)
    x, k, g = numbers(*x_shape), numbers(*k_shape, seed=1), numbers(*out.shape, seed=2)
    if kind == "conv":
        return sample(x, k, **attrs)
    if kind == "input":
        return sample(g, k, shape=x_shape, **attrs)
    return sample(x, g, kernel_shape=k_shape, **attrs)


def _max_gradient_samples() -> list[Sample]:
    made = []
    for x_shape, attrs in _POOLS:
        x = numbers(*x_shape)
        out = max_pool.reference(x, **attrs)
        made.append(sample(numbers(*out.shape, seed=1), x, out, **attrs))
    return made


def _avg_gradient_samples() -> list[Sample]:
    made = []
    for shape, attrs in _POOLS:
        out = _pool(Type(shape, "float64"), **{"data_format": "channels_last", **attrs})
        made.append(sample(numbers(*out.shape, seed=1), shape=shape, **attrs))
    return made


conv.samples = partial(_conv_samples, "conv")
conv_input_gradient.samples = partial(_conv_samples, "input")
conv_kernel_gradient.samples = partial(_conv_samples, "kernel")
max_pool.samples = avg_pool.samples = lambda: [sample(numbers(*shape), **attrs) for shape, attrs in _POOLS]
max_pool_gradient.samples = _max_gradient_samples
avg_pool_gradient.samples = _avg_gradient_samples
