"""``AMALTHEA_SPELLING=warn``: the old spellings that a script has, listed when it ends.

Old spellings are read in silence. With the variable, each is listed once on stderr, with its line and today's
spelling:

    Old spellings:
      script.py:4: Convolution2D -> Conv2D
      script.py:4: Convolution2D(nb_filter=) -> filters=
    amalthea upgrade script.py rewrites these.
"""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from typing import NamedTuple

from amalthea.errors import ArgumentError

VARIABLE = "AMALTHEA_SPELLING"
_PACKAGE = str(Path(__file__).parents[1]) + os.sep


class Spelt(NamedTuple):
    """An old spelling.

    Args:
        file: str; the script.
        line: int.
        old: str; what is written.
        today: str; what is written today.
    """

    file: str
    line: int
    old: str
    today: str


_found: dict[Spelt, None] = {}
_is_on = False


def install() -> None:
    """Lists old spellings at exit, if the environment asks for it.

    Raises:
        ArgumentError: the variable has another value than ``warn``.
    """
    global _is_on
    value = os.environ.get(VARIABLE)
    if value not in (None, "", "warn"):
        raise ArgumentError(f"{VARIABLE} has no such value.", expected="warn, or nothing", got=value)
    if value and not _is_on:
        _is_on = True
        atexit.register(_show)


def uninstall() -> None:
    """Forgets what was found, and lists nothing."""
    global _is_on
    _is_on = False
    _found.clear()
    atexit.unregister(_show)


def is_on() -> bool:
    """Whether old spellings are to be listed."""
    return _is_on


def note(old: str, today: str) -> None:
    """Notes an old spelling in the line of the script that runs now.

    Args:
        old: str; what is written.
        today: str; what is written today.
    """
    if not _is_on:
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<frozen")):
        frame = frame.f_back
    _found[Spelt(frame.f_code.co_filename, frame.f_lineno, old, today)] = None


def listed() -> str:
    """The list of what was found, by file and line; empty for none."""
    rows = sorted(_found, key=lambda row: row[:2])
    if not rows:
        return ""
    lines = [f"  {row.file}:{row.line}: {row.old} -> {row.today}" for row in rows]
    files = " ".join(dict.fromkeys(row.file for row in rows))
    return "\n".join(["Old spellings:", *lines, f"amalthea upgrade {files} rewrites these."])


def _show() -> None:
    text = listed()
    if text:
        print(text, file=sys.stderr)
