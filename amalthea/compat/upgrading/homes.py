"""Where a name of an older Keras is today: its room, and its name there."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from amalthea.compat import addresses, eras, utils
from amalthea.compat.calls import kind_of
from amalthea.spellings import keras1, keras2, others
from amalthea.spellings.signatures import signatures

PREFIXES = ("keras", "tensorflow.keras", "tensorflow.python.keras", "tf_keras")
_KINDS = {"layers": "layer", "engine": "layer", "legacy": "layer", "optimizers": "optimizer", "losses": "loss",
          "regularizers": "regularizer", "constraints": "constraint", "initializers": "initializer",
          "initializations": "initializer", "metrics": "metric"}  # fmt: skip


class Home(NamedTuple):
    """A room of today, and a name in it.

    Args:
        room: str; dotted, without ``amalthea.``; empty for the package itself.
        name: str; today's name; empty for the room itself.
        kind: str; "layer", "optimizer" and so on for a class that tables know; else empty.
        old: str; the name in the older Keras.
    """

    room: str
    name: str
    kind: str = ""
    old: str = ""


def address_of(qualified: str) -> str | None:
    """The part of a dotted name after ``keras.``.

    Args:
        qualified: str; a dotted name, such as ``"tensorflow.keras.layers"``.

    Returns:
        str, empty for the package itself; None for a name of another package.

    Example:
        >>> address_of("tensorflow.keras.layers"), address_of("keras"), address_of("numpy")
        ('layers', '', None)
    """
    for prefix in PREFIXES:
        if qualified == prefix:
            return ""
        if qualified.startswith(f"{prefix}."):
            return qualified[len(prefix) + 1 :]
    return None


def home(address: str) -> Home | None:
    """The home of an address after ``keras.``, or None if no Keras had it.

    Args:
        address: str, such as ``"layers.convolutional.Convolution2D"`` or ``"utils.np_utils"``.

    Example:
        >>> home("layers.convolutional.Convolution2D")
        Home(room='layers', name='Conv2D', kind='layer', old='Convolution2D')
        >>> home("objectives")
        Home(room='losses', name='', kind='', old='')
    """
    if not address:
        return Home("", "")
    if address.startswith("backend"):
        module, _, word = address.partition(".")
        return Home("compat.backend", word)
    whole = _rooms(address)
    if whole:
        return Home(whole[0], "")
    module, _, word = address.rpartition(".")
    return _in_room(module, word) if not module or _rooms(module) else None


def _rooms(address: str) -> tuple[str, ...]:
    """The rooms of today that hold a module's names, the one of most names first."""
    if address == "layers.merge":
        return () if eras.era() == 1 else ("layers",)  # a function in Keras 1
    if address.removeprefix("utils.") in utils.MODULES:
        return ("utils", "compat.utils")
    if address in addresses.ADDRESSES:
        return addresses.ADDRESSES[address]
    return (address,) if address and _module(address) is not None else ()


def _module(room: str) -> object | None:
    try:
        return importlib.import_module(f"amalthea.{room}" if room else "amalthea")
    except ImportError:
        return None


def _in_room(module: str, word: str) -> Home | None:
    kind = _KINDS.get(module.split(".")[0], "")
    if module in ("layers", "engine") and word == "merge":
        return Home("layers", "merge", "layer", "merge")
    for room in _rooms(module) or ("",):
        found = getattr(_module(room), word, None)
        if found is not None:
            known = isinstance(found, type) and kind_of(found)
            return Home(room, _renamed(kind, word) or word, known or (kind if _in_tables(kind, word) else ""), word)
    name = _renamed(kind, word)
    if name is None and not _in_tables(kind, word):
        return None
    return Home(room_of(kind, name or word), name or word, kind, word)


def room_of(kind: str, name: str) -> str:
    """The room of a class of today.

    Args:
        kind: str; such as ``"layer"``.
        name: str; the class.

    Example:
        >>> room_of("layer", "Dense"), room_of("layer", "MaxoutDense"), room_of("loss", "MeanSquaredError")
        ('layers', 'layers.legacy', 'losses')
    """
    rooms = ("layers", "layers.legacy") if kind == "layer" else ("losses" if kind == "loss" else f"{kind}s",)
    return next((room for room in rooms if hasattr(_module(room), name)), rooms[0])


def _tables(kind: str) -> tuple[dict, ...]:  # type: ignore[type-arg]
    if kind == "layer":
        return keras1.LAYERS, keras2.LAYERS
    return others.TABLES[kind][:2] if kind in others.TABLES else ()


def _in_tables(kind: str, word: str) -> bool:
    return any(word in table for table in _tables(kind)) or any(word in signatures(era) for era in (1, 2) if kind)


def _renamed(kind: str, word: str) -> str | None:
    """Today's name where the tables name one, whatever the arguments."""
    return next((table[word].name for table in _tables(kind) if word in table and table[word].name), None)
