"""Lowerings of primitives between convolutions, which stay in the blocked layout NCHWc.

An image is reordered to blocks once, and back only for primitives without a blocked lowering; a reordering whose result
is not used is dead code, and is dropped. A factor and an offset per channel are a depthwise 1x1 convolution, which can
include a relu.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from amalthea.engine.backends.onnx.builder import Builder, Value
from amalthea.engine.backends.onnx.normalization import NORMALIZATION_LOWERINGS, gradient_factors
from amalthea.engine.backends.onnx.operators import OPERATOR_LOWERINGS
from amalthea.engine.backends.onnxruntime.nchwc.layout import (
    DOMAIN,
    affine,
    block_size,
    blocked_value,
    from_blocks,
    to_blocks,
)
from amalthea.engine.primitives import elementwise, normalization, reductions

LONGEST = 1 << 12  # elements: GlobalAveragePool sums sequentially, and the mean of 50,000 has an error of 1e-5


def _all_blocked(b: Builder, *values: Value) -> list[Value]:
    """Return images of one shape in blocks, if one of them is blocked already; else an empty list."""
    return [to_blocks(b, x) for x in values] if any(blocked_value(b, x) for x in values) else []


def _linear(
    b: Builder, image: Value, channels: int, factors: Value | None, offsets: Value | None, **attrs: str
) -> Value:
    """``image * factor + offset``; merged with an affine map that computed the image."""
    x, times, plus = b.memo.get(("affine", image.name), (image, None, None))
    if factors is not None:
        times = factors if times is None else b.Mul(times, factors)
        plus = None if plus is None else b.Mul(plus, factors)
    if offsets is not None:
        plus = offsets if plus is None else b.Add(plus, offsets)
    return affine(b, x, channels, times, plus, **attrs)


def _relu(b: Builder, x: Value) -> Value:
    image = blocked_value(b, x)
    if image is None:
        return _CHANNELS_FIRST[elementwise.relu](b, x)
    is_affine = ("affine", image.name) in b.memo
    out = _linear(b, image, x.shape[1], None, None, activation="Relu") if is_affine else b.Relu(image)
    return from_blocks(b, out, x.shape[1])


def _elementwise(primitive: Any) -> Any:
    """Elementwise primitives work on the blocked layout (NCHWc) unchanged."""

    def lower(b: Builder, *values: Value) -> Value:
        images = _all_blocked(b, *values) if len({x.shape for x in values}) == 1 else []
        return (
            from_blocks(b, _CHANNELS_FIRST[primitive](b, *images), values[0].shape[1])
            if images
            else _CHANNELS_FIRST[primitive](b, *values)
        )

    return lower


def _add(b: Builder, x: Value, y: Value) -> Value:
    return _per_channel(b, x, y) or _elementwise(elementwise.add)(b, x, y)


def _multiply(b: Builder, x: Value, y: Value) -> Value:
    return _per_channel(b, x, y, times=True) or _elementwise(elementwise.multiply)(b, x, y)


def _per_channel(b: Builder, x: Value, y: Value, times: bool = False) -> Value | None:
    """Add or multiply a blocked image and a vector with one element per channel."""
    x, y = (x, y) if blocked_value(b, x) else (y, x)
    image = blocked_value(b, x)
    if image is None or y.shape != (1, x.shape[1], 1, 1):
        return None
    vector = b.reshape(y, [x.shape[1]])
    return from_blocks(b, _linear(b, image, x.shape[1], *((vector, None) if times else (None, vector))), x.shape[1])


def _mean(b: Builder, image: Value, shape: tuple[int, ...], axes: Sequence[int] = (0, 2)) -> Value:
    """Return the mean per channel, over the batch if 0 is in ``axes``. Large images are pooled by groups of rows."""
    n, (batch, channels, height, width) = block_size(), shape
    parts = next(k for k in range(1, height + 1) if height % k == 0 and (k == height or height // k * width <= LONGEST))
    rows = b.reshape(image, [batch * channels // n * parts, n, height // parts, width])
    pooled = b.reshape(b.GlobalAveragePool(rows, domain=DOMAIN), [batch, channels // n, parts, n])
    return b.reshape(b.ReduceMean(pooled, b.ints(axes), keepdims=0), [channels] if 0 in axes else [batch, channels])


def _reduce_sum(b: Builder, x: Value, *, axes: tuple[int, ...], keepdims: bool = False) -> Value:
    image = blocked_value(b, x)
    if image is None or tuple(axes) not in ((2, 3), (0, 2, 3)) or keepdims:
        return _CHANNELS_FIRST[reductions.reduce_sum](b, x, axes=axes, keepdims=keepdims)
    mean = _mean(b, image, x.shape, (0, 2) if 0 in axes else (2,))
    return b.Mul(mean, b.like(prod(x.shape[axis] for axis in axes), x))


def _batch(b: Builder, x: Value, scale: Value, offset: Value, *, axis: int, epsilon: float) -> list[Value]:
    image = blocked_value(b, x)
    if image is None or axis != 1:
        return _CHANNELS_FIRST[normalization.batch_normalize](b, x, scale, offset, axis=axis, epsilon=epsilon)
    channels = x.shape[1]
    mean = _mean(b, image, x.shape)
    centered = affine(b, image, channels, None, b.Neg(mean))
    variance = _mean(b, b.Mul(centered, centered), x.shape)
    rstd = b.Reciprocal(b.Sqrt(b.Add(variance, b.like(epsilon, x))))
    y = affine(b, centered, channels, b.Mul(scale, rstd), offset)
    return [from_blocks(b, y, channels), mean, variance]


def _batch_gradient(
    b: Builder, g: Value, x: Value, scale: Value, mean: Value, variance: Value, *, axis: int, epsilon: float
) -> list[Value]:
    images = _all_blocked(b, g, x) if axis == 1 else []
    if not images:
        primitive = _CHANNELS_FIRST[normalization.batch_normalize_gradient]
        return primitive(b, g, x, scale, mean, variance, axis=axis, epsilon=epsilon)
    channels, count = x.shape[1], prod(x.shape) // x.shape[1]
    by_offset, products = (b.Mul(_mean(b, v, x.shape), b.like(count, x)) for v in (images[0], b.Mul(*images)))
    of_g, of_x, rest, by_scale = gradient_factors(b, scale, mean, variance, by_offset, products, count, epsilon)
    of_input = b.Add(affine(b, images[0], channels, of_g), affine(b, images[1], channels, of_x, rest))
    return [from_blocks(b, of_input, channels), by_scale, by_offset]


_CHANNELS_FIRST = {**OPERATOR_LOWERINGS, **NORMALIZATION_LOWERINGS}
_ELEMENTWISE = (
    "relu_gradient", "negative", "exp", "sigmoid", "tanh", "softplus", "subtract", "divide", "maximum", "minimum",
)  # fmt: skip
NCHWC_ELEMENTWISE_LOWERINGS = {
    **{primitive: _elementwise(primitive) for primitive in (getattr(elementwise, name) for name in _ELEMENTWISE)},
    elementwise.relu: _relu,
    elementwise.add: _add,
    elementwise.multiply: _multiply,
    reductions.reduce_sum: _reduce_sum,
    normalization.batch_normalize: _batch,
    normalization.batch_normalize_gradient: _batch_gradient,
}
