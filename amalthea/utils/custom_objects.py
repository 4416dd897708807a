"""A person's own classes and functions by name, and objects as plain data."""

from __future__ import annotations

from typing import Any

from amalthea.configurable import deserialize, serialize
from amalthea.custom_objects import CustomObjectScope


def serialize_keras_object(obj: Any) -> Any:
    """Returns an object as plain data that JSON can hold.

    Args:
        obj: layer, loss, metric, optimizer, ..., a list, tuple or dict of them, or plain data.

    Example:
        >>> from amalthea import initializers, utils
        >>> utils.serialize_keras_object(initializers.Constant(0.5))["config"]
        {'value': 0.5}
    """
    return serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """Makes an object again from the data that :func:`serialize_keras_object` gave.

    Args:
        config: plain data.
        custom_objects: dict of your classes and functions by name, for this call. Defaults to None, which adds none.
        safe_mode: bool; accepted and ignored: code in the data is never run.
        **kwargs: accepted for compatibility with Keras and ignored.

    Raises:
        UnknownNameError: no object has a name in the data.

    Example:
        >>> from amalthea import initializers, utils
        >>> utils.deserialize_keras_object(utils.serialize_keras_object(initializers.Constant(0.5))).value
        0.5
    """
    with CustomObjectScope(custom_objects):
        return deserialize(config)
