"""Names and configurations of single objects, from an older Keras to today's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.spellings import keras1, keras2, others
from amalthea.spellings.rows import Config, Spelling, apply

_KINDS = {
    "activation": "activation",
    "initializer": "initializer",
    "regularizer": "regularizer",
    "constraint": "constraint",
}
_LAYERS_INSIDE = ("layer", "backward_layer", "cell", "cells")
MODELS: dict[str, Callable[[dict[str, Any], int], dict[str, Any]]] = {}  # by class, of models inside layers


def modern(kind: str, class_name: str, config: Config, era: int) -> tuple[str, Config]:
    """The name and configuration of today for those of an older Keras.

    Args:
        kind: str; "layer", "optimizer", "loss", "metric", "initializer", "regularizer" or "constraint".
        class_name: str; the class in the older Keras.
        config: dict of its arguments; it is not changed.
        era: int; 1 or 2.

    Example:
        >>> from amalthea.spellings import modern
        >>> modern("layer", "Dense", {"output_dim": 3, "init": "zero", "bias": True}, era=1)
        ('Dense', {'units': 3, 'kernel_initializer': {'class_name': 'Zeros', 'config': {}}, 'use_bias': True})
    """
    table, common = _table(kind, era)
    if kind == "layer" and class_name not in table:
        return class_name, config  # a class of the user's
    class_name, config = apply(table.get(class_name, Spelling()), class_name, config, common)
    if kind != "layer":
        return class_name, config
    return class_name, {key: _inside(key, value, era) for key, value in config.items()}


def _table(kind: str, era: int) -> tuple[dict[str, Spelling], Spelling]:
    if kind == "layer":
        return (keras1.LAYERS, keras1.COMMON) if era == 1 else (keras2.LAYERS, keras2.COMMON)
    first, second, common = others.TABLES[kind]
    return (first if era == 1 else second), common


def _inside(argument: str, value: Any, era: int) -> Any:
    kind = _KINDS.get(argument.rsplit("_", 1)[-1])
    if argument in _LAYERS_INSIDE:
        return (
            [modern_value("layer", v, era) for v in value]
            if isinstance(value, list)
            else modern_value("layer", value, era)
        )
    return value if kind is None else modern_value(kind, value, era)


def modern_value(kind: str, value: Any, era: int) -> Any:
    """The same for an object in the place of an argument: a name, a dict, or None.

    Example:
        >>> from amalthea.spellings import modern_value
        >>> modern_value("regularizer", {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5}, era=1)
        {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.5}}
    """
    if kind == "layer" and isinstance(value, dict) and value.get("class_name") in MODELS:
        return MODELS[value["class_name"]](value, era)
    if isinstance(value, str):
        return _named(kind, value, era)
    if not isinstance(value, dict):
        return value
    if "class_name" in value and isinstance(value.get("config"), dict):
        class_name, config = (
            modern(kind, value["class_name"], value["config"], era)
            if (kind != "activation")
            else (value["class_name"], value["config"])
        )
        kept = {k: v for k, v in value.items() if k not in ("module", "registered_name", "build_config")}
        return {**kept, "class_name": class_name, "config": config}
    if isinstance(value.get("name"), str) and kind in others.TABLES:  # Keras 1: the name among the arguments
        class_name, config = modern(kind, value["name"], {k: v for k, v in value.items() if k != "name"}, era)
        return {"class_name": class_name, "config": config}
    return value


def _named(kind: str, name: str, era: int) -> Any:
    if kind in ("activation", "loss", "metric"):
        return modern_name(kind, name)
    if kind in others.TABLES and name in _table(kind, era)[0]:
        class_name, config = modern(kind, name, {}, era)
        return {"class_name": class_name, "config": config}
    return name


def modern_name(kind: str, name: str) -> str:
    """Today's name of an activation, loss or metric that is given by name.

    Example:
        >>> from amalthea.spellings import modern_name
        >>> modern_name("loss", "cosine_proximity")
        'cosine_similarity'
    """
    if kind == "activation":
        return others.ACTIVATIONS.get(name, name)
    return others.LOSSES.get(name, name)
