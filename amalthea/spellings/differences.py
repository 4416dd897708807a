"""What became of a model of an older Keras, in lines for a person to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# What training does otherwise than it did, by optimizer and by the era's number.
TRAINING = {
    "RMSprop": "RMSprop adds epsilon inside the root today, and added it outside",
    "Adagrad": "Adagrad adds epsilon inside the root today, and added it outside",
    "Nadam": "Nadam has no schedule_decay today",
}
_QUIET = frozenset(("name", "trainable", "layers", "dtype", "input_dtype", "batch_input_shape", "registered_name"))


def changed(old: Any, new: Any) -> list[str]:
    """The layers whose class or arguments have other names in the new configuration, a line each.

    Example:
        >>> from amalthea.spellings.differences import changed
        >>> old = [{"class_name": "Convolution1D", "config": {"name": "c", "nb_filter": 3}}]
        >>> new = [{"class_name": "Conv1D", "config": {"name": "c", "filters": 3}}]
        >>> changed(old, new)
        ['c: Convolution1D is Conv1D; nb_filter -> filters']
    """
    before, after = dict(_layers(old)), dict(_layers(new))
    lines = []
    for name, (class_name, config) in after.items():
        if name not in before:
            lines.append(f"{name}: a {class_name} that stands for what another layer did")
            continue
        old_class, old_config = before[name]
        parts = [] if old_class == class_name else [f"{old_class} is {class_name}"]
        gone = sorted(k for k in old_config if k not in config and k not in _QUIET)
        come = sorted(k for k in config if k not in old_config and k not in _QUIET)
        if gone or come:
            parts.append(f"{', '.join(gone) or 'nothing'} -> {', '.join(come) or 'nothing'}")
        parts += [
            f"{k} is {config[k]}"
            for k in config
            if k.endswith("activation") and old_config.get(k, config[k]) != config[k]
        ]
        if parts:
            lines.append(f"{name}: {'; '.join(parts)}")
    return lines


def _layers(data: Any) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Every layer with a name, and its class and configuration."""
    if isinstance(data, list):
        for value in data:
            yield from _layers(value)
    elif isinstance(data, dict):
        config = data.get("config")
        if isinstance(config, dict) and isinstance(config.get("name"), str) and "class_name" in data:
            yield config["name"], (str(data["class_name"]), config)
        for value in data.values():
            yield from _layers(value)
