"""The bits of numbers, read as numbers of another dtype of the same size.

A backend without such a function uses the decomposition, which finds sign, exponent and fraction of a float by exact
multiplications with powers of 2. Only the bits of a NaN are lost by it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import (
    absolute,
    add,
    bitwise_and,
    cast,
    divide,
    equal,
    greater_equal,
    isinf,
    isnan,
    left_shift,
    less,
    logical_and,
    logical_or,
    multiply,
    negative,
    right_shift,
    select,
    subtract,
)
from amalthea.engine.primitives.table import Family, primitive, sample
from amalthea.errors import DtypeError


class Format(NamedTuple):
    """Bits of a float dtype: all of them, and those of its fraction; and the dtype in which it is computed."""

    size: int
    fraction: int
    wide: str

    @property
    def bias(self) -> int:
        return (1 << (self.size - self.fraction - 2)) - 1


FORMATS = {
    "float16": Format(16, 10, "float32"),
    "bfloat16": Format(16, 7, "float32"),
    "float32": Format(32, 23, "float32"),
    "float64": Format(64, 52, "float64"),
}


def size_of(dtype: str) -> int:
    """Return the number of bytes of an element."""
    return dtypes.to_numpy(dtype).itemsize


def _bitcast(x: Type, *, dtype: str) -> Type:
    if "bool" in (x.dtype, dtype) or size_of(x.dtype) != size_of(dtype):
        raise DtypeError("Bits are read as numbers of the same size.", expected=f"{size_of(x.dtype)} bytes", got=dtype)
    return Type(x.shape, dtype)


@primitive(Family(_bitcast, elementwise=True))
def bitcast(x, *, dtype):
    """The bits of x, read as another dtype of the same size."""
    return np.asarray(x).view(dtypes.to_numpy(dtype))


_SPECIAL = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, 2.0**-126, -3e38, 0.1], "float32")
bitcast.samples = lambda: [
    sample(_SPECIAL.view("int32"), dtype="float32"),
    sample(np.array([0, -1, 5], "int16"), dtype="uint16"),
]


def _decomposed(x: Any, *, dtype: str) -> Any:
    if x.dtype == dtype:
        return x
    if x.dtype in FORMATS:
        return cast(_bits(x, FORMATS[x.dtype]), dtype=dtype)
    signed = f"int{8 * size_of(dtype)}"
    return _number(cast(x, dtype=signed), dtype) if dtype in FORMATS else cast(x, dtype=dtype)


bitcast.decomposition = _decomposed


def _powers(form: Format) -> list[int]:
    """The exponents 1, 2, 4, ..., largest first, whose sums reach every exponent of the format."""
    return [1 << n for n in range(form.size - form.fraction - 3, -1, -1)]


def _bits(x: Any, form: Format) -> Any:
    """The bits of floats as signed numbers."""
    whole = f"int{form.size}"
    value = cast(x, dtype=form.wide)
    is_negative = logical_or(less(value, 0.0), logical_and(equal(value, 0.0), less(divide(1.0, value), 0.0)))
    size = absolute(value)
    strange = logical_or(isinf(value), isnan(value))
    tiny = less(size, 2.0 ** (1 - form.bias))
    scaled = select(logical_or(strange, tiny), 1.0, size)
    exponent = cast(multiply(scaled, 0.0), dtype=whole)
    for power in _powers(form):
        large = greater_equal(scaled, 2.0**power)
        scaled = select(large, multiply(scaled, 2.0**-power), scaled)
        exponent = select(large, add(exponent, power), exponent)
        small = less(scaled, 2.0 ** (1 - power))
        scaled = select(small, multiply(scaled, 2.0**power), scaled)
        exponent = select(small, subtract(exponent, power), exponent)
    fraction = cast(multiply(subtract(scaled, 1.0), 2.0**form.fraction), dtype=whole)
    normal = add(_up(add(exponent, form.bias), form), fraction)
    half = (form.bias - 1 + form.fraction) // 2  # in two steps: the whole factor is not a float
    rest = form.bias - 1 + form.fraction - half
    least = cast(multiply(multiply(select(tiny, size, 0.0), 2.0**half), 2.0**rest), dtype=whole)
    top = _constant((2 * form.bias + 1) << form.fraction, whole)
    special = select(isnan(value), add(top, 1 << (form.fraction - 1)), top)
    magnitude = select(strange, special, select(tiny, least, normal))
    return select(is_negative, add(magnitude, _constant(-(1 << (form.size - 1)), whole)), magnitude)


def _number(bits: Any, dtype: str) -> Any:
    """The floats that have these bits, given as signed numbers."""
    form, whole = FORMATS[dtype], bits.dtype
    magnitude = bitwise_and(bits, _constant((1 << (form.size - 1)) - 1, whole))
    biased = right_shift(magnitude, _constant(form.fraction, whole))
    part = cast(bitwise_and(magnitude, _constant((1 << form.fraction) - 1, whole)), dtype=form.wide)
    exponent = subtract(biased, form.bias)
    scaled = add(multiply(part, 2.0**-form.fraction), 1.0)
    for power in _powers(form):
        large = greater_equal(exponent, power)
        scaled = select(large, multiply(scaled, 2.0**power), scaled)
        exponent = select(large, subtract(exponent, power), exponent)
        small = less(exponent, 1 - power)
        scaled = select(small, multiply(scaled, 2.0**-power), scaled)
        exponent = select(small, add(exponent, power), exponent)
    half = (form.bias - 1 + form.fraction) // 2
    least = multiply(multiply(part, 2.0**-half), 2.0 ** -(form.bias - 1 + form.fraction - half))
    special = select(equal(part, 0.0), _constant(float("inf"), form.wide), float("nan"))
    size = select(equal(biased, 0), least, select(equal(biased, 2 * form.bias + 1), special, scaled))
    return cast(select(less(bits, 0), negative(size), size), dtype=dtype)


def _up(x: Any, form: Format) -> Any:
    return left_shift(x, _constant(form.fraction, x.dtype))


def _constant(value: float, dtype: str) -> Any:
    return np.asarray(value, dtypes.to_numpy(dtype))
