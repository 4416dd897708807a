"""Lowerings of what stands between convolutions: it stays in blocks of channels.

An image is moved into blocks once, and out of them for what knows no blocks: what is moved and not read is left out of
the model. A factor and an offset for each channel are a convolution with windows of one element, which takes a relu
with it.
"""

from __future__ import annotations

from math import prod

from amalthea.backends.onnxruntime.blocks import DOMAIN, affine, in_blocks, moved, whole
from amalthea.backends.onnxruntime.builder import Builder, Value
from amalthea.backends.onnxruntime.normalizing import NORMALIZING, gradient_factors
from amalthea.backends.onnxruntime.plain import PLAIN
from amalthea.primitives import elementwise, normalizing, reducing

LONGEST = 1 << 12  # numbers: GlobalAveragePool adds one after the other; the mean of 50,000 would be 1e-5 off


def _inside(b: Builder, *values: Value) -> list[Value]:
    """Images of one shape in blocks, if one of them is there already; else nothing."""
    return [moved(b, x) for x in values] if any(in_blocks(b, x) for x in values) else []


def _relu(b: Builder, x: Value) -> Value:
    image = in_blocks(b, x)
    if image is None:
        return PLAIN[elementwise.relu](b, x)
    channels, *numbers, before = b.notes.get(("affine", image.name), (0, None, None, None))
    if channels:
        return whole(b, affine(b, before, channels, *numbers, activation="Relu"), channels)
    return whole(b, b.Relu(image), x.shape[1])


def _relu_gradient(b: Builder, g: Value, out: Value) -> Value:
    images = _inside(b, g, out)
    gradient = NORMALIZING[elementwise.relu_gradient]
    return whole(b, gradient(b, *images), g.shape[1]) if images else gradient(b, g, out)


def _add(b: Builder, x: Value, y: Value) -> Value:
    if x.shape == y.shape:
        images = _inside(b, x, y)
        return whole(b, b.Add(*images), x.shape[1]) if images else PLAIN[elementwise.add](b, x, y)
    image = in_blocks(b, x)
    if image is None or y.shape != (1, x.shape[1], 1, 1):
        return PLAIN[elementwise.add](b, x, y)
    return whole(b, affine(b, image, x.shape[1], None, b.reshape(y, [x.shape[1]])), x.shape[1])


def _mean(b: Builder, image: Value, shape: tuple[int, ...]) -> Value:
    """Of each channel: the mean of the means of each image."""
    rows = b.reshape(b.GlobalAveragePool(image, domain=DOMAIN), shape[:2])
    return b.ReduceMean(rows, b.ints([0]), keepdims=0)


def _reduce_sum(b: Builder, x: Value, *, axes: tuple[int, ...], keepdims: bool = False) -> Value:
    image = in_blocks(b, x)
    if image is None or tuple(axes) not in ((2, 3), (0, 2, 3)) or keepdims or prod(x.shape[2:]) > LONGEST:
        return PLAIN[reducing.reduce_sum](b, x, axes=axes, keepdims=keepdims)
    count = b.like(prod(x.shape[axis] for axis in axes), x)
    if 0 in axes:
        return b.Mul(_mean(b, image, x.shape), count)
    return b.Mul(b.reshape(b.GlobalAveragePool(image, domain=DOMAIN), x.shape[:2]), count)


def _batch(b: Builder, x: Value, scale: Value, offset: Value, *, axis: int, epsilon: float) -> list[Value]:
    image = in_blocks(b, x)
    if image is None or axis != 1 or prod(x.shape[2:]) > LONGEST:
        return NORMALIZING[normalizing.batch_normalize](b, x, scale, offset, axis=axis, epsilon=epsilon)
    channels = x.shape[1]
    mean = _mean(b, image, x.shape)
    centered = affine(b, image, channels, None, b.Neg(mean))
    variance = _mean(b, b.Mul(centered, centered), x.shape)
    rstd = b.Reciprocal(b.Sqrt(b.Add(variance, b.like(epsilon, x))))
    y = affine(b, centered, channels, b.Mul(scale, rstd), offset)
    return [whole(b, y, channels), mean, variance]


def _batch_gradient(
    b: Builder, g: Value, x: Value, scale: Value, mean: Value, variance: Value, *, axis: int, epsilon: float
) -> list[Value]:
    images = _inside(b, g, x) if axis == 1 and prod(x.shape[2:]) <= LONGEST else []
    if not images:
        row = NORMALIZING[normalizing.batch_normalize_gradient]
        return row(b, g, x, scale, mean, variance, axis=axis, epsilon=epsilon)
    channels, count = x.shape[1], prod(x.shape) // x.shape[1]
    by_offset, products = (b.Mul(_mean(b, v, x.shape), b.like(count, x)) for v in (images[0], b.Mul(*images)))
    of_g, of_x, rest, by_scale = gradient_factors(b, scale, mean, variance, by_offset, products, count, epsilon)
    whole_gradient = b.Add(affine(b, images[0], channels, of_g, None), affine(b, images[1], channels, of_x, rest))
    return [whole(b, whole_gradient, channels), by_scale, by_offset]


BETWEEN = {
    elementwise.relu: _relu,
    elementwise.relu_gradient: _relu_gradient,
    elementwise.add: _add,
    reducing.reduce_sum: _reduce_sum,
    normalizing.batch_normalize: _batch,
    normalizing.batch_normalize_gradient: _batch_gradient,
}
