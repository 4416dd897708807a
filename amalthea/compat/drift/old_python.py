"""Functions of Python 2's library."""

from __future__ import annotations

import inspect
import io
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

NoneType = type(None)


class ArgSpec(NamedTuple):
    """The parameters of a function, as ``inspect.getargspec`` gave them."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def getargspec(function: Callable[..., Any]) -> ArgSpec:
    """The parameters of a function.

    Example:
        >>> getargspec(lambda a, b=1: None)
        ArgSpec(args=['a', 'b'], varargs=None, keywords=None, defaults=(1,))
    """
    return ArgSpec(*inspect.getfullargspec(function)[:4])


def StringIO(text: Any = "") -> Any:
    """A file in memory, of bytes if it is given bytes.

    Example:
        >>> StringIO("a").read(), StringIO(b"a").read()
        ('a', b'a')
    """
    return io.BytesIO(text) if isinstance(text, (bytes, bytearray)) else io.StringIO(text)


def nothing(*args: Any, **kwargs: Any) -> None:
    """Does nothing."""


def load(file: Any, **kwargs: Any) -> Any:
    """``pickle.load`` of a file that Python 2 may have written, and that may be open as text."""
    binary = getattr(file, "buffer", file)
    return loads(binary.read(), **kwargs) if not binary.seekable() else _loaded(binary, kwargs)


def _loaded(file: Any, kwargs: dict[str, Any]) -> Any:
    start = file.tell()
    try:
        return pickle.load(file, **kwargs)
    except UnicodeDecodeError:  # bytes of Python 2 that are no ASCII, such as those of its arrays
        file.seek(start)
        return pickle.load(file, **{**kwargs, "encoding": "latin1"})


def loads(data: Any, **kwargs: Any) -> Any:
    """``pickle.loads`` of what Python 2 may have written."""
    return _loaded(io.BytesIO(data.encode("latin1") if isinstance(data, str) else data), kwargs)
