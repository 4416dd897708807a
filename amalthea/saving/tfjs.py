"""A layers model of TensorFlow.js: ``model.json``, and the files of weights beside it.

    {"modelTopology": {"model_config": {...}},        as in an .h5 file; of models made in a browser, without this key
     "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": [{"name", "shape", "dtype", ...}]}]}

The files of one group, joined, hold its weights one after the other. Weights may be quantized: to float16, or to
``uint8`` and ``uint16`` as ``value = quantized * scale + min``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import loading
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ModelFileError, brief, visible
from amalthea.loading import limits
from amalthea.saving import building, old_configs
from amalthea.saving.contents import Contents, Value, in_todays_form
from amalthea.saving.old_weights import Origin

_KERAS_2 = Origin(2)
_DTYPES = ("float32", "float16", "int32", "uint8", "uint16", "bool", "complex64")


def load_model(path: Any, compile: bool) -> Any:
    """The model of a ``model.json``; compiled, if the file says how and ``compile`` is true."""
    data = _parsed(Path(path))
    weights = _weights(Path(path), data)
    config, training = configuration(data)
    with building.planned(sum(value.size for _, value in weights)), at_once():
        model = building.model_of(old_configs.of_file(config, _KERAS_2))
        if compile and training:
            building.compiled(model, old_configs.compile_config(training, era=2))
        _assign(model, weights, skip_mismatch=False)
    return model


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of a ``model.json`` into a built model: they are found by the names of layers in any case."""
    data = _parsed(Path(path))
    with at_once():
        _assign(model, _weights(Path(path), data), skip_mismatch or by_name)


def contents(path: Any) -> Contents:
    """The contents of a ``model.json``, without building the model."""
    data = _parsed(Path(path))
    topology = data.get("modelTopology")
    told = {**data, **(topology if isinstance(topology, dict) else {})}
    versions = {key: str(told[key]) for key in ("generatedBy", "convertedBy", "keras_version") if key in told}
    values = [Value(name, value.shape, value.dtype.name) for name, value in _weights(Path(path), data)]
    try:
        config, refused = in_todays_form(configuration(data)[0], _KERAS_2)
        return Contents(versions, config, values, refused)
    except ModelFileError as error:
        return Contents(versions, None, values, [str(error).splitlines()[0]])


def _parsed(path: Path) -> dict[str, Any]:
    if path.stat().st_size > limits.config_bytes:
        raise ModelFileError("model.json is too large to be read.", expected=f"at most {limits.config_bytes:,} bytes")
    data = building.parsed(path.read_bytes())
    if not isinstance(data, dict):
        raise ModelFileError("The model file is damaged: it is no object of JSON.", got=brief(data))
    return data


def configuration(data: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The configurations of the model and of its training, as the attributes of an ``.h5`` file hold them."""
    topology = data.get("modelTopology")
    if data.get("format") == "graph-model" or (isinstance(topology, dict) and "node" in topology):
        raise ModelFileError(
            "This model.json is a graph of TensorFlow's operations, and no model of layers.",
            expected="a layers model",
            got="a graph model",
            cure="convert the Keras model with tensorflowjs_converter --output_format tfjs_layers_model",
        )
    if not isinstance(topology, dict):
        raise ModelFileError("The model file holds weights alone.", cure="build the model, then load_weights()")
    config = topology.get("model_config", topology)
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelFileError("The model file is damaged: it has no configuration of a model.", got=brief(config))
    return {key: config.get(key) for key in ("class_name", "config")}, topology.get("training_config")


# ---------------------------------------------------------------------------------------------- weights


def _weights(path: Path, data: dict[str, Any]) -> list[tuple[str, np.ndarray]]:
    """Names and values of all weights in the files beside ``model.json``."""
    manifest = data.get("weightsManifest")
    if not isinstance(manifest, list) or not all(isinstance(group, dict) for group in manifest):
        raise ModelFileError("The model file is damaged: its list of weights.", got=brief(manifest))
    found: list[tuple[str, np.ndarray]] = []
    names = [name for group in manifest for name in _file_names(group)]
    if len(set(names)) < len(names):
        raise ModelFileError("The model file is damaged: it names a file of weights twice.", got=brief(names))
    for group in manifest:
        rows = group.get("weights")
        if not isinstance(rows, list):
            raise ModelFileError("The model file is damaged: its list of weights.", got=brief(rows))
        described = [_described(row) for row in rows]
        found += _split(_joined(path.parent, _file_names(group), sum(d[3] for d in described)), described)
    return found


def _file_names(group: dict[str, Any]) -> list[str]:
    names = group.get("paths")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelFileError("The model file is damaged: its list of files.", got=brief(names))
    return names


def _joined(folder: Path, names: list[str], size: int) -> bytes:
    """The files of a group, which stand in the same folder."""
    beside = {entry.name: entry for entry in folder.iterdir() if entry.is_file() and not entry.is_symlink()}
    pieces = []
    for name in names:
        if name not in beside:
            raise ModelFileError("The model lacks a file of weights beside model.json.", expected=brief(name))
        size -= beside[name].stat().st_size
        if size < 0:
            break
        pieces.append(beside[name].read_bytes())
    if size != 0:
        raise ModelFileError(
            "The files of weights are not of the size that model.json gives.",
            got=f"{abs(size):,} bytes too {'many' if size < 0 else 'few'}, in {brief(names)}",
            cure="copy the files again",
        )
    return b"".join(pieces)


def _described(row: Any) -> tuple[str, tuple[int, ...], dict[str, Any], int]:
    """Name, shape, quantization and bytes of a weight."""
    row = row if isinstance(row, dict) else {}
    name, shape, dtype = row.get("name"), row.get("shape"), row.get("dtype")
    quantized = row.get("quantization") or {}
    if not isinstance(quantized, dict) or not isinstance(shape, list) or not all(type(d) is int for d in shape):
        raise ModelFileError("The model file is damaged: the shape of a weight.", got=brief(row))
    kept = quantized.get("dtype", dtype)
    numbers = [quantized.get(key, 0) for key in ("scale", "min")]
    if (
        not isinstance(name, str)
        or not all(isinstance(kind, str) and kind in _DTYPES for kind in (kept, dtype))
        or min(shape, default=0) < 0
        or not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers)
    ):
        raise ModelFileError("A weight in the model file is of a kind that is not read.", got=brief(row))
    about = {"kept": kept, "dtype": dtype, "scale": quantized.get("scale"), "min": quantized.get("min", 0)}
    return name, tuple(shape), about, math.prod(shape) * dtypes.to_numpy(kept).itemsize


def _split(data: bytes, described: list[Any]) -> Iterator[tuple[str, np.ndarray]]:
    at = 0
    for name, shape, about, size in described:
        value = np.frombuffer(data, dtypes.to_numpy(about["kept"]), math.prod(shape), at).reshape(shape)
        at += size
        if about["scale"] is not None:
            value = value * np.float32(about["scale"]) + np.float32(about["min"])
        yield name, value.astype(dtypes.to_numpy(about["dtype"]))


# ------------------------------------------------------------------------------------------- assignment


def _assign(model: Any, weights: list[tuple[str, np.ndarray]], skip_mismatch: bool) -> None:
    """Gives each layer the weights that have its name among the parts of theirs; all are compared before."""
    layers = list(building.leaves(model))
    values_of: dict[str, list[np.ndarray]] = {layer.name: [] for layer in layers}
    for name, value in weights:
        owner = next((part for part in name.split("/")[:-1] if part in values_of), None)
        if owner is not None:
            values_of[owner].append(value)
    pairs: list[tuple[Any, np.ndarray]] = []
    for layer in layers:
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        values = values_of[layer.name]
        if [tuple(v.shape) for v in variables] == [value.shape for value in values]:
            pairs += zip(variables, values)
        elif skip_mismatch:
            warnings.warn(f"Skipped: the weights of layer '{visible(layer.name)}' do not fit.", stacklevel=5)
        else:
            raise ModelFileError(
                f"The weights of layer '{visible(layer.name)}' in the file do not fit it.",
                expected=", ".join(str(tuple(v.shape)) for v in variables) or "none",
                got=", ".join(str(value.shape) for value in values) or "none",
                cure="skip_mismatch=True leaves out what does not fit",
            )
    for variable, value in pairs:
        variable.assign(value.astype(dtypes.to_numpy(variable.dtype)))
    plan = loading.reading.get()
    if plan is not None:
        plan.finish({id(variable) for variable, _ in pairs})
