"""Whether an argument has the value that leaving it out gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from amalthea import activations, constraints, initializers, regularizers
from amalthea.saving import serialize_keras_object

ROOMS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def is_default(made: Callable[..., Any], argument: str, value: Any) -> bool:
    """Whether leaving an argument out gives the same.

    Args:
        made: class of today.
        argument: str; the name of the argument.
        value: its value.

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
    if kind == "activation":
        return None if value == "linear" or value is activations.linear else value
    if kind in ROOMS and (isinstance(value, str) or isinstance(value, dict) and "class_name" in value):
        return plain(ROOMS[kind], value)
    if isinstance(value, (list, tuple)):
        return value[0] if len({*map(repr, value)}) == 1 else list(value)
    return value


def plain(room: Any, value: Any) -> Any:
    """The configuration of an object by its name or its configuration.

    Args:
        room: module of its class, such as ``initializers``.
        value: str or dict.
    """
    return serialize_keras_object(room.get(value))
