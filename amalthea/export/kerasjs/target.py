"""The target: a protocol buffer with a configuration of Keras 2 and the weights.

The schema is that of Keras.js 1.0.3: names of the model, its configuration as JSON, and an array for each weight.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.errors import ArgumentError, ExportError
from amalthea.export.endpoint import Endpoint
from amalthea.export.kerasjs.layer_table import IN_PLACE, PASSED_ON, STANDS, TABLE, convert
from amalthea.export.kerasjs.script import SCRIPT
from amalthea.export.node import Node, packed, unpacked
from amalthea.export.targets import Options, Runner, Target
from amalthea.export.tfjs.layers_model import Unsaid, layers_of
from amalthea.saving import protobuf
from amalthea.saving.protobuf import Field

_WEIGHTS = {
    "layer_name": Field(1, "text"), "weight_name": Field(2, "text"), "shape": Field(3, "int", True),
    "type": Field(4, "text"), "data": Field(5, "bytes"),
}  # fmt: skip
MODEL = {
    "id": Field(1, "text"), "name": Field(2, "text"), "keras_version": Field(3, "text"), "backend": Field(4, "text"),
    "model_config": Field(5, "text"), "model_weights": Field(6, _WEIGHTS, True),
}  # fmt: skip
_TOLD = "amalthea"


def described(model: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the configuration of a model, and its weights by name.

    Raises:
        ExportError: Keras.js lacks a layer, or an option of one.
    """
    try:
        told, weights = layers_of(model, convert)
        config = told["modelTopology"]["model_config"]
        return _sequential(config) if config["class_name"] == "Sequential" else _functional(config), weights
    except Unsaid as unsaid:
        raise ExportError(
            "Keras.js cannot say a layer of the model.",
            expected=f"a layer of its own, with options that it has: {', '.join(sorted(TABLE))}",
            got=str(unsaid),
            cure="format='tfjs' or 'onnx', which say every layer",
        ) from None


def _sequential(config: dict[str, Any]) -> dict[str, Any]:
    """A bare list of layers, of which the first has the shape of the input."""
    begin, *rows = config["config"]["layers"]
    if begin["class_name"] != "InputLayer" or not rows:
        raise Unsaid("the model has no Input, or no layer")
    shape = _checked_shape(begin["config"]["batch_input_shape"])
    layers = [_own(row) for row in rows]
    layers[0]["config"]["batch_input_shape"] = shape
    return {"class_name": "Sequential", "config": layers}


def _functional(config: dict[str, Any]) -> dict[str, Any]:
    rows = config["config"]["layers"]
    layers = [{**_own(row), "name": row["name"], "inbound_nodes": row["inbound_nodes"]} for row in rows]
    ends = [end[0] for end in config["config"]["output_layers"]]
    readers = [port[0] for row in rows for node in row["inbound_nodes"] for port in node]
    for row in rows:
        if len(row["inbound_nodes"]) > 1:
            raise Unsaid(f"layer '{row['name']}' is called more than once")
    for end in ends:
        if end in readers or ends.count(end) > 1:
            raise Unsaid(f"the output of layer '{end}' is read by another layer")
    _check_in_place({row["name"]: row for row in rows}, readers)
    return {"class_name": "Model", "config": {**config["config"], "layers": layers}}


def _check_in_place(rows: dict[str, Any], readers: list[str]) -> None:
    """Refuse a layer that overwrites what another one reads."""
    for row in rows.values():
        if row["class_name"] not in IN_PLACE:
            continue
        source = row
        while source["inbound_nodes"]:
            source = rows[source["inbound_nodes"][0][0][0]]
            if readers.count(source["name"]) > 1:
                raise Unsaid(f"{row['class_name']} '{row['name']}' overwrites what another layer reads")
            if source["class_name"] not in PASSED_ON:
                break


def _own(row: dict[str, Any]) -> dict[str, Any]:
    """A row in the names of Keras.js."""
    name, config = row["class_name"], dict(row["config"])
    if name in ("Sequential", "Functional", "Model"):
        raise Unsaid(f"the model '{row.get('name', config.get('name'))}' is a layer of another")
    if name == "TimeDistributed":
        raise Unsaid("Keras.js fails on every model with TimeDistributed")
    if name == "InputLayer":
        config["batch_input_shape"] = _checked_shape(config["batch_input_shape"])
    if name == "Bidirectional" and config["merge_mode"] not in ("concat", "sum", "mul", "ave"):
        raise Unsaid(f"merge_mode={config['merge_mode']!r}")
    return {"class_name": "Activation" if name in STANDS else name, "config": config}


def _checked_shape(shape: Any) -> list[Any]:
    if None in shape[1:]:
        raise Unsaid(f"an input of shape {tuple(shape)}, whose sizes have to be known")
    return list(shape)


def _weight_names(config: dict[str, Any], weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights by the names that Keras.js looks for: of both directions, ``layer/forward_inner/kernel``."""
    inner = {
        row["config"]["name"]: row["config"]["layer"]["config"]["name"]
        for row in (config["config"] if isinstance(config["config"], list) else config["config"]["layers"])
        if "layer" in row["config"]
    }
    found = {}
    for name, value in weights.items():
        layer, *parts = name.split("/")
        if layer in inner:
            side = next(part for part in parts if part.startswith(("forward_", "backward_"))).split("_")[0]
            found[f"{layer}/{side}_{inner[layer]}/{parts[-1]}"] = value
        else:
            found[f"{layer}/{parts[-1]}"] = value
    return found


def _check_names(config: dict[str, Any]) -> None:
    """Keras.js finds weights by patterns, in which a name may not have signs."""
    rows = config["config"] if isinstance(config["config"], list) else config["config"]["layers"]
    strange = [row["config"]["name"] for row in rows if re.search(r"[^\w-]", row["config"]["name"])]
    if strange or any(row["config"]["name"] == "input" and "inbound_nodes" not in row for row in rows):
        raise ArgumentError(
            "A name of a layer has signs, or is 'input', which Keras.js cannot have.",
            expected="letters, digits, _ and -",
            got=", ".join(map(repr, strange)) or "'input'",
            cure="name= of the layer",
        )


class KerasJs(Target):
    """Keras.js."""

    name = "kerasjs"

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        if options.model is None:
            raise ExportError(
                "Keras.js holds models of layers, and neither functions nor other sizes than a model's own.",
                cure="model.export(path, 'kerasjs') without batch_size= and input_signature=",
            )
        config, weights = described(options.model)
        _check_names(config)
        endpoint = endpoints[0]
        told = {"inputs": endpoint.inputs, "outputs": endpoint.outputs, **_ports(config)}
        named = _weight_names(config, weights)
        # The first name that ends in what is looked for is taken, so that short ones stand first.
        rows = [_weight(name, named[name]) for name in sorted(named, key=lambda name: (len(name), name))]
        data = {
            "id": options.model.name, "name": options.model.name, "keras_version": "2.1.4", "backend": "tensorflow",
            "model_config": json.dumps({**config, _TOLD: told}), "model_weights": rows,
        }  # fmt: skip
        writing.write(Path(path), protobuf.message(data, MODEL))

    def runner(self, path: str) -> Runner:
        told = _told(path)

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            arrays = [np.asarray(feeds[name], "float32") for name in told["inputs"]]
            rows = [self._row(path, told, [x[i] for x in arrays]) for i in range(len(arrays[0]))]
            return {name: np.stack([row[i] for row in rows]) for i, name in enumerate(told["outputs"])}

        return execute

    def _row(self, path: str, told: dict[str, Any], row: list[np.ndarray]) -> list[np.ndarray]:
        inputs = {name: packed(x) for name, x in zip(told["input_names"], row)}
        question = {"file": os.path.abspath(path), "inputs": inputs, "outputs": told["output_names"]}
        return [unpacked(x) for x in self._node().ask(question)["outputs"]]

    def _node(self) -> Node:
        """The process, which is kept for other files."""
        if not hasattr(self, "_kept") or not self._kept.runs:
            self._kept = Node(self.name, SCRIPT)
        return self._kept


def _ports(config: dict[str, Any]) -> dict[str, list[str]]:
    """Names by which Keras.js takes inputs and gives outputs, in the order of the model's."""
    if config["class_name"] == "Sequential":
        return {"input_names": ["input"], "output_names": ["output"]}
    inner = config["config"]
    return {f"{key}_names": [port[0] for port in inner[f"{key}_layers"]] for key in ("input", "output")}


def _weight(name: str, value: np.ndarray) -> dict[str, Any]:
    array = np.ascontiguousarray(value, "float32")
    return {
        "layer_name": name.split("/")[0], "weight_name": name, "shape": list(array.shape), "type": "float32",
        "data": array.tobytes(),
    }  # fmt: skip


def _told(path: str) -> dict[str, Any]:
    found = protobuf.parse(Path(path).read_bytes(), MODEL, "a file of Keras.js")
    return json.loads(found["model_config"])[_TOLD]


TARGET = KerasJs()
