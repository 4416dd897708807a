"""Descriptions of arguments that a family of classes shares: written once, shown in each docstring.

A line that holds nothing but ``|name|`` stands for the text that was shared under that name, at the same indentation:

>>> share("seed of noise", "seed: int; the same seed draws the same elements. None draws others each time.")
>>> class Noise:
...     '''Adds noise.
...
...     Args:
...         |seed of noise|
...     '''
>>> print(fill(Noise).__doc__.splitlines()[3].strip())
seed: int; the same seed draws the same elements. None draws others each time.
"""

from __future__ import annotations

import textwrap
from typing import Any, TypeVar

T = TypeVar("T")

_SHARED: dict[str, str] = {}


def share(name: str, text: str) -> None:
    """Let ``|name|`` on a line of its own in a docstring, or in a text shared later, stand for the text.

    A name has one text: another one for it is a ``ValueError``.
    """
    filled = _filled(textwrap.dedent(text).strip("\n"))
    if _SHARED.setdefault(name, filled) != filled:
        raise ValueError(f"Two texts are shared under the name {name!r}.")


class _Attribute:
    """Documentation of an attribute that instances set. The value of an instance takes precedence."""

    def __init__(self, doc: str):
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        raise AttributeError(f"{type(instance).__name__!r} object has no attribute {self.name!r}")


def attribute(doc: str) -> Any:
    """Document an attribute that instances set, so that ``help`` of the class shows it.

    >>> class Point:
    ...     x = attribute("The first coordinate.")
    >>> point = Point()
    >>> point.x = 3
    >>> point.x, Point.x.__doc__
    (3, 'The first coordinate.')
    """
    return _Attribute(doc)


def fill(documented: T) -> T:
    """Put the shared texts into the docstring of a class or function, which is returned."""
    doc: Any = documented.__doc__
    if doc and "|\n" in doc:
        documented.__doc__ = _filled(doc)
    return documented


def _filled(text: str) -> str:
    """Without a regular expression: some 600 docstrings are filled at import, in 3 ms."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line.endswith("|"):
            name = line.lstrip(" ")
            shared = _SHARED.get(name[1:-1])
            if shared is not None and name[0] == "|":
                indent = line[: len(line) - len(name)]
                lines[i] = indent + shared.replace("\n", f"\n{indent}")
    return "\n".join(lines)
