"""Backends in forked processes. A child process does not inherit the threads of its parent.

JAX and TensorFlow would wait for the missing threads forever, so they raise an error in a child if they have computed
in its parent. The others continue: PyTorch with one thread, ONNX Runtime with new sessions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from amalthea.errors import BackendError

_loaded: list[Any] = []
_lost: set[str] = set()


class DoesNotFork:
    """Mixin of backends whose library cannot continue in a forked child."""

    name: str

    def has_begun(self) -> bool:
        """True if the library has started its threads."""
        return True

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


class _Lost:
    """Replaces the backend in use in a child where it cannot continue: each access raises the error."""

    def __init__(self, backend: Any):
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        refuse(self._backend)
        return getattr(self._backend, name)


def at_fork(reset: Callable[[], None], used: ContextVar[Any]) -> None:
    """Call ``in_child`` of every registered backend in each forked child.

    Args:
        reset: function; discards the cached backend in use.
        used: context variable of an open ``use_backend``.
    """

    def in_child() -> None:
        for backend in _loaded:
            backend.in_child()
        reset()
        backend = used.get()
        if backend is not None and backend.name in _lost:
            used.set(_Lost(backend))

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)
