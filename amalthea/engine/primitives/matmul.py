"""Matrix multiplication."""

from __future__ import annotations

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


def _matmul(x: Type, y: Type, *, transpose_x: bool, transpose_y: bool) -> Type:
    if x.dtype != y.dtype:
        raise DtypeError("The matrices have different dtypes.", expected=x.dtype, got=y.dtype)
    if len(x.shape) < 2 or len(y.shape) < 2:
        raise ShapeError("A matrix product needs at least two axes.", got=f"{x} and {y}", cure="reshape a vector first")
    rows, inner = x.shape[-2:][::-1] if transpose_x else x.shape[-2:]
    inner_y, columns = y.shape[-2:][::-1] if transpose_y else y.shape[-2:]
    if not shapes.agree(inner, inner_y):
        raise ShapeError(
            "The first matrix has another number of columns than the second has rows.",
            expected=f"{inner} rows",
            got=f"{inner_y}, for {x} times {y}",
        )
    return Type((*shapes.broadcast(x.shape[:-2], y.shape[:-2]), rows, columns), x.dtype)


@primitive(Family(_matmul))
def matmul(x, y, *, transpose_x=False, transpose_y=False):
    """The matrix product over the last two axes; axes before them broadcast."""
    x = np.swapaxes(x, -1, -2) if transpose_x else x
    y = np.swapaxes(y, -1, -2) if transpose_y else y
    return np.matmul(x, y).astype(x.dtype, copy=False)  # NumPy multiplies bfloat16 as float32


def _matmul_gradient(g, x, y, out, *, transpose_x, transpose_y):
    if transpose_x:
        by_x = matmul(y, g, transpose_x=transpose_y, transpose_y=True)
    else:
        by_x = matmul(g, y, transpose_y=not transpose_y)
    if transpose_y:
        by_y = matmul(g, x, transpose_x=True, transpose_y=transpose_x)
    else:
        by_y = matmul(x, g, transpose_x=not transpose_x)
    return by_x, by_y


matmul.gradient = _matmul_gradient
matmul.samples = lambda: [
    sample(numbers(2, 3), numbers(3, 4, seed=1)),
    sample(numbers(3, 2), numbers(3, 4, seed=1), transpose_x=True),
    sample(numbers(2, 3), numbers(4, 3, seed=1), transpose_y=True),
    sample(numbers(3, 2), numbers(4, 3, seed=1), transpose_x=True, transpose_y=True),
    sample(numbers(2, 1, 2, 3), numbers(5, 3, 2, seed=1)),
    sample(numbers(2, 3, 2), numbers(2, 4, 3, seed=1), transpose_x=True, transpose_y=True),
    sample(np.array([[1, 2], [3, 4]], "int32"), np.array([[1], [2]], "int32")),
]
