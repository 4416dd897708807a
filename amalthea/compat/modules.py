"""Modules that exist by name alone: old addresses whose functions live elsewhere."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from amalthea.errors import nearest


def missing_name(where: str, word: str, known: Iterable[str]) -> str:
    """The message for a name that a module of old does not have."""
    cure = nearest(word, list(known))
    return f"{where} has no {word!r}{'; ' + cure if cure else ''}."


def module(name: str, contents: dict[str, Any], summary: str) -> types.ModuleType:
    """A module with these contents; a name that it does not have gets an error with the nearest one.

    >>> found = module("keras.utils.np_utils", {"normalize": abs}, "Helpers for arrays.")
    >>> found.normalise
    Traceback (most recent call last):
    AttributeError: keras.utils.np_utils has no 'normalise'; use 'normalize'.
    """
    made = types.ModuleType(name, summary)
    made.__dict__.update(contents)

    def missing(word: str) -> Any:
        if word.startswith("__"):
            raise AttributeError(word)
        raise AttributeError(missing_name(name, word, contents))

    made.__dict__["__getattr__"] = missing
    return made
