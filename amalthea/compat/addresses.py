"""Old modules of Keras, such as ``keras.layers.core``, and the modules of today that hold their names.

A module of old is a view: its own names first, then classes under their old names, then the modules of today that
hold its contents.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from amalthea.compat import eras
from amalthea.compat.old_classes import old_class
from amalthea.spellings import keras1, keras2, others

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
    "layers": (*_LAYERS, "models"),
    "models": ("models", "saving", "layers"),
    "engine": (*_LAYERS, "models", "utils"),
    "engine.topology": (*_LAYERS, "models", "utils"),
    "engine.training": ("models", "compat.utils"),
    "engine.base_layer": _LAYERS,
    "engine.input_layer": _LAYERS,
    "engine.network": ("models", "utils"),
    "engine.sequential": ("models",),
    "engine.saving": ("saving",),
    "legacy": _LAYERS,
    "legacy.layers": _LAYERS,
    "objectives": ("losses",),
    "losses": ("losses",),
    "metrics": ("metrics", "losses"),
    "optimizers": ("optimizers",),
    "optimizers.schedules": ("optimizers.schedules",),
    "optimizers.legacy": ("optimizers",),
    "optimizers.experimental": ("optimizers",),
    "experimental": ("optimizers.schedules",),
    "preprocessing": ("preprocessing",),
    "preprocessing.image": ("preprocessing.image", "utils"),
    "preprocessing.sequence": ("preprocessing.sequence", "utils"),
    "preprocessing.text": ("preprocessing.text",),
    "wrappers": ("wrappers", "compat"),
    "wrappers.scikit_learn": ("compat.scikit_learn",),
    "utils": ("utils", "compat.utils"),
    "utils.multi_gpu_utils": ("utils",),
    "utils.losses_utils": ("losses",),
    "datasets": ("compat.datasets",),
    "datasets.cifar": ("datasets",),
    "applications.mobilenetv2": ("applications.mobilenet_v2",),
    **dict.fromkeys(("callbacks", "callbacks.callbacks", "callbacks.tensorboard_v1", "callbacks.tensorboard_v2",
                     "callbacks.experimental"), ("callbacks",)),
}  # fmt: skip
_LIKEWISE = ("activations", "applications", "constraints", "initializers", "ops", "random", "saving", "config",
             "distribution", "dtype_policies", "mixed_precision", "tree", "visualization", "quantizers",
             "distillation", "regularizers")  # fmt: skip
ADDRESSES.update({name: (name,) for name in _LIKEWISE})


@cache
def contents(address: str) -> Callable[[str], Any] | None:
    """The function that finds a name of a module; None if no Keras had a module of that address.

    Args:
        address: str; without ``keras.``.

    Example:
        >>> contents("layers.core")("Dense").__name__, contents("layers.cores")
        ('Dense', None)
    """
    rooms = ADDRESSES.get(address)
    if rooms is None and address:
        rooms = (address,) if _exists(f"amalthea.{address}") else None
    return None if rooms is None else (lambda word: _found(address, rooms, word))


def names_of(address: str) -> list[str]:
    """The public names of a module, for ``from keras.layers import *``.

    Args:
        address: str; without ``keras.``.

    Example:
        >>> {"Dense", "Input", "CuDNNLSTM", "Convolution2D"} <= set(names_of("layers"))
        True
    """
    rooms = [importlib.import_module(f"amalthea.{room}") for room in ADDRESSES.get(address, (address,))]
    found = {name for room in rooms for name in getattr(room, "__all__", dir(room))}
    room = address.split(".")[0]
    found |= {name for where, name in _OWN if where == room}
    if room in ("layers", "engine"):
        found |= {*keras1.LAYERS, *keras2.LAYERS}
    if room in ("losses", "objectives", "metrics"):
        found |= set(others.LOSSES)
    is_there = contents(address)
    assert is_there is not None
    return sorted(name for name in found if not name.startswith("_") and _has(is_there, name))


def _has(find: Callable[[str], Any], name: str) -> bool:
    try:
        find(name)
    except (AttributeError, ImportError):
        return False
    return True


def _exists(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _found(address: str, rooms: Sequence[str], word: str) -> Any:
    room = address.split(".")[0]
    own = _OWN.get((address, word)) or _OWN.get((room, word))
    if own is not None:
        return own()
    old = old_class(room, word)
    if old is not None and eras.era() < 3:
        return old
    for place, name in (*_aliased(room, word), *[(r, word) for r in rooms]):
        try:
            return getattr(importlib.import_module(f"amalthea.{place}"), name)
        except AttributeError:
            continue
    if old is not None:
        return old
    raise AttributeError(f"keras.{address} has no {word!r}.")


def _aliased(room: str, word: str) -> list[tuple[str, str]]:
    """Functions of losses and metrics under their short and old names, such as ``mae`` and ``cosine_proximity``."""
    is_short = room in ("losses", "objectives", "metrics") and word in others.LOSSES
    return [("losses", others.LOSSES[word])] if is_short else []


# ------------------------------------------------------------------------------ names of their own


def _of(module: str, name: str) -> Callable[[], Any]:
    return lambda: getattr(importlib.import_module(f"amalthea.{module}"), name)


def _callback(name: str) -> Callable[[], Any]:
    return lambda: importlib.import_module("amalthea.compat.old_callbacks").OLD[name]


def _utils_module(name: str) -> Callable[[], Any]:
    return lambda: importlib.import_module("amalthea.compat.utils").MODULES[name]


def _hard_sigmoid() -> Any:
    is_old = eras.has_old_hard_sigmoid()
    return _of("layers.legacy", "keras2_hard_sigmoid")() if is_old else _of("activations", "hard_sigmoid")()


def _activation(identifier: Any) -> Any:
    """The function of a name, as ``activations.get``.

    Args:
        identifier: str, function or None.
    """
    is_hard = isinstance(identifier, str) and identifier == "hard_sigmoid"
    return _hard_sigmoid() if is_hard else _of("activations", "get")()(identifier)


# Names of modules that are something else than today, or were in one version.
_OWN: dict[tuple[str, str], Callable[[], Any]] = {
    ("activations", "hard_sigmoid"): lambda: _hard_sigmoid(),
    ("activations", "get"): lambda: _activation,
    ("layers", "merge"): lambda: _of("compat.merging", "merge")() if eras.era() == 1 else view("layers.merge"),
    ("layers.merge", "merge"): _of("compat.merging", "merge"),
    ("engine", "merge"): _of("compat.merging", "merge"),
    **{(room, "Input"): lambda: _of("compat.inputs" if eras.era() < 3 else "layers", "Input")() for room in (
        "layers", "engine", "models")},
    ("layers", "Merge"): _of("compat.merging", "Merge"),
    ("layers", "Recurrent"): _of("compat.recurrent", "Recurrent"),
    ("legacy", "Recurrent"): _of("compat.recurrent", "Recurrent"),
    ("engine", "Merge"): _of("compat.merging", "Merge"),
    ("legacy", "Merge"): _of("compat.merging", "Merge"),
    ("models", "save_model"): _of("compat.old_files", "save_model"),
    ("models", "Graph"): _of("compat.graph", "Graph"),
    ("models", "model_from_config"): _of("compat.configs", "model_from_config"),
    ("engine", "model_from_config"): _of("compat.configs", "model_from_config"),
    ("engine", "Container"): _of("models", "Model"),
    ("engine", "Network"): _of("models", "Model"),
    ("losses", "Reduction"): _of("compat.old_losses", "Reduction"),
    ("utils", "Reduction"): _of("compat.old_losses", "Reduction"),
    ("utils", "to_categorical"): _of("compat.utils", "to_categorical"),
    **{("metrics", name): _of("compat.old_metrics", name) for name in (
        "precision", "recall", "fbeta_score", "fmeasure", "f1score", "fscore", "matthews_correlation")},
    **{("callbacks", name): _callback(name) for name in (
        "ModelCheckpoint", "EarlyStopping", "ReduceLROnPlateau", "TensorBoard", "BaseLogger")},
    **{("utils", name): _utils_module(name) for name in (
        "np_utils", "conv_utils", "generic_utils", "io_utils", "data_utils", "layer_utils", "visualize_util",
        "vis_utils")},
}  # fmt: skip


def view(address: str) -> types.ModuleType:
    """The module of an address as Python's import gives it.

    Args:
        address: str; without ``keras.``.
    """
    return importlib.import_module(f"keras.{address}" if address else "keras")
