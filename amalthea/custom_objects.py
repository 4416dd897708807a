"""A user's own classes and functions, by the names under which files and configurations know them."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

CUSTOM: dict[str, Any] = {}  # "package>Name" to the object that `register_keras_serializable` decorated


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """Returns a decorator that lets files name your class or function, as ``package>name``.

    Args:
        package: str; first part of the name. Defaults to ``"Custom"``.
        name: str; second part. Defaults to None, which takes the object's own name.

    Example:
        >>> from amalthea import saving
        >>> @saving.register_keras_serializable("mine")
        ... def double(x):
        ...     return 2 * x
        >>> saving.get_registered_name(double)
        'mine>double'
    """

    def join(thing: Any) -> Any:
        key = f"{package}>{name or thing.__name__}"
        CUSTOM[key] = thing
        return thing

    return join


def get_registered_name(obj: Any) -> str:
    """Returns the name under which a class or function was registered, or its own name.

    Args:
        obj: class or function.

    Example:
        >>> from amalthea import saving
        >>> saving.get_registered_name(len)
        'len'
    """
    return next((key for key, value in CUSTOM.items() if value is obj), obj.__name__)


def get_custom_objects() -> dict[str, Any]:
    """Returns the table of your classes and functions that names in files and configurations stand for.

    The table is the one in use: an entry that you add holds everywhere until you remove it.

    Example:
        >>> from amalthea import layers, utils
        >>> utils.get_custom_objects()["double"] = lambda x: 2 * x
        >>> layers.Dense(3, activation="double").activation(4)
        8
        >>> del utils.get_custom_objects()["double"]
    """
    return CUSTOM


def get_registered_object(name: str, custom_objects: dict[str, Any] | None = None, module_objects: Any = None) -> Any:
    """Returns your class or function of a name, or None.

    Args:
        name: str; ``package>name``, or the name alone.
        custom_objects: dict of objects by name, searched first. Defaults to None.
        module_objects: dict of objects by name, searched last. Defaults to None.

    Example:
        >>> from amalthea import saving
        >>> saving.get_registered_object("double", {"double": lambda x: 2 * x})(4)
        8
    """
    return (custom_objects or {}).get(name) or custom_object(name) or (module_objects or {}).get(name)


def scoped(name: str) -> Any:
    """The object of this name in an open :class:`CustomObjectScope`, or None."""
    for scope in reversed(_scopes.get()):
        for key in (name, name.rsplit(">", 1)[-1]):
            if key in scope:
                return scope[key]
    return None


def custom_object(name: str) -> Any:
    """The user's own class or function of that name, registered or in an open :class:`CustomObjectScope`."""
    found = scoped(name)
    if found is not None:
        return found
    if name in CUSTOM:
        return CUSTOM[name]
    return next((thing for key, thing in CUSTOM.items() if key.rsplit(">", 1)[-1] == name), None)


_scopes: contextvars.ContextVar[tuple[dict[str, Any], ...]] = contextvars.ContextVar("custom_objects", default=())


class CustomObjectScope:
    """A block in which names in files and configurations stand for your classes and functions, in this thread.

    Args:
        custom_objects: dict of objects by name.

    Example:
        >>> from amalthea import layers, saving
        >>> with saving.CustomObjectScope({"double": lambda x: 2 * x}):
        ...     layer = layers.Dense(3, activation="double")
        >>> layer.activation(4)
        8
    """

    def __init__(self, custom_objects: dict[str, Any] | None):
        self.custom_objects = custom_objects or {}

    def __enter__(self) -> CustomObjectScope:
        _scopes.set((*_scopes.get(), self.custom_objects))
        return self

    def __exit__(self, *_: Any) -> None:
        _scopes.set(_scopes.get()[:-1])
