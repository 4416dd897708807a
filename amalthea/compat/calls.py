"""Calls of classes in the spelling of Keras 1 and 2, in the one place where every class is called.

:func:`install` gives the hook to :mod:`amalthea.configurable`. Only calls from outside of the package are read.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any

import numpy as np

from amalthea import configurable, constraints, initializers, layers, losses, metrics, optimizers, regularizers
from amalthea.compat import backend, differences, eras
from amalthea.layers import legacy
from amalthea.spellings import keras1, keras2, modern, others
from amalthea.spellings.rows import Spelling, apply
from amalthea.spellings.signatures import Signature, signatures

ROOMS = {
    "layer": (layers, legacy), "optimizer": (optimizers,), "loss": (losses,), "metric": (metrics,),
    "initializer": (initializers,), "regularizer": (regularizers,), "constraint": (constraints,),
}  # fmt: skip
_RANKS = {"Convolution2D": 2, "Convolution3D": 3, "Conv2D": 2, "Conv3D": 3, "Conv2DTranspose": 2, "ConvLSTM2D": 2,
          "LocallyConnected2D": 2, "SeparableConv2D": 2}  # fmt: skip


def install() -> None:
    """Reads calls of classes from now on."""
    configurable.respell = respelled


def uninstall() -> None:
    """Reads calls as those of today again."""
    configurable.respell = None


@cache
def kind_of(cls: type) -> str | None:
    """The kind of a class of the library, such as ``"layer"``; None for a class of a user's.

    Args:
        cls: class.

    Example:
        >>> kind_of(layers.Dense), kind_of(int)
        ('layer', None)
    """
    if not cls.__module__.startswith("amalthea."):
        return None
    room = cls.__module__.split(".")[1]
    return next((kind for kind in ROOMS if room == f"{kind}s"), None)


def respelled(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[type, tuple[Any, ...], dict[str, Any]]:
    """The class and the arguments of today for a call; the same for one from inside of the package.

    Args:
        cls: class.
        args: arguments by position.
        kwargs: arguments by name.
    """
    kind = kind_of(cls)
    if kind is None or is_inside(sys._getframe(2)):
        return cls, args, kwargs
    return noted_call(kind, cls.__name__, args, kwargs, cls)


def noted_call(
    kind: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], cls: type | None = None
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """:func:`modern_call` for a call in a script, whose old spellings are noted.

    Args:
        kind: str; as for :func:`modern_call`.
        name: str; the class as it is written.
        args: arguments by position.
        kwargs: arguments by name.
        cls: class of today under this name. Defaults to None, where there is none.
    """
    made, rest, config = modern_call(kind, name, args, kwargs, cls)
    differences.note(kind, name, args, kwargs, made, config)
    return made, rest, config


def is_inside(frame: Any) -> bool:
    """Whether a call comes from the library itself.

    Args:
        frame: frame of the caller.
    """
    return str(frame.f_globals.get("__name__", "")).startswith("amalthea.")


def modern_call(
    kind: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], cls: type | None = None
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The class, positional and named arguments of today for a call by an old name.

    Args:
        kind: str; ``"layer"``, ``"optimizer"``, ...
        name: str; the class as it is written.
        args: arguments by position.
        kwargs: arguments by name.
        cls: class of today under this name. Defaults to None, where there is none.

    Example:
        >>> made, args, config = modern_call("layer", "Convolution2D", (8, 3, 3), {"border_mode": "same"})
        >>> made.__name__, config["filters"], config["kernel_size"], config["padding"]
        ('Conv2D', 8, [3, 3], 'same')
    """
    era = eras.era()
    if kind == "layer" and eras.is_tf_keras():
        args, kwargs = _with_old_hard_sigmoid(name, args, kwargs)
    own = signatures(era).get(name) or (_of_any_era(name, kwargs) if cls is None else None)
    if cls is not None and own is None and (_is_modern(kind, cls, kwargs) if era == 3 else kind not in _CHANGED):
        return cls, args, kwargs
    own = own or _todays(cls)
    given, rest = _bound(name, own, args, kwargs)
    kept = {k: given.pop(k) for k in ("weights", "layer", "cell", "layers") if k in given}
    defaults = {k: v for k, v in own.defaults.items() if v is not None and k not in given} if era < 3 else {}
    read = era if era < 3 else _era_of_words(kind, name, given)
    given = {k: v for k, v in given.items() if v is not None}
    found, config = _spelt(kind, name, {**given, **defaults}, read, era == 3)
    config.update(kept)
    _finished(kind, found, config, era)
    made = found or cls
    for argument in [*inspect.signature(made.__init__).parameters][1 : 1 + len(rest)]:
        config.pop(argument, None)  # given by its position
    return made, rest, config


_OLD_FUNCTION = "keras2_hard_sigmoid"


def _with_old_hard_sigmoid(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a layer of tf.keras 2, whose ``hard_sigmoid`` was that of Keras 2."""
    if name.startswith("ConvLSTM"):  # the layers that had it without asking
        kwargs = {"recurrent_activation": "hard_sigmoid", **kwargs}

    def old(value: Any) -> Any:
        return _OLD_FUNCTION if isinstance(value, str) and value == "hard_sigmoid" else value

    return tuple(map(old, args)), {k: old(v) for k, v in kwargs.items()}


def _era_of_words(kind: str, name: str, given: dict[str, Any]) -> int:
    """The version whose words a call has: 1 for a class or an argument that Keras 2 had no more."""
    is_gone = name in _table(kind, 1)[0] and name not in _table(kind, 2)[0]
    return 1 if is_gone or any(k in _old_arguments(kind, name, 1) for k in given) else 2


_CHANGED = ("layer", "optimizer", "initializer", "regularizer", "constraint")


def _of_any_era(name: str, kwargs: dict[str, Any]) -> Signature | None:
    """A signature of a class that is gone: of the later version, unless arguments of the earlier are given."""
    first, second = signatures(1).get(name), signatures(2).get(name)
    if first is not None and (
        second is None or any(k in first.arguments and k not in second.arguments for k in kwargs)
    ):
        return first
    return second


def _todays(cls: type | None) -> Signature:
    names = tuple(_parameters(cls)) if cls is not None else ()
    return Signature(names, {})


@cache
def _parameters(cls: type) -> tuple[str, ...]:
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


def _bound(
    name: str, own: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The arguments by name; positional ones that no signature names stay as they are."""
    rank = _RANKS.get(name, 0)
    sides = args[1 : 1 + rank]
    are_sides = rank and len(sides) == rank and all(isinstance(a, int) for a in sides)
    if are_sides and "kernel_size" in own.arguments and (eras.era() < 3 or name.startswith("Convolution")):
        args = (args[0], tuple(sides), *args[1 + rank :])  # Conv2D(4, 3, 3), which Keras 2 took too
    return {**dict(zip(own.arguments, args)), **kwargs}, args[len(own.arguments) :]


def _is_modern(kind: str, cls: type, kwargs: dict[str, Any]) -> bool:
    """Whether every argument is one of today's."""
    known = _parameters(cls)
    return not any(
        k not in known and any(k in _old_arguments(kind, cls.__name__, number) for number in (1, 2)) for k in kwargs
    )


@cache
def _old_arguments(kind: str, name: str, era: int) -> frozenset[str]:
    """Arguments of an era that are called otherwise today."""
    table, common = _table(kind, era)
    rows = (table.get(name, Spelling()), common)
    renamed = {k for row in rows for k, v in row.arguments.items() if k != v}
    own = {"decay", "schedule_decay"} if kind == "optimizer" else set()
    return frozenset(renamed | own | {p for row in rows for parts in row.joined.values() for p in parts})


def _table(kind: str, era: int) -> tuple[dict[str, Spelling], Spelling]:
    if kind == "layer":
        return (keras1.LAYERS, keras1.COMMON) if era == 1 else (keras2.LAYERS, keras2.COMMON)
    first, second, common = others.TABLES[kind]
    return (first if era == 1 else second), common


def _spelt(
    kind: str, name: str, config: dict[str, Any], era: int, names_alone: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Today's class and arguments; ``names_alone`` leaves out what old defaults and values meant."""
    if kind == "layer" and era == 2 and any(k in _old_arguments(kind, name, 1) for k in config):
        name, config = _names_of_keras_1(name, config)  # which Keras 2 read too
    if not names_alone:
        name, config = modern(kind, name, config, era)
    else:
        table, common = _table(kind, era)
        name, config = apply(table.get(name, Spelling())._replace(defaults={}), name, config, common)
    return _class(kind, name), config


def _names_of_keras_1(name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    full = name.replace("Conv", "Convolution", 1) if name in ("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D") else name
    row = keras1.LAYERS.get(full, Spelling())
    return apply(row._replace(defaults={}), full, config, keras1.COMMON)


def _class(kind: str, name: str) -> Any:
    for room in ROOMS[kind]:
        if hasattr(room, name):
            return getattr(room, name)
    return None


def _finished(kind: str, cls: Any, config: dict[str, Any], era: int) -> None:
    """Changes arguments in place where a new name is not enough: functions as initializers, a first Embedding."""
    if kind == "optimizer":
        config.pop("schedule_decay", None)
    if kind != "layer":
        return
    for argument, value in config.items():
        if argument.endswith("initializer"):
            config[argument] = takes_name(value)
    known = any(k in config for k in ("input_shape", "batch_input_shape", "batch_shape"))
    if cls is layers.Embedding and era < 3 and not known:
        length = config.get("input_length")
        config["input_shape"] = tuple(length) if isinstance(length, (list, tuple)) else (length,)


def takes_name(initializer: Any) -> Any:
    """An initializer ``f(shape, name)`` of Keras 1 as one of today; anything else as it is.

    Args:
        initializer: value of an argument of a layer.
    """
    if not inspect.isfunction(initializer):
        return initializer
    names = list(inspect.signature(initializer).parameters)
    if "dtype" in names:
        return initializer
    named = {"name": None} if "name" in names else {}

    def initial(shape: Any, dtype: Any = None) -> Any:
        return values_of(initializer(tuple(shape), **named), dtype)

    initial.__name__ = initializer.__name__
    return initial


def values_of(found: Any, dtype: Any = None) -> Any:
    """The values of an array, a variable or an expression of ``K``.

    Args:
        found: what an initializer of a user's returned.
        dtype: DTypeLike. Defaults to None, float32.
    """
    return np.asarray(backend.eval(found), dtype or "float32")
