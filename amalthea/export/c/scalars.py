"""Expressions of one element, by primitive: C's operators and functions, or helpers that a file holds if it uses them.

An expression is a function of the helpers of the file, the dtype of the first input, and the texts of the elements.
Integers wrap around, as NumPy's do, and nothing is undefined behaviour: sums are those of unsigned numbers, and shifts,
quotients and casts are guarded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.primitives import bits
from amalthea.engine.primitives import elementwise as p
from amalthea.export.c.text import c_type, number

Expression = Callable[..., str]

# Helpers by name: $T is the type, $W the unsigned type in which it is computed, $F the ending of a function of libm,
# $B the number of bits, and $NAN(x) whether x is not a number, which no integer is.
HELPERS = {
    "maximum": "static $T $N($T x, $T y)\n{\n    return x > y || $NAN(x) ? x : y;\n}",
    "minimum": "static $T $N($T x, $T y)\n{\n    return x < y || $NAN(x) ? x : y;\n}",
    "relu": "static $T $N($T x)\n{\n    return x < 0 ? 0 : x;\n}",
    "clip": "static $T $N($T x, $T low, $T high)\n{\n    return x < low ? low : x > high ? high : x;\n}",
    "sign": "static $T $N($T x)\n{\n    return x > 0 ? 1 : x < 0 ? ($T)-1 : x;\n}",
    "square": "static $T $N($T x)\n{\n    return ($T)(($W)x * ($W)x);\n}",
    "softplus": "static $T $N($T x)\n{\n    return (x > 0 || $NAN(x) ? x : 0) + log1p$F(exp$F(-fabs$F(x)));\n}",
    "absolute": "static $T $N($T x)\n{\n    return x < 0 ? ($T)(0 - ($W)x) : x;\n}",
    "quotient": """static $T $N($T x, $T y)
{
    if (y == 0)
        return 0;
    if (y == ($T)-1)
        return ($T)(0 - ($W)x);
    return ($T)(x / y - (x % y != 0 && (x < 0) != (y < 0)));
}""",
    "remainder": """static $T $N($T x, $T y)
{
    if (y == 0 || y == ($T)-1)
        return 0;
    return ($T)(x % y + (x % y != 0 && (x < 0) != (y < 0) ? y : 0));
}""",
    "unsigned_quotient": "static $T $N($T x, $T y)\n{\n    return y == 0 ? 0 : ($T)(x / y);\n}",
    "unsigned_remainder": "static $T $N($T x, $T y)\n{\n    return y == 0 ? 0 : ($T)(x % y);\n}",
    "real_remainder": """static $T $N($T x, $T y)
{
    $T rest = fmod$F(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest != 0 || rest != rest ? rest : copysign$F(0, y);
}""",
    "real_quotient": """static $T $N($T x, $T y)
{
    $T rest = fmod$F(x, y), whole = (x - rest) / y;
    if (y == 0)
        return x / y;
    if (rest != 0 && (rest < 0) != (y < 0))
        whole -= 1;
    return whole != 0 ? rint$F(whole) : copysign$F(0, x / y);
}""",
    "power": """static $T $N($T x, $T y)
{
    $W made = 1, factor = ($W)x;
    for (; y > 0; y = ($T)(y / 2), factor *= factor)
        if (y % 2 != 0)
            made *= factor;
    return ($T)made;
}""",
    "left_shift": "static $T $N($T x, $T y)\n{\n    return y < 0 || y >= $B ? 0 : ($T)(($W)x << y);\n}",
    "right_shift": "static $T $N($T x, $T y)\n{\n    return y < 0 || y >= $B ? (x < 0 ? ($T)-1 : 0) : ($T)(x >> y);\n}",
    "unsigned_left_shift": "static $T $N($T x, $T y)\n{\n    return y >= $B ? 0 : ($T)(($W)x << y);\n}",
    "unsigned_right_shift": "static $T $N($T x, $T y)\n{\n    return y >= $B ? 0 : ($T)(x >> y);\n}",
    # an index of data: from the end if negative, and inside the array whatever it is
    "at_index": """static long $N($T index, long size)
{
    long i = index < 0 ? (long)index + size : (long)index;
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}""",
    "unsigned_at_index": "static long $N($T i, long size)\n{\n    return i >= ($W)size ? size - 1 : (long)i;\n}",
    "start": """static long $N($T start, long last)
{
    return start < 0 ? 0 : (long)start > last ? last : (long)start;
}""",
    "unsigned_start": "static long $N($T start, long last)\n{\n    return start > ($W)last ? last : (long)start;\n}",
    # the order of top_k: descending, numbers before NaN, the first of equal ones first
    "precedes": """static int $N($T x, long i, $T y, long j)
{
    if ($NAN(x) || $NAN(y))
        return !$NAN(x) || ($NAN(y) && i < j);
    return x > y || (x == y && i < j);
}""",
}


class Helpers:
    """The helpers that a file uses, in the order of their first use."""

    def __init__(self) -> None:
        self.code: dict[str, str] = {}

    def call(self, stem: str, dtype: str, *arguments: str) -> str:
        """Return a call of a helper for a dtype."""
        if dtype.startswith("uint") and f"unsigned_{stem}" in HELPERS:
            stem = f"unsigned_{stem}"
        name = f"{stem}_{dtype}"
        if name not in self.code:
            words = {
                "$T": c_type(dtype), "$W": wide(dtype), "$F": "f" if dtype == "float32" else "", "$N": name,
                "$B": "".join(c for c in dtype if c.isdigit()),
            }  # fmt: skip
            code = re.sub(r"\$NAN\((\w)\)", r"(\1 != \1)" if dtypes.is_float(dtype) else "0", HELPERS[stem])
            for word, meaning in words.items():
                code = code.replace(word, meaning)
            self.code[name] = code
        return f"{name}({', '.join(arguments)})"

    def bits(self, source: str, dtype: str, x: str) -> str:
        """Return the bits of an element as an element of another dtype."""
        name = f"bits_{source}_{dtype}"
        self.code[name] = (
            f"static {c_type(dtype)} {name}({c_type(source)} x)\n{{\n"
            f"    {c_type(dtype)} y;\n    memcpy(&y, &x, sizeof y);\n    return y;\n}}"
        )
        return f"{name}({x})"

    def to_int(self, source: str, dtype: str, x: str) -> str:
        """Return a float as an integer, without its fraction; what does not fit becomes the smallest integer."""
        name = f"to_{dtype}_{source}"
        size = int("".join(c for c in dtype if c.isdigit()))
        low, high = (0, 2.0**size) if dtype.startswith("u") else (-(2.0 ** (size - 1)), 2.0 ** (size - 1))
        above = f"x > {number(low - 1, source)}" if size < 32 or not low else f"x >= {number(low, source)}"
        least = number(int(low), dtype)
        self.code[name] = (
            f"static {c_type(dtype)} {name}({c_type(source)} x)\n{{\n"
            f"    return {above} && x < {number(high, source)} ? ({c_type(dtype)})x : {least};\n}}"
        )
        return f"{name}({x})"


def wide(dtype: str) -> str:
    """Return the type in which integers are added and multiplied: unsigned, so that they wrap around."""
    if dtypes.is_float(dtype):
        return c_type(dtype)
    return "uint64_t" if dtype.endswith("64") else "uint32_t"


_SAME = {"+": "0.0", "-": "0.0", "*": "1.0"}  # numbers that change nothing


def _arithmetic(operator: str, of_bools: str = "") -> Expression:
    def expression(h: Helpers, dtype: str, x: str, y: str) -> str:
        if dtypes.is_float(dtype):
            same = _SAME.get(operator)
            if same is not None and y.rstrip("f") == same:
                return x
            return y if same is not None and operator != "-" and x.rstrip("f") == same else f"({x} {operator} {y})"
        if dtype == "bool" and of_bools:
            return f"({x} {of_bools} {y})"
        return f"({c_type(dtype)})(({wide(dtype)}){x} {operator} ({wide(dtype)}){y})"

    return expression


def _function(name: str) -> Expression:
    """A function of libm."""
    return lambda h, dtype, *xs: f"{name}{'f' if dtype == 'float32' else ''}({', '.join(xs)})"


def _of_floats(name: str) -> Expression:
    """A function of libm that leaves integers as they are."""
    return lambda h, dtype, x: _function(name)(h, dtype, x) if dtypes.is_float(dtype) else x


def _helper(stem: str) -> Expression:
    return lambda h, dtype, *xs: h.call(stem, dtype, *xs)


def _infix(operator: str) -> Expression:
    return lambda h, dtype, x, y: f"({x} {operator} {y})"


def _bits(operator: str) -> Expression:
    return lambda h, dtype, x, y: f"({c_type(dtype)})({x} {operator} {y})"


def _negative(h: Helpers, dtype: str, x: str) -> str:
    return f"(-{x})" if dtypes.is_float(dtype) else f"({c_type(dtype)})(0 - ({wide(dtype)}){x})"


def _absolute(h: Helpers, dtype: str, x: str) -> str:
    if dtypes.is_float(dtype):
        return _function("fabs")(h, dtype, x)
    return x if dtype[0] in "ub" else h.call("absolute", dtype, x)


def _over(x: str) -> Expression:
    return lambda h, dtype, *xs: f"({number(1, dtype)} / {x.format(*xs, f='f' if dtype == 'float32' else '')})"


def _if_float(of_float: Expression, of_whole: Expression) -> Expression:
    return lambda h, dtype, *xs: (of_float if dtypes.is_float(dtype) else of_whole)(h, dtype, *xs)


def cast(h: Helpers, source: str, x: str, *, dtype: str) -> str:
    """Return an element in another dtype."""
    if source == dtype:
        return x
    if dtype == "bool":
        return f"({x} != 0)"
    if dtypes.is_float(source) and not dtypes.is_float(dtype):
        return h.to_int(source, dtype, x)
    return f"({c_type(dtype)}){x}"


def clip(h: Helpers, dtype: str, x: str, *, low: float, high: float) -> str:
    return h.call("clip", dtype, x, number(low, dtype), number(high, dtype))


_FUNCTIONS = {
    p.exp: "exp", p.expm1: "expm1", p.log: "log", p.log1p: "log1p", p.sqrt: "sqrt", p.sin: "sin", p.cos: "cos",
    p.tan: "tan", p.arcsin: "asin", p.arccos: "acos", p.arctan: "atan", p.arctan2: "atan2", p.sinh: "sinh",
    p.cosh: "cosh", p.tanh: "tanh", p.arcsinh: "asinh", p.arccosh: "acosh", p.arctanh: "atanh", p.erf: "erf",
}  # fmt: skip
ADD, MULTIPLY = _arithmetic("+", "|"), _arithmetic("*", "&")
SCALARS: dict[Any, Expression] = {
    **{primitive: _function(name) for primitive, name in _FUNCTIONS.items()},
    **{getattr(p, n): _of_floats({"round": "rint"}.get(n, n)) for n in ("floor", "ceil", "round")},
    **{getattr(p, n): _helper(n) for n in ("maximum", "minimum", "softplus", "left_shift")},
    p.relu: lambda h, dtype, x: x if dtype[0] == "u" else h.call("relu", dtype, x),
    p.sign: lambda h, dtype, x: f"({x} != 0)" if dtype[0] == "u" else h.call("sign", dtype, x),
    p.right_shift: _helper("right_shift"), p.negative: _negative, p.absolute: _absolute, p.square: _helper("square"),
    p.rsqrt: _over("sqrt{f}({0})"), p.reciprocal: _over("{0}"), p.sigmoid: _over("(1 + exp{f}(-{0}))"),
    p.add: ADD, p.subtract: _arithmetic("-"), p.multiply: MULTIPLY, p.divide: _infix("/"),
    p.floor_divide: _if_float(_helper("real_quotient"), _helper("quotient")),
    p.remainder: _if_float(_helper("real_remainder"), _helper("remainder")),
    p.power: _if_float(_function("pow"), _helper("power")),
    p.equal: _infix("=="), p.less: _infix("<"), p.less_equal: _infix("<="), p.greater: _infix(">"),
    p.greater_equal: _infix(">="), p.logical_and: _infix("&"), p.logical_or: _infix("|"),
    p.logical_not: lambda h, dtype, x: f"(!{x})", p.bitwise_and: _bits("&"), p.bitwise_or: _bits("|"),
    p.bitwise_xor: _bits("^"), p.isnan: lambda h, dtype, x: f"(isnan({x}) != 0)",
    p.isinf: lambda h, dtype, x: f"(isinf({x}) != 0)", p.cast: cast, p.clip: clip,
    bits.bitcast: lambda h, source, x, *, dtype: x if source == dtype else h.bits(source, dtype, x),
}  # fmt: skip
