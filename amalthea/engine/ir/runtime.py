"""The backend in use, for every computation of the library: ``runtime.execute(...)``, ``runtime.compile(graph)``.

Its methods are those of :class:`~amalthea.engine.ir.protocol.Runtime`. It is looked up at each use, by a function that
``amalthea/__init__.py`` sets, so that the engine's other files do not import a backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class _InUse:
    """Forwards attributes to the backend in use, as found by :func:`find_by`."""

    find: Callable[[], Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.find(), name)


_in_use = _InUse()
runtime: Any = _in_use


def find_by(find: Callable[[], Any]) -> None:
    """Set the function that returns the backend in use."""
    _in_use.find = find
