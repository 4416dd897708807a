"""A row of the tables: what became of one class since an older Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Config = dict[str, Any]
_NONE: Mapping[str, Any] = MappingProxyType({})


class Spelling(NamedTuple):
    """What became of a class, and of its arguments.

    Args:
        name: str; today's class. Empty for the same name.
        arguments: old argument to today's; an empty one is dropped.
        values: today's argument to a dict of old values, or to a function of the old value.
        joined: today's argument to several old ones, whose values it takes as a list.
        defaults: today's argument to the value that its absence meant.
        rest: function of ``(name, config)`` for what is no renaming; it returns both.
    """

    name: str = ""
    arguments: Mapping[str, str] = _NONE
    values: Mapping[str, Any] = _NONE
    joined: Mapping[str, tuple[str, ...]] = _NONE
    defaults: Mapping[str, Any] = _NONE
    rest: Callable[[str, Config], tuple[str, Config]] | None = None


def apply(row: Spelling, name: str, config: Config, common: Spelling) -> tuple[str, Config]:
    """Today's name and configuration of an object.

    Args:
        row: what became of the class.
        name: its old name.
        config: its old configuration, which stays as it is.
        common: a row that holds for every class of the kind, where ``row`` does not say otherwise.
    """
    old = dict(config)
    new: Config = {}
    for argument, parts in row.joined.items():
        if all(part in old for part in parts):
            new[argument] = [old.pop(part) for part in parts]
    renames = {**common.arguments, **row.arguments}
    for argument, value in old.items():
        today = renames.get(argument, argument)
        if today:
            new.setdefault(today, value)
    for argument, change in {**common.values, **row.values}.items():
        if argument in new:
            new[argument] = _changed(change, new[argument])
    for argument, value in row.defaults.items():
        new.setdefault(argument, value)
    name = row.name or name
    return row.rest(name, new) if row.rest else (name, new)


def _changed(change: Any, value: Any) -> Any:
    if callable(change):
        return change(value)
    return change.get(value, value) if isinstance(value, (str, int, float, bool, type(None))) else value
