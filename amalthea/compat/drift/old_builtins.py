"""Builtins of Python 2."""

from __future__ import annotations

import builtins
import functools
import importlib
import math
import sys
import types
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from itertools import zip_longest
from typing import Any

xrange = builtins.range
unicode = basestring = str
unichr = chr
long = int
buffer = memoryview
intern = sys.intern
reduce = functools.reduce
raw_input = input
file = open


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1 as ``a`` is less, equal or greater.

    Example:
        >>> cmp(1, 2), cmp("b", "b"), cmp(3, 2)
        (-1, 0, 1)
    """
    return (a > b) - (a < b)


def apply(function: Callable[..., Any], args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """``function(*args, **kwargs)``."""
    return function(*args, **(kwargs or {}))


def execfile(path: str, *scopes: dict[str, Any]) -> None:
    """Runs a file in the scope of the caller."""
    frame = sys._getframe(1)
    with open(path) as source:
        exec(compile(source.read(), path, "exec"), *(scopes or (frame.f_globals, frame.f_locals)))


def reload(module: types.ModuleType) -> types.ModuleType:
    """Imports a module anew; ``sys`` stays, which was reloaded for ``setdefaultencoding`` alone."""
    return module if module is sys else importlib.reload(module)


def round(number: float, ndigits: int = 0) -> float:
    """The nearest float with so many digits; a half is rounded away from zero.

    Example:
        >>> round(2.5), round(-0.25, 1)
        (3.0, -0.3)
    """
    number = float(number)
    if not math.isfinite(number) or abs(number) * 10.0**ndigits >= 2**53:  # there are no more digits
        return number
    return float(Decimal(number).quantize(Decimal(1).scaleb(-ndigits), ROUND_HALF_UP))


# -------------------------------------------------------------------------------------- lists


def range(*args: int) -> list[int]:
    """A list of whole numbers."""
    return list(builtins.range(*args))


def zip(*args: Iterable[Any]) -> list[Any]:
    """A list of tuples."""
    return list(builtins.zip(*args))


def map(function: Any, *args: Iterable[Any]) -> list[Any]:
    """A list of results; None stands for the function that returns its arguments.

    Example:
        >>> map(None, [1, 2], [3, 4])
        [(1, 3), (2, 4)]
    """
    if function is None:
        first, *others = args
        return list(zip_longest(first, *others)) if others else list(first)
    return [function(*each) for each in zip_longest(*args)]


def filter(function: Any, values: Any) -> Any:
    """A list of the values that the function keeps; a text or a tuple stays one.

    Example:
        >>> filter(str.isdigit, "a1b2"), filter(None, [0, 1])
        ('12', [1])
    """
    kept = [v for v in values if (function(v) if function is not None else v)]
    if isinstance(values, str):
        return "".join(kept)
    return tuple(kept) if isinstance(values, tuple) else kept
