"""Comparison, logic, and choice by a condition, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.primitives import complex_numbers
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError
from amalthea.ops.base import as_bool, floating, floats, op, promoted


@op
def equal(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 == x2``, element by element, as bools.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.equal([1, 2, 3], [1.0, 2.5, 3.0])).tolist()
        [True, False, True]
    """
    return p.equal(*promoted(x1, x2))


@op
def not_equal(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 != x2``, element by element, as bools.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> nan = float("nan")  # which is not equal to itself
        >>> ops.convert_to_numpy(ops.not_equal([1.0, 2.0, nan], [1.0, 3.0, nan])).tolist()
        [False, True, True]
    """
    return p.logical_not(p.equal(*promoted(x1, x2)))


@op
def less(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 < x2``, element by element, as bools.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.less([1, 2, 3], 2)).tolist()
        [True, False, False]
    """
    return p.less(*promoted(x1, x2))


@op
def less_equal(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 <= x2``, element by element, as bools.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.less_equal([1, 2, 3], 2)).tolist()
        [True, True, False]
    """
    return p.less_equal(*promoted(x1, x2))


@op
def greater(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 > x2``, element by element, as bools.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.greater([[1], [3]], [0, 2])).tolist()
        [[True, False], [True, True]]
    """
    return p.greater(*promoted(x1, x2))


@op
def greater_equal(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes ``x1 >= x2``, element by element, as bools.

    Args:
        |elementwise pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.greater_equal([1, 2, 3], 2)).tolist()
        [False, True, True]
    """
    return p.greater_equal(*promoted(x1, x2))


@op
def logical_and(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns True where both elements are true.

    Args:
        |truth pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.logical_and([True, True, False], [1, 0, 1])).tolist()
        [True, False, False]
    """
    return p.logical_and(as_bool(x1), as_bool(x2))


@op
def logical_or(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns True where at least one of the two elements is true.

    Args:
        |truth pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.logical_or([True, False, False], [0, 0, 2])).tolist()
        [True, False, True]
    """
    return p.logical_or(as_bool(x1), as_bool(x2))


@op
def logical_xor(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns True where exactly one of the two elements is true.

    Args:
        |truth pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.logical_xor([True, True, False], [True, False, False])).tolist()
        [False, True, False]
    """
    return p.logical_not(p.equal(as_bool(x1), as_bool(x2)))


@op
def logical_not(x: TensorLike) -> Any:
    """Returns True where an element is False or 0.

    Args:
        x: TensorLike of any shape and dtype. Elements other than 0 count as True.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.logical_not([0.0, 0.5, -1.0])).tolist()
        [True, False, False]
    """
    return p.logical_not(as_bool(x))


@op
def isnan(x: TensorLike) -> Any:
    """Returns True where an element is NaN (not a number).

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.isnan([1.0, float("nan"), float("inf")])).tolist()
        [False, True, False]
    """
    return _of_parts(p.isnan, floating(x))


@op
def isinf(x: TensorLike) -> Any:
    """Returns True where an element is positive or negative infinity.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.isinf([1.0, float("nan"), -float("inf")])).tolist()
        [False, False, True]
    """
    return _of_parts(p.isinf, floating(x))


@op
def isfinite(x: TensorLike) -> Any:
    """Returns True where an element is neither NaN nor infinite.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.isfinite([1.0, float("nan"), float("inf")])).tolist()
        [True, False, False]
    """
    a = floating(x)
    return p.logical_not(p.logical_or(_of_parts(p.isnan, a), _of_parts(p.isinf, a)))


def _of_parts(test: Any, x: Any) -> Any:
    """Return whether a test holds, for a complex number of one of its parts."""
    if not dtypes.is_complex(dtypes.name_of(x)):
        return test(x)
    return p.logical_or(test(complex_numbers.real(x)), test(complex_numbers.imag(x)))


def _is_infinite(x: Any, sign: float) -> Any:
    return p.equal(floating(x), sign * float("inf"))


@op
def isposinf(x: TensorLike) -> Any:
    """Returns True where an element is positive infinity.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> inf = float("inf")
        >>> ops.convert_to_numpy(ops.isposinf([inf, -inf, 1.0])).tolist()
        [True, False, False]
    """
    return _is_infinite(x, 1.0)


@op
def isneginf(x: TensorLike) -> Any:
    """Returns True where an element is negative infinity.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> inf = float("inf")
        >>> ops.convert_to_numpy(ops.isneginf([inf, -inf, 1.0])).tolist()
        [False, True, False]
    """
    return _is_infinite(x, -1.0)


@op
def isclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Returns True where ``|x1 - x2| <= atol + rtol * |x2|``, or where both elements are equal.

    Args:
        |float pair|
        |tolerance|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.isclose([1.0, 1.0], [1.000001, 1.1])).tolist()
        [True, False]

    Source: a finite number is never close to an infinity, as in NumPy. Under Keras 3 it depends on the backend.
    """
    a, b = floats(x1, x2)
    near = p.less_equal(p.absolute(p.subtract(a, b)), p.add(p.multiply(p.absolute(b), rtol), atol))
    near = p.logical_and(near, p.logical_not(p.isinf(b)))  # from which everything is infinitely far
    near = p.logical_or(near, p.equal(a, b))
    return p.logical_or(near, p.logical_and(p.isnan(a), p.isnan(b))) if equal_nan else near


@op
def where(condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None) -> Any:
    """Chooses from ``x1`` where the condition is true and from ``x2`` elsewhere.

    Args:
        condition: TensorLike; elements other than 0 count as True.
        x1: TensorLike that broadcasts against ``condition``; chosen where it is true. Defaults to None; without ``x1``
            and ``x2`` the op returns indices, as :func:`nonzero` does.
        x2: TensorLike that broadcasts against ``condition``; chosen elsewhere. Both are promoted to one dtype.
            Defaults to None.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,), (3, 4) -> (3, 4)

    Raises:
        TraceError: only a condition is given, in a compiled function; the number of indices is not known there.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.where([True, False, True], [1, 2, 3], 0)).tolist()
        [1, 0, 3]
    """
    if x1 is None and x2 is None:
        from amalthea.ops.numpy.indexing import nonzero

        return nonzero(condition)
    return p.select(as_bool(condition), *promoted(x1, x2))


@op
def select(condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0) -> Any:
    """Chooses each element from the first of several tensors whose condition is true there.

    Args:
        condlist: sequence of TensorLike; the conditions, whose elements other than 0 count as True.
        choicelist: sequence of TensorLike, one for each condition; all are promoted to one dtype.
        default: TensorLike; chosen where no condition is true. Defaults to 0.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        ArgumentError: there are no conditions, or not as many as choices.

    Example:
        >>> from amalthea import ops
        >>> x = ops.arange(5)
        >>> ops.convert_to_numpy(ops.select([x < 2, x > 3], [x * 10, -x], 7)).tolist()
        [0, 10, 7, 7, -4]
    """
    conditions, choices = list(condlist), list(choicelist)
    if not conditions or len(conditions) != len(choices):
        raise ArgumentError(
            "Conditions and choices come in pairs.",
            expected="as many choices as conditions, at least one",
            got=f"{len(conditions)} conditions, {len(choices)} choices",
        )
    *values, out = promoted(*choices, default)
    for condition, value in zip(reversed(conditions), reversed(values)):
        out = p.select(as_bool(condition), value, out)
    return out
