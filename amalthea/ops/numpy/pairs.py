"""Ops on pairs of elements: the larger one without NaN, remainders, divisors, steps."""

from __future__ import annotations

from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.errors import DtypeError
from amalthea.ops.base import cast, counted, floating, floats, op, promoted, tensor
from amalthea.ops.numpy.arithmetic import mod


def _without_nan(pick: Any, x1: Any, x2: Any) -> Any:
    a, b = promoted(x1, x2)
    if not dtypes.is_float(dtypes.name_of(a)):
        return pick(a, b)
    return p.select(p.isnan(a), b, p.select(p.isnan(b), a, pick(a, b)))


@op
def fmax(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns the larger of two elements in each place; of NaN and a number, the number.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> nan = float("nan")
        >>> ops.convert_to_numpy(ops.fmax([1.0, nan, nan], [2.0, 3.0, nan])).tolist()
        [2.0, 3.0, nan]
    """
    return _without_nan(p.maximum, x1, x2)


@op
def fmin(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns the smaller of two elements in each place; of NaN and a number, the number.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> nan = float("nan")
        >>> ops.convert_to_numpy(ops.fmin([1.0, nan, nan], [2.0, 3.0, nan])).tolist()
        [1.0, 3.0, nan]
    """
    return _without_nan(p.minimum, x1, x2)


@op
def fmod(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the remainder ``x1 - x2 * trunc(x1 / x2)``, which has the sign of ``x1``.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.fmod([7, -7, 7], [3, 3, -3])).tolist()
        [1, -1, 1]

    Source: whole numbers divided by 0 give 0, as in NumPy. Under Keras 3 the result depends on the backend.
    """
    a, b = map(counted, promoted(x1, x2))
    if dtypes.is_float(dtypes.name_of(a)):
        rest = p.multiply(p.sign(a), p.remainder(p.absolute(a), p.absolute(b)))
        finite = p.logical_not(p.logical_or(p.isinf(a), p.isnan(a)))
        return p.select(p.logical_and(p.isinf(b), finite), a, rest)
    rest = mod(a, b)
    crossed = p.logical_and(_differ(p.less(a, 0), p.less(b, 0)), p.logical_not(p.equal(rest, 0)))
    return p.select(crossed, p.subtract(rest, b), rest)


def _differ(a: Any, b: Any) -> Any:
    return p.logical_not(p.equal(a, b))


def _whole_pair(x1: Any, x2: Any, name: str) -> list[Any]:
    pair = promoted(x1, x2)
    if not dtypes.is_integer(dtypes.name_of(pair[0])):
        raise DtypeError(
            f"Only whole numbers have a {name}.",
            expected="integers",
            got=dtypes.name_of(pair[0]),
            cure="ops.cast(x, 'int32')",
        )
    return [p.absolute(tensor(x)) for x in pair]


@op
def gcd(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the greatest common divisor of whole numbers; of 0 and a number, the number without its sign.

    Args:
        x1, x2: TensorLike of whole numbers, of shapes that broadcast against each other; promoted to one dtype.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are not whole numbers.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.gcd([12, -9, 0], [18, 6, 5])).tolist()
        [6, 3, 5]

    Source: Euclid's algorithm.
    """
    from amalthea.ops.control import while_loop
    from amalthea.ops.numpy.reductions import any as any_of

    a, b = _whole_pair(x1, x2, "greatest common divisor")
    a, b = p.add(a, p.multiply(b, 0)), p.add(b, p.multiply(a, 0))  # of one shape, as a loop needs
    return while_loop(lambda a, b: any_of(p.logical_not(p.equal(b, 0))), _euclid, (a, b))[0]


def _euclid(a: Any, b: Any) -> tuple[Any, Any]:
    done = p.equal(b, 0)
    return p.select(done, a, b), p.select(done, b, mod(a, b))


@op
def lcm(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the least common multiple of whole numbers; 0 if one of them is 0.

    Args:
        x1, x2: TensorLike of whole numbers, of shapes that broadcast against each other; promoted to one dtype.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are not whole numbers.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.lcm([4, -6, 0], [6, 4, 5])).tolist()
        [12, 12, 0]
    """
    a, b = _whole_pair(x1, x2, "least common multiple")
    divisor = gcd(a, b)
    return p.multiply(p.floor_divide(a, p.select(p.equal(divisor, 0), 1, divisor)), b)


@op
def heaviside(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the step function: 0 for ``x1`` below 0, ``x2`` at 0, and 1 above.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.heaviside([-2.0, 0.0, 3.0], 0.5)).tolist()
        [0.0, 0.5, 1.0]
    """
    a, b = floats(x1, x2)
    step = p.select(p.isnan(a), a, cast(p.greater(a, 0.0), dtypes.name_of(a)))
    return p.select(p.equal(a, 0.0), b, step)


@op
def fabs(x: TensorLike) -> Any:
    """Computes the absolute value ``|x|`` as a float.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.fabs([-3, 0, 2])).tolist()
        [3.0, 0.0, 2.0]
    """
    return p.absolute(floating(x))
