"""Linear algebra: factors of matrices, systems of equations, least squares. Also ``norm``, ``det`` and their like.

The last two axes are a matrix, and axes before them are a batch. Half precision is computed in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import native, type_of
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import factorizations, movement, reductions
from amalthea.engine.primitives import linear_algebra as la
from amalthea.engine.primitives.matmul import matmul as product
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops.base import cast, floats, op, shape_of, wide
from amalthea.ops.matrices import cutoff, matrix, with_gradient

docstrings.share("square matrix", "x: TensorLike; square matrices. Whole numbers are computed in ``floatx`` (float32).")
docstrings.share("matrix", "x: TensorLike; matrices of any size. Whole numbers are computed in ``floatx`` (float32).")
docstrings.share(
    "symmetric matrix",
    "x: TensorLike; symmetric matrices. The mean of the matrix and its transpose is used, whole numbers as ``floatx``.",
)
docstrings.share(
    "system",
    """
a: TensorLike; square matrices.
b: TensorLike; the right sides: vectors if the shape is that of ``a`` without the last axis, or one vector, else the
    columns of matrices. Batch axes broadcast against those of ``a``. Both are promoted to one float dtype.
""",
)


def _symmetric(x: TensorLike) -> Any:
    x = matrix(x, square=True)
    return p.multiply(p.add(x, la.turned(x)), 0.5)


@op
def cholesky(x: TensorLike, upper: bool = False) -> Any:
    """Computes the Cholesky factor ``l`` of positive definite matrices: ``x = l @ l.T``.

    Args:
        |symmetric matrix|
        upper: bool; True returns the upper triangular factor ``u``, ``x = u.T @ u``. Defaults to False.

    Shapes:
        (..., n, n) -> (..., n, n)

    Returns:
        The triangular factor. Its elements are NaN for a matrix that is not positive definite.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cholesky([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    factor = la.cholesky(_symmetric(x))
    return la.turned(factor) if upper else factor


@op
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Any:
    """Computes the inverse of positive definite matrices from their Cholesky factors: that of ``x @ x.T``.

    Args:
        x: TensorLike; Cholesky factors, as :func:`cholesky` returns them. The other triangle counts as 0.
        upper: bool; True for upper triangular factors, whose matrix is ``x.T @ x``. Defaults to False.

    Shapes:
        (..., n, n) -> (..., n, n)

    Returns:
        The inverse. Its elements are not finite if an element of a diagonal is 0.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cholesky_inverse([[2.0, 0.0], [0.0, 1.0]])).tolist()
        [[0.25, 0.0], [0.0, 1.0]]
    """
    a = matrix(x, square=True)
    factor = wide(a)
    half = la.triangular_solve(factor, _unit(factor), lower=not upper)
    found = product(half, half, transpose_y=True) if upper else product(half, half, transpose_x=True)
    return cast(found, dtypes.name_of(a))


def _unit(x: Any) -> Any:
    """Return unit matrices of the shape and dtype of square ones."""
    return movement.broadcast_to(cast(la.on_diagonal(x), dtypes.name_of(x)), shape=shape_of(x))


@op
def inv(x: TensorLike) -> Any:
    """Computes the inverse of square matrices. To multiply with an inverse, :func:`solve` is faster and more accurate.

    Args:
        |square matrix|

    Shapes:
        (..., n, n) -> (..., n, n)

    Returns:
        The inverse. Its elements are not finite for a singular matrix.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.inv([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    a = matrix(x, square=True)
    return la.solve(a, _unit(a))


@op
def lu_factor(x: TensorLike) -> tuple[Any, Any]:
    """Computes the LU factors of matrices with partial pivoting: exchanges of rows, then ``l @ u``.

    Args:
        |matrix|

    Shapes:
        (..., m, n) -> (..., m, n), (..., min(m, n))

    Returns:
        A tuple of ``u`` with ``l`` below its diagonal (the diagonal of ``l`` is 1), and of the row with which each row
        was exchanged in turn, counted from 0, as int32.

    Raises:
        ShapeError: the input does not have two axes.

    Example:
        >>> from amalthea import ops
        >>> factors, rows = ops.lu_factor([[1.0, 2.0], [4.0, 4.0]])
        >>> ops.convert_to_numpy(factors).tolist(), ops.convert_to_numpy(rows).tolist()
        ([[4.0, 4.0], [0.25, 1.0]], [1, 1])
    """
    factors, pivots, _ = la.lu(matrix(x))
    return factors, pivots


@op
def qr(x: TensorLike, mode: str = "reduced") -> tuple[Any, Any]:
    """Computes the QR factors of matrices: ``x = q @ r`` with orthonormal columns in ``q`` and a triangle ``r``.

    Args:
        |matrix|
        mode: str; ``"reduced"`` gives ``q`` at most as many columns as ``x`` has, ``"complete"`` makes it square.
            Defaults to ``"reduced"``.

    Shapes:
        (..., m, n) -> (..., m, k), (..., k, n) with k = min(m, n), or k = m if complete

    Raises:
        ArgumentError: the mode does not exist.
        BackendError: the gradient of a complete ``q`` of more rows than columns is asked for; it does not exist.

    Example:
        >>> from amalthea import ops
        >>> q, r = ops.qr([[3.0, 1.0], [4.0, 2.0]])
        >>> ops.convert_to_numpy(ops.matmul(q, r)).round(4).tolist()
        [[3.0, 1.0], [4.0, 2.0]]
    """
    return tuple(factorizations.qr(matrix(x), mode=mode))


@op
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Computes the singular value decomposition of matrices: ``x = u @ diag(s) @ vh``.

    The signs of the singular vectors are the same on every backend: the first large element of each column of ``u`` is
    positive.

    Args:
        |matrix|
        full_matrices: bool; True (the default) makes ``u`` and ``vh`` square, False leaves out the vectors that do not
            belong to a singular value.
        compute_uv: bool; False returns the singular values alone. Defaults to True.

    Shapes:
        (..., m, n) -> (..., m, m), (..., k), (..., n, n) with k = min(m, n); (..., m, k), (..., k), (..., k, n) with
        ``full_matrices=False``

    Returns:
        A tuple ``(u, s, vh)``, or ``s``; the singular values are in falling order.

    Raises:
        BackendError: the gradient of full singular vectors of a matrix that is not square is asked for; it does not
            exist.

    Example:
        >>> from amalthea import ops
        >>> s = ops.svd([[3.0, 0.0], [0.0, 5.0]], compute_uv=False)
        >>> ops.convert_to_numpy(s).tolist()
        [5.0, 3.0]
    """
    a = matrix(x)
    if not compute_uv:
        return factorizations.svd(a)[1]
    return tuple(factorizations.svd(a, full_matrices=bool(full_matrices)))


@op
def eigh(x: TensorLike) -> tuple[Any, Any]:
    """Computes the eigenvalues and eigenvectors of symmetric matrices: ``x @ v = v @ diag(w)``.

    The signs of the eigenvectors are the same on every backend: the first large element of each is positive.

    Args:
        |symmetric matrix|

    Shapes:
        (..., n, n) -> (..., n), (..., n, n)

    Returns:
        A tuple of the eigenvalues in rising order, and the eigenvectors as columns.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> w, v = ops.eigh([[2.0, 1.0], [1.0, 2.0]])
        >>> ops.convert_to_numpy(w).round(4).tolist()
        [1.0, 3.0]
    """
    return tuple(factorizations.eigh(_symmetric(x)))


@op
def eig(x: TensorLike) -> tuple[Any, Any]:
    """Computes the eigenvalues and eigenvectors of square matrices: ``x @ v = v @ diag(w)``.

    Args:
        |square matrix|

    Shapes:
        (..., n, n) -> (..., n), (..., n, n)

    Returns:
        A tuple of the eigenvalues and of the eigenvectors as columns of length 1, both complex, in rising order of the
        real parts, equal ones of the imaginary parts. The first large element of each vector is real and positive.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> w, v = ops.eig([[0.0, 1.0], [-1.0, 0.0]])  # a quarter of a turn
        >>> ops.convert_to_numpy(ops.imag(w)).tolist()
        [-1.0, 1.0]
    """
    return tuple(factorizations.eig(matrix(x, square=True)))


# ----------------------------------------------------------------------------------------------- systems
def _systems(a: TensorLike, b: TensorLike, solver: Callable[[Any, Any], Any]) -> Any:
    """Solve systems with right sides that are vectors or matrices, and broadcast their batch axes."""
    left, right = floats(a, b)
    la.check_matrix(type_of(left), square=True)
    shape, other = shape_of(left), shape_of(right)
    is_vector = len(other) == 1 or (len(other) == len(shape) - 1 and all(map(shapes.agree, other, shape[:-1])))
    if not other or not shapes.agree(other[-1] if is_vector else other[max(0, len(other) - 2)], shape[-1]):
        raise ShapeError(
            "The right sides do not fit the matrices.",
            expected=f"{shapes.show((*shape[:-1],))} or {shapes.show((*shape[:-1], 'k'))}",
            got=shapes.show(other),
        )
    right = movement.reshape(right, shape=(*other, 1)) if is_vector else right
    found = _batched(left, right, solver)
    return movement.reshape(found, shape=shape_of(found)[:-1]) if is_vector else found


def _batched(left: Any, right: Any, solver: Callable[[Any, Any], Any]) -> Any:
    batch = shapes.broadcast(shape_of(left)[:-2], shape_of(right)[:-2])
    return solver(*(movement.broadcast_to(x, shape=(*batch, *shape_of(x)[-2:])) for x in (left, right)))


@op
def solve(a: TensorLike, b: TensorLike) -> Any:
    """Solves systems of linear equations: the ``x`` for which ``a @ x = b``.

    Args:
        |system|

    Shapes:
        (..., n, n), (..., n) -> (..., n); (..., n, n), (..., n, k) -> (..., n, k)

    Returns:
        The solutions. Their elements are not finite for a singular matrix.

    Raises:
        ShapeError: the matrices are not square, or the right sides do not fit.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 2.0])).tolist()
        [0.5, 0.5]
    """
    return _systems(a, b, la.solve)


@op
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Any:
    """Solves systems of linear equations with triangular matrices; the other triangle of ``a`` counts as 0.

    Args:
        |system|
        lower: bool; True uses the lower triangle of ``a``. Defaults to False, which uses the upper one.

    Shapes:
        (..., n, n), (..., n) -> (..., n); (..., n, n), (..., n, k) -> (..., n, k)

    Returns:
        The solutions. Their elements are not finite if an element of the diagonal is 0.

    Raises:
        ShapeError: the matrices are not square, or the right sides do not fit.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.solve_triangular([[2.0, 0.0], [1.0, 4.0]], [2.0, 9.0], lower=True)).tolist()
        [1.0, 2.0]
    """
    return _systems(a, b, lambda left, right: la.triangular_solve(left, right, lower=bool(lower)))


@op
def pinv(x: TensorLike, rcond: float | None = None) -> Any:
    """Computes the Moore-Penrose pseudoinverse of matrices, by their singular values.

    Args:
        |matrix|
        rcond: float from 0; singular values up to this share of the largest one count as 0. Defaults to None, which
            means ``max(m, n)`` times the distance from 1 to the next number of the dtype.

    Shapes:
        (..., m, n) -> (..., n, m)

    Raises:
        ArgumentError: ``rcond`` is not a number.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.pinv([[2.0], [0.0]])).tolist()
        [[0.5, 0.0]]

    Source: the derivative is that of Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973), 413-432.
    """
    a = matrix(x)
    return cast(_pseudoinverse(wide(a), rcond), dtypes.name_of(a))


@op
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> Any:
    """Solves systems of linear equations in the sense of least squares: the ``x`` with the smallest ``|a @ x - b|``.

    If there are several, the one with the smallest ``|x|``.

    Args:
        a: TensorLike; a matrix of any size.
        b: TensorLike; the right side as a vector, or several as the columns of a matrix. Both are promoted to one float
            dtype.
        rcond: float from 0; singular values of ``a`` up to this share of the largest one count as 0. Defaults to None,
            which means ``max(m, n)`` times the distance from 1 to the next number of the dtype.

    Shapes:
        (m, n), (m,) -> (n,); (m, n), (m, k) -> (n, k)

    Raises:
        ArgumentError: ``rcond`` is not a number.
        ShapeError: the right side does not fit the matrix.

    Example:
        >>> from amalthea import ops
        >>> x = ops.lstsq([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0])  # the line 1 + 2 t
        >>> ops.convert_to_numpy(x).round(3).tolist()
        [1.0, 2.0]
    """
    left, right = floats(a, b)
    la.check_matrix(type_of(left))
    shape, other = shape_of(left), shape_of(right)
    if len(other) not in (1, 2) or len(shape) != 2 or not shapes.agree(other[0], shape[0]):
        raise ShapeError(
            "The right side does not fit the matrix.",
            expected="(m, n) and (m,) or (m, k)",
            got=f"{shapes.show(shape)} and {shapes.show(other)}",
        )
    columns = wide(right if len(other) == 2 else movement.reshape(right, shape=(*other, 1)))
    found = cast(product(_pseudoinverse(wide(left), rcond), columns), dtypes.name_of(right))
    return found if len(other) == 2 else movement.reshape(found, shape=shape_of(found)[:1])


def _pseudoinverse(a: Any, rcond: Any) -> Any:
    share = cutoff(a, rcond)
    u, s, vh = factorizations.svd(a)
    shape = shape_of(s)
    if 0 in shape:
        *batch, m, n = shape_of(a)
        return movement.broadcast_to(native(np.zeros((), dtypes.to_numpy(dtypes.name_of(a)))), shape=(*batch, n, m))
    least = p.multiply(reductions.reduce_max(s, axes=(len(shape) - 1,), keepdims=True), share)
    large = p.greater(s, least)
    inverse = p.select(large, p.reciprocal(p.select(large, s, 1.0)), 0.0)
    scaled = p.multiply(la.turned(vh), movement.reshape(inverse, shape=(*shape[:-1], 1, shape[-1])))
    found = product(scaled, u, transpose_y=True)
    return with_gradient(a, found, _pseudoinverse_gradient)


def _pseudoinverse_gradient(g: Any, a: Any, inverse: Any) -> Any:
    turned, g_turned = la.turned(inverse), la.turned(g)
    left = p.subtract(g_turned, product(a, product(inverse, g_turned)))
    right = p.subtract(g_turned, product(product(g_turned, inverse), a))
    total = p.add(
        product(product(left, inverse), turned),
        product(turned, product(inverse, right)),
    )
    return p.subtract(total, product(product(turned, g), turned))
