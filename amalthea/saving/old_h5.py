"""Written ``.h5`` files: whole models and weights in the layout of Keras 2.15, which Keras 3 opens too."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from amalthea import configurable
from amalthea.engine.ir.variable import one_version
from amalthea.errors import ArgumentError
from amalthea.layers.calling import parameters
from amalthea.saving import objects
from amalthea.saving.old_weights import leaves, weights_of
from amalthea.spellings.backwards import CannotSay, old_model, old_optimizer
from amalthea.spellings.others import LOSSES

_VERSION, _BACKEND = "2.15.0", "tensorflow"
_MOST = 64_000  # bytes in one attribute; longer lists stand in several


def model_bytes(model: Any) -> bytes:
    """A file of the whole model: configuration, weights, and how it was compiled.

    Raises:
        ArgumentError: the model has something that Keras 2's files cannot hold.
    """
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file, one_version(_variables(model)):
        _origin(file)
        file.attrs["model_config"] = json.dumps(_config(model))
        _write_weights(model, file.create_group("model_weights"))
        if model.compiled:
            file.attrs["training_config"] = json.dumps(_training(model))
            _write_state(model.optimizer, file.create_group("optimizer_weights"))
    return memory.getvalue()


def weights_bytes(model: Any) -> bytes:
    """A file of the weights alone."""
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file, one_version(_variables(model)):
        _write_weights(model, file)
    return memory.getvalue()


def _variables(model: Any) -> list[Any]:
    return [*model.weights, *(model.optimizer.variables if getattr(model, "optimizer", None) else [])]


def _origin(group: Any) -> None:
    group.attrs["keras_version"], group.attrs["backend"] = _VERSION, _BACKEND


def _config(model: Any) -> dict[str, Any]:
    layers = {layer.name: layer for layer in model._flatten_layers()}

    def arguments_of(name: str) -> list[str]:
        return [n for n in parameters(layers[name].call)] if name in layers else ["inputs"]

    try:
        return old_model(objects.serialize_keras_object(model), arguments_of)
    except CannotSay as error:
        raise ArgumentError(
            f"A file of Keras 2 cannot hold {error}.", got=f"model '{model.name}'", cure="save to a .keras file"
        ) from None


def _training(model: Any) -> dict[str, Any]:
    config = configurable.serialize(model.get_compile_config() or {})
    optimizer = config.get("optimizer")
    try:
        optimizer = old_optimizer(optimizer) if isinstance(optimizer, dict) else optimizer
    except CannotSay as error:
        raise ArgumentError(f"A file of Keras 2 cannot hold {error}.", cure="save to a .keras file") from None
    kept = {key: _by_full_name(config.get(key)) for key in ("loss", "metrics", "weighted_metrics")}
    kept["loss_weights"] = config.get("loss_weights")
    return {**kept, "optimizer_config": optimizer}


def _by_full_name(value: Any) -> Any:
    """Losses and metrics by full names: Keras 3 does not find ``mse`` in such a file."""
    if isinstance(value, str):
        return LOSSES.get(value, value)
    if isinstance(value, list):
        return [_by_full_name(v) for v in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {k: _by_full_name(v) for k, v in value.items()}
    return value


def _write_weights(model: Any, root: Any) -> None:
    _origin(root)
    _write_names(root, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        group = root.create_group(layer.name)
        found = _in_order(layer)
        names = _different([f"{variable.path or variable.name}:0" for variable in found])
        _write_names(group, "weight_names", names)
        for name, variable in zip(names, found):
            group.create_dataset(name, data=variable.numpy())
    if "top_level_model_weights" not in root:
        _write_names(root.create_group("top_level_model_weights"), "weight_names", [])


def _in_order(layer: Any) -> list[Any]:
    """The trainable weights of all layers inside, then the others, as Keras 2 has them."""
    inside = leaves(layer)
    trained = [v for leaf in inside if leaf.trainable for v in weights_of(leaf) if v.trainable]
    taken = {id(v) for v in trained}
    return trained + [v for leaf in inside for v in weights_of(leaf) if id(v) not in taken]


def _different(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, -1) + 1
        made.append(name if not seen[name] else f"{name.removesuffix(':0')}_{seen[name]}:0")
    return made


def _write_state(optimizer: Any, group: Any) -> None:
    """The optimizer's variables in the order of Keras 2.15, which keeps the learning rate in the configuration."""
    found = [v for v in optimizer.variables if v.name != "learning_rate"]
    names = _different([f"{v.name}:0" for v in found])
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, found):
        value = variable.numpy()
        group.create_dataset(name, data=value.astype(np.int64) if variable.name == "iteration" else value)


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    array = np.asarray([name.encode() for name in names]) if names else np.zeros((0,), "S1")
    pieces = max(1, -(-array.nbytes // _MOST))
    if pieces == 1:
        group.attrs[attribute] = array
        return
    for i, piece in enumerate(np.array_split(array, pieces)):
        group.attrs[f"{attribute}{i}"] = piece
