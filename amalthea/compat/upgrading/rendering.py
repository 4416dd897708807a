"""Values of today's arguments as Python code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.compat.defaults import ROOMS, plain
from amalthea.saving import serialize_keras_object

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
    room = ROOMS.get(kind)
    made = getattr(room, name, None)
    if made is None or any(isinstance(v, Code) for v in config.values()):
        return None
    short = "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))
    try:
        return short if plain(room, short) == serialize_keras_object(made(**config)) else None
    except (ValueError, TypeError):
        return None
