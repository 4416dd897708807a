"""A model from a configuration in a file: within the limits, and with our own errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from amalthea import loading
from amalthea.errors import AmaltheaError, ModelFileError, brief
from amalthea.models.model import Model
from amalthea.saving import objects


@contextmanager
def planned(elements: int) -> Generator[loading.Plan, None, None]:
    """While open, variables are checked against the elements in the file, and are not drawn."""
    plan = loading.Plan(elements)
    token = loading.reading.set(plan)
    try:
        yield plan
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


def parsed(data: bytes, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    try:
        return json.loads(data, object_hook=object_hook)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The model file is damaged: its configuration is no JSON ({error}).") from None


def compiled(model: Any, config: Any) -> None:
    """Compile a model as its file says."""
    try:
        model.compile_from_config(config)
    except AmaltheaError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"The file's record of compile() cannot be read: {type(error).__name__}: {error}.", cure="compile=False"
        ) from error


def leaves(model: Any) -> Iterator[Any]:
    """The layers of a model, and those of models in it, once each."""
    waiting, seen = list(model.layers), set()
    while waiting:
        layer = waiting.pop(0)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, Model):
            waiting = [*layer.layers, *waiting]
        else:
            yield layer
