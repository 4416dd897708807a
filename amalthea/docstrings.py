"""Descriptions of arguments that a family of classes shares: written once, shown in each docstring.

A line that holds nothing but ``|name|`` stands for the text that was shared under that name, at the same indentation:

>>> share("seed", "seed: int; the same seed draws the same elements. None draws others each time.")
>>> class Noise:
...     '''Adds noise.
...
...     Args:
...         |seed|
...     '''
>>> print(fill(Noise).__doc__.splitlines()[3].strip())
seed: int; the same seed draws the same elements. None draws others each time.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any, TypeVar

T = TypeVar("T")

_SHARED: dict[str, str] = {}
_LINE = re.compile(r"^( *)\|([a-z_ ]+)\|$", re.MULTILINE)


def share(name: str, text: str) -> None:
    """Let ``|name|`` on a line of its own in a docstring, or in a text shared later, stand for the text."""
    _SHARED[name] = _LINE.sub(_text, textwrap.dedent(text).strip("\n"))


def fill(documented: T) -> T:
    """Put the shared texts into the docstring of a class or function, which is returned."""
    doc: Any = documented.__doc__
    if doc and "|" in doc:
        documented.__doc__ = _LINE.sub(_text, doc)
    return documented


def _text(found: re.Match[str]) -> str:
    indent, name = found.groups()
    return textwrap.indent(_SHARED[name], indent) if name in _SHARED else found.group()
