"""Exponentials, logarithms and roots, element by element."""

from __future__ import annotations

import math
from typing import Any

from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.ops.base import floating, floats, op


@op
def exp(x: TensorLike) -> Any:
    """Computes the exponential ``e ** x``, element by element.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.exp([0, 1, 2])).tolist()
        [1.0, 2.7183, 7.3891]
    """
    return p.exp(floating(x))


@op
def expm1(x: TensorLike) -> Any:
    """Computes ``exp(x) - 1``, without the loss of digits near 0.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> x = 1e-10  # exp(x) - 1 is 0 in float32
        >>> float(ops.expm1(x)) * 1e10, float(ops.exp(x) - 1.0)
        (1.0, 0.0)
    """
    return p.expm1(floating(x))


@op
def log(x: TensorLike) -> Any:
    """Computes the natural logarithm. It is -inf at 0 and NaN below 0.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.log([1, 10, 100])).tolist()
        [0.0, 2.3026, 4.6052]
    """
    return p.log(floating(x))


@op
def log1p(x: TensorLike) -> Any:
    """Computes ``log(1 + x)``, without the loss of digits near 0.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> x = 1e-10  # 1 + x is 1 in float32
        >>> float(ops.log1p(x)) * 1e10, float(ops.log(ops.add(x, 1.0)))
        (1.0, 0.0)
    """
    return p.log1p(floating(x))


@op
def log2(x: TensorLike) -> Any:
    """Computes the logarithm to base 2: ``log(x) / log(2)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.log2([0.5, 1, 8])).tolist()
        [-1.0, 0.0, 3.0]
    """
    return p.multiply(p.log(floating(x)), 1 / math.log(2))


@op
def log10(x: TensorLike) -> Any:
    """Computes the logarithm to base 10: ``log(x) / log(10)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.log10([0.01, 1, 1000])).tolist()
        [-2.0, 0.0, 3.0]
    """
    return p.multiply(p.log(floating(x)), 1 / math.log(10))


@op
def logaddexp(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``log(exp(x1) + exp(x2))`` without overflow: ``max(x1, x2) + log(1 + exp(-|x1 - x2|))``.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> float(ops.logaddexp(1000.0, 1000.0))  # 1000 + log(2)
        1000.693

    Source: of two infinities of one sign it is that infinity, as in NumPy. Under Keras 3 it depends on the backend.
    """
    a, b = floats(x1, x2)
    apart = p.select(p.equal(a, b), 0.0, p.subtract(a, b))  # also for two infinities
    return p.add(p.maximum(a, b), p.softplus(p.negative(p.absolute(apart))))


@op
def sqrt(x: TensorLike) -> Any:
    """Computes the square root. It is NaN below 0.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sqrt([0, 2, 9])).tolist()
        [0.0, 1.4142, 3.0]

    Source: differs from Keras 3 in the gradient: the infinite slope at 0 counts as 0, so the norm of a zero vector has
    a finite gradient.
    """
    return p.sqrt(floating(x))


@op
def rsqrt(x: TensorLike) -> Any:
    """Computes the reciprocal of the square root: ``1 / sqrt(x)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.rsqrt([1, 4, 100])).tolist()
        [1.0, 0.5, 0.1]
    """
    return p.rsqrt(floating(x))
