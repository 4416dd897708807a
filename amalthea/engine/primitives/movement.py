"""Primitives that move elements without changing them: reshape, transpose, slice, pad and similar."""

from __future__ import annotations

import builtins

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


def _reshape(x: Type, *, shape: shapes.Shape) -> Type:
    if not shapes.agree(shapes.size(x.shape), shapes.size(shape)):
        raise ShapeError(
            "The input cannot be reshaped: the number of elements would change.",
            expected=f"{shapes.size(x.shape)} elements",
            got=f"{shapes.size(shape)} in {shapes.show(shape)} from {x}",
        )
    return Type(tuple(shape), x.dtype)


def check_sizes(shape: shapes.Shape) -> None:
    """Raise an error if an axis has a negative size."""
    if any(isinstance(d, int) and d < 0 for d in shape):
        raise ShapeError("An axis of a shape has a negative size.", got=shapes.show(shape))


def _transpose(x: Type, *, axes: tuple[int, ...]) -> Type:
    if sorted(axes) != list(range(len(x.shape))):
        raise ShapeError(
            "The axes of a transposition are not a permutation.",
            expected=f"an order of 0 to {len(x.shape) - 1}",
            got=axes,
        )
    return Type(tuple(x.shape[axis] for axis in axes), x.dtype)


def _broadcast_to(x: Type, *, shape: shapes.Shape) -> Type:
    check_sizes(shape)
    if shapes.broadcast(x.shape, tuple(shape)) != tuple(shape):
        raise ShapeError("The input does not broadcast to the shape.", expected=shapes.show(shape), got=x)
    return Type(tuple(shape), x.dtype)


def _concatenate(*xs: Type, axis: int) -> Type:
    first = xs[0]
    for x in xs[1:]:
        same = len(x.shape) == len(first.shape) and all(
            shapes.agree(a, b) for i, (a, b) in enumerate(zip(x.shape, first.shape)) if i != axis
        )
        if not same or x.dtype != first.dtype:
            raise ShapeError(
                f"Inputs to concatenate differ on another axis than {axis}, or in rank or dtype.",
                expected=first,
                got=x,
            )
    total = sum((x.shape[axis] for x in xs[1:]), start=first.shape[axis])
    known = [next((d for d in dims if isinstance(d, int)), dims[0]) for dims in zip(*(x.shape for x in xs))]
    return Type((*known[:axis], total, *known[axis + 1 :]), first.dtype)


def _slice(x: Type, *, starts, limits, strides) -> Type:
    if not len(starts) == len(limits) == len(strides) == len(x.shape):
        raise ShapeError("A slice needs a start, a limit and a stride per axis.", got=f"{starts} for {x}")
    for start, limit, dim in zip(starts, limits, x.shape):
        static = shapes.is_static((start, limit, dim))
        if static and not 0 <= start <= limit <= dim:
            raise ShapeError("A slice reaches outside of its input.", expected=f"0 to {dim}", got=f"{start} to {limit}")
    return Type(tuple(-((start - limit) // step) for start, limit, step in zip(starts, limits, strides)), x.dtype)


def _pad(x: Type, *, low, high, value) -> Type:
    if not len(low) == len(high) == len(x.shape):
        raise ShapeError("Padding needs a low and a high width per axis.", got=f"{low}, {high} for {x}")
    return Type(tuple(a + d + b for a, d, b in zip(low, x.shape, high)), x.dtype)


def _dilate(x: Type, *, steps) -> Type:
    return Type(tuple((d - 1) * s + 1 for d, s in zip(x.shape, steps)), x.dtype)


def _flip(x: Type, *, axes) -> Type:
    return x


def _iota(*, shape, axis, dtype) -> Type:
    check_sizes(shape)
    return Type(tuple(shape), dtype)


def _dynamic(x: Type, *starts: Type, sizes) -> Type:
    _check_starts(x, starts)
    _check_block(x, tuple(sizes))
    return Type(tuple(sizes), x.dtype)


def _dynamic_update(x: Type, update: Type, *starts: Type) -> Type:
    _check_starts(x, starts)
    if len(update.shape) != len(x.shape) or update.dtype != x.dtype:
        raise ShapeError("The update has another rank or dtype than the array.", expected=x, got=update)
    _check_block(x, update.shape)
    return x


def _check_block(x: Type, sizes: shapes.Shape) -> None:
    if len(sizes) != len(x.shape) or any(_exceeds(n, d) for n, d in zip(sizes, x.shape)):
        raise ShapeError("The block is larger than the array.", expected=x, got=shapes.show(sizes))


def _check_starts(x: Type, starts) -> None:
    if len(starts) != len(x.shape):
        raise ShapeError("A dynamic slice needs a start per axis.", expected=len(x.shape), got=len(starts))
    if any(s.shape != () or not dtypes.is_integer(s.dtype) for s in starts):
        raise DtypeError("A start is not an integer scalar.", expected="int32[]", got=" ".join(map(str, starts)))


def _exceeds(size: shapes.DimLike, dim: shapes.DimLike) -> bool:
    return isinstance(size, int) and isinstance(dim, int) and size > dim


@primitive(Family(_reshape))
def reshape(x, *, shape):
    """The same elements in the same (row-major) order, in another shape."""
    return np.reshape(x, shape)


@primitive(Family(_transpose))
def transpose(x, *, axes):
    """Axis ``i`` of the output is axis ``axes[i]`` of the input."""
    return np.transpose(x, axes)


@primitive(Family(_broadcast_to))
def broadcast_to(x, *, shape):
    """The input repeated along axes of size 1, and along new leading axes."""
    return np.broadcast_to(x, shape)


@primitive(Family(_concatenate))
def concatenate(*xs, axis):
    """The inputs joined along an axis."""
    return np.concatenate(xs, axis=axis)


concatenate.keeps_steps = lambda *xs, axis: axis >= 2


@primitive(Family(_slice))
def slice(x, *, starts, limits, strides):
    """Every ``stride``-th element from ``start`` up to, not including, ``limit``, per axis."""
    return x[tuple(map(builtins.slice, starts, limits, strides))]


@primitive(Family(_pad))
def pad(x, *, low, high, value=0):
    """``low`` and ``high`` elements of ``value`` before and after, per axis."""
    return np.pad(x, list(zip(low, high)), constant_values=value)


@primitive(Family(_dilate))
def dilate(x, *, steps):
    """Zeros inserted between the elements, so that these are ``step`` apart on each axis."""
    out = np.zeros([(d - 1) * s + 1 for d, s in zip(x.shape, steps)], x.dtype)
    out[tuple(builtins.slice(None, None, step) for step in steps)] = x
    return out


@primitive(Family(_flip))
def flip(x, *, axes):
    """The elements in reverse order along the axes."""
    return np.flip(x, axes)


@primitive(Family(_iota))
def iota(*, shape, axis, dtype):
    """0, 1, 2, ... along one axis, constant along the others."""
    counts = np.arange(shape[axis], dtype=dtypes.to_numpy(dtype))
    return np.broadcast_to(counts.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)


@primitive(Family(_dynamic))
def dynamic_slice(x, *starts, sizes):
    """A block of the given sizes, from computed starts, which are clipped so that the block lies inside."""
    starts = [min(max(int(s), 0), d - n) for s, d, n in zip(starts, x.shape, sizes)]
    return x[tuple(builtins.slice(s, s + n, None) for s, n in zip(starts, sizes))]


@primitive(Family(_dynamic_update))
def dynamic_update_slice(x, update, *starts):
    """``x`` with a block replaced by ``update``, from computed starts."""
    starts = [min(max(int(s), 0), d - n) for s, d, n in zip(starts, x.shape, update.shape)]
    out = np.array(x)
    out[tuple(builtins.slice(s, s + n, None) for s, n in zip(starts, update.shape))] = update
    return out


def _split(g, *xs_and_out, axis):
    start, parts = 0, []
    for x in xs_and_out[:-1]:
        stop = start + x.type.shape[axis]
        parts.append(part(g, axis, start, stop))
        start = stop
    return tuple(parts)


def part(x, axis, start, stop):
    """Return the elements from ``start`` up to ``stop`` on one axis, and all on the others."""
    shape = type_of(x).shape
    starts = tuple(start if i == axis else 0 for i in range(len(shape)))
    limits = tuple(stop if i == axis else d for i, d in enumerate(shape))
    return slice(x, starts=starts, limits=limits, strides=(1,) * len(shape))


def _slice_gradient(g, x, out, *, starts, limits, strides):
    spaced = g if all(s == 1 for s in strides) else dilate(g, steps=strides)
    high = tuple(d - a - n for d, a, n in zip(x.type.shape, starts, spaced.type.shape))
    return (pad(spaced, low=starts, high=high),)


def _pad_gradient(g, x, out, *, low, high, value):
    limits = tuple(a + d for a, d in zip(low, x.type.shape))
    return (slice(g, starts=low, limits=limits, strides=(1,) * len(low)),)


def _update_gradient(g, x, update, *rest):
    starts = rest[:-1]
    zeros = broadcast_to(np.zeros((), dtypes.to_numpy(g.dtype)), shape=update.type.shape)
    block = dynamic_slice(g, *starts, sizes=update.type.shape)
    return (dynamic_update_slice(g, zeros, *starts), block, *[None] * len(starts))


def _dynamic_gradient(g, x, *rest, sizes):
    zeros = broadcast_to(np.zeros((), dtypes.to_numpy(g.dtype)), shape=x.type.shape)
    return (dynamic_update_slice(zeros, g, *rest[:-1]), *[None] * (len(rest) - 1))


reshape.gradient = lambda g, x, out, *, shape: (reshape(g, shape=x.type.shape),)
transpose.gradient = lambda g, x, out, *, axes: (transpose(g, axes=tuple(int(i) for i in np.argsort(axes))),)
broadcast_to.gradient = lambda g, x, out, *, shape: (g,)
concatenate.gradient = _split
slice.gradient = _slice_gradient
pad.gradient = _pad_gradient
dilate.gradient = lambda g, x, out, *, steps: (
    slice(g, starts=(0,) * g.ndim, limits=g.type.shape, strides=tuple(steps)),
)
flip.gradient = lambda g, x, out, *, axes: (flip(g, axes=axes),)
dynamic_slice.gradient = _dynamic_gradient
dynamic_update_slice.gradient = _update_gradient

reshape.samples = lambda: [sample(numbers(2, 6), shape=(3, 4)), sample(numbers(4), shape=(2, 1, 2))]
transpose.samples = lambda: [sample(numbers(2, 3, 4), axes=(2, 0, 1)), sample(numbers(2, 3), axes=(1, 0))]
broadcast_to.samples = lambda: [sample(numbers(3, 1), shape=(2, 3, 4)), sample(numbers(), shape=(2,))]
concatenate.samples = lambda: [sample(numbers(2, 3), numbers(2, 1, seed=1), axis=1), sample(numbers(2), axis=0)]
slice.samples = lambda: [
    sample(numbers(4, 5), starts=(1, 0), limits=(3, 5), strides=(1, 2)),
    sample(numbers(7), starts=(1,), limits=(6,), strides=(3,)),
]
pad.samples = lambda: [
    sample(numbers(2, 3), low=(1, 0), high=(0, 2)),
    sample(numbers(3), low=(1,), high=(1,), value=-1.0),
]
dilate.samples = lambda: [sample(numbers(2, 3), steps=(2, 3)), sample(numbers(3, 2), steps=(1, 2))]
flip.samples = lambda: [sample(numbers(2, 3), axes=(0,)), sample(numbers(2, 3, 2), axes=(0, 2))]
iota.samples = lambda: [sample(shape=(2, 3), axis=1, dtype="float64"), sample(shape=(4,), axis=0, dtype="int32")]
dynamic_slice.samples = lambda: [
    sample(numbers(4, 5), np.int32(1), np.int32(2), sizes=(2, 3)),
    sample(numbers(4), np.int32(3), sizes=(2,)),
]
dynamic_update_slice.samples = lambda: [
    sample(numbers(4, 5), numbers(2, 3, seed=1), np.int32(1), np.int32(2)),
    sample(numbers(4), numbers(2, seed=1), np.int32(3)),
]
