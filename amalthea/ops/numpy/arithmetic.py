"""Ops that work element by element: arithmetic, comparison, logic, rounding, powers and angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes
from amalthea.engine.primitives import Primitive
from amalthea.engine.primitives import elementwise as p
from amalthea.errors import ArgumentError
from amalthea.ops.base import cast, floating, op, promoted, tensor, value_of


def _named(function: Callable[..., Any], row: Primitive, name: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = row.__doc__
    return op(function)


def _smooth(row: Primitive, name: str = "") -> Callable[[Any], Any]:
    """An op of one input whose result is a float."""
    return _named(lambda x: row(floating(x)), row, name or row.name)


def _plain(row: Primitive, name: str = "") -> Callable[[Any], Any]:
    """An op of one input that keeps its dtype."""
    return _named(lambda x: row(tensor(x)), row, name or row.name)


def _pair(row: Primitive, name: str = "") -> Callable[[Any, Any], Any]:
    """An op of two inputs, promoted to one dtype."""
    return _named(lambda x1, x2: row(*promoted(x1, x2)), row, name or row.name)


def _counted(x: Any) -> Any:
    """Truth values as 0 and 1, in int32; anything else as it is."""
    return cast(x, "int32") if dtypes.name_of(x) == "bool" else x


def _counted_pair(row: Primitive, name: str = "") -> Callable[[Any, Any], Any]:
    """An op of two numbers, that counts truth values as 0 and 1."""
    return _named(lambda x1, x2: row(*map(_counted, promoted(x1, x2))), row, name or row.name)


def _whole_pair(row: Primitive, name: str = "") -> Callable[[Any, Any], Any]:
    """A division that gives 0 for whole numbers divided by 0, as NumPy's; libraries raise, or give anything."""

    def divided(x1: Any, x2: Any) -> Any:
        x, y = map(_counted, promoted(x1, x2))
        if dtypes.is_float(dtypes.name_of(x)) or (type(x2) is int and x2 != 0):
            return row(x, y)
        none = p.equal(y, 0)
        return p.select(none, 0, row(x, p.select(none, 1, y)))

    return _named(divided, row, name or row.name)


def _bools(row: Primitive, name: str = "") -> Callable[[Any, Any], Any]:
    """An op of two truth values."""
    return _named(lambda x1, x2: row(as_bool(x1), as_bool(x2)), row, name or row.name)


def _bits(row: Primitive, name: str = "") -> Callable[[Any, Any], Any]:
    return _named(lambda x, y: row(*promoted(x, y)), row, name or row.name)


def as_bool(x: Any) -> Any:
    return cast(value_of(x), "bool")


exp, expm1, log, log1p = _smooth(p.exp), _smooth(p.expm1), _smooth(p.log), _smooth(p.log1p)
sqrt, rsqrt, reciprocal = _smooth(p.sqrt), _smooth(p.rsqrt), _smooth(p.reciprocal)
sin, cos, tan = _smooth(p.sin), _smooth(p.cos), _smooth(p.tan)
arcsin, arccos, arctan = _smooth(p.arcsin), _smooth(p.arccos), _smooth(p.arctan)
sinh, cosh, tanh = _smooth(p.sinh), _smooth(p.cosh), _smooth(p.tanh)
arcsinh, arccosh, arctanh = _smooth(p.arcsinh), _smooth(p.arccosh), _smooth(p.arctanh)
negative, sign = _plain(p.negative), _plain(p.sign)
square = _named(lambda x: p.square(_counted(tensor(x))), p.square, "square")

add, subtract, multiply = _pair(p.add), _pair(p.subtract), _pair(p.multiply)
maximum, minimum = _pair(p.maximum), _pair(p.minimum)
floor_divide, mod = _whole_pair(p.floor_divide), _whole_pair(p.remainder, "mod")
equal, less, less_equal = _pair(p.equal), _pair(p.less), _pair(p.less_equal)
greater, greater_equal = _pair(p.greater), _pair(p.greater_equal)
logical_and, logical_or = _bools(p.logical_and), _bools(p.logical_or)
bitwise_and, bitwise_or, bitwise_xor = _bits(p.bitwise_and), _bits(p.bitwise_or), _bits(p.bitwise_xor)
left_shift, bitwise_left_shift = (_counted_pair(p.left_shift, name) for name in ("", "bitwise_left_shift"))
right_shift, bitwise_right_shift = (_counted_pair(p.right_shift, name) for name in ("", "bitwise_right_shift"))


@op
def power(x1: Any, x2: Any) -> Any:
    """x1 to the power x2. Whole numbers stay whole, so their power may not be a negative number."""
    if type(x2) is int and x2 < 0 and not dtypes.is_float(dtypes.name_of(x1 := value_of(x1))) and type(x1) is not float:
        raise ArgumentError(
            "A whole number to a negative power is not a whole number.",
            expected="floats, or a power from 0",
            got=f"{dtypes.name_of(x1)} to the power {x2}",
            cure=f"ops.power(x, {float(x2)})",
        )
    return p.power(*map(_counted, promoted(x1, x2)))


def _magnitude(x: Any) -> Any:
    """Without the sign; a truth value has none."""
    x = tensor(x)
    return x if dtypes.name_of(x) == "bool" else p.absolute(x)


absolute = _named(lambda x: _magnitude(x), p.absolute, "absolute")
abs = _named(lambda x: _magnitude(x), p.absolute, "abs")


@op
def divide(x1: Any, x2: Any) -> Any:
    """x1 / x2; whole numbers are divided as floats."""
    return p.divide(*_as_floats(x1, x2))


@op
def true_divide(x1: Any, x2: Any) -> Any:
    """The same as :func:`divide`."""
    return p.divide(*_as_floats(x1, x2))


@op
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0."""
    x1, x2 = _as_floats(x1, x2)
    zero = p.equal(x2, 0.0)
    return p.select(zero, 0.0, p.divide(x1, p.select(zero, 1.0, x2)))


@op
def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point (x2, x1), in radians."""
    return p.arctan2(*_as_floats(x1, x2))


def _as_floats(*xs: Any) -> list[Any]:
    xs = tuple(promoted(*xs))
    return [floating(x) for x in xs]


def _rounding(row: Primitive) -> Callable[[Any], Any]:
    def rounded(x: Any) -> Any:
        x = tensor(x)
        return row(x) if dtypes.is_float(dtypes.name_of(x)) else cast(x, config.floatx())

    return _named(rounded, row, row.name)


floor, ceil = _rounding(p.floor), _rounding(p.ceil)


@op
def round(x: Any, decimals: int = 0) -> Any:
    """The nearest number with so many decimals, halves to even."""
    x = tensor(x)
    if not dtypes.is_float(dtypes.name_of(x)):
        return x
    if not decimals:
        return p.round(x)
    return p.divide(p.round(p.multiply(x, 10.0**decimals)), 10.0**decimals)


@op
def trunc(x: Any) -> Any:
    """The whole part; whole numbers stay what they are."""
    x = tensor(x)
    if not dtypes.is_float(dtypes.name_of(x)):
        return x
    return p.multiply(p.sign(x), p.floor(p.absolute(x)))


@op
def not_equal(x1: Any, x2: Any) -> Any:
    """x1 != x2."""
    return p.logical_not(p.equal(*promoted(x1, x2)))


@op
def logical_not(x: Any) -> Any:
    """True where x is false (or zero)."""
    return p.logical_not(as_bool(x))


@op
def logical_xor(x1: Any, x2: Any) -> Any:
    """True where exactly one is."""
    return p.logical_not(p.equal(as_bool(x1), as_bool(x2)))


@op
def isnan(x: Any) -> Any:
    """True where x is not a number."""
    return p.isnan(floating(x))


@op
def isinf(x: Any) -> Any:
    """True where x is infinite."""
    return p.isinf(floating(x))


@op
def isfinite(x: Any) -> Any:
    """True where x is a finite number."""
    x = floating(x)
    return p.logical_not(p.logical_or(p.isnan(x), p.isinf(x)))


@op
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """True where ``|x1 - x2| <= atol + rtol * |x2|``."""
    x1, x2 = _as_floats(x1, x2)
    near = p.less_equal(p.absolute(p.subtract(x1, x2)), p.add(p.multiply(p.absolute(x2), rtol), atol))
    near = p.logical_and(near, p.logical_not(p.isinf(x2)))  # from which everything is infinitely far
    near = p.logical_or(near, p.equal(x1, x2))
    return p.logical_or(near, p.logical_and(p.isnan(x1), p.isnan(x2))) if equal_nan else near


@op
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x, no smaller than ``x_min`` and no larger than ``x_max``.

    Bounds that are Python's whole numbers leave the dtype of whole numbers as it is: clip(uint8, -1, 300) changes
    nothing.
    """
    if dtypes.is_python_number(x_min) and dtypes.is_python_number(x_max):
        return _held_between(tensor(x), x_min, x_max)
    x, low, high = promoted(x, x_min, x_max)
    return p.minimum(p.maximum(x, low), high)


def _held_between(x: Any, low: float, high: float) -> Any:
    """An array between two Python numbers, which are cut to what the dtype can say."""
    names = (dtypes.name_of(x), type(low).__name__, type(high).__name__)
    x = cast(x, dtypes.result_type(*names, floatx=config.floatx()))
    if dtypes.is_integer(dtypes.name_of(x)):
        range_ = np.iinfo(dtypes.to_numpy(dtypes.name_of(x)))
        low, high = (min(max(bound, range_.min), range_.max) for bound in (low, high))
    return p.clip(x, low=low, high=high)


@op
def log2(x: Any) -> Any:
    """The logarithm to base 2."""
    return p.multiply(p.log(floating(x)), 1 / math.log(2))


@op
def log10(x: Any) -> Any:
    """The logarithm to base 10."""
    return p.multiply(p.log(floating(x)), 1 / math.log(10))


@op
def logaddexp(x1: Any, x2: Any) -> Any:
    """log(exp(x1) + exp(x2)), without overflow."""
    x1, x2 = _as_floats(x1, x2)
    apart = p.select(p.equal(x1, x2), 0.0, p.subtract(x1, x2))  # also for two infinities
    return p.add(p.maximum(x1, x2), p.softplus(p.negative(p.absolute(apart))))


@op
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with NaN and the infinities replaced; an infinity by the largest number unless given."""
    x = tensor(x)
    if not dtypes.is_float(dtypes.name_of(x)):
        return x
    largest = dtypes.largest(dtypes.name_of(x))
    high = largest if posinf is None else posinf
    low = -largest if neginf is None else neginf
    infinite = p.isinf(x)
    x = p.select(p.logical_and(infinite, p.greater(x, 0.0)), high, x)
    x = p.select(p.logical_and(infinite, p.less(x, 0.0)), low, x)
    return p.select(p.isnan(x), nan, x)


@op
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, x2 elsewhere; with the condition alone, the indices where it holds."""
    if x1 is None and x2 is None:
        from amalthea.ops.numpy.indexing import nonzero

        return nonzero(condition)
    return p.select(as_bool(condition), *promoted(x1, x2))
