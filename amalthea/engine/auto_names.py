"""Names for objects that were given none: ``dense``, ``dense_1``, ..."""

from __future__ import annotations

import threading

_counts: dict[str, int] = {}
_numbers: dict[str, int] = {}
_counting = threading.Lock()


def auto_name(stem: str) -> str:
    """Return a name that no object of this process was given yet: ``adam``, ``adam_1``, ...

    >>> auto_name("anvil"), auto_name("anvil")
    ('anvil', 'anvil_1')
    """
    with _counting:
        count = _counts.get(stem, 0)
        _counts[stem] = count + 1
    return f"{stem}_{count}" if count else stem


def next_number(stem: str) -> int:
    """Return the number of the next object of a stem: 1, 2, ..., counted apart from names.

    >>> next_number("rivet"), next_number("rivet")
    (1, 2)
    """
    with _counting:
        _numbers[stem] = _numbers.get(stem, 0) + 1
        return _numbers[stem]


def forget_names() -> None:
    """Let names begin at the first again."""
    with _counting:
        _counts.clear()
        _numbers.clear()
