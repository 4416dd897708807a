"""Copies of layers, with weights of their own."""

from __future__ import annotations

import inspect
from typing import Any

from amalthea.configurable import Configurable
from amalthea.layers.layer import Layer
from amalthea.tree import CONTAINERS


def copied(layer: Layer, **changes: Any) -> Any:
    """Returns a layer of the same class and arguments, with weights of its own.

    It is made from the configuration, except that functions among the arguments are used as they are and layers are
    copied. So a layer may hold objects that a file cannot, such as a lambda.

    Args:
        layer: layer that can be made from its configuration.
        **changes: arguments with other values.
    """
    given, config = layer._given or {}, dict(layer.get_config())
    for name in config:
        value = layer._config_value(name, given.get(name))
        if name in given and _holds_code(value):
            config[name] = _again(value)
    return type(layer).from_config({**config, **changes})


def _holds_code(value: Any) -> bool:
    if isinstance(value, CONTAINERS):
        return any(map(_holds_code, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Layer) or _is_function(value)


def _is_function(value: Any) -> bool:
    return callable(value) and not inspect.isclass(value) and not isinstance(value, Configurable)


def _again(value: Any) -> Any:
    """Copies layers, keeps functions, and turns anything else into plain data."""
    if isinstance(value, dict):
        return {key: _again(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_again, value))
    return copied(value) if isinstance(value, Layer) else value
