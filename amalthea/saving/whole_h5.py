"""Whole models in ``.h5`` files of Keras 0.3 to 3: configuration and training in attributes, weights in groups.

model_config, training_config     attributes: JSON
model_weights/                    as in a file of weights
optimizer_weights/                weight_names in order, and an array for each
"""

from __future__ import annotations

import warnings
from typing import Any

from amalthea.engine.ir.variable import at_once
from amalthea.errors import ModelFileError
from amalthea.loading import limits
from amalthea.saving import building, layered, old_configs, old_optimizers, weights
from amalthea.saving.old_weights import Origin

_MODEL, _TRAINING, _STATE = "model_config", "training_config", "optimizer_weights"


def load_model(file: Any, compile: bool) -> Any:
    """The model of an open file; with ``compile`` compiled as it was, and with its optimizer's state."""
    elements = weights.index(file)
    origin = layered.origin_of(file)
    config = old_configs.of_file(_json(file, _MODEL), origin)
    with building.planned(elements):
        model = building.model_of(config)
        if not model.built:
            raise ModelFileError(
                f"The file does not tell the shape of the inputs of '{model.name}'.",
                cure="build the model in Python, and load_weights from the file",
            )
        with at_once():
            pieces = layered.read(model, file)
            if compile and layered.text(file, _TRAINING) is not None:
                _compile(model, file, origin, pieces)
    return model


def _compile(model: Any, file: Any, origin: Origin, pieces: list[Any]) -> None:
    config = old_configs.compile_config(_json(file, _TRAINING), origin.era)
    if not config.get("optimizer"):
        return
    building.compiled(model, config)
    names, values = _state(file, model)
    if values and not old_optimizers.restore(model, names, values, pieces, origin):
        warnings.warn(
            "The optimizer's state in the file was left out: its values do not fit the weights.", stacklevel=5
        )


def _json(file: Any, attribute: str) -> Any:
    text = layered.text(file, attribute)
    if text is None:
        raise ModelFileError(f"The file has no {attribute}: it holds weights alone.", cure="load_weights")
    if len(text) > limits.config_bytes:
        raise ModelFileError(
            "The configuration in the model file is too large to be read.",
            expected=f"at most {limits.config_bytes:,} bytes",
            got=f"{len(text):,}",
            cure="saving.limits.config_bytes, if the file is yours",
        )
    return building.parsed(text.encode("utf-8", "surrogatepass"))


def _state(file: Any, model: Any) -> tuple[list[str], list[Any]]:
    """The names and values of the optimizer's variables, in order."""
    group = layered.opened(file, _STATE)
    names = layered.names(group, "weight_names") or [] if group is not None else []
    most = max([4096, *(v.numpy().size for v in model.weights)])
    return names, [layered.value(group, _STATE, name, most) for name in names]
