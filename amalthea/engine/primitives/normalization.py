"""Normalization and its gradient as composite primitives: libraries compute each in one or two passes over memory.

Both return their moments too, which the gradient reads; they are unused outputs in a graph without a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives.elementwise import add, multiply, negative, rsqrt, square, subtract
from amalthea.engine.primitives.movement import broadcast_to, reshape
from amalthea.engine.primitives.reductions import inverse_count, kept_shape, reduce_sum
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import ShapeError


def others(rank: int, axis: int) -> tuple[int, ...]:
    """Return all axes but one: those over which a batch is normalized."""
    return tuple(a for a in range(rank) if a != axis)


def _check(x: Type, axis: int, shape: shapes.Shape, vectors: Sequence[Type], images: Sequence[Type] = ()) -> None:
    if not 0 <= axis < len(x.shape):
        raise ShapeError("The input does not have this axis.", expected=f"0 to {len(x.shape) - 1}", got=axis)
    for vector in vectors:
        if vector != Type(shape, x.dtype):
            raise ShapeError(
                "Scale, offset or moments do not have the shape that the input needs.",
                expected=Type(shape, x.dtype),
                got=vector,
            )
    for image in images:
        if image != x:
            raise ShapeError("The cotangent does not have the type of the output.", expected=x, got=image)


def _batch(x: Type, scale: Type, offset: Type, *, axis: int, epsilon: float):
    _check(x, axis, x.shape[axis : axis + 1], (scale, offset))
    return x, scale, scale


def _batch_gradient(g: Type, x: Type, scale: Type, mean: Type, variance: Type, *, axis: int, epsilon: float):
    _check(x, axis, x.shape[axis : axis + 1], (scale, mean, variance), (g,))
    return x, scale, scale


def _layer(x: Type, scale: Type, offset: Type, *, axis: int, epsilon: float):
    _check(x, axis, x.shape[axis:], (scale, offset))
    moment = Type(kept_shape(x.shape, tuple(range(axis, len(x.shape)))), x.dtype)
    return x, moment, moment


def _layer_gradient(g: Type, x: Type, scale: Type, mean: Type, rstd: Type, *, axis: int, epsilon: float):
    _check(x, axis, x.shape[axis:], (scale,), (g,))
    _check(x, axis, kept_shape(x.shape, tuple(range(axis, len(x.shape)))), (mean, rstd))
    return x, scale, scale


def _batch_samples(primitive):
    return [
        sample(numbers(4, 2, 3), numbers(3, seed=1), numbers(3, seed=2), axis=2, epsilon=0.125),
        sample(numbers(3, 2, 2), numbers(2, seed=1), numbers(2, seed=2), axis=1, epsilon=0.001),
        sample(numbers(5, 2), numbers(2, seed=1), numbers(2, seed=2), axis=1, epsilon=0.001),
    ]


def _layer_samples(primitive):
    return [
        sample(numbers(3, 4), numbers(4, seed=1), numbers(4, seed=2), axis=1, epsilon=0.125),
        sample(numbers(2, 3, 2), numbers(3, 2, seed=1), numbers(3, 2, seed=2), axis=1, epsilon=0.001),
    ]


def _of_gradient(forward, samples):
    """Samples of a gradient: those of the forward primitive, with a cotangent and the moments."""

    def make(primitive):
        made = []
        for one in samples(primitive):
            x, scale, offset = one.inputs
            _, mean, spread = forward.reference(*one.inputs, **one.attrs)
            made.append(sample(numbers(*x.shape, seed=3), x, scale, mean, spread, **one.attrs))
        return made

    return make


# ------------------------------------------------------------------------------------------- over the batch


@primitive(Family(_batch, _batch_samples), single=False, accumulates=True)
def batch_normalize(x, scale, offset, *, axis, epsilon):
    """Normalize each feature (an index on ``axis``) over all other axes, then scale and offset it.

    Also returns the moments.
    """
    axes = others(x.ndim, axis)
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    shape = mean.shape
    y = (x - mean) / np.sqrt(variance + np.asarray(epsilon, x.dtype)) * scale.reshape(shape) + offset.reshape(shape)
    return y, mean.reshape(-1), variance.reshape(-1)


@primitive(Family(_batch_gradient), single=False, accumulates=True)
def batch_normalize_gradient(g, x, scale, mean, variance, *, axis, epsilon):
    """The cotangents of input, scale and offset, given that of :func:`batch_normalize`'s first output."""
    axes = others(x.ndim, axis)
    shape = kept_shape(x.shape, axes)
    rstd = 1 / np.sqrt(variance + np.asarray(epsilon, x.dtype))
    normal = (x - mean.reshape(shape)) * rstd.reshape(shape)
    by_scale, by_offset = (g * normal).sum(axes), g.sum(axes)
    count = x.size // max(x.shape[axis], 1)
    rest = g - (by_offset.reshape(shape) + normal * by_scale.reshape(shape)) / np.asarray(count, x.dtype)
    return rest * (scale * rstd).reshape(shape), by_scale, by_offset


def _batch_normalize(x, scale, offset, *, axis, epsilon):
    axes, shape = others(len(x.shape), axis), x.shape
    column = kept_shape(shape, axes)
    mean = _mean(x, axes)
    centered = subtract(x, mean)
    variance = _mean(square(centered), axes)
    factor = multiply(rsqrt(add(variance, epsilon)), reshape(scale, shape=column))
    y = add(multiply(centered, factor), reshape(offset, shape=column))
    return y, reshape(mean, shape=shape[axis : axis + 1]), reshape(variance, shape=shape[axis : axis + 1])


def _batch_normalize_gradient(g, x, scale, mean, variance, *, axis, epsilon):
    """``a * g + b * (x - mean) + c`` with a, b, c per feature: few passes over large arrays."""
    axes = others(len(x.shape), axis)
    column = kept_shape(x.shape, axes)
    share = inverse_count(x, axes)
    share = -share if isinstance(share, float) else negative(share)
    centered = subtract(x, reshape(mean, shape=column))
    rstd = rsqrt(add(variance, epsilon))
    by_offset = reduce_sum(g, axes=axes)
    by_scale = multiply(reduce_sum(multiply(g, centered), axes=axes), rstd)
    a = multiply(scale, rstd)
    b, c = multiply(multiply(multiply(a, rstd), by_scale), share), multiply(multiply(a, by_offset), share)
    a, b, c = (reshape(v, shape=column) for v in (a, b, c))
    return add(add(multiply(g, a), multiply(centered, b)), c), by_scale, by_offset


# ---------------------------------------------------------------------------------------- over each example


@primitive(Family(_layer, _layer_samples), single=False, accumulates=True)
def layer_normalize(x, scale, offset, *, axis, epsilon):
    """Normalize over the axes from ``axis`` on, then scale and offset.

    Also returns the mean and 1 / standard deviation.
    """
    axes = tuple(range(axis, x.ndim))
    mean = x.mean(axes, keepdims=True)
    rstd = 1 / np.sqrt(x.var(axes, keepdims=True) + np.asarray(epsilon, x.dtype))
    return (x - mean) * rstd * scale + offset, mean, rstd


@primitive(Family(_layer_gradient), single=False, accumulates=True)
def layer_normalize_gradient(g, x, scale, mean, rstd, *, axis, epsilon):
    """The cotangents of input, scale and offset, given that of :func:`layer_normalize`'s first output."""
    axes, lead = tuple(range(axis, x.ndim)), tuple(range(axis))
    normal, scaled = (x - mean) * rstd, g * scale
    along = scaled.mean(axes, keepdims=True) + normal * (scaled * normal).mean(axes, keepdims=True)
    return (scaled - along) * rstd, (g * normal).sum(lead), g.sum(lead)


def _layer_normalize(x, scale, offset, *, axis, epsilon):
    axes = tuple(range(axis, len(x.shape)))
    mean = _mean(x, axes)
    centered = subtract(x, mean)
    rstd = rsqrt(add(_mean(square(centered), axes), epsilon))
    return add(multiply(multiply(centered, rstd), scale), offset), mean, rstd


def _layer_normalize_gradient(g, x, scale, mean, rstd, *, axis, epsilon):
    axes, lead = tuple(range(axis, len(x.shape))), tuple(range(axis))
    normal, scaled = multiply(subtract(x, mean), rstd), multiply(g, scale)
    along = add(_mean(scaled, axes), multiply(normal, _mean(multiply(scaled, normal), axes)))
    by_scale, by_offset = (reduce_sum(v, axes=lead) for v in (multiply(g, normal), g))
    return multiply(subtract(scaled, along), rstd), by_scale, by_offset


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    factor = 1.0 if any(type_of(x).shape[a] == 0 for a in axes) else inverse_count(x, axes)
    return multiply(reduce_sum(x, axes=axes, keepdims=True), factor)


# --------------------------------------------------------------------------------------------- gradients


def _rule(gradient: Any, of_moments: Any) -> Any:
    """Make the gradient rule of a normalization: its gradient primitive, plus the gradient through its moments."""

    def flow(node: Any, cotangents: Sequence[Tensor | None]) -> Sequence[Any]:
        (x, scale, _), (_, mean, spread), (g, *moments) = node.inputs, node.outputs, cotangents
        found = (None, None, None) if g is None else gradient(g, x, scale, mean, spread, **node.attrs)
        if all(m is None for m in moments):
            return found
        more = of_moments(x, mean, spread, moments, node.attrs["axis"])
        return (more if g is None else add(found[0], more), *found[1:])

    rule: Any = flow
    rule.takes_node = True
    return rule


def _of_batch_moments(x: Any, mean: Any, variance: Any, cotangents: Sequence[Any], axis: int) -> Any:
    axes = others(len(x.shape), axis)
    column = kept_shape(x.shape, axes)
    by_mean, by_variance = (None if g is None else reshape(g, shape=column) for g in cotangents)
    if by_variance is not None:
        by_variance = multiply(subtract(x, reshape(mean, shape=column)), multiply(by_variance, 2.0))
    return _spread(x, axes, by_mean, by_variance)


def _of_layer_moments(x: Any, mean: Any, rstd: Any, cotangents: Sequence[Any], axis: int) -> Any:
    by_mean, by_rstd = cotangents
    if by_rstd is not None:
        cube = multiply(multiply(rstd, rstd), rstd)
        by_rstd = multiply(subtract(mean, x), multiply(cube, by_rstd))
    return _spread(x, tuple(range(axis, len(x.shape))), by_mean, by_rstd)


def _spread(x: Any, axes: tuple[int, ...], *cotangents: Any) -> Any:
    """Return the sum of cotangents in x's shape, divided by the number of elements in the mean."""
    parts = [broadcast_to(g, shape=x.shape) for g in cotangents if g is not None]
    return multiply(parts[0] if len(parts) == 1 else add(*parts), inverse_count(x, axes))


batch_normalize_gradient.samples = lambda: _of_gradient(batch_normalize, _batch_samples)(None)
layer_normalize_gradient.samples = lambda: _of_gradient(layer_normalize, _layer_samples)(None)
batch_normalize.decomposition, batch_normalize_gradient.decomposition = _batch_normalize, _batch_normalize_gradient
layer_normalize.decomposition, layer_normalize_gradient.decomposition = _layer_normalize, _layer_normalize_gradient
batch_normalize.gradient = _rule(batch_normalize_gradient, _of_batch_moments)
layer_normalize.gradient = _rule(layer_normalize_gradient, _of_layer_moments)
