"""Exponentials, logarithms and roots, element by element."""

from __future__ import annotations

import math
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.primitives import control
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.errors import DtypeError
from amalthea.ops.base import accumulating, accumulating_pair, cast, floating, floats, op, tensor


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


@op
@accumulating
def cbrt(x: TensorLike) -> Any:
    """Computes the cube root, of negative numbers too.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cbrt([-8.0, 0.0, 27.0])).tolist()
        [-2.0, 0.0, 3.0]

    Source: the infinite slope at 0 counts as 0 in the gradient, as for :func:`sqrt`.
    """
    root = p.multiply(p.sign(x), p.power(p.absolute(x), 1 / 3))
    plain = p.logical_or(p.equal(x, 0.0), p.logical_or(p.isinf(x), p.isnan(x)))
    safe, of = p.select(plain, 1.0, root), p.select(plain, 1.0, x)
    newton = p.divide(p.subtract(safe, p.divide(p.divide(of, safe), safe)), 3.0)  # 1 / 3 is not exact
    return p.select(plain, root, p.subtract(safe, newton))


@op
def exp2(x: TensorLike) -> Any:
    """Computes ``2 ** x``, element by element.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.exp2([-1, 0, 10])).tolist()
        [0.5, 1.0, 1024.0]
    """
    a = floating(x)
    return p.power(cast(2, dtypes.name_of(a)), a)


@op
@accumulating_pair
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``log2(2 ** x1 + 2 ** x2)`` without overflow.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> float(ops.logaddexp2(1000.0, 1000.0))
        1001.0

    Source: of two infinities of one sign it is that infinity, as in NumPy.
    """
    apart = p.select(p.equal(x1, x2), 0.0, p.subtract(x1, x2))
    rest = p.softplus(p.multiply(p.negative(p.absolute(apart)), math.log(2)))
    return p.add(p.maximum(x1, x2), p.multiply(rest, 1 / math.log(2)))


@accumulating_pair
def _scaled(x1: Any, x2: Any) -> Any:
    half = p.floor(p.multiply(x2, 0.5))  # in two steps: 2 ** x2 alone may overflow
    two = cast(2, dtypes.name_of(x1))
    first = p.multiply(x1, p.power(two, half))
    first = control.barrier(first, first)  # XLA would multiply the two factors first, if they are constants
    return p.multiply(first, p.power(two, p.subtract(x2, half)))


@op
def ldexp(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 * 2 ** x2``, element by element.

    Args:
        x1: TensorLike; the numbers to scale. Whole numbers are computed in ``floatx``.
        x2: TensorLike of whole numbers, whose shape broadcasts against that of ``x1``; the exponents.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the exponents are not whole numbers.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ldexp([0.5, 3.0], [4, -1])).tolist()
        [8.0, 1.5]
    """
    exponent = tensor(x2)
    if not dtypes.is_integer(dtypes.name_of(exponent)):
        raise DtypeError(
            "An exponent of ldexp is a whole number.",
            expected="integers",
            got=dtypes.name_of(exponent),
            cure="x * ops.exp2(y)",
        )
    return _scaled(x1, exponent)


@op
@accumulating
def i0(x: TensorLike) -> Any:
    """Computes the modified Bessel function of the first kind, of order 0: the sum of ``((x / 2) ** k / k!) ** 2``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.i0([0.0, 1.0, -2.0])).tolist()
        [1.0, 1.2661, 2.2796]

    Source: Abramowitz and Stegun, "Handbook of mathematical functions", 1964: the series 9.6.10 up to 20, and the
    asymptotic expansion 9.7.1 beyond.
    """
    size = p.absolute(x)
    near = p.less(size, 20.0)
    quarter = p.multiply(p.square(p.select(near, x, 0.0)), 0.25)
    far = p.select(near, 20.0, size)
    inverse = p.reciprocal(far)
    series, tail = p.add(p.multiply(quarter, 0.0), 1.0), p.add(p.multiply(inverse, 0.0), 1.0)
    for k in range(40, 0, -1):
        series = p.add(1.0, p.multiply(p.multiply(quarter, 1 / k**2), series))
    for k in range(28, 0, -1):
        tail = p.add(1.0, p.multiply(p.multiply(inverse, (2 * k - 1) ** 2 / (8 * k)), tail))
    half = p.exp(p.multiply(far, 0.5))
    return p.select(
        near, series, p.multiply(half, p.multiply(half, p.multiply(tail, p.sqrt(p.multiply(inverse, 0.5 / math.pi)))))
    )
