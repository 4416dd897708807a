"""Eigenvalues and singular values in plain operators, by Jacobi's rotations.

A rotation of two columns makes one product of them zero; all pairs are rotated in turn, several times over. The number
of operations grows with the fourth power of the size: it is meant for small matrices.

Source: Golub and Van Loan, Matrix Computations, 4th edition, sections 8.5 and 8.6.3.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import factorizations
from amalthea.export.decompositions.linear_algebra import outer, size_of, turned, wide

_SWEEPS = 12  # rounds over all pairs; the error is squared in each of the last ones


def _units(n: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The two rows of the unit matrix that choose the columns of each rotation."""
    pairs = np.array(list(combinations(range(n), 2)) * _SWEEPS, "int32").reshape(-1, 2)
    unit = np.eye(n, dtype=dtype)
    return unit[pairs[:, 0]], unit[pairs[:, 1]]


def _angle(first: Any, second: Any, product: Any) -> tuple[Any, Any]:
    """Cosine and sine that make a product zero, given those of each column with itself."""
    none = ops.equal(product, 0.0)
    ratio = (second - first) / (2.0 * ops.where(none, 1.0, product))
    tangent = ops.where(ratio < 0.0, -1.0, 1.0) / (ops.abs(ratio) + ops.sqrt(1.0 + ratio * ratio))
    tangent = ops.where(none, 0.0, tangent)
    cosine = 1.0 / ops.sqrt(1.0 + tangent * tangent)
    return cosine, tangent * cosine


def _rotated(x: Any, p: Any, q: Any, cosine: Any, sine: Any) -> Any:
    """Turn two columns of a matrix against each other."""
    one, other = ops.sum(x * p, axis=-1), ops.sum(x * q, axis=-1)
    x = x + outer((cosine - 1.0) * one - sine * other, p)
    return x + outer(sine * one + (cosine - 1.0) * other, q)


def _unit_like(x: Any) -> Any:
    return ops.zeros_like(x[..., :1, :1]) + np.eye(size_of(x, -1), dtype=type_of(x).dtype)


def _dot(x: Any, y: Any) -> Any:
    return ops.sum(x * y, axis=-1, keepdims=True)


def _sorted(values: Any, vectors: Any, rising: bool) -> tuple[Any, Any]:
    n = size_of(values, -1)
    _, order = ops.top_k(-values if rising else values, n)
    chosen = ops.equal(ops.expand_dims(np.arange(n, dtype="int32"), -1), ops.expand_dims(order, -2))
    values = ops.sum(ops.where(chosen, ops.expand_dims(values, -1), 0.0), axis=-2)
    return values, ops.matmul(vectors, ops.cast(chosen, type_of(vectors).dtype))


def _signs(v: Any) -> Any:
    """1 or -1 for each column, so that the first of its large elements becomes positive."""
    n, size = size_of(v, -2), ops.abs(v)
    large = size >= factorizations.LARGE * ops.max(size, axis=-2, keepdims=True)
    first = ops.expand_dims(ops.argmax(ops.cast(large, "int32"), axis=-2), -2)
    chosen = ops.equal(ops.cast(first, "int32"), np.arange(n, dtype="int32")[:, None])
    found = ops.sum(ops.where(chosen, v, 0.0), axis=-2, keepdims=True)
    return ops.where(found < 0.0, -1.0, 1.0)


@wide
def eigh(x: Any) -> Any:
    n, whole = size_of(x, -1), ops.tril(x) + turned(ops.tril(x, -1))
    finite = ops.all(ops.isfinite(x), axis=(-2, -1), keepdims=True)
    whole = ops.where(finite, whole, 0.0)

    def step(carry: Any, at: Any) -> Any:
        (a, v), (p, q) = carry, at
        one, other = ops.sum(a * p, axis=-1), ops.sum(a * q, axis=-1)
        angle = _angle(_dot(one, p), _dot(other, q), _dot(one, q))
        a = turned(_rotated(turned(_rotated(a, p, q, *angle)), p, q, *angle))
        return (a, _rotated(v, p, q, *angle)), None

    vectors = _unit_like(whole)
    if n > 1:
        (whole, vectors), _ = ops.scan(step, (whole, vectors), _units(n, type_of(x).dtype))
    values, vectors = _sorted(ops.sum(whole * np.eye(n, dtype=type_of(x).dtype), axis=-1), vectors, rising=True)
    nan = float("nan")
    return ops.where(finite[..., 0], values, nan), ops.where(finite, vectors * _signs(vectors), nan)


@wide
def svd(x: Any, *, full_matrices: bool) -> Any:
    across = size_of(x, -2) < size_of(x, -1)
    left, values, right = _tall(turned(x) if across else x, full_matrices)
    left, right = (right, left) if across else (left, right)
    count = size_of(values, -1)
    signs, other = _signs(left), _signs(right)
    other = ops.concatenate([signs[..., :count], other[..., count:]], axis=-1)
    return left * signs, values, turned(right * other)


def _tall(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    """Left vectors, values and right vectors of a matrix with no fewer rows than columns.

    Rotations make the columns orthogonal; where some are zero, the factor of a QR decomposition completes them.
    """
    n = size_of(x, -1)

    def step(carry: Any, at: Any) -> Any:
        (a, v), (p, q) = carry, at
        one, other = ops.sum(a * p, axis=-1), ops.sum(a * q, axis=-1)
        angle = _angle(_dot(one, one), _dot(other, other), _dot(one, other))
        return (_rotated(a, p, q, *angle), _rotated(v, p, q, *angle)), None

    vectors = _unit_like(ops.matmul(turned(x), x))
    if n > 1:
        (x, vectors), _ = ops.scan(step, (x, vectors), _units(n, type_of(x).dtype))
    values, joined = _sorted(ops.sqrt(ops.sum(x * x, axis=-2)), ops.concatenate([x, vectors], axis=-2), rising=False)
    rows = size_of(x, -2)
    x, vectors = joined[..., :rows, :], joined[..., rows:, :]
    left, triangle = factorizations.qr(x, mode="complete" if full_matrices else "reduced")
    diagonal = ops.sum(triangle[..., :n, :] * np.eye(n, dtype=type_of(x).dtype), axis=-2, keepdims=True)
    same = left[..., :n] * ops.where(diagonal < 0.0, -1.0, 1.0)
    return ops.concatenate([same, left[..., n:]], axis=-1), values, vectors


DECOMPOSITIONS = {factorizations.eigh: eigh, factorizations.svd: svd}
