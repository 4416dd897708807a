"""The trace and the autocast dtype of the current context: context variables, so each thread has its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

_trace: ContextVar[Any] = ContextVar("trace", default=None)
_autocast: ContextVar[str | None] = ContextVar("autocast", default=None)


def current_trace() -> Any:
    """The innermost open trace; None outside of traces."""
    return _trace.get()


def open_trace(trace: Any) -> Token[Any]:
    """Make a trace the current one; return the token for :func:`close_trace`."""
    return _trace.set(trace)


def close_trace(token: Token[Any]) -> None:
    """Make the previous trace current again."""
    _trace.reset(token)


def autocast_around() -> str | None:
    """Return the dtype that floating variables are read as; None for their own dtype."""
    return _autocast.get()


@contextmanager
def autocast(dtype: str | None) -> Iterator[None]:
    """Read floating variables as ``dtype`` until the block ends (``None``: as they are)."""
    token = _autocast.set(dtype)
    try:
        yield
    finally:
        _autocast.reset(token)
