"""Factors by orthogonal matrices: QR, singular values, eigenvalues.

Vectors that are determined up to their sign alone have the sign by which the first of their large elements is positive,
so that all libraries return the same ones. Derivatives that do not exist, such as those of the vectors of equal
eigenvalues, count as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.complex_numbers import conj, from_parts, imag, real
from amalthea.engine.primitives.elementwise import (
    absolute,
    add,
    cast,
    divide,
    equal,
    greater_equal,
    logical_and,
    multiply,
    select,
    square,
    subtract,
)
from amalthea.engine.primitives.linear_algebra import (
    by_lapack,
    check_matrix,
    least_size,
    of_lower_triangle,
    on_diagonal,
    regular,
    solve,
    triangle,
    triangular_solve,
    turned,
)
from amalthea.engine.primitives.matmul import matmul
from amalthea.engine.primitives.movement import broadcast_to, concatenate, part, reshape
from amalthea.engine.primitives.reductions import cumsum, reduce_max, reduce_sum
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import ArgumentError, BackendError

LARGE = 0.3  # of the largest element: no ratio of small whole numbers, which rounding would decide


# ------------------------------------------------------------------------------------------------ types
def _qr(x: Type, *, mode: str) -> tuple[Type, Type]:
    check_matrix(x)
    if mode not in ("reduced", "complete"):
        raise ArgumentError("QR has two modes.", expected="'reduced' or 'complete'", got=repr(mode))
    *batch, m, n = x.shape
    k = m if mode == "complete" else least_size(x)
    return Type((*batch, m, k), x.dtype), Type((*batch, k, n), x.dtype)


def _svd(x: Type, *, full_matrices: bool) -> tuple[Type, Type, Type]:
    check_matrix(x)
    (*batch, m, n), k = x.shape, least_size(x)
    rows, columns = (m, n) if full_matrices else (k, k)
    return Type((*batch, m, rows), x.dtype), Type((*batch, k), x.dtype), Type((*batch, columns, n), x.dtype)


def _eigh(x: Type) -> tuple[Type, Type]:
    check_matrix(x, square=True)
    return Type(x.shape[:-1], x.dtype), x


def _eig(x: Type) -> tuple[Type, Type]:
    check_matrix(x, square=True)
    dtype = dtypes.complex_of(x.dtype)
    return Type(x.shape[:-1], dtype), Type(x.shape, dtype)


# ------------------------------------------------------------------------------------------- references
def _signs(v: Any) -> Any:
    """Return 1 or -1 for each column, so that the first of its large elements becomes positive."""
    if not v.size:
        return np.ones((*v.shape[:-2], 1, v.shape[-1]), v.dtype)
    size = np.abs(v)
    first = np.argmax(size >= LARGE * np.max(size, axis=-2, keepdims=True), axis=-2)[..., None, :]
    return np.where(np.take_along_axis(v, first, -2) < 0, -1, 1).astype(v.dtype)


@primitive(Family(_qr), single=False, accumulates=True, multiplies=True)
@by_lapack
def qr(x, *, mode="reduced"):
    """An orthogonal matrix and an upper triangular one whose product is ``x``, by Householder reflections."""
    q, r = np.linalg.qr(x, "complete" if mode == "complete" else "reduced")
    return q, r


@primitive(Family(_svd), single=False, accumulates=True, multiplies=True)
@by_lapack
def svd(x, *, full_matrices=False):
    """Left singular vectors ``u``, falling singular values ``s``, and right ones ``vh``: ``x = u @ diag(s) @ vh``."""
    u, s, vh = np.linalg.svd(x, full_matrices)
    k = s.shape[-1]
    signs = _signs(u)
    right = _signs(np.swapaxes(vh, -1, -2))
    right[..., :k] = signs[..., :k]
    return u * signs, s, vh * np.swapaxes(right, -1, -2)


@primitive(Family(_eigh), single=False, accumulates=True, multiplies=True)
@by_lapack
def eigh(x):
    """Rising eigenvalues of a symmetric matrix, and its eigenvectors as columns; reads the lower triangle."""
    finite = np.isfinite(x).all((-2, -1), keepdims=True)  # LAPACK returns numbers for matrices with NaN
    w, v = np.linalg.eigh(np.where(finite, x, 0))
    return np.where(finite[..., 0], w, np.nan).astype(x.dtype), np.where(finite, v * _signs(v), np.nan).astype(x.dtype)


@primitive(Family(_eig), single=False, accumulates=True, multiplies=True)
@by_lapack
def eig(x):
    """Complex eigenvalues of a square matrix, and its eigenvectors of length 1 as columns.

    They are in rising order of the real parts, equal ones of the imaginary parts. The first large element of each
    vector is real and positive.
    """
    found: Any = np.linalg.eig(x)
    w, v = (y.astype(dtypes.to_numpy(dtypes.complex_of(x.dtype.name))) for y in found)
    if not v.size:
        return w, v
    order = np.lexsort((w.imag, w.real), axis=-1)
    w, v = np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., None, :], -1)
    size = np.abs(v)
    first = np.argmax(size >= LARGE * np.max(size, axis=-2, keepdims=True), axis=-2)[..., None, :]
    unit = np.take_along_axis(v, first, -2) / np.take_along_axis(size, first, -2)
    return w, v * np.conjugate(unit)


def _apart(*shape: int, seed: int = 0) -> np.ndarray:
    """Return matrices whose singular values and eigenvalues are well apart: gradients divide by their differences."""
    rising = np.eye(shape[-2], shape[-1]) * (2.0 + 1.5 * np.arange(shape[-1]))
    return 0.5 * numbers(*shape, seed=seed) + rising


qr.samples = lambda: [
    sample(_apart(2, 3, 3)),
    sample(_apart(4, 2)),
    sample(_apart(2, 4, seed=1)),
    sample(_apart(3, 3, seed=2), mode="complete"),
    sample(_apart(2, 3, seed=2), mode="complete"),
]
svd.samples = lambda: [
    sample(_apart(2, 3, 3)),
    sample(_apart(4, 2)),
    sample(_apart(2, 4, seed=1)),
    sample(_apart(3, 3, seed=2), full_matrices=True),
]
eigh.samples = lambda: [
    sample(x + np.swapaxes(x, -1, -2)) for x in (_apart(2, 3, 3), _apart(1, 1), _apart(4, 4, seed=1))
]
_QUARTER_TURN = np.array([[0.0, 2.0, 0.0], [-2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
eig.samples = lambda: [sample(_apart(3, 3, seed=1)), sample(_apart(3, 3, seed=4) + _QUARTER_TURN)]


# -------------------------------------------------------------------------------------------- gradients
def _safe(g: Any, by: Any) -> Any:
    """``g / by``, and 0 where ``by`` is 0."""
    zero = equal(by, 0.0)
    return select(zero, 0.0, divide(g, select(zero, 1.0, by)))


def _column(s: Any) -> Any:
    return reshape(s, shape=(*s.type.shape, 1))


def _row(s: Any) -> Any:
    return reshape(s, shape=(*s.type.shape[:-1], 1, s.type.shape[-1]))


def _diagonal(s: Any) -> Any:
    shape = (*s.type.shape, s.type.shape[-1])
    return select(on_diagonal(broadcast_to(_row(s), shape=shape)), _row(s), 0.0)


def _no_gradient(what: str, cure: str) -> BackendError:
    return BackendError(
        f"The gradient of {what} does not exist: the vectors that complete it are arbitrary.", cure=cure
    )


def _qr_gradient(g, x, outputs, *, mode):
    (q, r), (by_q, by_r) = outputs, g
    m, n = x.type.shape[-2:]
    axis = len(x.shape) - 1
    if m == n or (m > n and mode == "reduced"):
        return (_tall_qr(by_q, by_r, q, r),)
    if m > n:
        raise _no_gradient("a complete QR of a matrix with more rows than columns", "mode='reduced'")
    rest, by_rest = part(x, axis, m, n), part(by_r, axis, m, n)
    by_q = add(by_q, matmul(rest, by_rest, transpose_y=True))
    left = _tall_qr(by_q, part(by_r, axis, 0, m), q, part(r, axis, 0, m))
    return (concatenate(left, matmul(q, by_rest), axis=axis),)


def _tall_qr(by_q: Any, by_r: Any, q: Any, r: Any) -> Any:
    """The cotangent of a matrix with at least as many rows as columns."""
    r, singular = regular(triangle(r, lower=False))
    inner = subtract(matmul(r, by_r, transpose_y=True), matmul(by_q, q, transpose_x=True))
    total = add(by_q, matmul(q, of_symmetric(inner)))
    return select(singular, 0.0, turned(triangular_solve(r, turned(total), lower=False)))


def of_symmetric(x: Any) -> Any:
    """The symmetric matrix that has the lower triangle of ``x``."""
    return add(triangle(x), turned(triangle(x, strict=True)))


def _svd_gradient(node, cotangents):
    (x,), (u, s, vh) = node.inputs, node.outputs
    by_u, by_s, by_vh = cotangents
    m, n = x.type.shape[-2:]
    full = node.attrs["full_matrices"] and m != n
    if full and not (by_u is None and by_vh is None):
        raise _no_gradient("the singular vectors of a matrix that is not square", "svd(x, full_matrices=False)")
    k, last = s.type.shape[-1], len(x.shape) - 1
    if full:
        u, vh = part(u, last, 0, k), part(vh, last - 1, 0, k)
    v = turned(vh)
    gaps = subtract(square(_row(s)), square(_column(s)))
    middle = _diagonal(by_s) if by_s is not None else None
    found = [] if middle is None else [matmul(matmul(u, middle), vh)]
    if by_u is not None:
        found += [matmul(matmul(u, multiply(_safe(_skew(matmul(u, by_u, transpose_x=True)), gaps), _row(s))), vh)]
        found += [matmul(_outside(u, _safe(by_u, _row(s))), vh)] if m != k else []
    if by_vh is not None:
        by_v = turned(by_vh)
        found += [matmul(matmul(u, multiply(_safe(_skew(matmul(v, by_v, transpose_x=True)), gaps), _column(s))), vh)]
        found += [matmul(u, turned(_outside(v, _safe(by_v, _row(s)))))] if n != k else []
    return (_sum(found),)


def _sum(terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = add(total, term)
    return total


def _skew(x: Any) -> Any:
    return subtract(x, turned(x))


def _outside(u: Any, x: Any) -> Any:
    """The part of the columns of ``x`` that is orthogonal to the columns of ``u``."""
    return subtract(x, matmul(u, matmul(u, x, transpose_x=True)))


def _eigh_gradient(g, x, outputs):
    (w, v), (by_w, by_v) = outputs, g
    gaps = subtract(_row(w), _column(w))
    inner = add(_diagonal(by_w), _safe(matmul(v, by_v, transpose_x=True), gaps))
    return (of_lower_triangle(matmul(matmul(v, inner), v, transpose_y=True)),)


def _eig_gradient(g, x, outputs):
    """The lengths and the phases of the vectors are kept by what is subtracted from their cotangents."""
    (w, v), (by_w, by_v) = outputs, g
    axes = (len(v.shape) - 2,)
    size = absolute(v)
    large = greater_equal(size, multiply(reduce_max(size, axes=axes, keepdims=True), LARGE))
    count = cumsum(cast(large, dtype="int32"), axis=axes[0])
    first = cast(logical_and(large, equal(count, 1)), dtype=size.dtype)
    along = reduce_sum(multiply(by_v, v), axes=axes, keepdims=True)
    turn = multiply(first, divide(imag(along), reduce_sum(multiply(first, real(v)), axes=axes, keepdims=True)))
    length = multiply(conj(v), cast(real(along), dtype=v.dtype))
    free = subtract(subtract(by_v, length), from_parts(multiply(turn, 0.0), turn))
    inner = add(_diagonal(by_w), _safe(matmul(v, free, transpose_x=True), subtract(_row(w), _column(w))))
    return (real(solve(turned(v), matmul(inner, v, transpose_y=True))),)


_svd_gradient.takes_node = True  # type: ignore[attr-defined]
qr.gradient = _qr_gradient
svd.gradient = _svd_gradient
eigh.gradient = _eigh_gradient
eig.gradient = _eig_gradient
