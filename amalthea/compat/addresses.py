"""Where the modules of Keras 1, 2 and 3 are today, by their address after ``keras.``.

A module of old is a view: its own names first, then those of the modules of today that hold its contents, then classes
under their old names.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable, Sequence
from typing import Any

from amalthea.compat import eras
from amalthea.compat.modules import missing_name
from amalthea.compat.old_classes import old_class

_LAYERS = ("layers", "layers.legacy")
# address: rooms of today that hold its names
ADDRESSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [f"layers.{name}" for name in (
            "core", "convolutional", "pooling", "local", "recurrent", "convolutional_recurrent", "embeddings",
            "normalization", "noise", "advanced_activations", "wrappers", "merge", "cudnn_recurrent", "experimental",
            "experimental.preprocessing", "containers",
        )], (*_LAYERS, "models"),
    ),
    "layers": (*_LAYERS, "regularizers"),
    "models": ("models", "saving", "layers"),
    "engine": (*_LAYERS, "models"),
    "engine.topology": (*_LAYERS, "models", "utils"),
    "engine.training": ("models",),
    "engine.base_layer": _LAYERS,
    "engine.input_layer": _LAYERS,
    "engine.network": ("models",),
    "engine.sequential": ("models",),
    "engine.saving": ("saving",),
    "objectives": ("losses",),
    "optimizers": ("optimizers",),
    "optimizers.schedules": ("optimizers.schedules",),
    "optimizers.legacy": ("optimizers",),
    "preprocessing": ("preprocessing",),
    "preprocessing.image": ("preprocessing.image", "utils"),
    "preprocessing.sequence": ("preprocessing.sequence", "utils"),
    "preprocessing.text": ("preprocessing.text",),
    "wrappers": ("compat",),
    "wrappers.scikit_learn": ("compat.scikit_learn",),
    "regularizers": ("regularizers",),
    "utils": ("utils", "compat.utils"),
    "callbacks": ("callbacks",),
    "datasets": ("compat.datasets",),
    "initializations": ("initializers",),
}  # fmt: skip
_LIKEWISE = ("activations", "applications", "constraints", "initializers", "losses", "metrics", "ops", "random", "saving",
             "config", "distribution", "dtype_policies", "mixed_precision", "tree", "visualization", "quantizers",
             "distillation")  # fmt: skip
ADDRESSES.update({name: (name,) for name in _LIKEWISE})


def contents(address: str) -> Callable[[str], Any] | None:
    """The function that finds a name of a module; None if no Keras had a module of that address."""
    rooms = ADDRESSES.get(address)
    if rooms is None and address:
        rooms = (address,) if _exists(f"amalthea.{address}") else None
    return None if rooms is None else (lambda word: _found(address, rooms, word))


def _exists(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _found(address: str, rooms: Sequence[str], word: str) -> Any:
    own = _OWN.get((address, word)) or _OWN.get((address.split(".")[0], word))
    if own is not None:
        return own()
    old = old_class(address.split(".")[0], word)
    if old is not None and eras.era() < 3:
        return old
    for room in rooms:
        try:
            return getattr(importlib.import_module(f"amalthea.{room}"), word)
        except AttributeError:
            continue
    if old is not None:
        return old
    raise AttributeError(missing_name(f"keras.{address}", word, ()))


def _merge() -> Any:
    return importlib.import_module("amalthea.compat.merging").merge


# Names of modules that were something else than today: a function in Keras 1 and a module in Keras 2.
_OWN: dict[tuple[str, str], Callable[[], Any]] = {
    ("layers", "merge"): lambda: _merge() if eras.era() == 1 else view("layers.merge"),
    ("engine", "merge"): _merge,
    ("utils", "to_categorical"): lambda: _utils().to_categorical,
    **{("utils", name): (lambda name=name: _utils().MODULES[name]) for name in (
        "np_utils", "conv_utils", "generic_utils", "io_utils", "data_utils", "layer_utils", "visualize_util",
        "vis_utils")},
}  # fmt: skip


def _utils() -> Any:
    return importlib.import_module("amalthea.compat.utils")


def view(address: str) -> types.ModuleType:
    """The module of an address as Python's import gives it."""
    return importlib.import_module(f"keras.{address}" if address else "keras")
