"""Functions of the module ``string`` of Python 2, which are methods today."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

maketrans = str.maketrans
atof, atoi = float, int
count, find, lower, lstrip, replace, rstrip = str.count, str.find, str.lower, str.lstrip, str.replace, str.rstrip
split, strip, upper, zfill = str.split, str.strip, str.upper, str.zfill
splitfields = split


def join(words: Iterable[str], separator: Any = " ") -> str:
    """The words with a separator between them.

    Example:
        >>> join(["a", "b"]), join(["a", "b"], "")
        ('a b', 'ab')
    """
    return separator.join(words)


joinfields = join
