"""Old spellings in a call of a class, for :mod:`amalthea.compat.spelling`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from amalthea.compat import eras, spelling
from amalthea.compat.defaults import is_default
from amalthea.spellings import keras1, keras2, others
from amalthea.spellings.rows import Spelling
from amalthea.spellings.signatures import signatures


def note(kind: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: Any, config: Any) -> None:
    """Notes what a call of a class has that is spelt otherwise today.

    Args:
        kind: str; such as ``"layer"``.
        name: str; the class as it is written.
        args: arguments by position.
        kwargs: arguments by name.
        made: class of today.
        config: dict; arguments of today.
    """
    if not spelling.is_on() or made is None:
        return
    for old, today in _differences(kind, name, args, kwargs, made, config):
        spelling.note(old, today)


def _differences(
    kind: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: Any, config: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    if name != made.__name__:
        yield name, made.__name__
    own = signatures(eras.era()).get(name)
    given = set()
    for argument in (*(own.arguments[: len(args)] if own is not None else ()), *kwargs):
        today = _today(kind, name, argument)
        given.add(today or argument)
        if today is not None and argument in kwargs:
            yield f"{name}({argument}=)", f"{today}=" if today else "left out"
    for argument, value in kwargs.items():
        new = config.get(argument, value)
        if isinstance(value, str) and isinstance(new, str) and new != value:
            yield f"{name}({argument}={value!r})", f"{argument}={new!r}"
    if own is None or eras.era() == 3:
        return
    for argument, value in config.items():
        is_plain = argument not in given and isinstance(value, (str, bool, int, float))
        if is_plain and not is_default(made, argument, value):
            yield f"{name}() of Keras {eras.era()}", f"{argument}={value!r}"


def _today(kind: str, name: str, argument: str) -> str | None:
    """Today's name of an argument; empty for one that is left out, None for one that has kept its name."""
    tables = [(keras1.LAYERS, keras1.COMMON), (keras2.LAYERS, keras2.COMMON)]
    if kind != "layer":
        first, second, common = others.TABLES[kind]
        tables = [(first, common), (second, common)]
    for rows, common in tables if eras.era() == 1 else tables[::-1]:
        row = rows.get(name, Spelling())
        joined = next((new for new, parts in row.joined.items() if argument in parts), None)
        found = joined or row.arguments.get(argument, common.arguments.get(argument))
        if found is not None and found != argument:
            return found
    return None
