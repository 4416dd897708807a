"""Ops that calculate element by element: sums, products, quotients, powers, signs and bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes
from amalthea.engine.primitives import Primitive
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, DtypeError
from amalthea.ops.base import cast, counted, floating, floats, op, promoted, tensor, value_of


@op
def add(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the sum ``x1 + x2``, element by element. The sum of two bools is their logical or.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.add([[1], [2]], [10, 20])).tolist()
        [[11, 21], [12, 22]]
    """
    return p.add(*promoted(x1, x2))


@op
def subtract(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the difference ``x1 - x2``, element by element.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: both inputs are bools.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.subtract([1, 2, 3], 0.5)).tolist()
        [0.5, 1.5, 2.5]
    """
    return p.subtract(*promoted(x1, x2))


@op
def multiply(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the product ``x1 * x2``, element by element. The product of two bools is their logical and.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.multiply([[1], [2]], [10, 20])).tolist()
        [[10, 20], [20, 40]]
    """
    return p.multiply(*promoted(x1, x2))


@op
def divide(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the quotient ``x1 / x2``, element by element. Whole numbers are divided as floats.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.divide([1, 2, 3], 2)).tolist()
        [0.5, 1.0, 1.5]
    """
    return p.divide(*floats(x1, x2))


@op
def true_divide(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the quotient ``x1 / x2``; the same op as :func:`divide`.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.true_divide([6, 7], [4, 2])).tolist()
        [1.5, 3.5]
    """
    return p.divide(*floats(x1, x2))


@op
def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the quotient ``x1 / x2``, with 0 where ``x2`` is 0. The gradient there is 0 too.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.divide_no_nan([3.0, 3.0], [2.0, 0.0])).tolist()
        [1.5, 0.0]
    """
    a, b = floats(x1, x2)
    zero = p.equal(b, 0.0)
    return p.select(zero, 0.0, p.divide(a, p.select(zero, 1.0, b)))


def _divided_down(row: Primitive, x1: Any, x2: Any) -> Any:
    """A division that gives 0 for whole numbers divided by 0, as NumPy's; libraries raise, or give anything."""
    x, y = map(counted, promoted(x1, x2))
    if dtypes.is_differentiable(dtypes.name_of(x)) or (type(x2) is int and x2 != 0):
        return row(x, y)
    none = p.equal(y, 0)
    return p.select(none, 0, row(x, p.select(none, 1, y)))


@op
def floor_divide(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``floor(x1 / x2)``, the quotient rounded down to a whole number.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.floor_divide([7, -7, 7], [2, 2, 0])).tolist()
        [3, -4, 0]

    Source: whole numbers divided by 0 give 0, as in NumPy. Under Keras 3 the result depends on the backend.
    """
    return _divided_down(p.floor_divide, x1, x2)


@op
def mod(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the remainder ``x1 - x2 * floor(x1 / x2)``, which has the sign of ``x2``.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.mod([7, -7, 7], [3, 3, -3])).tolist()
        [1, 2, -2]

    Source: whole numbers divided by 0 give 0, as in NumPy. Under Keras 3 the result depends on the backend.
    """
    return _divided_down(p.remainder, x1, x2)


@op
def power(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 ** x2``, element by element. The power of two whole numbers is a whole number.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        ArgumentError: ``x1`` holds whole numbers and ``x2`` is a negative int.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.power([1, 2, 3], 2)).tolist()
        [1, 4, 9]
        >>> ops.convert_to_numpy(ops.power([4.0, 9.0], -0.5)).tolist()
        [0.5, 0.3333]

    Source: differs from Keras 3 in the gradient: infinite derivatives, such as that of ``x ** 0.5`` at 0, count as 0.
    """
    a = value_of(x1)
    if type(x2) is int and x2 < 0 and not dtypes.is_differentiable(dtypes.name_of(a)) and type(a) is not float:
        raise ArgumentError(
            "A whole number to a negative power is not a whole number.",
            expected="floats, or a power from 0",
            got=f"{dtypes.name_of(a)} to the power {x2}",
            cure=f"ops.power(x, {float(x2)})",
        )
    return p.power(*map(counted, promoted(a, x2)))


@op
def square(x: TensorLike) -> Any:
    """Computes ``x * x``, element by element.

    Args:
        x: TensorLike of any shape. The dtype is kept; bools count as int32.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.square([-3, 0, 2])).tolist()
        [9, 0, 4]
    """
    return p.square(counted(x))


@op
def reciprocal(x: TensorLike) -> Any:
    """Computes ``1 / x``, element by element.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.reciprocal([2, 4, -8])).tolist()
        [0.5, 0.25, -0.125]
    """
    return p.reciprocal(floating(x))


@op
def negative(x: TensorLike) -> Any:
    """Computes ``-x``, element by element.

    Args:
        x: TensorLike of any shape and of any dtype but bool. The dtype is kept.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: ``x`` holds bools.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.negative([1, -2, 3])).tolist()
        [-1, 2, -3]
    """
    return p.negative(tensor(x))


def _magnitude(x: Any) -> Any:
    """Without the sign; a bool does not have one."""
    x = tensor(x)
    return x if dtypes.name_of(x) == "bool" else p.absolute(x)


@op
def absolute(x: TensorLike) -> Any:
    """Computes the absolute value ``|x|``, element by element. Its gradient at 0 is 0.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.absolute([-1.5, 0.0, 2.0])).tolist()
        [1.5, 0.0, 2.0]
    """
    return _magnitude(x)


@op
def abs(x: TensorLike) -> Any:
    """Computes the absolute value ``|x|``; the same op as :func:`absolute`.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.abs([-7, 0, 3])).tolist()
        [7, 0, 3]
    """
    return _magnitude(x)


@op
def sign(x: TensorLike) -> Any:
    """Computes the sign of each element: -1, 0 or 1.

    Args:
        x: TensorLike of any shape and of any dtype but bool. The dtype is kept.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: ``x`` holds bools.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sign([-2.5, 0.0, 7.0])).tolist()
        [-1.0, 0.0, 1.0]
    """
    return p.sign(tensor(x))


@op
def maximum(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns the larger of two elements in each place. Equal elements get half of the gradient each.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.maximum([1, 5, 3], [4, 2, 3])).tolist()
        [4, 5, 3]

    Source: an unsigned array beside a negative Python int gives a signed dtype, as arithmetic asks; Keras 3 raises or
    wraps, by backend.
    """
    return p.maximum(*promoted(x1, x2))


@op
def minimum(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns the smaller of two elements in each place. Equal elements get half of the gradient each.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> import numpy as np
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.minimum(np.array([0, 9], "uint8"), -1)).tolist()
        [-1, -1]

    Source: an unsigned array beside a negative Python int gives a signed dtype, as arithmetic asks; Keras 3 raises or
    wraps, by backend.
    """
    return p.minimum(*promoted(x1, x2))


@op
def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Any:
    """Limits each element to an interval: ``min(max(x, x_min), x_max)``.

    Args:
        |any tensor|
        x_min: TensorLike that broadcasts to ``x``; lower bound. A Python int leaves the dtype of ``x`` unchanged and
            is cut to its range.
        x_max: TensorLike that broadcasts to ``x``; upper bound, as ``x_min``.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.clip([-2.0, 0.5, 7.0], 0, 1)).tolist()
        [0.0, 0.5, 1.0]

    Source: differs from Keras 3 for bounds beyond the dtype: ``clip(x, -1, 300)`` does not change an x of uint8.
    """
    if dtypes.is_python_number(x_min) and dtypes.is_python_number(x_max):
        return _clipped(tensor(x), x_min, x_max)
    a, low, high = promoted(x, x_min, x_max)
    return p.minimum(p.maximum(a, low), high)


def _clipped(x: Any, low: Any, high: Any) -> Any:
    """An array between two Python numbers, which are cut to the range of the dtype."""
    names = (dtypes.name_of(x), type(low).__name__, type(high).__name__)
    x = cast(x, dtypes.result_type(*names, floatx=config.floatx()))
    if dtypes.is_integer(dtypes.name_of(x)):
        range_ = np.iinfo(dtypes.to_numpy(dtypes.name_of(x)))
        low, high = (min(max(bound, range_.min), range_.max) for bound in (low, high))
    return p.clip(x, low=low, high=high)


@op
def nan_to_num(x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """Replaces NaN and infinities by finite numbers. Whole numbers pass unchanged.

    Args:
        |any tensor|
        nan: float; replaces NaN. Defaults to 0.
        posinf: float; replaces positive infinity. Defaults to None, the largest number of the dtype.
        neginf: float; replaces negative infinity. Defaults to None, the most negative number of the dtype.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0)).tolist()
        [1.0, 0.0, 9.0]
    """
    a = tensor(x)
    name = dtypes.name_of(a)
    if dtypes.is_complex(name):
        raise DtypeError(
            "Infinite complex numbers have no sign.", expected="real numbers", got=name, cure="ops.real(x)"
        )
    if not dtypes.is_float(name):
        return a
    largest = dtypes.largest(dtypes.name_of(a))
    high = largest if posinf is None else posinf
    low = -largest if neginf is None else neginf
    infinite = p.isinf(a)
    a = p.select(p.logical_and(infinite, p.greater(a, 0.0)), high, a)
    a = p.select(p.logical_and(infinite, p.less(a, 0.0)), low, a)
    return p.select(p.isnan(a), nan, a)
