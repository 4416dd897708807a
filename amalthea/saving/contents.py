"""A look into a model file that builds nothing: configuration, values, versions, and what would be refused."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from amalthea import configurable, loading
from amalthea.errors import AmaltheaError, ModelFileError, brief
from amalthea.models.functional import op_names
from amalthea.saving import building, old_configs
from amalthea.saving.old_weights import Origin

_MOST = 1000  # reasons
_TRUSTED = {"TorchModuleWrapper": "a pickled module of PyTorch", "TFSMLayer": "the path of a SavedModel"}
_DEPTH = 100  # of objects within objects that are looked at


class Value(NamedTuple):
    """A value in a file: its name there, its shape, and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Contents(NamedTuple):
    """The contents of a file, as plain data.

    Args:
        versions: dict of texts; the libraries that wrote the file, as far as it tells.
        config: configuration of the model in today's spelling, or None.
        values: list of values.
        refused: list of str; reasons for which the file as a whole cannot be loaded as a model.
    """

    versions: dict[str, str]
    config: Any
    values: list[Value]
    refused: list[str]


class LayerRow(NamedTuple):
    """A layer of a configuration: how deep it is nested, its class, name, and the shape of its input if it is known."""

    depth: int
    class_name: str
    name: str
    shape: Any


def layers(config: Any) -> list[LayerRow]:
    """The layers of a configuration in order, with those that are nested in others."""
    return list(_layers(config, 0))


def _layers(config: Any, depth: int) -> Iterator[LayerRow]:
    inner = config.get("config") if isinstance(config, dict) else None
    if not isinstance(inner, dict) or depth > _DEPTH:
        return
    rows = inner.get("layers")
    for row in rows if isinstance(rows, list) else [inner.get("layer"), inner.get("cell")]:
        if isinstance(row, dict) and "class_name" in row:
            own, built = (found if isinstance(found := row.get(k), dict) else {} for k in ("config", "build_config"))
            shape = own.get("batch_shape") or built.get("input_shape")
            yield LayerRow(depth, str(row["class_name"]), str(own.get("name", row.get("name", ""))), shape)
            yield from _layers(row, depth + 1)


def in_todays_form(config: Any, origin: Origin) -> tuple[Any, list[str]]:
    """A configuration of an older Keras in today's form; or as it is, with the reason why it is refused."""
    try:
        return old_configs.of_file(config, origin), []
    except ModelFileError as error:
        return config, [" ".join(line.strip() for line in str(error).splitlines())]


def refusals(found: Contents) -> list[str]:
    """All things in a file that loading refuses, in words: code, unknown classes, paths and sizes."""
    from amalthea import layers, losses, metrics, models, optimizers  # noqa: F401  # their tables must be full
    from amalthea.layers import legacy  # noqa: F401

    reasons = [*found.refused]
    waiting: deque[Any] = deque([found.config])
    with building.planned(sum(math.prod(value.shape) for value in found.values)):
        while waiting and len(reasons) < _MOST:
            data = waiting.popleft()
            if isinstance(data, dict):
                reasons += _refused(data)
                waiting.extend(data.values())
            elif isinstance(data, list):
                waiting.extend(item for item in data if isinstance(item, (dict, list)))
    return list(dict.fromkeys(reasons))


def _refused(data: dict[str, Any]) -> Iterator[str]:
    name, config = data.get("class_name"), data.get("config")
    if name == "__lambda__" or (name == "Lambda" and isinstance(config, dict) and _is_code(config.get("function"))):
        yield "Python code in a Lambda: load_model(path, safe_mode=False) if you trust whoever wrote it"
    elif name == "function":
        yield from _unknown(config, data, as_function=True)
    elif isinstance(name, str) and isinstance(config, dict) and not name.startswith("__"):
        if not (op_names.is_of_op(data) and op_names.is_known(data)):
            yield from _unknown(name, data)
        if name in _TRUSTED:
            yield f"{brief(name)}: it holds {_TRUSTED[name]}, which can run any code"
        if isinstance(config.get("vocabulary"), str):
            yield f"{brief(name)}: it reads the file {brief(config['vocabulary'])}"
        try:
            loading.check_sizes(name, config)
        except ModelFileError as error:
            yield " ".join(line.strip() for line in str(error).splitlines()[:3])


def _unknown(name: Any, data: dict[str, Any], as_function: bool = False) -> Iterator[str]:
    """The name of a class or function that is not known."""
    try:
        configurable._find(name, data, tuple(configurable.FAMILIES), as_function)
    except AmaltheaError:
        told = data.get("registered_name") or data.get("module")
        kind, known = "function" if as_function else "class", f" ({told})" if told else ""
        yield f"the {kind} {brief(name)}{known}: custom_objects={{{brief(name)}: ...}} supplies it"


def _is_code(function: Any) -> bool:
    """Whether a function is written as code: Keras 2 wrote a list of text, defaults and closure."""
    return isinstance(function, list) and bool(function) and isinstance(function[0], str)
