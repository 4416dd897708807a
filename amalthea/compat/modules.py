"""Modules that exist by name alone: old addresses whose functions live elsewhere."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterable
from typing import Any

from amalthea.errors import nearest


def missing_name(where: str, word: str, known: Iterable[str]) -> str:
    """The message for a name that a module of old does not have."""
    cure = nearest(word, list(known))
    return f"{where} has no {word!r}{'; ' + cure if cure else ''}."


def missing(message: str) -> Exception:
    """The error for a name that a module of old does not have.

    ``from keras.layers import Name`` hides the text of an ``AttributeError``, so that it gets an ``ImportError``.

    Args:
        message: str; its text.
    """
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("amalthea."):
        frame = frame.f_back
    is_import = frame.f_code.co_code[frame.f_lasti] == dis.opmap["IMPORT_FROM"]
    return ImportError(message) if is_import else AttributeError(message)


def module(name: str, contents: dict[str, Any], summary: str) -> types.ModuleType:
    """A module with these contents; a name that it does not have gets an error with the nearest one.

    >>> found = module("keras.utils.np_utils", {"normalize": abs}, "Helpers for arrays.")
    >>> found.normalise
    Traceback (most recent call last):
    AttributeError: keras.utils.np_utils has no 'normalise'; use 'normalize'.
    """
    made = types.ModuleType(name, summary)
    made.__dict__.update(contents)

    def lookup(word: str) -> Any:
        if word.startswith("__"):
            raise AttributeError(word)
        raise missing(missing_name(name, word, contents))

    made.__dict__["__getattr__"] = lookup
    return made
