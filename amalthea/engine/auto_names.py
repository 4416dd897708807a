"""Names for objects that were given none: ``dense``, ``dense_1``, ..."""

from __future__ import annotations

import threading

_counts: dict[str, int] = {}
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


def forget_names() -> None:
    """Let names begin at the first again."""
    with _counting:
        _counts.clear()
