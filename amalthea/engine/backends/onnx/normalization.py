"""Lowerings that save passes over memory: normalizations, and the gradient of relu."""

from __future__ import annotations

from math import prod

import numpy as np

from amalthea.engine.backends.onnx.builder import Builder, Value, has_kernel
from amalthea.engine.primitives import elementwise
from amalthea.engine.primitives import normalization as n

LEAST_ELEMENTS = 1 << 15  # GatedAdd uses several threads for fewer elements too, and waits if a core is busy


def _batch(b: Builder, x: Value, scale: Value, offset: Value, *, axis: int, epsilon: float) -> list[Value]:
    """BatchNormalization in training mode: half of the time of sums, differences and products."""
    before, channels, behind = _sizes_around(x, axis)
    rows = b.reshape(x, [before, channels, behind])
    if not before * behind or (behind == 1 and before > 4096):  # it sums row by row: error 1.5e-5 after 65,536 rows
        return b.decomposed(n.batch_normalize, [x, scale, offset], {"axis": axis, "epsilon": epsilon})
    # It overwrites the moving moments that it is given, even constants and variables: pass fresh memory.
    start, end, axes = b.ints([0, 0]), b.ints([1, 1]), b.ints([0, 2])
    any_mean = b.reshape(b.Slice(rows, start, end, axes), [channels])
    any_variance = b.Neg(any_mean)
    y, mean, variance = b.emit(
        "BatchNormalization", [rows, scale, offset, any_mean, any_variance], outputs=3,
        training_mode=1, momentum=0.0, epsilon=float(epsilon),
    )  # fmt: skip
    return [b.reshape(y, x.shape), mean, variance]


def _batch_gradient(
    b: Builder, g: Value, x: Value, scale: Value, mean: Value, variance: Value, *, axis: int, epsilon: float
) -> list[Value]:
    """``a * g + (b * x + c)``, with a, b, c per feature: two passes, and two more for the sums."""
    before, channels, behind = _sizes_around(x, axis)
    if behind == 1 or x.dtype != "float32":
        return b.decomposed(
            n.batch_normalize_gradient, [g, x, scale, mean, variance], {"axis": axis, "epsilon": epsilon}
        )
    shape, count = [before * channels, behind], before * behind
    rows, images = b.reshape(g, shape), b.reshape(x, shape)
    by_offset, products = (_sums(b, v, [before, channels, behind]) for v in (rows, b.Mul(rows, images)))
    of_g, of_x, rest, by_scale = gradient_factors(b, scale, mean, variance, by_offset, products, count, epsilon)
    affine = b.Add(b.Mul(x, column(b, of_x, x, axis)), column(b, rest, x, axis))
    factors = b.reshape(b.Expand(of_g, b.ints([before, channels])), [before * channels, 1])
    whole = _scaled_add(b, b.reshape(affine, shape), rows, factors)
    return [b.reshape(whole, x.shape), by_scale, by_offset]


def gradient_factors(
    b: Builder,
    scale: Value,
    mean: Value,
    variance: Value,
    by_offset: Value,
    products: Value,
    count: int,
    epsilon: float,
) -> tuple[Value, Value, Value, Value]:
    """Return ``a``, ``b``, ``c`` of :func:`_batch_gradient`, and the scale's gradient.

    Args:
        by_offset: the sums of g per feature.
        products: the sums of g times x per feature.
        count: the number of elements per feature.
    """
    rstd, share = b.Reciprocal(b.Sqrt(b.Add(variance, b.like(epsilon, mean)))), b.like(-1.0 / count, mean)
    by_scale = b.Mul(b.Sub(products, b.Mul(mean, by_offset)), rstd)
    of_g = b.Mul(scale, rstd)
    of_x = b.Mul(b.Mul(b.Mul(of_g, rstd), by_scale), share)
    return of_g, of_x, b.Sub(b.Mul(b.Mul(of_g, by_offset), share), b.Mul(of_x, mean)), by_scale


def _scaled_add(b: Builder, x: Value, y: Value, factors: Value) -> Value:
    """``x + y * factors``, one factor per row; in one pass by the runtime's GatedAdd, if it has that."""
    if x.dtype != "float32" or prod(x.shape) < LEAST_ELEMENTS or not has_kernel("GatedAdd"):
        return b.Add(x, b.Mul(y, factors))
    return b.GatedAdd(x, y, factors)


def column(b: Builder, vector: Value, x: Value, axis: int) -> Value:
    """Reshape a vector with one element per feature so that it broadcasts along ``axis``."""
    return b.reshape(vector, [-1 if a == axis else 1 for a in range(len(x.shape))])


def _sizes_around(x: Value, axis: int) -> tuple[int, int, int]:
    return prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])


def _sums(b: Builder, rows: Value, shape: list[int]) -> Value:
    """Return the sum per feature: sums of rows by a product with ones (the fastest), then over the batch."""
    before, channels, behind = shape
    ones = b.constant(np.ones((1, behind)), rows.dtype)
    return b.ReduceSum(b.reshape(b.Gemm(ones, rows, transB=1), [before, channels]), b.ints([0]), keepdims=0)


def _layer(b: Builder, x: Value, scale: Value, offset: Value, *, axis: int, epsilon: float) -> list[Value]:
    if x.dtype != "float32":  # the operator's moments are float32
        return b.decomposed(n.layer_normalize, [x, scale, offset], {"axis": axis, "epsilon": epsilon})
    return b.emit("LayerNormalization", [x, scale, offset], outputs=3, axis=axis, epsilon=float(epsilon))


def _relu_gradient(b: Builder, g: Value, out: Value) -> Value:
    """Multiply by a HardSigmoid so steep that it is 1 for every element above 0; a comparison and a cast are slower."""
    if out.dtype != "float32":
        return b.Mul(g, b.cast(b.Greater(out, b.like(0, out)), g.dtype))
    return b.Mul(g, b.HardSigmoid(out, alpha=3e38, beta=0.0))


NORMALIZATION_LOWERINGS = {
    n.batch_normalize: _batch,
    n.batch_normalize_gradient: _batch_gradient,
    n.layer_normalize: _layer,
    elementwise.relu_gradient: _relu_gradient,
}
