"""Calls of classes in the spelling of Keras 1 and 2, in the one place where every class is called.

:func:`install` gives the hook to :mod:`amalthea.configurable`. Only calls from outside of the package are read.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any

from amalthea import configurable, constraints, initializers, layers, losses, metrics, optimizers, regularizers
from amalthea.compat import eras
from amalthea.layers import legacy
from amalthea.optimizers import schedules
from amalthea.spellings import keras1, keras2, modern, others
from amalthea.spellings.rows import Spelling, apply
from amalthea.spellings.signatures import signatures

_ROOMS = {
    "layer": (layers, legacy), "optimizer": (optimizers,), "loss": (losses,), "metric": (metrics,),
    "initializer": (initializers,), "regularizer": (regularizers,), "constraint": (constraints,),
}  # fmt: skip
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D", "Convolution1D", "Conv1D")


def install() -> None:
    """Reads calls of classes from now on."""
    configurable.respell = respelled


def kind_of(cls: type) -> str | None:
    """The kind of a class of the library, such as ``"layer"``; None for a class of a user's."""
    if not cls.__module__.startswith("amalthea."):
        return None
    room = cls.__module__.split(".")[1]
    return next((kind for kind in _ROOMS if room == f"{kind}s"), None)


def respelled(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[type, tuple[Any, ...], dict[str, Any]]:
    """The class and the arguments of today for a call; the same for one from inside of the package."""
    kind = kind_of(cls)
    if kind is None or _caller().startswith("amalthea."):
        return cls, args, kwargs
    return modern_call(kind, cls.__name__, args, kwargs, cls)


def _caller() -> str:
    frame: Any = sys._getframe(3)
    return str(frame.f_globals.get("__name__", ""))


def modern_call(
    kind: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], cls: type | None = None
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The class, positional and named arguments of today for a call by an old name."""
    era = eras.era()
    own = signatures(era).get(name)
    if own is None and cls is None:  # a name of old in a later era
        own = signatures(1).get(name) or signatures(2).get(name)
    if own is None and cls is not None and not _has_old(kind, cls, kwargs):
        return cls, args, kwargs
    given, rest = _bound(own, args, kwargs)
    weights = given.pop("weights", None)
    defaults = own.defaults if own is not None and era < 3 else {}
    found, config = _spelt(kind, name, {k: v for k, v in given.items() if v is not None}, era)
    filled = _spelt(kind, name, {k: v for k, v in defaults.items() if v is not None and k not in given}, era)[1]
    config = {**{k: v for k, v in filled.items() if k not in config}, **config}
    if weights is not None:
        config["weights"] = weights
    made = found or cls
    for argument in [*inspect.signature(made.__init__).parameters][1 : 1 + len(rest)]:
        config.pop(argument, None)  # given by its position
    return made, rest, _decayed(kind, config)


def _bound(own: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The arguments by name; positional ones that no signature names stay as they are."""
    if own is None:
        return dict(kwargs), args
    if len(args) == 3 and "kernel_size" in own.arguments and all(isinstance(a, int) for a in args[1:]):
        args = (args[0], (args[1], args[2]))  # Conv2D(4, 3, 3) of Keras 1, which Keras 2 took too
    names = own.arguments[: len(args)]
    return {**dict(zip(names, args)), **kwargs}, args[len(names) :]


def _has_old(kind: str, cls: type, kwargs: dict[str, Any]) -> bool:
    """Whether an argument is none of today's."""
    known = _parameters(cls)
    return any(k not in known and k in _old_arguments(kind, cls.__name__) for k in kwargs)


@cache
def _parameters(cls: type) -> frozenset[str]:
    return frozenset(inspect.signature(cls.__init__).parameters)


@cache
def _old_arguments(kind: str, name: str) -> frozenset[str]:
    rows = _rows(kind, name)
    return frozenset(k for row in rows for k in (*row.arguments, *(p for parts in row.joined.values() for p in parts)))


def _rows(kind: str, name: str) -> list[Spelling]:
    if kind == "layer":
        tables = ((keras1.LAYERS, keras1.COMMON), (keras2.LAYERS, keras2.COMMON))
        return [row for table, common in tables for row in (table.get(name, Spelling()), common)]
    first, second, common = others.TABLES[kind]
    return [first.get(name, Spelling()), second.get(name, Spelling()), common]


def _spelt(kind: str, name: str, config: dict[str, Any], era: int) -> tuple[Any, dict[str, Any]]:
    """Today's class and arguments; in era 3 by both tables, without the behaviour of old defaults."""
    if era == 3:
        for number in (2, 1):
            table = {1: keras1, 2: keras2}[number]
            if kind == "layer" and name in table.LAYERS:
                name, config = apply(table.LAYERS[name]._replace(defaults={}), name, config, table.COMMON)
    else:
        name, config = modern(kind, name, config, era)
    return _class(kind, name), config


def _class(kind: str, name: str) -> Any:
    for room in _ROOMS[kind]:
        if hasattr(room, name):
            return getattr(room, name)
    return None


def _decayed(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """``decay`` of old optimizers divided the rate by ``1 + decay * steps``."""
    decay = config.pop("decay", 0) if kind == "optimizer" else 0
    if decay:
        config["learning_rate"] = schedules.InverseTimeDecay(config.get("learning_rate", 0.01), 1, decay)
    return config
