"""Objects as configurations in the form of Keras 2: ``{"class_name": ..., "config": ...}``."""

from __future__ import annotations

import inspect
from typing import Any

from amalthea.custom_objects import CustomObjectScope, custom_object, get_registered_name
from amalthea.errors import ArgumentError, UnknownNameError, brief, nearest


def serialize_keras_object(instance: Any) -> Any:
    """Returns an object as a configuration in the form of Keras 2.

    Args:
        instance: object with ``get_config``, function, or None.

    Returns:
        A dict; the name of a function; None for None.

    Raises:
        ArgumentError: the object has neither a configuration nor a name.

    Example:
        >>> from amalthea import initializers, utils
        >>> utils.legacy.serialize_keras_object(initializers.Constant(2.0))
        {'class_name': 'Constant', 'config': {'value': 2.0}}
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": get_registered_name(type(instance)), "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ArgumentError("This cannot be written to a configuration.", got=brief(instance), cure="a get_config() method")


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Returns the object for a configuration in the form of Keras 2, or for a name.

    Args:
        identifier: dict with ``class_name`` and ``config``, name, function, class or None.
        module_objects: dict of classes and functions by name. Defaults to None, none.
        custom_objects: dict of classes and functions of your own by name. Defaults to None, registered ones alone.
        printable_module_name: str; the word for the object in errors. Defaults to ``"object"``.

    Raises:
        UnknownNameError: no class or function has this name.
        ArgumentError: the configuration is incomplete, or the identifier is of another kind.

    Example:
        >>> from amalthea import initializers, utils
        >>> config = {"class_name": "Constant", "config": {"value": 2.0}}
        >>> utils.legacy.deserialize_keras_object(config, vars(initializers))
        Constant(value=2.0)
    """
    if identifier is None or callable(identifier):
        return identifier
    with CustomObjectScope(custom_objects):
        if isinstance(identifier, str):
            found = _found(identifier, module_objects, printable_module_name)
            return found() if inspect.isclass(found) else found
        if not isinstance(identifier, dict) or not {"class_name", "config"} <= identifier.keys():
            raise ArgumentError(
                f"This is not a configuration of {printable_module_name}.",
                expected='{"class_name": ..., "config": ...}',
                got=brief(identifier),
            )
        cls, config = _found(identifier["class_name"], module_objects, printable_module_name), identifier["config"]
        return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)


def _found(name: str, module_objects: dict[str, Any] | None, kind: str) -> Any:
    known = module_objects or {}
    found = custom_object(name) or known.get(name) or known.get(name.rsplit(">", 1)[-1])
    if found is None:
        raise UnknownNameError(f"There is no {kind} {name!r}.", got=repr(name), cure=nearest(name, known))
    return found
