"""Objects as plain data and back, as model files hold them.

Names are looked up in tables of what may stand in their place, never imported. Code in a file (a Lambda's function) is
refused unless ``safe_mode=False`` says that the file is trusted.
"""

from __future__ import annotations

from typing import Any

from amalthea import configurable
from amalthea.configurable import serialize
from amalthea.custom_objects import CustomObjectScope
from amalthea.lambdas import code_refused, enable_unsafe_deserialization

__all__ = [
    "deserialize_keras_object",
    "enable_unsafe_deserialization",
    "serialize_keras_object",
]


def serialize_keras_object(obj: Any) -> Any:
    """Returns an object as plain data: class by name, configuration, and how it was built and compiled.

    Args:
        obj: layer, model, loss, metric, optimizer, ..., a list, tuple or dict of them, or plain data.

    Example:
        >>> from amalthea import initializers, saving
        >>> saving.serialize_keras_object(initializers.Zeros())["class_name"]
        'Zeros'
    """
    return serialize(obj)


def deserialize_keras_object(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    safe_mode: bool | None = None,
    where: configurable.Where = None,
    **kwargs: Any,
) -> Any:
    """Makes an object again from the data that :func:`serialize_keras_object` gave.

    Args:
        config: plain data.
        custom_objects: dict of your classes and functions by name, for this call. Defaults to None, which adds none.
        safe_mode: bool; whether code in the data is refused. Defaults to None, which takes the setting around.
        where: tuple of names of tables, such as ``("layers",)``, whose objects are accepted. Defaults to None, which
            accepts all.
        **kwargs: accepted for compatibility with Keras and ignored.

    Raises:
        UnknownNameError: no object has a name in the data.
        UnsafeFileError: the data holds code.

    Example:
        >>> from amalthea import layers, saving
        >>> saving.deserialize_keras_object(saving.serialize_keras_object(layers.Dense(3))).units
        3
    """
    from amalthea import layers, losses, metrics, models, optimizers  # noqa: F401  # their tables must be full
    from amalthea.layers import legacy  # noqa: F401

    with CustomObjectScope(custom_objects):
        if safe_mode is None:
            return configurable.deserialize(config, where)
        with code_refused(safe_mode):
            return configurable.deserialize(config, where)
