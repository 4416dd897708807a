"""Shapes whose dimensions are ints or symbols.

A symbolic dimension is a polynomial in named symbols with integer coefficients (``batch``, ``2*time + 1``); a symbol
may also stand for a floor division. Two dimensions are equal if their normal forms are equal: if equality cannot be
decided, the answer is "not equal".
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any, Union

from amalthea.errors import ShapeError

_counter = itertools.count()


class Dim:
    """A symbolic dimension: a sum of ``coefficient * product of symbols``.

    >>> n = Dim.symbol("n")
    >>> (n + 1) * 2 - n
    n + 2
    >>> (n * 6) // 3 == n * 2
    True
    """

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[tuple[Any, ...], int]):
        self.terms = tuple(sorted(((m, c) for m, c in terms.items() if c), key=repr))
        self._hash = hash(self.terms)

    @classmethod
    def symbol(cls, name: Any) -> Dim:
        """Return the dimension that consists of one symbol."""
        return cls({(name,): 1})

    @classmethod
    def fresh(cls, stem: str = "n") -> Dim:
        """Return a symbol that is different from all others."""
        return cls.symbol(f"{stem}{next(_counter)}")

    def __add__(self, other: DimLike) -> DimLike:
        terms = dict(self.terms)
        for monomial, coefficient in _terms(other):
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _simplest(terms)

    def __mul__(self, other: DimLike) -> DimLike:
        terms: dict[tuple[Any, ...], int] = {}
        for (m1, c1), (m2, c2) in itertools.product(self.terms, _terms(other)):
            monomial = tuple(sorted(m1 + m2, key=repr))
            terms[monomial] = terms.get(monomial, 0) + c1 * c2
        return _simplest(terms)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> DimLike:
        return self * -1

    def __sub__(self, other: DimLike) -> DimLike:
        return self + (-other)

    def __rsub__(self, other: int) -> DimLike:
        return -self + other

    def __floordiv__(self, other: DimLike) -> DimLike:
        if other == self:
            return 1
        if isinstance(other, int) and all(c % other == 0 for _, c in self.terms):
            return _simplest({m: c // other for m, c in self.terms})
        if isinstance(other, Dim) and len(other.terms) == 1:
            divided = _divide_monomials(self.terms, other.terms[0])
            if divided is not None:
                return divided
        return Dim.symbol(("//", self, other))

    def __rfloordiv__(self, other: int) -> DimLike:
        return Dim.symbol(("//", other, self)) if other else 0

    def __mod__(self, other: DimLike) -> DimLike:
        return self - (self // other) * other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return " + ".join(_term_text(m, c) for m, c in sorted(self.terms, key=lambda t: not t[0])) or "0"

    def evaluate(self, values: Mapping[str, int]) -> int:
        """Return the value of the polynomial, given the value of each symbol."""
        return sum(c * prod(_symbol_value(s, values) for s in m) for m, c in self.terms)


DimLike = Union[int, Dim]  # noqa: UP007  # `int | Dim` cannot be printed as an alias on Python 3.10
Shape = tuple[DimLike, ...]


def _terms(value: DimLike) -> Sequence[tuple[tuple[Any, ...], int]]:
    return value.terms if isinstance(value, Dim) else (((), int(value)),)


def _simplest(terms: Mapping[tuple[Any, ...], int]) -> DimLike:
    dim = Dim(terms)
    if not dim.terms:
        return 0
    if len(dim.terms) == 1 and dim.terms[0][0] == ():
        return dim.terms[0][1]
    return dim


def _divide_monomials(
    terms: Iterable[tuple[tuple[Any, ...], int]], divisor: tuple[tuple[Any, ...], int]
) -> DimLike | None:
    symbols, coefficient = divisor
    quotient: dict[tuple[Any, ...], int] = {}
    for monomial, c in terms:
        rest = list(monomial)
        for symbol in symbols:
            if symbol not in rest:
                return None
            rest.remove(symbol)
        if c % coefficient:
            return None
        quotient[tuple(rest)] = c // coefficient
    return _simplest(quotient)


def _term_text(monomial: tuple[Any, ...], coefficient: int) -> str:
    symbols = [f"({s[1]})//({s[2]})" if isinstance(s, tuple) else str(s) for s in monomial]
    return "*".join(([] if coefficient == 1 and symbols else [str(coefficient)]) + symbols)


def _symbol_value(symbol: str | tuple[Any, ...], values: Mapping[str, int]) -> int:
    if isinstance(symbol, tuple):
        return substitute(symbol[1], values) // substitute(symbol[2], values)
    return values[symbol]


def substitute(dim: DimLike, values: Mapping[str, int]) -> int:
    """Return the value of a dimension, given the value of each symbol; an int is returned unchanged."""
    return dim.evaluate(values) if isinstance(dim, Dim) else dim


def symbols(shape: Sequence[DimLike]) -> set[str]:
    """Return the names of all symbols in a shape.

    >>> n = Dim.symbol("n")
    >>> symbols((n + 1, 3, (n * 3) // 2))
    {'n'}
    """
    inside = {symbol for dim in shape if isinstance(dim, Dim) for monomial, _ in dim.terms for symbol in monomial}
    nested = [symbols(symbol[1:]) for symbol in inside if isinstance(symbol, tuple)]
    return {symbol for symbol in inside if isinstance(symbol, str)}.union(*nested)


def computed(
    dim: DimLike,
    constant: Callable[[int], Any],
    symbol: Callable[[str], Any],
    combine: Callable[[str, Any, Any], Any],
) -> Any:
    """Compute a dimension in terms of something else, such as the operators of a file.

    Args:
        dim: the dimension.
        constant: function from an int to its value there.
        symbol: function from the name of a symbol to its value there.
        combine: function of ``"add"``, ``"multiply"`` or ``"floor_divide"`` and two values.

    >>> n = Dim.symbol("n")
    >>> computed((n * 2 + 1) // 3, str, str, lambda operator, x, y: f"{operator}({x}, {y})")
    'floor_divide(add(multiply(n, 2), 1), 3)'
    """
    if not isinstance(dim, Dim):
        return constant(dim)

    def factor(name: Any) -> Any:
        if not isinstance(name, tuple):
            return symbol(name)
        upper, lower = (computed(part, constant, symbol, combine) for part in name[1:])
        return combine("floor_divide", upper, lower)

    terms = []
    for symbols, count in dim.terms:
        factors = [factor(s) for s in symbols] + ([constant(count)] if count != 1 or not symbols else [])
        terms.append(functools.reduce(lambda x, y: combine("multiply", x, y), factors))
    return functools.reduce(lambda x, y: combine("add", x, y), terms)


def name_of(dim: DimLike) -> str | None:
    """Return the name of a dimension that is one symbol, and None for any other.

    >>> name_of(Dim.symbol("batch")), name_of(Dim.symbol("batch") * 2), name_of(3)
    ('batch', None, None)
    """
    if not isinstance(dim, Dim) or len(dim.terms) != 1:
        return None
    ((symbols, factor),) = dim.terms
    return symbols[0] if factor == len(symbols) == 1 and isinstance(symbols[0], str) else None


def agree(a: DimLike, b: DimLike) -> bool:
    """False if two dimensions are ints and differ; a symbol may have any value."""
    return a == b or isinstance(a, Dim) or isinstance(b, Dim)


def is_static(shape: Sequence[DimLike]) -> bool:
    """True if every dimension is an int."""
    return not any(isinstance(dim, Dim) for dim in shape)


def size(shape: Sequence[DimLike]) -> DimLike:
    """Return the number of elements.

    >>> size((Dim.symbol("n"), 3, 2))
    6*n
    """
    total: DimLike = 1
    for dim in shape:
        total = total * dim
    return total


def public(shape: Sequence[DimLike]) -> tuple[int | None, ...]:
    """Return the shape as users see it: ``None`` for a symbol."""
    return tuple(None if isinstance(dim, Dim) else dim for dim in shape)


def show(shape: Sequence[Any]) -> str:
    """Return the shape as text for a message.

    >>> show((Dim.symbol("batch"), 3))
    '(batch, 3)'
    """
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


@lru_cache(maxsize=4096)
def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that all of these broadcast to, aligned at the last axis.

    Raises:
        ShapeError: two sizes of an axis differ, and neither is 1.

    >>> broadcast((3, 1), (4,))
    (3, 4)
    """
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    result: list[DimLike] = []
    for axis, dims in enumerate(zip(*padded)):
        wide = list(dict.fromkeys(dim for dim in dims if dim != 1))
        if any(not agree(wide[0], dim) for dim in wide[1:]) or len({d for d in wide if isinstance(d, int)}) > 1:
            raise ShapeError(
                f"The shapes cannot be broadcast together: they differ on axis {axis - rank}.",
                expected="equal sizes, or 1, on every axis",
                got=" and ".join(show(s) for s in shapes),
            )
        result.append(next((d for d in wide if isinstance(d, int)), wide[0]) if wide else 1)
    return tuple(result)
