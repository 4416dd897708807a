"""The backend in use, for every computation of the library: ``runtime.execute(...)``, ``runtime.compile(graph)``.

Its methods are those of :class:`~amalthea.engine.ir.protocol.Runtime`. A function set by the front door looks it up at
each use, so that no file of the engine imports the backends to run a primitive.
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
