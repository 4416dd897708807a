"""Attributes that classes are given while old Keras is read, and that can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_before: list[tuple[type, str, Any]] = []
_NONE = object()


def attach(cls: type, contents: Mapping[str, Any]) -> None:
    """Gives a class these attributes.

    Args:
        cls: class.
        contents: dict from name to function, property or value.

    Example:
        >>> class Plain:
        ...     def name(self):
        ...         return "plain"
        >>> attach(Plain, {"name": lambda self: "old"})
        >>> Plain().name()
        'old'
        >>> detach(Plain)
        >>> Plain().name()
        'plain'
    """
    for name, value in contents.items():
        _before.append((cls, name, vars(cls).get(name, _NONE)))
        setattr(cls, name, value)


def detach(*classes: type) -> None:
    """Takes back what was attached to these classes, or to all if none is given.

    Args:
        *classes: classes.
    """
    for cls, name, value in reversed(_before):
        if classes and cls not in classes:
            continue
        if value is _NONE:
            delattr(cls, name)
        else:
            setattr(cls, name, value)
    _before[:] = [row for row in _before if classes and row[0] not in classes]
