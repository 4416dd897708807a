"""Backends in forked processes. A child process does not inherit the threads of its parent.

JAX and TensorFlow would wait for the missing threads forever. If they have computed in the parent, a child computes
with NumPy in their place: workers of a DataLoader that call layers go on, as does everything but calls of the library
itself. The others continue: PyTorch with one thread, ONNX Runtime with new sessions.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from amalthea.errors import BackendError

INSTEAD = "numpy"
_loaded: list[Any] = []
_lost: set[str] = set()


class DoesNotFork:
    """Mixin of backends whose library cannot continue in a forked child."""

    name: str

    def has_begun(self) -> bool:
        """True if the library has started its threads."""
        return True

    def settle(self) -> None:
        """Wait in the parent, before the fork, until every value is there: a child can read it, not wait for it."""

    def in_child(self) -> None:
        if self.has_begun():
            _lost.add(self.name)


def tell(backend: Any) -> None:
    """Register a backend: its ``in_child`` is called in forked children."""
    _loaded.append(backend)


def refuse(backend: Any) -> None:
    """Raise a :class:`BackendError` if a fork made the backend unusable."""
    if backend.name in _lost:
        raise BackendError(
            f"The backend '{backend.name}' computed before this process was forked; in the child it would wait forever "
            "for threads of the parent.",
            expected="a process started with 'spawn'",
            got=f"process {os.getpid()}, forked from {os.getppid()}",
            cure='multiprocessing.get_context("spawn"), or fork before the first computation',
        )


def usable(name: str) -> str:
    """Return the name of a backend, or that of the one that computes in its place in this process."""
    if name not in _lost:
        return name
    warnings.warn(
        f"The backend '{name}' cannot go on in a forked process: {INSTEAD} computes here in its place. Start the "
        f"process with 'spawn' to compute with '{name}'.",
        stacklevel=2,
    )
    return INSTEAD


def at_fork(reset: Callable[[], None], used: ContextVar[Any], load: Callable[[str], Any]) -> None:
    """Call ``in_child`` of every registered backend in each forked child.

    Args:
        reset: function; discards the cached backend in use.
        used: context variable of an open ``use_backend``.
        load: function from the name of a backend to the backend.
    """

    def before() -> None:
        for backend in _loaded:
            if isinstance(backend, DoesNotFork) and backend.has_begun() and backend.name not in _lost:
                backend.settle()

    def in_child() -> None:
        for backend in _loaded:
            backend.in_child()
        reset()
        backend = used.get()
        if backend is not None and backend.name in _lost:
            used.set(load(usable(backend.name)))

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_child=in_child)
