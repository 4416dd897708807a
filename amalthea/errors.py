"""Every exception of the library, and how a message is worded.

A message is one sentence that stands alone, then the facts as ``expected``, ``got`` and ``try``:

>>> from amalthea.errors import ShapeError
>>> print(ShapeError("The two inputs do not fit.", expected="(2, 3)", got="(2, 4)"))
The two inputs do not fit.
  expected: (2, 3)
  got:      (2, 4)

Code that passes an error on adds the location with ``add_note`` and never rewrites the fact. On
Python 3.10, which lacks ``add_note``, the locations are kept in ``__notes__`` all the same.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from types import TracebackType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# Characters that a terminal obeys, or that change the order of others or are not seen; a file may put them into names.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str, most: int = 200) -> str:
    """The text with hidden characters written out, and its middle left out if it is longer than ``most``.

    >>> print(visible("a" + chr(27) + "[31mb"), visible("x" * 500, 10))
    a\\x1b[31mb xxxxx (... 490 characters) xxxxx
    """
    if len(text) > most:
        half = most // 2
        text = f"{text[:half]} (... {len(text) - 2 * half:,} characters) {text[-half:]}"
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class AmaltheaError(Exception):
    """The root of every error that the library raises on purpose."""

    def __init__(self, sentence: str, *, expected: object = None, got: object = None, cure: str = ""):
        facts = [("expected:", expected), ("got:", got), ("try:", cure or None)]
        lines = [f"  {label:<9} {visible(str(fact), 2000)}" for label, fact in facts if fact is not None]
        super().__init__("\n".join([visible(sentence.replace("\n", "\\n"), 1000), *lines]))

    if not hasattr(Exception, "add_note"):  # Python 3.10

        def add_note(self, note: str) -> None:
            self.__notes__ = [*getattr(self, "__notes__", ()), note]


class ArgumentError(AmaltheaError, ValueError):
    """An argument has a value that the function cannot use."""


class ShapeError(AmaltheaError, ValueError):
    """Shapes do not fit each other, or not the layer that they meet."""


class DtypeError(AmaltheaError, TypeError):
    """A dtype does not fit the operation."""


class UnknownNameError(AmaltheaError, ValueError):
    """A name that stands for nothing where it was given."""


class MissingAttributeError(AmaltheaError, AttributeError):
    """An object was asked for something that it does not have, or does not have yet."""


class NotBuiltError(AmaltheaError, ValueError):
    """A layer or model whose variables do not exist yet was asked for them."""


class NotCompiledError(AmaltheaError, ValueError):
    """A model was asked to train or evaluate before ``compile``."""


class TraceError(AmaltheaError, TypeError):
    """Python asked a symbolic tensor for something that only a concrete array has."""


class NoArrayError(TraceError):
    """A library asked a symbolic tensor for its array."""


class DataError(AmaltheaError, ValueError):
    """The data cannot be used: empty, of unequal lengths, or not fitting the loss."""


class NotFiniteError(AmaltheaError, ArithmeticError):
    """A loss became NaN or infinite."""


class ModelFileError(AmaltheaError, ValueError):
    """A model file is damaged, incomplete, or does not fit the model."""


class UnsafeFileError(ModelFileError):
    """A model file asks to run code that was not allowed."""


class ExportError(AmaltheaError, ValueError):
    """A model, or a part of it, cannot be said in the format of an export."""


class BackendError(AmaltheaError, RuntimeError):
    """A backend cannot do what was asked."""


class DistributionError(AmaltheaError, RuntimeError):
    """The processes of a group cannot go on together: one failed, hangs, or does something else."""


class MissingLibraryError(AmaltheaError, ImportError):
    """An optional library is needed and not installed."""


def nearest(name: str, names: Iterable[str]) -> str:
    """A cure for a misspelt name: ``use 'relu'``, or the names there are.

    >>> nearest("rellu", ["relu", "tanh"]), nearest("adma", ["adam", "adamax"])
    ("use 'relu'", "use 'adam'")
    """
    known = sorted(set(names))
    name = str(name)[:100]
    lowered = {n.lower(): n for n in (known if name.islower() else reversed(known))}
    close = difflib.get_close_matches(name.lower(), lowered, n=5)
    if close:
        best = min(
            close, key=lambda n: sorted(n) != sorted(name.lower())
        )  # letters swapped are nearer than letters added
        return f"use '{lowered[best]}'"
    return "one of " + ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")


def brief(value: object) -> str:
    """A value in a few words: arrays by dtype and shape, anything long cut off.

    >>> brief(3), brief("a" * 100)[-6:]
    ('3', 'aaa...')
    """
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{getattr(dtype, 'name', dtype)}[{', '.join(map(str, shape))}]"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def users_frames(error: BaseException) -> TracebackType | None:
    """The traceback of an error without the frames of this package; whole if there are no others and it is not ours."""
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept = [x for x in frames if not x.tb_frame.f_code.co_filename.startswith(_PACKAGE)]
    for frame in reversed(kept if kept or isinstance(error, AmaltheaError) else frames):
        traceback = TracebackType(traceback, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return traceback


@contextmanager
def located(location: str) -> Generator[None, None, None]:
    """Note on every error from inside where it happened."""
    try:
        yield
    except Exception as error:
        add_location(error, location)
        raise


def add_location(error: BaseException, location: str) -> None:
    """Note where ``error`` happened, once."""
    location = visible(location, 500)
    if hasattr(error, "add_note") and location not in getattr(error, "__notes__", ()):
        error.add_note(location)  # type: ignore[attr-defined]
