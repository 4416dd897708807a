"""List of the old names and syntax that a script used, as one line."""

from __future__ import annotations

import sys
from collections import Counter


class Met:
    """The list of what was met.

    Example:
        >>> met = Met()
        >>> met.name("xrange")
        >>> met.count("print statement", 3)
        >>> str(met)
        'drift: 3 print statements, xrange'
    """

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, set[int]] = {}

    def name(self, name: str) -> None:
        """Notes a name, once.

        Args:
            name: str.
        """
        self._names[name] = None

    def count(self, kind: str, number: int = 1) -> None:
        """Notes so many of a kind.

        Args:
            kind: str, in the singular.
            number: int. Defaults to 1.
        """
        self._counts[kind] += number

    def line(self, kind: str, frames: int = 2) -> None:
        """Notes one of a kind that is met while the script runs, once a line of the script.

        Args:
            kind: str, in the singular.
            frames: int; how far the script is from here. Defaults to 2, the caller of the caller.
        """
        self._lines.setdefault(kind, set()).add(sys._getframe(frames).f_lineno)

    def clear(self) -> None:
        """Forgets everything."""
        self._names.clear()
        self._counts.clear()
        self._lines.clear()

    def __str__(self) -> str:
        counts = {**self._counts, **{kind: len(lines) for kind, lines in self._lines.items()}}
        parts = [f"{number} {kind}{'s' * (number > 1)}" for kind, number in counts.items()]
        found = [*parts, *self._names]
        return f"drift: {', '.join(found)}" if found else ""


MET = Met()
