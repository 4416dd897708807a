"""Ops on the diagonals of matrices, and the products and powers that fill matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import checks, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import cast, counted, one_axis, op, promoted, shape_of, summable, tensor
from amalthea.ops.numpy.movement import ravel

docstrings.share(
    "diagonal of two axes",
    """
x: TensorLike with at least two axes.
offset: int; the diagonal, counted from the main one: 1 is the one above it, -1 the one below. Defaults to 0.
axis1, axis2: ints, different from each other; the axes of the rows and of the columns. Default to 0 and 1.
""",
)
docstrings.share(
    "diagonal number",
    "k: int; the diagonal, counted from the main one: 1 is the one above it, -1 the one below. Defaults to 0.",
)


@op
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Returns a diagonal of matrices; it becomes the last axis.

    Args:
        |diagonal of two axes|

    Shapes:
        (n, n) -> (n,); (batch, n, n) -> (batch, n) with axis1=1, axis2=2

    Raises:
        ArgumentError: the two axes are one.
        ShapeError: the input has fewer than two axes, or the size of one of the two is not known.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.diagonal([[1, 2, 3], [4, 5, 6]], offset=1)).tolist()
        [2, 6]
    """
    a = tensor(x)
    rank, shape = len(a.shape), shape_of(a)
    if rank < 2:
        raise ShapeError("Only matrices have diagonals.", expected="at least two axes", got=shapes.show(shape))
    plane = one_axis(axis1, rank), one_axis(axis2, rank)
    if plane[0] == plane[1]:
        raise ArgumentError("A diagonal lies between two different axes.", got=f"axis1={axis1}, axis2={axis2}")
    rest = tuple(n for n in range(rank) if n not in plane)
    rows, columns = shape[plane[0]], shape[plane[1]]
    if not (isinstance(rows, int) and isinstance(columns, int)):
        raise ShapeError("A diagonal needs known sizes of its two axes.", got=shapes.show(shape))
    k = checks.integer(offset, "offset", "ops.diagonal")
    first = np.arange(max(-k, 0), max(min(rows, columns - k), max(-k, 0)), dtype="int32")
    lead = tuple(shape[n] for n in rest)
    flat = m.reshape(m.transpose(a, axes=(*rest, *plane)), shape=(*lead, rows * columns))
    return indexing.gather(flat, first * columns + first + np.int32(k), axis=len(lead))


@op
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Computes the sum of a diagonal of matrices.

    Args:
        |diagonal of two axes|

    Shapes:
        (n, n) -> (); (batch, n, n) -> (batch,) with axis1=1, axis2=2

    Raises:
        ArgumentError: the two axes are one.
        ShapeError: the input has fewer than two axes, or the size of one of the two is not known.

    Example:
        >>> from amalthea import ops
        >>> int(ops.trace([[1, 2], [3, 4]]))
        5
    """
    line = summable(diagonal(x, offset, axis1, axis2))
    return r.reduce_sum(line, axes=(len(line.shape) - 1,))


@op
def diag(x: TensorLike, k: int = 0) -> Any:
    """Makes a matrix with a given diagonal and zeros elsewhere, or returns a diagonal of a matrix.

    Args:
        x: TensorLike; a vector, which becomes the diagonal, or a matrix, whose diagonal is returned.
        |diagonal number|

    Shapes:
        (n,) -> (n + |k|, n + |k|); (rows, columns) -> (m,)

    Raises:
        ShapeError: the input does not have one or two axes.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.diag([1, 2], k=1)).tolist()
        [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
        >>> ops.convert_to_numpy(ops.diag([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    a = tensor(x)
    if len(a.shape) == 2:
        return diagonal(a, k)
    if len(a.shape) != 1:
        raise ShapeError(
            "A diagonal is a vector, or lies in a matrix.",
            expected="1 or 2 axes",
            got=shapes.show(shape_of(a)),
            cure="ops.diagonal, or ops.diagflat",
        )
    k, n = checks.integer(k, "k", "ops.diag"), shape_of(a)[0]
    row, column = (m.iota(shape=(n, n), axis=axis, dtype="int32") for axis in (0, 1))
    line = m.broadcast_to(m.reshape(a, shape=(n, 1)), shape=(n, n))
    square = p.select(p.equal(row, column), line, cast(0, dtypes.name_of(a)))
    above, left = max(-k, 0), max(k, 0)
    return m.pad(square, low=(above, left), high=(left, above)) if k else square


@op
def diagflat(x: TensorLike, k: int = 0) -> Any:
    """Makes a matrix with the flattened input as a diagonal and zeros elsewhere.

    Args:
        |any tensor|
        |diagonal number|

    Shapes:
        any shape with n elements -> (n + |k|, n + |k|)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.diagflat([[1], [2]])).tolist()
        [[1, 0], [0, 2]]
    """
    return diag(ravel(x), k)


@op
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Any:
    """Makes a Vandermonde matrix: each row holds the powers of one element.

    Args:
        x: TensorLike of one axis. The dtype is kept; bools count as int32.
        N: int from 0; number of columns. Defaults to None, the number of elements.
        increasing: bool; True begins each row with the power 0. Defaults to False, which ends with it.

    Shapes:
        (n,) -> (n, N)

    Raises:
        ArgumentError: ``N`` is negative or not an int.
        ShapeError: the input does not have one axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.vander([1, 2, 3], N=3)).tolist()
        [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    a = counted(x)
    if len(a.shape) != 1:
        raise ShapeError("The powers are those of a vector.", expected="one axis", got=shapes.show(shape_of(a)))
    count: Any = shape_of(a)[0] if N is None else checks.non_negative_int(N, "N", "ops.vander")
    exponents = m.iota(shape=(count,), axis=0, dtype="int32")
    exponents = exponents if increasing else m.flip(exponents, axes=(0,))
    return p.power(m.reshape(a, shape=(shape_of(a)[0], 1)), cast(exponents, dtypes.name_of(a)))


@op
def kron(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the Kronecker product: each element of ``x1`` times the whole of ``x2``, side by side.

    Args:
        x1, x2: TensorLike; promoted to one dtype. The one with fewer axes gets axes of size 1 in front.

    Shapes:
        (a, b), (c, d) -> (a * c, b * d)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.kron([1, 10], [1, 2, 3])).tolist()
        [1, 2, 3, 10, 20, 30]
    """
    a, b = (tensor(x) for x in promoted(x1, x2))
    rank = max(len(a.shape), len(b.shape))
    s1, s2 = ((1,) * (rank - len(x.shape)) + tuple(shape_of(x)) for x in (a, b))
    left = m.reshape(a, shape=tuple(d for n in s1 for d in (n, 1)))
    right = m.reshape(b, shape=tuple(d for n in s2 for d in (1, n)))
    return m.reshape(p.multiply(left, right), shape=tuple(i * j for i, j in zip(s1, s2)))
