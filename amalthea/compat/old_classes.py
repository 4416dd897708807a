"""Classes and functions under names that Keras dropped."""

from __future__ import annotations

from functools import cache
from typing import Any

from amalthea.compat.calls import ROOMS, modern_call, noted_call
from amalthea.spellings import keras1, keras2, others

_KINDS = {"layers": "layer", "engine": "layer", "optimizers": "optimizer", "regularizers": "regularizer",
          "constraints": "constraint", "initializers": "initializer"}  # fmt: skip
_SHORT = {"AtrousConv1D": "AtrousConvolution1D", "AtrousConv2D": "AtrousConvolution2D", "Deconv2D": "Deconvolution2D",
          "Deconv3D": "Deconvolution3D"}  # fmt: skip


class _Old(type):
    """The class of classes that are called by an old name: calling one makes an object of today's class."""

    kind: str

    def __new__(mcs, name: str, bases: tuple[type, ...], contents: dict[str, Any]) -> Any:  # noqa: N804
        """A class derived from an old one is derived from today's."""
        if not bases:
            return super().__new__(mcs, name, bases, contents)
        old = next(base for base in bases if isinstance(base, _Old))
        todays = tuple(modern_call(b.kind, b.__name__, (), {})[0] if isinstance(b, _Old) else b for b in bases)
        return type(todays[0])(name, todays, {"_old_name": old.__name__, **contents})

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made, args, kwargs = noted_call(cls.kind, cls.__name__, args, kwargs)
        return made(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        today = modern_call(cls.kind, cls.__name__, (), {})[0]
        return isinstance(today, type) and isinstance(instance, today)


@cache
def old_class(room: str, name: str) -> Any:
    """The class of an old name, or None if no Keras had it.

    Args:
        room: str; the first part of the module's address, such as ``"layers"``.
        name: str; the class or function.

    Example:
        >>> old_class("layers", "AtrousConvolution2D").__name__, old_class("layers", "Dense")
        ('AtrousConvolution2D', None)
    """
    kind = _KINDS.get(room)
    name = _SHORT.get(name, name)
    if kind is None:
        return None
    tables = (keras1.LAYERS, keras2.LAYERS) if kind == "layer" else others.TABLES[kind][:2]
    if kind == "optimizer":
        name = next((known for known in others.OPTIMIZERS if known.lower() == name), name)
        return getattr(ROOMS[kind][0], name, None) if name in others.OPTIMIZERS else None
    todays = any(getattr(getattr(r, name, None), "__name__", "") == name for r in ROOMS[kind])  # not an alias
    if todays or not any(name in table for table in tables):
        return None
    return _Old(name, (), {"kind": kind, "__doc__": f"``{name}`` of an older Keras."})
