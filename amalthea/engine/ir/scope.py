"""The trace and the autocast dtype of the current context: context variables, so each thread has its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

_trace: ContextVar[Any] = ContextVar("trace", default=None)
_names: ContextVar[str] = ContextVar("names", default="")
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


class name_scope:
    """A block in which the paths of new variables and layers begin with a name.

    Args:
        name: str; the name, which follows those of the blocks around this one.
        **kwargs: accepted as in Keras, without effect.

    Example:
        >>> from amalthea import Variable, name_scope
        >>> with name_scope("encoder"):
        ...     print(Variable(1.0, name="scale").path)
        encoder/scale
    """

    def __init__(self, name: str, **kwargs: Any):
        self.name = name

    def __enter__(self) -> name_scope:
        self._token = _names.set(named(self.name))
        return self

    def __exit__(self, *_: Any) -> None:
        _names.reset(self._token)


def named(name: str) -> str:
    """Return the path of something made now: the names of the :class:`name_scope` blocks, and its own."""
    around = _names.get()
    return f"{around}/{name}" if around else name


class SymbolicScope:
    """A block for symbolic computation, as in Keras; symbolic tensors need no block here, so that it has no effect.

    Example:
        >>> from amalthea import Input, SymbolicScope, ops
        >>> with SymbolicScope():
        ...     print(ops.exp(Input((3,))).shape)
        (None, 3)
    """

    def __enter__(self) -> SymbolicScope:
        return self

    def __exit__(self, *_: Any) -> None:
        pass
