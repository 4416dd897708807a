"""Calls of classes of an older Keras in a script, as calls of today's."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import libcst as cst

from amalthea.compat import eras
from amalthea.compat.calls import ROOMS, modern_call
from amalthea.compat.defaults import is_default
from amalthea.compat.upgrading.homes import Home, room_of
from amalthea.compat.upgrading.imports import code
from amalthea.compat.upgrading.rendering import Code, Reach, rendered
from amalthea.spellings import keras1, keras2, others
from amalthea.spellings.rows import Spelling
from amalthea.spellings.signatures import signatures


class Call(NamedTuple):
    """A call of today.

    Args:
        room: str; the room of the class.
        name: str; the class.
        arguments: the arguments as nodes.
    """

    room: str
    name: str
    arguments: list[cst.Arg]


def value_of(node: cst.BaseExpression) -> Any:
    """The value of a literal; :class:`Code` for everything else."""
    text = code(node)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError):
        return Code(text)


def todays(home: Home, arguments: Sequence[cst.Arg], reach: Reach) -> Call | None:
    """The call of today for a call of old; None where it cannot be told, as with ``*args``.

    Args:
        home: Home of the class that is called.
        arguments: arguments of the call.
        reach: function of a room and a name; it returns the expression that stands for it in the script.
    """
    if any(a.star for a in arguments):
        return None
    kind, name = home.kind, home.old
    cls = next((getattr(room, name) for room in ROOMS[kind] if hasattr(room, name)), None)
    args = tuple(value_of(a.value) for a in arguments if a.keyword is None)
    kwargs = {a.keyword.value: value_of(a.value) for a in arguments if a.keyword is not None}
    decay = kwargs.pop("decay", 0) if kind == "optimizer" else 0
    made, rest, config = modern_call(kind, name, args, dict(kwargs), cls)
    if made is None:
        return None
    made_name = made.__name__
    if decay and "decay" not in config:
        config["decay"] = decay
    nodes = _Arguments(kind, name, made, rest, config, reach).todays(arguments)
    return Call(room_of(kind, made_name), made_name, nodes)


class _Arguments:
    """The arguments of a call of today, each where the one stood that it comes from."""

    def __init__(self, kind: str, name: str, made: Any, rest: Sequence[Any], config: dict[str, Any], reach: Reach):
        self.kind, self.name, self.made, self.config, self.reach = kind, name, made, dict(config), reach
        self.positional = len(rest)
        own = signatures(eras.era()).get(name)
        self.old_names = own.arguments if own is not None else tuple(inspect.signature(made).parameters)

    def todays(self, arguments: Sequence[cst.Arg]) -> list[cst.Arg]:
        found = []
        for i, argument in enumerate(arguments):
            old = argument.keyword.value if argument.keyword is not None else self._position(i)
            if old is None:
                found.append(argument)
                continue
            today = self._renamed(old)
            if today in self.config:
                found.append(self._with(argument, today, self.config.pop(today)))
        for today, value in self.config.items():
            if not is_default(self.made, today, value):
                found.append(self._argument(today, rendered(value, today, self.reach)))
        ends = bool(arguments) and isinstance(arguments[-1].comma, cst.Comma)
        return [a.with_changes(comma=_comma(a, i == len(found) - 1, ends)) for i, a in enumerate(found)]

    def _position(self, i: int) -> str | None:
        return self.old_names[i] if i < len(self.old_names) else None

    def _renamed(self, old: str) -> str:
        tables = [keras1, keras2] if eras.era() < 2 else [keras2, keras1]
        for table in tables if self.kind == "layer" else [others]:
            rows, common = _rows(table, self.kind)
            row = rows.get(self.name, Spelling())
            joined = next((today for today, parts in row.joined.items() if old in parts), None)
            today = joined or row.arguments.get(old, common.arguments.get(old))
            if today in self.config:
                return str(today)
        return old

    def _with(self, argument: cst.Arg, today: str, value: Any) -> cst.Arg:
        """The argument under today's name, as it was written if its value is the same."""
        old = value_of(argument.value)
        same = isinstance(value, Code) and isinstance(old, Code) and value.text == old.text
        if same or not isinstance(value, Code) and type(value) is type(old) and value == old:
            text = code(argument.value)
        else:
            text = rendered(value, today, self.reach)
        made = self._argument(today, text)
        if argument.keyword is None and self._is_early(today):
            made = made.with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT)
        return made.with_changes(comma=argument.comma, whitespace_after_arg=argument.whitespace_after_arg)

    def _is_early(self, today: str) -> bool:
        """Whether an argument may stand without its name: those before it stand without theirs."""
        names = [*inspect.signature(self.made).parameters]
        if today in names and names.index(today) == self.positional:
            self.positional += 1
            return True
        return False

    def _argument(self, name: str, text: str) -> cst.Arg:
        none = cst.SimpleWhitespace("")
        equal = cst.AssignEqual(whitespace_before=none, whitespace_after=none)
        return cst.Arg(cst.parse_expression(text), keyword=cst.Name(name), equal=equal)


def _rows(table: Any, kind: str) -> tuple[dict[str, Spelling], Spelling]:
    if kind == "layer":
        return table.LAYERS, table.COMMON
    first, second, common = others.TABLES[kind]
    return {**second, **first}, common


def _comma(argument: cst.Arg, is_last: bool, ends: bool) -> Any:
    """The comma after an argument; after the last only if the call ended with one."""
    if is_last and not ends:
        return cst.MaybeSentinel.DEFAULT
    if isinstance(argument.comma, cst.Comma):
        return argument.comma
    return cst.MaybeSentinel.DEFAULT if is_last else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
