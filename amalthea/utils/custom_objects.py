"""A person's own classes and functions by name, and objects as plain data."""

from __future__ import annotations

from typing import Any

from amalthea.configurable import CUSTOM, CustomObjectScope, deserialize, serialize


def get_custom_objects() -> dict[str, Any]:
    """The table of names that stand for objects of yours everywhere; what you put into it stays.

    >>> get_custom_objects()["double"] = lambda x: 2 * x
    >>> get_custom_objects().pop("double")(4)
    8
    """
    return CUSTOM


def serialize_keras_object(obj: Any) -> Any:
    """``obj`` as plain data that JSON can hold.

    >>> serialize_keras_object((1, 2.5))
    [1, 2.5]
    """
    return serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """Makes an object again from the data that :func:`serialize_keras_object` gave.

    Args:
        config: plain data.
        custom_objects: names that stand for objects of yours in this call.
        safe_mode, **kwargs: accepted; code in a config is never run, whatever they say.

    >>> deserialize_keras_object([1, 2.5])
    [1, 2.5]
    """
    with CustomObjectScope(custom_objects):
        return deserialize(config)
