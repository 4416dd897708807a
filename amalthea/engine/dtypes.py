"""Dtypes by name, and the lattice by which two dtypes are promoted.

The rules are those of Keras 3: a Python number takes the dtype of the array beside it, and an integer
with a float gives that float, whatever their widths.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from amalthea.errors import DtypeError, nearest

# For each dtype, the dtypes directly above it in the lattice; "int" and "float" are Python's (weak) numbers.
_ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("uint16", "int16"),
    "int8": ("int16",),
    "uint16": ("uint32", "int32"),
    "int16": ("int32",),
    "uint32": ("uint64", "int64"),
    "int32": ("int64",),
    "uint64": ("float",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex64": ("complex128",),
    "complex128": (),
}
WEAK = ("int", "float")
NAMES = tuple(name for name in _ABOVE if name not in WEAK)
FLOATS = ("bfloat16", "float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
NARROW = ("bfloat16", "float16")  # too narrow to accumulate sums in: see :func:`accumulator`
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_ALIASES = {
    "complex": "complex64",
    "int": "int32",
    "float": "float32",
    "half": "float16",
    "double": "float64",
    "bool_": "bool",
}


_standard: dict[Any, str] = {}  # names by what was asked for: NumPy makes the name of a dtype anew each time


@cache
def to_numpy(name: str) -> np.dtype[Any]:
    """Return the NumPy dtype of that name (bfloat16 and floats of 8 bits come from ``ml_dtypes``)."""
    if name == "bfloat16" or name.startswith("float8"):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def standardize(dtype: Any) -> str:
    """Returns the name of a dtype given as a string, a NumPy or library dtype, or a Python type.

    Args:
        dtype: DTypeLike.

    Raises:
        DtypeError: no dtype has this name.

    Example:
        >>> import numpy as np
        >>> from amalthea import backend
        >>> backend.standardize_dtype(np.float32), backend.standardize_dtype(bool)
        ('float32', 'bool')
    """
    try:
        return _standard[dtype]
    except (KeyError, TypeError):  # not asked for yet, or an object that cannot be a key
        pass
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if name is None:
        name = getattr(dtype, "__name__", None) or str(dtype)
    name = str(name).rsplit(".", 1)[-1]
    name = _ALIASES.get(name, name)
    if name not in NAMES and name != "string":
        raise DtypeError(f"There is no dtype {dtype!r}.", got=repr(dtype), cure=nearest(name, NAMES))
    if isinstance(dtype, (str, np.dtype)):
        _standard[dtype] = name
    return name


def largest(name: str) -> float:
    """Return the largest finite number of a float dtype.

    >>> largest("float16")
    65504.0
    """
    return 2.0**127 * (2 - 2.0**-7) if name == "bfloat16" else float(np.finfo(name).max)


def bounds(name: str) -> tuple[Any, Any]:
    """Return the least and the greatest value of a dtype; infinities for floats.

    >>> bounds("int8"), bounds("bool"), bounds("float16")
    ((-128, 127), (False, True), (-inf, inf))
    """
    if is_float(name):
        return float("-inf"), float("inf")
    return (False, True) if name == "bool" else (int(np.iinfo(name).min), int(np.iinfo(name).max))


def spacing(name: str) -> float:
    """Return the distance from 1 to the next larger number of a float dtype.

    >>> spacing("float64") == 2.0**-52, spacing("bfloat16")
    (True, 0.0078125)
    """
    return 2.0**-7 if name == "bfloat16" else float(np.finfo(name).eps)


def is_float(name: str) -> bool:
    """True for bfloat16, float16, float32 and float64."""
    return name in FLOATS


def is_complex(name: str) -> bool:
    """True for complex64 and complex128."""
    return name in COMPLEX


def any_complex(values: Iterable[Any]) -> bool:
    """True if one of some arrays or tensors holds complex numbers."""
    return any(x.dtype in COMPLEX for x in values)


def is_differentiable(name: str) -> bool:
    """True for floats and complex numbers."""
    return name in FLOATS or name in COMPLEX


def complex_of(name: str) -> str:
    """Return the dtype of complex numbers whose parts are of a dtype.

    >>> complex_of("float64"), complex_of("bfloat16"), complex_of("complex128")
    ('complex128', 'complex64', 'complex128')
    """
    return "complex128" if name in ("float64", "complex128") else "complex64"


def real_of(name: str) -> str:
    """Return the dtype of the real part of a dtype.

    >>> real_of("complex128"), real_of("complex64"), real_of("int8")
    ('float64', 'float32', 'int8')
    """
    return {"complex64": "float32", "complex128": "float64"}.get(name, name)


def accumulator(name: str) -> str:
    """Return the dtype in which sums of a dtype are accumulated: at least float32 for floats.

    A sum of bfloat16 in its own dtype stops growing at 256 ones, and one of float16 overflows at 65,504.

    >>> accumulator("float16"), accumulator("float64"), accumulator("int32")
    ('float32', 'float64', 'int32')
    """
    return "float32" if name in NARROW else name


def is_integer(name: str) -> bool:
    """True for signed and unsigned integer dtypes; not for bool."""
    return name in INTEGERS


def at_least_single(name: str) -> str:
    """Return a float dtype to compute in: float32 for half precision and for dtypes that are not floats.

    >>> at_least_single("bfloat16"), at_least_single("uint8"), at_least_single("float64")
    ('float32', 'float32', 'float64')
    """
    return name if name in ("float32", "float64") else "float32"


@cache
def _all_above(name: str) -> frozenset[str]:
    return frozenset({name}.union(*(_all_above(above) for above in _ABOVE[name])))


@cache
def promote(*names: str) -> str:
    """Return the smallest dtype that can represent all of these; weak only if all of them are weak.

    >>> promote("int32", "float16"), promote("float32", "float"), promote("uint8", "int8")
    ('float16', 'float32', 'int16')
    """
    common: frozenset[str] = frozenset.intersection(*(_all_above(name) for name in names))
    return next(name for name in _ABOVE if name in common and common <= _all_above(name))


def holding(number: int, name: str) -> str:
    """Return an integer dtype unchanged if it can represent an integer; else the shortest signed one that can.

    >>> holding(3, "uint8"), holding(-1, "uint8"), holding(1000, "int8")
    ('uint8', 'int8', 'int16')
    """
    for dtype in (name, "int8", "int16", "int32", "int64"):
        if np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
            return dtype
    raise DtypeError(
        "An integer is too large for every integer dtype.", expected="64 bits", got=number, cure=f"{number}.0"
    )


def result_type(*names: str, floatx: str = "float32") -> str:
    """Promotes dtypes to the one that holds them all; a weak result becomes ``int32`` or ``floatx``.

    Args:
        *names: str; names of dtypes, or ``"int"`` and ``"float"`` for Python's numbers, which are weak.
        floatx: str; dtype of weak floats. Defaults to ``"float32"``.

    Example:
        >>> from amalthea import backend
        >>> backend.result_type("int8", "bfloat16"), backend.result_type("uint8", "float")
        ('bfloat16', 'float32')
    """
    name = promote(*names)
    return {"int": "int32", "float": floatx}.get(name, name)


def is_python_number(value: Any) -> bool:
    """True for Python's own numbers; not for NumPy's scalars, which have a dtype (``np.float64`` is a ``float``)."""
    return type(value) in (bool, int, float)


def name_of(value: Any) -> str:
    """Return the dtype name of an array, tensor or Python number (a weak name for a Python number)."""
    return type(value).__name__ if is_python_number(value) else standardize(value.dtype)
