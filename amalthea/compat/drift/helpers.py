"""Functions that rewritten scripts call, under the name ``__drift__``."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from amalthea.compat.drift.met import MET

_VIEWS = (type({}.keys()), type({}.values()), type({}.items()))


@cache
def of(name: str) -> Any:
    """The module, function or value of today that a full name stands for.

    Args:
        name: str; one that begins with a point is in this package.

    Example:
        >>> of("math.gcd")(4, 6)
        2
    """
    if name.startswith("."):
        name = f"{__package__}{name}"
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if end == 1 or not ".".join(parts[:end]).startswith(str(error.name)):
                raise
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)


# ---------------------------------------------------------------------------------- whole numbers


def _is_whole(value: Any) -> bool:
    if isinstance(value, (int, np.integer)):
        return True
    return isinstance(value, np.ndarray) and value.dtype.kind in "iub"


def divided(a: Any, b: Any) -> Any:
    """``a / b`` of Python 2: whole numbers are divided without the rest.

    Args:
        a: number, array or anything that divides.
        b: the same.

    Example:
        >>> divided(7, 2), divided(-7, 2), divided(7.0, 2)
        (3, -4, 3.5)
    """
    if _is_whole(a) and _is_whole(b):
        MET.line("integer division")
        return a // b
    return a / b


def divided_in_place(a: Any, b: Any) -> Any:
    """The value of ``a`` after ``a /= b`` of Python 2.

    Args:
        a: number or array, which is changed where it is.
        b: the same.
    """
    if _is_whole(a) and _is_whole(b):
        MET.line("integer division")
        return operator.ifloordiv(a, b)
    return operator.itruediv(a, b)


def divide_item(container: Any, key: Any, value: Any) -> None:
    """``container[key] /= value`` of Python 2.

    Args:
        container: list, dict or array, which is changed.
        key: index or slice.
        value: number or array.
    """
    container[key] = divided_in_place(container[key], value)


def count(value: Any) -> Any:
    """A float as a whole number, as older NumPy took it; anything else as it is.

    Args:
        value: any object.

    Example:
        >>> count(2.5), count("a")
        (2, 'a')
    """
    if isinstance(value, (float, np.floating)):
        MET.line("float size")
        return int(value)
    return value


def size(value: Any) -> Any:
    """A size or a shape in whole numbers; anything else as it is.

    Args:
        value: any object.

    Example:
        >>> size((2.0, 3)), size(4.0)
        ((2, 3), 4)
    """
    if isinstance(value, (tuple, list)) and any(isinstance(v, (float, np.floating)) for v in value):
        MET.line("float size")
        return type(value)(int(v) if isinstance(v, (float, np.floating)) else v for v in value)
    if isinstance(value, (float, np.floating)):
        MET.line("float size")
        return int(value)
    return value


def item(container: Any, key: Any) -> Any:
    """``container[key]``; a float is a whole number where the container is not a mapping.

    Args:
        container: any object.
        key: any object.
    """
    if isinstance(key, (float, np.floating)) and not hasattr(container, "keys"):
        MET.line("float size")
        key = int(key)
    return container[key]


# ------------------------------------------------------------------------------- methods of Python 2


def listed(view: Any) -> Any:
    """The keys, values or items of a dict as a list; anything else as it is.

    Args:
        view: any object.

    Example:
        >>> listed({"b": 1}.keys())
        ['b']
    """
    return list(view) if isinstance(view, _VIEWS) else view


def _iterated(old: str, today: str) -> Any:
    def method(owner: Any, *args: Any, **kwargs: Any) -> Any:
        own = getattr(owner, old, None)
        return own(*args, **kwargs) if own is not None else iter(getattr(owner, today)(*args, **kwargs))

    method.__doc__ = f"``{old}`` of a dict; an object with a method of this name keeps it."
    return method


iteritems, iterkeys, itervalues = (_iterated(f"iter{name}", name) for name in ("items", "keys", "values"))


def _viewed(old: str, today: str) -> Any:
    def method(owner: Any) -> Any:
        own = getattr(owner, old, None)
        return own() if own is not None else getattr(owner, today)()

    return method


viewitems, viewkeys, viewvalues = (_viewed(f"view{name}", name) for name in ("items", "keys", "values"))


def has_key(owner: Any, key: Any) -> bool:
    """``owner.has_key(key)``."""
    own = getattr(owner, "has_key", None)
    return own(key) if own is not None else key in owner


def next(owner: Any, *args: Any) -> Any:
    """``owner.next()``."""
    own = getattr(owner, "next", None)
    return own(*args) if own is not None else _next(owner)


def _next(owner: Iterator[Any]) -> Any:
    return owner.__next__()


def decode(owner: Any, *args: Any, **kwargs: Any) -> Any:
    """``owner.decode(...)``; a text of Python 3 is decoded already."""
    return owner if isinstance(owner, str) else owner.decode(*args, **kwargs)


def tostring(owner: Any, *args: Any) -> Any:
    """``array.tostring()``, which is ``tobytes``."""
    own = getattr(owner, "tostring", None)
    return (own or owner.tobytes)(*args)


def translate(owner: Any, table: Any, *dropped: str) -> Any:
    """``text.translate(table, dropped)``; the table may be None."""
    if dropped and isinstance(owner, str):
        owner = "".join(c for c in owner if c not in dropped[0])
        dropped = ()
    return owner if table is None else owner.translate(table, *dropped)


# ------------------------------------------------------------------------------------- comparisons


def _compared(test: Callable[[int, int], bool]) -> Any:
    def method(first: Any, second: Any) -> bool:
        return test(first.__cmp__(second), 0)

    return method


less, less_equal, greater, greater_equal = map(_compared, (operator.lt, operator.le, operator.gt, operator.ge))
equal, not_equal = map(_compared, (operator.eq, operator.ne))
identity = object.__hash__
