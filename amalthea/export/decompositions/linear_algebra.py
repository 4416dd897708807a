"""Linear algebra and Fourier transforms in plain operators, for formats that have none of their own.

A factorization is a loop over columns, in which the column is chosen by a row of the unit matrix: shapes stay the same
from step to step. Each step takes the whole matrix, so it is meant for small ones. A Fourier transform is a product
with the matrix of its waves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import factorizations, linear_algebra
from amalthea.engine.primitives.fourier import fft
from amalthea.errors import ExportError


def size_of(x: Any, axis: int) -> int:
    """A size of an axis.

    Raises:
        ExportError: it is open.
    """
    size = type_of(x).shape[axis]
    if not isinstance(size, int):
        raise ExportError(
            "A matrix is decomposed, or a signal transformed, whose size is open.", got=str(type_of(x)),
            cure="input_signature= with every size but that of the batch",
        )  # fmt: skip
    return size


def wide(function: Any) -> Any:
    """Compute a function of half precision in floats of 32 bits."""

    def run(*inputs: Any, **attrs: Any) -> Any:
        own = type_of(inputs[0]).dtype
        dtype = dtypes.accumulator(own)
        found = function(*(ops.cast(x, dtype) for x in inputs), **attrs)
        narrow = lambda x: ops.cast(x, own) if dtypes.is_float(type_of(x).dtype) else x  # noqa: E731
        return tuple(map(narrow, found)) if isinstance(found, tuple) else narrow(found)

    return run


def turned(x: Any) -> Any:
    """Exchange the last two axes."""
    return ops.swapaxes(x, -1, -2)


def _column(x: Any, unit: Any) -> Any:
    """The column of each matrix that a row of the unit matrix chooses."""
    return ops.sum(x * unit, axis=-1)


def outer(x: Any, y: Any) -> Any:
    """The product of each element of one vector with each of another."""
    return ops.expand_dims(x, -1) * ops.expand_dims(y, -2)


def _steps(count: int, *sizes: int, dtype: str) -> list[np.ndarray]:
    """Of each step: its number, and rows of unit matrices."""
    return [np.arange(count, dtype="int32"), *(np.eye(count, n, dtype=dtype) for n in sizes)]


@wide
def cholesky(x: Any) -> Any:
    n, rows = size_of(x, -1), np.arange(size_of(x, -1), dtype="int32")
    lower = ops.tril(x)

    def step(rest: Any, at: Any) -> Any:
        i, unit = at
        column = _column(rest, unit)
        pivot = ops.sum(column * unit, axis=-1, keepdims=True)
        made = ops.where(rows >= i, column / ops.sqrt(pivot), ops.zeros_like(column))
        return rest - outer(made, made), made

    _, columns = ops.scan(step, lower + turned(ops.tril(x, -1)), _steps(n, n, dtype=type_of(x).dtype))
    found = ops.moveaxis(columns, 0, -1)
    failed = ops.any(ops.isnan(found), axis=(-2, -1), keepdims=True)
    return ops.where(failed, ops.full_like(found, float("nan")), found)


@wide
def triangular_solve(a: Any, b: Any, *, lower: bool, transpose_a: bool) -> Any:
    a = turned(a) if transpose_a else a
    n, first = size_of(a, -1), lower != transpose_a

    def step(x: Any, at: Any) -> Any:
        row, right, unit = at
        known = ops.squeeze(ops.matmul(ops.expand_dims(row, -2), x), -2)
        pivot = ops.sum(row * unit, axis=-1, keepdims=True)
        return x + ops.expand_dims(unit, -1) * ops.expand_dims((right - known) / pivot, -2), None

    rows = (ops.moveaxis(a, -2, 0), ops.moveaxis(b, -2, 0), np.eye(n, dtype=type_of(a).dtype))
    return ops.scan(step, ops.zeros_like(b), rows, reverse=not first)[0]


@wide
def lu(x: Any) -> Any:
    m, n = size_of(x, -2), size_of(x, -1)
    dtype, rows, columns = type_of(x).dtype, np.arange(m, dtype="int32"), np.arange(n, dtype="int32")

    def step(carry: Any, at: Any) -> Any:
        (rest, order), (i, unit) = carry, at
        size = ops.where(rows >= i, ops.abs(_column(rest, unit)), -1.0)
        pivot = ops.expand_dims(ops.cast(ops.argmax(size, axis=-1), "int32"), -1)
        chosen = ops.where(ops.equal(rows, i), pivot, ops.where(ops.equal(rows, pivot), i, rows))
        exchange = ops.equal(ops.expand_dims(chosen, -1), rows)
        rest = ops.matmul(ops.cast(exchange, dtype), rest)
        order = ops.sum(ops.where(exchange, ops.expand_dims(order, -2), 0), axis=-1)
        row = ops.sum(ops.where(ops.expand_dims(ops.equal(rows, i), -1), rest, 0.0), axis=-2)
        column, top = _column(rest, unit), ops.sum(row * unit, axis=-1, keepdims=True)
        below, right = ops.expand_dims(rows > i, -1), columns > i
        share = ops.where(rows > i, column / ops.where(ops.equal(top, 0.0), 1.0, top), 0.0)
        new = rest - outer(share, ops.where(right, row, 0.0))
        new = ops.where(ops.logical_and(below, ops.equal(columns, i)), ops.expand_dims(share, -1), new)
        return (new, order), pivot

    start = ops.zeros_like(ops.sum(x, axis=-1), dtype="int32") + rows
    (made, order), pivots = ops.scan(step, (x, start), _steps(min(m, n), n, dtype=dtype))
    return made, ops.moveaxis(pivots[..., 0], 0, -1), order


@wide
def solve(a: Any, b: Any) -> Any:
    n = size_of(a, -1)
    factors, _, order = linear_algebra.lu(a)
    exchange = ops.equal(ops.expand_dims(order, -1), np.arange(n, dtype="int32"))
    right = ops.matmul(ops.cast(exchange, type_of(a).dtype), b)
    unit = ops.tril(factors, -1) + np.eye(n, dtype=type_of(a).dtype)
    right = linear_algebra.triangular_solve(unit, right, lower=True, transpose_a=False)
    return linear_algebra.triangular_solve(factors, right, lower=False, transpose_a=False)


@wide
def qr(x: Any, *, mode: str) -> Any:
    m, n = size_of(x, -2), size_of(x, -1)
    count, dtype, rows = min(m, n), type_of(x).dtype, np.arange(m, dtype="int32")
    start = ops.zeros_like(ops.expand_dims(ops.sum(x, axis=-1), -1)) + np.eye(m, dtype=dtype)

    def step(carry: Any, at: Any) -> Any:
        """Reflect the rest of a column onto its first axis; a column of zeros below it stays."""
        (r, q), (i, unit, axis) = carry, at
        column = _column(r, unit)
        head = ops.sum(column * axis, axis=-1, keepdims=True)
        below = ops.where(rows > i, column, 0.0)
        tail = ops.sum(below * below, axis=-1, keepdims=True)
        length = ops.sqrt(head * head + tail)
        mirror = below + axis * (head + ops.where(head < 0.0, -length, length))
        size = ops.sum(mirror * mirror, axis=-1, keepdims=True)
        share = mirror * ops.where(tail > 0.0, 2.0 / ops.where(tail > 0.0, size, 1.0), 0.0)
        r = r - outer(share, ops.sum(ops.expand_dims(mirror, -1) * r, axis=-2))
        return (r, q - outer(ops.sum(q * ops.expand_dims(mirror, -2), axis=-1), share)), None

    (r, q), _ = ops.scan(step, (x, start), _steps(count, n, m, dtype=dtype))
    kept = m if mode == "complete" else count
    return q[..., :kept], ops.triu(r)[..., :kept, :]


@wide
def transform(real: Any, imaginary: Any, *, axes: tuple[int, ...], inverse: bool) -> Any:
    for axis in axes:
        n = size_of(real, axis)
        turns = np.outer(np.arange(n), np.arange(n)) % n
        wave = np.exp((2j if inverse else -2j) * np.pi * turns / n) / (n if inverse else 1)
        cosine, sine = wave.real.astype(type_of(real).dtype), wave.imag.astype(type_of(real).dtype)
        a, b = ops.swapaxes(real, axis, -1), ops.swapaxes(imaginary, axis, -1)
        parts = ops.matmul(a, cosine) - ops.matmul(b, sine), ops.matmul(a, sine) + ops.matmul(b, cosine)
        real, imaginary = (ops.swapaxes(x, axis, -1) for x in parts)
    return real, imaginary


DECOMPOSITIONS = {
    linear_algebra.cholesky: cholesky, linear_algebra.triangular_solve: triangular_solve, linear_algebra.lu: lu,
    linear_algebra.solve: solve, factorizations.qr: qr, fft: transform,
}  # fmt: skip
