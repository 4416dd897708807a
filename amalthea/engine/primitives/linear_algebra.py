"""Linear systems and their triangular factors: Cholesky, LU, and the solution of triangular and general systems.

The last two axes are a matrix; axes before them are a batch. The results of a matrix for which a factor does not exist
are NaN, and no exception is raised: in a compiled function, and in a batch, the other results are of use.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives.elementwise import (
    add,
    cast,
    equal,
    greater,
    greater_equal,
    logical_and,
    multiply,
    negative,
    select,
    subtract,
)  # fmt: skip
from amalthea.engine.primitives.indexing import take_along_axis
from amalthea.engine.primitives.matmul import matmul
from amalthea.engine.primitives.movement import broadcast_to, concatenate, iota, part, reshape, transpose
from amalthea.engine.primitives.reductions import reduce_sum
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


# ------------------------------------------------------------------------------------------------ types
def check_matrix(x: Type, square: bool = False) -> None:
    """Raise an error unless the last two axes are a matrix of floats (a square one, with ``square``)."""
    if len(x.shape) < 2:
        raise ShapeError("A matrix needs two axes.", expected="(..., rows, columns)", got=x)
    if square and not shapes.agree(*x.shape[-2:]):
        raise ShapeError("The matrix is not square.", expected="(..., n, n)", got=x)
    if not dtypes.is_differentiable(x.dtype):
        raise DtypeError("A matrix is decomposed in floats.", expected="a float dtype", got=x, cure="ops.cast(x, ...)")


def least_size(x: Type) -> Any:
    """Return the number of rows or columns of a matrix, whichever is smaller."""
    m, n = x.shape[-2:]
    if m == n:
        return m
    if not (isinstance(m, int) and isinstance(n, int)):
        raise ShapeError(
            "The number of rows or of columns is not known, so the shapes of the factors are not known.",
            expected="(..., rows, columns) with known sizes; the sizes of a batch may be unknown",
            got=x,
        )
    return min(m, n)


def _square(x: Type) -> Type:
    check_matrix(x, square=True)
    return x


def _system(a: Type, b: Type, **attrs: Any) -> Type:
    check_matrix(a, square=True)
    if len(a.shape) != len(b.shape) or not all(map(shapes.agree, a.shape[:-1], b.shape[:-1])):
        raise ShapeError("The right side does not fit the matrix.", expected=f"{a} and (..., n, k)", got=b)
    if a.dtype != b.dtype:
        raise DtypeError("The matrix and the right side have different dtypes.", expected=a, got=b)
    return b


def _lu(x: Type) -> tuple[Type, Type, Type]:
    check_matrix(x)
    return x, Type((*x.shape[:-2], least_size(x)), "int32"), Type(x.shape[:-1], "int32")


# ------------------------------------------------------------------------------------------- references
def by_lapack(function: Any) -> Any:
    """A reference by ``numpy.linalg``: half precision is computed in float32, and a matrix that fails gives NaN."""

    @functools.wraps(function)
    def run(*inputs: Any, **attrs: Any) -> Any:
        dtype = inputs[0].dtype
        wide = [x.astype(dtypes.to_numpy(dtypes.accumulator(dtypes.standardize(dtype)))) for x in inputs]
        try:
            found = function(*wide, **attrs)
        except np.linalg.LinAlgError:
            found = _one_by_one(function, wide, attrs)
        return tuple(_rounded(x, dtype) for x in found) if isinstance(found, tuple) else _rounded(found, dtype)

    return run


def _rounded(x: Any, dtype: Any) -> Any:
    """Return a result in the dtype of the input, or in the complex one of it."""
    return x.astype(dtypes.to_numpy(dtypes.complex_of(dtypes.standardize(dtype))) if x.dtype.kind == "c" else dtype)


def _one_by_one(function: Any, inputs: Any, attrs: Any) -> Any:
    """Call a function on each matrix of a batch alone."""
    batch = inputs[0].shape[:-2]
    rows = [_or_nan(function, [x[index] for x in inputs], attrs) for index in np.ndindex(*batch)]
    stacked = [np.stack(parts).reshape(*batch, *parts[0].shape) for parts in zip(*rows)]
    return tuple(stacked) if len(stacked) > 1 else stacked[0]


def _or_nan(function: Any, inputs: Any, attrs: Any) -> Any:
    try:
        found = function(*inputs, **attrs)
    except np.linalg.LinAlgError:
        found = function(*(np.eye(*x.shape, dtype=x.dtype) for x in inputs), **attrs)
        found = tuple(np.full_like(x, np.nan) for x in (found if isinstance(found, tuple) else (found,)))
    return found if isinstance(found, tuple) else (found,)


def _definite(primitive):
    x = numbers(2, 3, 3)
    return [sample(x @ np.swapaxes(x, -1, -2) + np.eye(3)), sample(np.array([[4.0]]))]


@primitive(Family(_square, _definite), accumulates=True, multiplies=True)
@by_lapack
def cholesky(x):
    """The lower triangular factor ``l`` with positive diagonal, ``l @ l.T = x``; reads the lower triangle of ``x``."""
    return np.linalg.cholesky(x)


def _systems(primitive):
    a = numbers(2, 3, 3) + 3 * np.eye(3)
    return [sample(a, numbers(2, 3, 2, seed=1)), sample(a[0], numbers(3, 1, seed=1))]


@primitive(Family(_system, _systems), accumulates=True, multiplies=True)
@by_lapack
def solve(a, b):
    """The solution ``x`` of ``a @ x = b``. It is not finite if ``a`` is singular."""
    return np.linalg.solve(a, b)


@primitive(Family(_system), accumulates=True, multiplies=True)
@by_lapack
def triangular_solve(a, b, *, lower=True, transpose_a=False):
    """The solution ``x`` of ``t @ x = b``, or ``t.T @ x = b``: ``t`` is the lower or upper triangle of ``a``."""
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    n, x = a.shape[-1], np.array(b)
    forward = lower != transpose_a
    for i in range(n) if forward else range(n)[::-1]:
        done = slice(0, i) if forward else slice(i + 1, n)
        known = np.matmul(a[..., i : i + 1, done], x[..., done, :])[..., 0, :]
        x[..., i, :] = (b[..., i, :] - known) / a[..., i, i, None]
    return x


triangular_solve.samples = lambda: [
    sample(*_systems(None)[number].inputs, lower=lower, transpose_a=turned)
    for number, lower, turned in ((0, True, False), (0, True, True), (1, False, False), (0, False, True))
]


@primitive(
    Family(
        _lu,
        lambda primitive: [
            sample(x) for x in (numbers(2, 3, 3), numbers(3, 3, seed=2), numbers(2, 4, seed=1), numbers(4, 2, seed=3))
        ],
    ),
    single=False,
    accumulates=True,
    multiplies=True,
)
def lu(x):
    """The factors of ``x[permutation] = l @ u`` with partial pivoting.

    Returns ``l`` (unit diagonal, not stored) and ``u`` in one matrix; the row with which each row was exchanged in
    turn; and the permutation of rows that this amounts to.
    """
    out = np.array(x, dtypes.to_numpy(dtypes.accumulator(dtypes.standardize(x.dtype))))
    m, n = out.shape[-2:]
    pivots = np.zeros((*out.shape[:-2], min(m, n)), "int32")
    order = np.broadcast_to(np.arange(m, dtype="int32"), out.shape[:-1]).copy()
    for i in range(min(m, n)):
        pivots[..., i] = i + np.argmax(np.abs(out[..., i:, i]), axis=-1)
        _exchange_rows(out, i, pivots[..., i, None, None], -2)
        _exchange_rows(order, i, pivots[..., i, None], -1)
        pivot = out[..., i, i, None]
        out[..., i + 1 :, i] /= np.where(pivot == 0, 1, pivot)
        out[..., i + 1 :, i + 1 :] -= out[..., i + 1 :, i, None] * out[..., i, None, i + 1 :]
    return out.astype(x.dtype), pivots, order


def _exchange_rows(x: Any, i: int, with_row: Any, axis: int) -> None:
    """Exchange row ``i`` with another one, which differs from matrix to matrix of the batch."""
    row = np.full_like(with_row, i)
    one, other = np.take_along_axis(x, row, axis), np.take_along_axis(x, with_row, axis)
    np.put_along_axis(x, with_row, one, axis)
    np.put_along_axis(x, row, other, axis)


# -------------------------------------------------------------------------------------------- gradients
def turned(x: Any) -> Any:
    """Exchange the last two axes."""
    rank = len(type_of(x).shape)
    return transpose(x, axes=(*range(rank - 2), rank - 1, rank - 2))


def triangle(x: Any, lower: bool = True, strict: bool = False) -> Any:
    """Return the matrix with 0 outside of its lower or upper triangle; ``strict`` leaves out the diagonal."""
    one, other = (_counts(x, axis) for axis in ((0, 1) if lower else (1, 0)))
    return select((greater if strict else greater_equal)(one, other), x, 0.0)


def on_diagonal(x: Any) -> Any:
    """True on the diagonal of a matrix."""
    return equal(_counts(x, 0), _counts(x, 1))


def _counts(x: Any, axis: int) -> Any:
    return iota(shape=type_of(x).shape[-2:], axis=axis, dtype="int32")


def of_lower_triangle(s: Any) -> Any:
    """The cotangent of a symmetric matrix of which the lower triangle alone is read."""
    return select(on_diagonal(s), s, triangle(add(s, turned(s))))


def regular(u: Any) -> tuple[Any, Any]:
    """A triangular matrix, and whether it is singular; a singular one is replaced by the unit matrix."""
    zeros = logical_and(on_diagonal(u), equal(u, 0.0))
    axes = (len(u.shape) - 2, len(u.shape) - 1)
    singular = greater(reduce_sum(cast(zeros, dtype="int32"), axes=axes, keepdims=True), 0)
    return select(singular, cast(on_diagonal(u), dtype=u.dtype), u), singular


def _cholesky_gradient(g, x, out):
    p = triangle(matmul(out, g, transpose_x=True))
    y = triangular_solve(out, select(on_diagonal(p), multiply(p, 0.5), p), transpose_a=True)
    return (of_lower_triangle(turned(triangular_solve(out, turned(y), transpose_a=True))),)


def _solve_gradient(g, a, b, out):
    by_b = solve(turned(a), g)
    return negative(matmul(by_b, out, transpose_y=True)), by_b


def _triangular_gradient(g, a, b, out, *, lower, transpose_a):
    by_b = triangular_solve(a, g, lower=lower, transpose_a=not transpose_a)
    pair = (out, by_b) if transpose_a else (by_b, out)
    return triangle(negative(matmul(*pair, transpose_y=True)), lower), by_b


def _lu_gradient(g, x, outputs):
    """Split the factors into a square part and the rest, whose cotangents are added to those of the square part."""
    packed, _, order = outputs
    axis = len(x.shape) - 2
    m, n = x.type.shape[-2:]
    least = m if m == n else min(m, n)
    square, given = (part(part(v, axis, 0, least), axis + 1, 0, least) for v in (packed, g[0]))
    low = add(triangle(square, strict=True), cast(on_diagonal(square), dtype=x.dtype))
    u, singular = regular(triangle(square, lower=False))
    by_l, by_u, rest = triangle(given, strict=True), triangle(given, lower=False), []
    if m != n and m > n:
        below = turned(triangular_solve(u, turned(part(g[0], axis, least, m)), lower=False))
        by_u = subtract(by_u, matmul(part(packed, axis, least, m), below, transpose_x=True))
        rest = [below]
    elif m != n:
        beside = triangular_solve(low, part(g[0], axis + 1, least, n), transpose_a=True)
        by_l = subtract(by_l, matmul(beside, part(packed, axis + 1, least, n), transpose_y=True))
        rest = [beside]
    inner = add(
        triangle(matmul(low, by_l, transpose_x=True), strict=True),
        triangle(matmul(by_u, u, transpose_y=True), lower=False),
    )
    left = triangular_solve(low, inner, transpose_a=True)
    by_square = turned(triangular_solve(u, turned(left), lower=False))
    by_rows = concatenate(by_square, *rest, axis=axis if m > n else axis + 1) if rest else by_square
    return (select(singular, 0.0, _back(by_rows, order)),)


def _back(rows: Any, order: Any) -> Any:
    """Undo a permutation of rows."""
    shape = type_of(rows).shape
    wide = broadcast_to(reshape(_inverse_order(order), shape=(*shape[:-1], 1)), shape=shape)
    return take_along_axis(rows, wide, axis=len(shape) - 2)


def _inverse_order(order: Any) -> Any:
    """The inverse of a permutation: the position of each number."""
    shape = type_of(order).shape
    square = (*shape, shape[-1])
    wanted = iota(shape=square, axis=len(shape), dtype="int32")
    found = equal(broadcast_to(reshape(order, shape=(*shape, 1)), shape=square), wanted)
    indices = iota(shape=square, axis=len(shape) - 1, dtype="int32")
    return reduce_sum(select(found, indices, 0), axes=(len(shape) - 1,))


cholesky.gradient = _cholesky_gradient
solve.gradient = _solve_gradient
triangular_solve.gradient = _triangular_gradient
lu.gradient = _lu_gradient
