"""Values of today's arguments as Python code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from amalthea import activations, constraints, initializers, regularizers
from amalthea.saving import serialize_keras_object

_ROOMS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
OLD_SIGMOID = "keras2_hard_sigmoid"  # a function, which has to be imported
Reach = Callable[[str, str], str]  # a room and a name to the expression that stands for it


class Code:
    """An argument that is no literal: it stays as it was written.

    Args:
        text: str; the code.
    """

    def __init__(self, text: str):
        self.text = text


def rendered(value: Any, argument: str, reach: Reach) -> str:
    """The code of a value.

    Args:
        value: plain data, :class:`Code`, or a dict with ``class_name`` and ``config``.
        argument: str; today's name of the argument, whose last word tells the kind of an object.
        reach: function of a room and a name; it returns the expression that stands for it in the script.
    """
    if isinstance(value, Code):
        return value.text
    if isinstance(value, (list, tuple)):
        inside = ", ".join(rendered(v, argument, reach) for v in value)
        return f"({inside}{',' if len(value) == 1 else ''})"
    if value == OLD_SIGMOID:
        return reach("layers.legacy", OLD_SIGMOID)
    if isinstance(value, dict) and "class_name" in value:
        return _object(value, argument.rsplit("_", 1)[-1], reach)
    return repr(value)


def _object(value: dict[str, Any], kind: str, reach: Reach) -> str:
    name, config = value["class_name"], {k: v for k, v in value["config"].items() if v is not None}
    short = _short_name(kind, name, config)
    if short is not None:
        return repr(short)
    arguments = ", ".join(f"{k}={rendered(v, k, reach)}" for k, v in config.items())
    return f"{reach(f'{kind}s', name)}({arguments})"


def _short_name(kind: str, name: str, config: dict[str, Any]) -> str | None:
    """The name that stands for an object whose arguments are those that the name alone gives."""
    room = _ROOMS.get(kind)
    made = getattr(room, name, None)
    if made is None or any(isinstance(v, Code) for v in config.values()):
        return None
    short = "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))
    try:
        return short if _plain(room, short) == serialize_keras_object(made(**config)) else None
    except (ValueError, TypeError):
        return None


def _plain(room: Any, name: str) -> Any:
    return serialize_keras_object(room.get(name))


def is_default(made: Callable[..., Any], argument: str, value: Any) -> bool:
    """Whether leaving an argument out gives the same.

    Example:
        >>> from amalthea import layers
        >>> is_default(layers.Dense, "activation", "linear"), is_default(layers.LSTM, "activation", "relu")
        (True, False)
    """
    parameter = inspect.signature(made).parameters.get(argument)
    if parameter is None or parameter.default is parameter.empty:
        return False
    return _comparable(argument, value) == _comparable(argument, parameter.default)


def _comparable(argument: str, value: Any) -> Any:
    """One form for all spellings of a value."""
    kind = argument.rsplit("_", 1)[-1]
    if isinstance(value, Code):
        return value
    if kind == "activation":
        return None if value == "linear" or value is activations.linear else value
    if kind in _ROOMS and (isinstance(value, str) or isinstance(value, dict) and "class_name" in value):
        return _plain(_ROOMS[kind], value)  # type: ignore[arg-type]
    if isinstance(value, (list, tuple)):
        return value[0] if len({*map(repr, value)}) == 1 else list(value)
    return value
