"""Configurations of Keras 0.3 in the form of Keras 1: the class stood among the arguments, as ``name``.

{"name": "Dense", "custom_name": "dense", "output_dim": 3}
-> {"class_name": "Dense", "config": {"name": "dense_1", "output_dim": 3}}
"""

from __future__ import annotations

from typing import Any

from amalthea.spellings.keras0_graph import as_functional
from amalthea.spellings.rows import Config

_GONE = ("custom_name", "cache_enabled", "name", "layers", "layer")


def as_keras_1(data: Config) -> Config:
    """A model's configuration in the form of Keras 1."""
    counts: dict[str, int] = {}
    return as_functional(data, lambda x: _layer(x, counts)) if "node_config" in data else _layer(data, counts)


def _layer(data: Config, counts: dict[str, int]) -> Config:
    class_name = str(data["name"])
    stem = str(data.get("custom_name") or class_name.lower())
    if class_name == "Sequential":
        layers = [_layer(layer, counts) for layer in data["layers"]]
        counts[stem] = counts.get(stem, 0) + 1
        return {"class_name": class_name, "config": layers, "name": f"{stem}_{counts[stem]}"}
    if "node_config" in data:
        raise ValueError("a Graph inside of another model")
    counts[stem] = counts.get(stem, 0) + 1
    config: dict[str, Any] = {k: v for k, v in data.items() if k not in _GONE}
    config["name"] = f"{stem}_{counts[stem]}"
    config = {k: v for k, v in config.items() if not (k in ("input_dim", "input_length") and v is None)}
    shape = config.pop("input_shape", None)
    if class_name == "Embedding" and shape is not None:  # which told its number of words as the shape
        config["batch_input_shape"] = [None, config.get("input_length")]
    elif shape is not None:
        config["batch_input_shape"] = [None, *shape]
    for key in ("layer", "layers"):
        if key in data:
            inner = data[key]
            made = [_layer(x, counts) for x in inner] if isinstance(inner, list) else _layer(inner, counts)
            config[key] = made
    return {"class_name": class_name, "config": config}
