"""The words of C: types, identifiers made of any name, comments, and numbers that read back to the same bits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from amalthea.errors import ExportError

TYPES = {
    "float32": "float", "float64": "double", "bool": "uint8_t", "int8": "int8_t", "int16": "int16_t",
    "int32": "int32_t", "int64": "int64_t", "uint8": "uint8_t", "uint16": "uint16_t", "uint32": "uint32_t",
    "uint64": "uint64_t",
}  # fmt: skip
_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof "
    # words of C++ and C23, for programs in these that include the header; and macros of compilers and headers
    "alignas alignof and and_eq bitand bitor bool catch class compl constexpr const_cast decltype delete "
    "dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public reinterpret_cast static_assert static_cast template this thread_local throw true try "
    "typeid typename typeof_unqual using virtual wchar_t xor xor_eq linux unix i386 main errno complex imaginary "
    "near far interrupt math_errhandling".split()
)
PER_LINE = 8


def c_type(dtype: str) -> str:
    """Return the C type of an element.

    Raises:
        ExportError: C99 has no such type.
    """
    if dtype not in TYPES:
        raise ExportError("C has no such dtype.", expected=", ".join(TYPES), got=dtype)
    return TYPES[dtype]


def identifier(name: str, otherwise: str = "x") -> str:
    """Return a C identifier like any text; it is not a keyword, and does not begin with an underscore.

    >>> identifier("dense/kernel:0"), identifier("float"), identifier("3d"), identifier("'; system(")
    ('dense_kernel_0', 'float_', 'x3d', 'system')
    """
    found = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:48] or otherwise
    if found[0].isdigit():
        found = otherwise + found
    return f"{found}_" if found in _KEYWORDS or found.isupper() else found


def quoted(text: str) -> str:
    """Return text as a string of JSON that is safe in a comment: all but letters and digits are escaped.

    >>> print(quoted("dense */ 1"))
    "dense \\u002a\\u002f 1"
    """
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return '"' + "".join(chr(c) if re.match(r"[A-Za-z0-9_. -]", chr(c)) else f"\\u{c:04x}" for c in codes) + '"'


class _Kind(NamedTuple):
    size: int  # bits of the whole
    digits: int  # bits of the fraction
    bias: int
    suffix: str


_BITS = {"float32": _Kind(32, 23, 127, "f"), "float64": _Kind(64, 52, 1023, "")}


def number(value: Any, dtype: str) -> str:
    """Return a constant expression of one element.

    >>> number(0.1, "float32"), number(-2, "int64"), number(float("-inf"), "float64"), number(True, "bool")
    ('0x1.99999ap-4f', '-2LL', '-INFINITY', '1')
    """
    if dtype in _BITS:
        kind = _BITS[dtype]
        return _real(int(np.asarray(value, dtype).view(f"u{kind.size // 8}")), kind)
    whole = int(value)
    if dtype in ("int32", "int64") and whole == -(1 << (int(dtype[3:]) - 1)):
        return f"({number(whole + 1, dtype)} - 1)"
    return str(whole) + {"int64": "LL", "uint64": "ULL", "uint32": "u"}.get(dtype, "")


def _real(bits: int, kind: _Kind) -> str:
    """Return a float by its bits: arithmetic on the number itself may take tiny ones for zero in this process."""
    sign = "-" if bits >> (kind.size - 1) else ""
    fraction, power = bits & ((1 << kind.digits) - 1), bits >> kind.digits & ((1 << (kind.size - 1 - kind.digits)) - 1)
    if power > 2 * kind.bias:
        return "NAN" if fraction else f"{sign}INFINITY"
    lead = int(power > 0)
    power, whole = max(power, 1) - kind.bias, (lead << kind.digits) + fraction
    if -1 < power < 20 and not whole & ((1 << (kind.digits - power)) - 1) or not (whole or sign):
        return f"{sign}{whole >> (kind.digits - max(power, 0))}.0{kind.suffix}"
    text = f"{fraction << -kind.digits % 4:0{-(-kind.digits // 4)}x}".rstrip("0")
    return f"{sign}0x{lead}{'.' if text else ''}{text}p{power if whole else 0}{kind.suffix}"


def elements(array: np.ndarray, dtype: str) -> str:
    """Return the initializer of an array."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if dtype in _BITS:
        kind = _BITS[dtype]
        words = [_real(bits, kind) for bits in flat.view(f"u{kind.size // 8}").tolist()]
    else:
        words = [number(x, dtype) for x in flat.tolist()]
    lines = [", ".join(words[i : i + PER_LINE]) for i in range(0, len(words), PER_LINE)]
    return "{" + ",\n    ".join(lines) + "}"


def unique(names: Iterable[str], taken: Iterable[str], otherwise: str) -> list[str]:
    """Return identifiers like some names, of which no two are the same in capitals, and none is taken."""
    used, found = {t.upper() for t in taken}, []
    for name in names:
        made = stem = identifier(name, otherwise)
        count = 1
        while made.upper() in used:
            count += 1
            made = f"{stem}_{count}"
        used.add(made.upper())
        found.append(made)
    return found
