"""Matrix multiplication."""

from __future__ import annotations

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import cast
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


# ------------------------------------------------------------------------------------------- integers


def _integer_types(x: Type, y: Type) -> Type:
    if x.dtype != "int8" or y.dtype != "int8":
        raise DtypeError("A product of integers is one of bytes.", expected="int8 and int8", got=f"{x} and {y}")
    if len(x.shape) != 2 or len(y.shape) != 2:
        raise ShapeError("A product of integers is one of two matrices.", got=f"{x} and {y}")
    return Type(_matmul(x, y, transpose_x=False, transpose_y=False).shape, "int32")


def _integer_samples(primitive):
    draw = np.random.default_rng(0).integers
    return [
        sample(draw(-128, 128, (3, 5)).astype("int8"), draw(-128, 128, (5, 4)).astype("int8")),
        sample(np.full((2, 2000), -128, "int8"), np.full((2000, 1), -128, "int8")),  # above the integers of float32
        sample(np.zeros((0, 3), "int8"), np.zeros((3, 2), "int8")),
    ]


@primitive(Family(_integer_types, _integer_samples))
def integer_matmul(x, y):
    """The product of two matrices of bytes, summed in int32."""
    return np.matmul(x.astype("float64"), y.astype("float64")).astype("int32")  # exact, and faster than of integers


integer_matmul.decomposition = lambda x, y: matmul(cast(x, dtype="int32"), cast(y, dtype="int32"))
