"""Backends in forked processes. A child process does not inherit the threads of its parent.

JAX and TensorFlow would wait for the missing threads forever, so they are refused in a child once they have computed in
its parent. The others go on: PyTorch with one thread, ONNX Runtime with new sessions.
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
    """Part of a backend whose library cannot go on in a child. It says whether the library has begun to compute."""

    name: str

    def has_begun(self) -> bool:
        """Whether the library has started its threads."""
        return True

    def in_child(self) -> None:
        if self.has_begun():
            _lost.add(self.name)


def tell(backend: Any) -> None:
    """Let a backend be told of forks from now on."""
    _loaded.append(backend)


def refuse(backend: Any) -> None:
    """:class:`BackendError` if it was lost by a fork."""
    if backend.name in _lost:
        raise BackendError(
            f"The backend '{backend.name}' had begun to compute before this process was forked; in the child it would "
            "wait for ever for threads that only the parent has.",
            expected="a process that was started anew",
            got=f"process {os.getpid()}, forked from {os.getppid()}",
            cure='multiprocessing.get_context("spawn"), or fork before anything is computed',
        )


class _Lost:
    """Stands in a child where the backend in use stood."""

    def __init__(self, backend: Any):
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        refuse(self._backend)
        return getattr(self._backend, name)


def at_fork(reset: Callable[[], None], used: ContextVar[Any]) -> None:
    """Tell every loaded backend in each child.

    Args:
        reset: lets the backend in use be looked up again.
        used: holds the one of an open ``use_backend``.
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
