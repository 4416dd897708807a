"""A model from a configuration in a file: within the limits, and with our own errors."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from amalthea import loading
from amalthea.errors import AmaltheaError, ModelFileError, brief
from amalthea.saving import objects


@contextmanager
def planned(elements: int) -> Generator[None, None, None]:
    """While open, variables are checked against the elements in the file, and are not drawn."""
    token = loading.reading.set(loading.Plan(elements))
    try:
        yield
    finally:
        loading.reading.reset(token)


def model_of(config: Any) -> Any:
    """The model of a configuration; what no configuration looks like is a damaged file."""
    try:
        model = objects.deserialize_keras_object(config, where=("layers",))
    except AmaltheaError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"The configuration in the model file cannot be read: {type(error).__name__}: {error}.",
            cure="save the model again, or mend the class that cannot read its configuration",
        ) from error
    if not callable(getattr(model, "save", None)):  # a model, or a feature space
        raise ModelFileError("There is no model in the model file.", got=brief(model))
    return model


def parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The model file is damaged: its configuration is no JSON ({error}).") from None


def modern(config: Any) -> Any:
    return _plain(config)


def old_model(config: Any, training: Any) -> Any:
    return model_of(_plain(config))


def _plain(data):
    if isinstance(data, list):
        return [_plain(d) for d in data]
    if isinstance(data, dict):
        if data.get("class_name") in ("__tuple__", "TensorShape") and "items" in data:
            return [_plain(d) for d in data["items"]]
        data = {k: _plain(v) for k, v in data.items()}
        if data.get("class_name") == "InputLayer":
            data["config"] = {"batch_shape": data["config"]["batch_input_shape"], "dtype": data["config"]["dtype"]}
        if data.get("class_name") == "SeparableConv2D":
            data["config"] = {k: v for k, v in data["config"].items() if k not in ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")}
        if data.get("class_name") == "DepthwiseConv2D":
            data["config"] = {k: v for k, v in data["config"].items() if k not in ("filters", "groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")}
        if data.get("class_name") == "BatchNormalization":
            data["config"]["axis"] = -1
        return data
    return data
