"""The Keras version in whose manner a script runs: 1, 2 or 3.

An era is given (``--keras``, ``AMALTHEA_KERAS``) or found by its signs (:mod:`amalthea.compat.signs`). Old names and
arguments are read in every era; the era decides where the same words had another meaning.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from amalthea.compat import signs
from amalthea.errors import ArgumentError

ERAS = (1, 2, 3)
VARIABLE = "AMALTHEA_KERAS"
_era = 3
_is_tf_keras = False


def era() -> int:
    """The era in which calls are read.

    Example:
        >>> era()
        3
    """
    return _era


def set_era(number: int) -> None:
    """Reads calls in the manner of a version from now on.

    Args:
        number: int; 1, 2 or 3.

    Raises:
        ArgumentError: another number.
    """
    global _era
    if isinstance(number, bool) or number not in ERAS:
        raise ArgumentError("This version of Keras does not exist.", expected="1, 2 or 3", got=repr(number))
    _era = int(number)


def is_tf_keras() -> bool:
    """Whether the script takes its Keras from TensorFlow 2.0 to 2.15: era 3 with the ``hard_sigmoid`` of Keras 2."""
    return _is_tf_keras


def set_tf_keras(value: bool) -> None:
    """Reads calls in the manner of ``tf.keras`` 2 from now on, or no longer.

    Args:
        value: bool.
    """
    global _is_tf_keras
    _is_tf_keras = value


def has_old_hard_sigmoid() -> bool:
    """Whether ``hard_sigmoid`` means ``clip(0.2 x + 0.5, 0, 1)``, as in every version before Keras 3."""
    return _era < 3 or _is_tf_keras


def in_environment() -> int | None:
    """The era that the environment asks for, or None.

    Raises:
        ArgumentError: the variable holds something else than 1, 2 or 3.
    """
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    if value not in ("1", "2", "3"):
        raise ArgumentError(f"{VARIABLE} names no version of Keras.", expected="1, 2 or 3", got=value)
    return int(value)


def chosen(source: str, given: int | None = None) -> int:
    """The era of a script: the one given, or of the environment, or by its signs, which is said in a line on stderr.

    Args:
        source: str; the script.
        given: int or None; the era that the user asked for. Defaults to None.
    """
    number = given or in_environment()
    set_tf_keras(number is None and signs.is_of_tf_keras(source))
    if number is None:
        number, why = signs.detected(source)
        if number < 3:
            print(f"Read as a script of Keras {number}: {why}. Another one: --keras, or {VARIABLE}.", file=sys.stderr)
            set_tf_keras(False)
        elif is_tf_keras() and any(word in source for word in ("hard_sigmoid", "ConvLSTM")):
            print(
                "Read as a script of tf.keras 2, which it imports: hard_sigmoid is clip(0.2 x + 0.5). That of Keras 3: "
                f"--keras 3, or {VARIABLE}=3.",
                file=sys.stderr,
            )
    return number


def of_main() -> int:
    """The era of the script that Python runs; 3 where there is none, as in a notebook."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    found = Path(path) if path else None
    return chosen(found.read_text(errors="replace") if found is not None and found.is_file() else "")
