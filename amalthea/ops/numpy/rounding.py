"""Rounding, element by element."""

from __future__ import annotations

from typing import Any

from amalthea import config
from amalthea.engine import dtypes
from amalthea.engine.primitives import Primitive
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.ops.base import cast, op, tensor


def _rounded(row: Primitive, x: Any) -> Any:
    x = tensor(x)
    return row(x) if dtypes.is_float(dtypes.name_of(x)) else cast(x, config.floatx())


@op
def floor(x: TensorLike) -> Any:
    """Rounds down: computes the largest whole number not above each element, as a float.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.floor([-1.5, 0.9, 2.0])).tolist()
        [-2.0, 0.0, 2.0]
    """
    return _rounded(p.floor, x)


@op
def ceil(x: TensorLike) -> Any:
    """Rounds up: computes the smallest whole number not below each element, as a float.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ceil([-1.5, 0.1, 2.0])).tolist()
        [-1.0, 1.0, 2.0]
    """
    return _rounded(p.ceil, x)


@op
def round(x: TensorLike, decimals: int = 0) -> Any:
    """Rounds to the nearest number with the given decimals; halves are rounded to the even neighbour.

    Args:
        x: TensorLike of any shape and dtype. Whole numbers pass unchanged, whatever ``decimals`` is.
        decimals: int; number of digits after the decimal point, negative for tens, hundreds, and so on. Defaults to 0,
            which rounds to whole numbers.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.round([0.5, 1.5, 2.5])).tolist()
        [0.0, 2.0, 2.0]
        >>> ops.convert_to_numpy(ops.round([3.14159, 2.71828], decimals=2)).tolist()
        [3.14, 2.72]
    """
    a = tensor(x)
    if not dtypes.is_differentiable(dtypes.name_of(a)):
        return a
    if not decimals:
        return p.round(a)
    return p.divide(p.round(p.multiply(a, 10.0**decimals)), 10.0**decimals)


@op
def trunc(x: TensorLike) -> Any:
    """Rounds towards 0: drops the digits after the decimal point.

    Args:
        x: TensorLike of any shape and dtype, which is kept. Whole numbers pass unchanged.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.trunc([-1.7, 0.5, 2.9])).tolist()
        [-1.0, 0.0, 2.0]
    """
    a = tensor(x)
    if not dtypes.is_differentiable(dtypes.name_of(a)):
        return a
    return p.multiply(p.sign(a), p.floor(p.absolute(a)))
