"""Numbers that describe a matrix: norms, rank, determinants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import factorizations, movement
from amalthea.engine.primitives import linear_algebra as la
from amalthea.engine.primitives import reductions as r
from amalthea.engine.primitives.matmul import matmul as product
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, DtypeError
from amalthea.ops.base import all_axes, cast, floating, op, over_nothing, shape_of, wide
from amalthea.ops.matrices import cutoff, matrix, with_gradient


@op
def det(x: TensorLike) -> Any:
    """Computes the determinant of square matrices, from their LU factors.

    Args:
        |square matrix|

    Shapes:
        (..., n, n) -> (...)

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> float(ops.det([[2.0, 1.0], [0.0, 3.0]]))
        6.0
    """
    a = wide(matrix(x, square=True))
    return cast(with_gradient(a, _determinant(a), _determinant_gradient), dtypes.name_of(floating(x)))


def _determinant(a: Any) -> Any:
    sign, diagonal = _factors(a)
    return p.multiply(sign, r.reduce_prod(diagonal, axes=(len(diagonal.shape) - 1,)))


def _factors(a: Any) -> tuple[Any, Any]:
    """Return the sign of the permutation of the rows, and the diagonal of the triangular factor."""
    factors, pivots, _ = la.lu(a)
    last = len(shape_of(a)) - 1
    diagonal = r.reduce_sum(p.select(la.on_diagonal(factors), factors, 0.0), axes=(last,))
    rows = movement.iota(shape=shape_of(pivots)[-1:], axis=0, dtype="int32")
    exchanges = r.reduce_sum(cast(p.logical_not(p.equal(pivots, rows)), "int32"), axes=(last - 1,))
    odd = p.equal(p.remainder(exchanges, 2), 1)
    return cast(p.select(odd, np.int32(-1), np.int32(1)), dtypes.name_of(a)), diagonal


def _determinant_gradient(g: Any, a: Any, found: Any) -> Any:
    """The cofactors: the determinant times the inverse, or from the singular values of a singular matrix."""
    column = (*shape_of(g), 1, 1)
    u, singular = la.regular(la.triangle(la.lu(a)[0], lower=False))
    unit = cast(la.on_diagonal(u), dtypes.name_of(a))
    good = p.select(singular, unit, a)
    inverse = la.solve(la.turned(good), movement.broadcast_to(unit, shape=shape_of(a)))
    factor = p.multiply(g, found)
    regular = p.multiply(movement.reshape(factor, shape=column), inverse)
    cofactors = p.multiply(movement.reshape(g, shape=column), _cofactors(a))
    return p.select(singular, cofactors, regular)


def _cofactors(a: Any) -> Any:
    u, s, vh = factorizations.svd(a)
    *batch, n = shape_of(s)
    others = p.select(la.on_diagonal(a), 1.0, movement.reshape(s, shape=(*batch, 1, n)))
    scale = r.reduce_prod(others, axes=(len(batch) + 1,))
    sign = p.multiply(_determinant(u), _determinant(vh))
    scaled = p.multiply(u, movement.reshape(scale, shape=(*batch, 1, n)))
    return p.multiply(movement.reshape(sign, shape=(*batch, 1, 1)), product(scaled, vh))


@op
def slogdet(x: TensorLike) -> tuple[Any, Any]:
    """Computes the sign of the determinant and the logarithm of its absolute value, which do not overflow.

    Args:
        |square matrix|

    Shapes:
        (..., n, n) -> (...), (...)

    Returns:
        A tuple of the sign (1, 0 or -1) and the logarithm (``-inf`` for a singular matrix).

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> sign, log = ops.slogdet([[0.0, 2.0], [2.0, 0.0]])
        >>> float(sign), round(float(log), 4)  # the determinant is -4
        (-1.0, 1.3863)
    """
    a = wide(matrix(x, square=True))
    sign, diagonal = _factors(a)
    axes = (len(diagonal.shape) - 1,)
    found = p.multiply(sign, r.reduce_prod(p.sign(diagonal), axes=axes))
    size = r.reduce_sum(p.log(p.absolute(diagonal)), axes=axes)
    name = dtypes.name_of(floating(x))
    return cast(found, name), cast(size, name)


@op
def logdet(x: TensorLike) -> Any:
    """Computes the logarithm of the determinant of positive definite matrices.

    Args:
        |square matrix|

    Shapes:
        (..., n, n) -> (...)

    Returns:
        The logarithm of the absolute value of the determinant, whatever its sign.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> from amalthea import ops
        >>> round(float(ops.logdet([[2.0, 0.0], [0.0, 2.0]])), 4)
        1.3863
    """
    return slogdet(x)[1]


@op
def matrix_rank(x: TensorLike, tol: float | None = None) -> Any:
    """Counts the singular values of matrices that are larger than a tolerance.

    Args:
        |matrix|
        tol: float from 0; singular values up to it count as 0. Defaults to None, which means ``max(m, n)`` times the
            largest singular value, times the distance from 1 to the next number of the dtype.

    Shapes:
        (..., m, n) -> (...)

    Returns:
        The ranks, as int32.

    Raises:
        ArgumentError: the tolerance is not a number.

    Example:
        >>> from amalthea import ops
        >>> int(ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
        1
    """
    a = wide(matrix(x))
    s = factorizations.svd(a)[1]
    axes = (len(s.shape) - 1,)
    share = cutoff(a, tol)
    if tol is None and 0 not in shape_of(s):
        least: Any = p.multiply(r.reduce_max(s, axes=axes, keepdims=True), share)
    else:
        least = share
    return r.reduce_sum(cast(p.greater(s, least), "int32"), axes=axes)


# ------------------------------------------------------------------------------------------------- norms
@op
def norm(
    x: TensorLike, ord: int | float | str | None = None, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> Any:
    """Computes norms of vectors or matrices.

    =========  ==============================  ==============================
    ``ord``    of vectors                      of matrices
    =========  ==============================  ==============================
    None       root of the sum of squares      root of the sum of squares
    "fro"      -                               root of the sum of squares
    "nuc"      -                               sum of the singular values
    inf, -inf  largest, smallest ``|x|``       largest, smallest sum of a row of ``|x|``
    1, -1      ``sum(|x|**ord)**(1/ord)``      largest, smallest sum of a column of ``|x|``
    2, -2      ``sum(|x|**ord)**(1/ord)``      largest, smallest singular value
    0          number of elements that differ  -
               from 0
    other      ``sum(|x|**ord)**(1/ord)``      -
    =========  ==============================  ==============================

    Args:
        |elementwise|
        ord: int, float or str; the norm, by the table. Defaults to None.
        axis: int, the axis of the vectors, or two ints, the axes of the rows and columns of matrices. Defaults to None:
            the whole input, as one vector if ``ord`` is None, else as the vector or the matrix that it is.
        keepdims: bool; True keeps each reduced axis with size 1. Defaults to False, which removes them.

    Shapes:
        (..., n) -> (...) with axis=-1; (..., m, n) -> (...) with axis=(-2, -1)

    Raises:
        ArgumentError: the norm does not exist, or it needs one or two axes and the input has more.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.norm([[3.0, 4.0], [0.0, 1.0]], axis=1)).tolist()
        [5.0, 1.0]
    """
    a = floating(x)
    axes = all_axes(axis, len(shape_of(a)))
    whole = axis is None and ord is None
    if not whole and len(axes) not in (1, 2):
        raise ArgumentError(
            "A norm is of vectors or of matrices.", expected="one or two axes", got=axis if axis is not None else axes
        )
    if len(set(axes)) < len(axes):
        raise ArgumentError("The axes of a matrix are the same axis.", expected="two different axes", got=axis)
    _check_order(ord, whole or len(axes) == 1)
    if dtypes.is_complex(dtypes.name_of(a)):
        if len(axes) == 2 and ord in ("nuc", 2, -2):
            raise DtypeError(
                "Singular values are those of real matrices.", expected="real numbers", got=dtypes.name_of(a)
            )
        a = p.absolute(a)
    if not whole and len(axes) == 2:
        found = _matrix_norm(wide(a), ord, axes, bool(keepdims))
    else:
        found = _vector_norm(wide(a), ord, axes, bool(keepdims))
    return cast(found, dtypes.name_of(a))


_OF_MATRICES = (None, "fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)


def _check_order(ord: Any, is_vector: bool) -> None:
    is_number = isinstance(ord, (int, float, np.integer, np.floating)) and not isinstance(ord, bool)
    if is_vector and ord is not None and (not is_number or math.isnan(ord)):
        raise ArgumentError(
            "This norm of vectors does not exist.", expected="a number, inf, -inf or None", got=repr(ord)
        )
    if (
        not is_vector
        and not (ord is None or is_number or isinstance(ord, str))
        or (not is_vector and ord not in _OF_MATRICES)
    ):
        raise ArgumentError(
            "This norm of matrices does not exist.",
            expected="None, 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2",
            got=repr(ord),
        )


def _vector_norm(a: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    def total(x: Any) -> Any:
        return r.reduce_sum(x, axes=axes, keepdims=keepdims)

    if ord is None or ord == 2:
        return p.sqrt(total(p.square(a)))
    size = p.absolute(a)
    if ord in (math.inf, -math.inf):
        return _extreme(size, axes, keepdims, ord > 0)
    if ord == 0:
        return total(cast(p.logical_not(p.equal(a, 0.0)), dtypes.name_of(a)))
    if ord == 1:
        return total(size)
    power = np.asarray(ord, dtypes.to_numpy(dtypes.name_of(a)))
    return p.power(total(p.power(size, power)), np.reciprocal(power))


def _extreme(size: Any, axes: tuple[int, ...], keepdims: bool, largest: bool) -> Any:
    """Return the largest or smallest element; that of no elements is 0, as NumPy counts it, or an error."""
    if any(shape_of(size)[axis] == 0 for axis in axes) and largest:
        zero = native(np.zeros((), dtypes.to_numpy(dtypes.name_of(size))))
        return over_nothing(size, axes, keepdims, zero)
    return (r.reduce_max if largest else r.reduce_min)(size, axes=axes, keepdims=keepdims)


def _matrix_norm(a: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == "fro":
        return _vector_norm(a, None, axes, keepdims)
    rank = len(shape_of(a))
    rest = [axis for axis in range(rank) if axis not in axes]
    x = movement.transpose(a, axes=(*rest, *axes))
    if ord == "nuc" or abs(ord) == 2:
        s = factorizations.svd(x)[1]
        last = (len(rest),)
        found = r.reduce_sum(s, axes=last) if ord == "nuc" else _extreme(s, last, False, ord > 0)
    else:
        summed = len(rest) + (1 if abs(ord) == math.inf else 0)
        found = _extreme(r.reduce_sum(p.absolute(x), axes=(summed,)), (len(rest),), False, ord > 0)
    if not keepdims:
        return found
    return movement.reshape(found, shape=tuple(1 if i in axes else d for i, d in enumerate(shape_of(a))))
