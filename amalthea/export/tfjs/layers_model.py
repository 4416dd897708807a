"""A layers model: the configuration of a model in the form of Keras 2, if TensorFlow.js has all of its layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.errors import brief
from amalthea.export.tfjs.graph import TYPES
from amalthea.export.tfjs.layer_table import converted
from amalthea.saving.building import leaves

Convert = Callable[[str, dict[str, Any], Any], tuple[dict[str, Any], str]]
_RENAMED = {("DepthwiseConv2D", "kernel"): "depthwise_kernel"}
_MODELS = ("Functional", "Sequential", "Model")


class Unsaid(Exception):
    """A part of a model that TensorFlow.js does not have as a layer; the text says which."""


def layers_of(model: Any, convert: Convert = converted) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the part of ``model.json`` that describes a model of layers, and its weights by name.

    Args:
        model: Model; the model.
        convert: function of a layer's class, configuration and input shapes to the configuration that a runtime reads,
            and a reason why it cannot be written, or "".

    Raises:
        Unsaid: a layer, or an option of one, is not in TensorFlow.js.
    """
    if getattr(model, "_network", None) is None:
        raise Unsaid("the model is a subclass with a call of its own")
    try:
        data = json.loads(json.dumps(model.get_config(), default=str, allow_nan=False))
    except Exception as error:  # a user's get_config may raise any
        raise Unsaid(f"its configuration is not one of JSON ({brief(str(error))})") from error
    config = _of_model(data, convert)
    weights = _weights(model)
    topology = {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": config}
    return {"format": "layers-model", "modelTopology": topology}, weights


def _of_model(data: dict[str, Any], convert: Convert) -> dict[str, Any]:
    if "layers" not in data:
        raise Unsaid("the model is a subclass with a configuration of its own")
    if "input_layers" not in data:
        rows = [_layer(x, convert) for x in data["layers"]]
        return {"class_name": "Sequential", "config": {"name": data["name"], "layers": rows}}
    rows = []
    models = {x["name"] for x in data["layers"] if x["class_name"] in _MODELS}
    for layer in data["layers"]:
        made = _layer(layer, convert)
        nodes = [[[*_port(x, models), {}] for x in _inputs(layer["name"], node)] for node in layer["inbound_nodes"]]
        rows.append({**made, "name": layer["name"], "inbound_nodes": nodes})
    ends = {key: [_port(x, models) for x in _ports(data[key])] for key in ("input_layers", "output_layers")}
    return {"class_name": "Functional", "config": {"name": data["name"], "layers": rows, **ends}}


def _ports(data: Any) -> list[Any]:
    """A list of layer, node, tensor; of one that is not in a list too."""
    if isinstance(data, dict):
        return [port for key in sorted(data) for port in _ports(data[key])]
    if len(data) == 3 and isinstance(data[0], str):
        return [data]
    return [port for part in data for port in _ports(part)]


def _port(port: list[Any], models: set[str]) -> list[Any]:
    """The layer, node and tensor; the first node of a model is its own, so that others count from 1."""
    name, node, tensor = port
    return [name, node + (name in models), tensor]


def _inputs(name: str, node: dict[str, Any]) -> list[Any]:
    """The inputs of one call of a layer."""
    told = {key: value for key, value in node["kwargs"].items() if value is not None and key != "training"}
    if told or len(node["args"]) != 1:
        raise Unsaid(f"layer '{name}' is called with more than its inputs")
    found = []
    for tensor in node["args"][0] if isinstance(node["args"][0], list) else [node["args"][0]]:
        if not isinstance(tensor, dict) or tensor.get("class_name") != "__keras_tensor__":
            raise Unsaid(f"layer '{name}' is called with what is no tensor")
        found.append(tensor["config"]["keras_history"])
    return found


def _layer(data: dict[str, Any], convert: Convert) -> dict[str, Any]:
    """The class and configuration of a layer, wrapper or model inside of a model."""
    name, config = data["class_name"], data["config"]
    if name == "InputLayer":
        return {"class_name": name, "config": _input(config)}
    if name in _MODELS:
        return _of_model(config, convert)
    if data.get("registered_name") not in (None, name) or not str(data.get("module", "")).startswith("keras.layers"):
        raise Unsaid(f"{name} is an op, or a class of the user's")
    _check_dtype(config)
    shapes = (data.get("build_config") or {}).get("input_shape") or []
    made, reason = _wrapped(name, config, convert) if name in _WRAPPERS else convert(name, config, shapes)
    if reason:
        raise Unsaid(f"{name} '{config['name']}': {reason}")
    return {"class_name": name, "config": made}


def _input(config: dict[str, Any]) -> dict[str, Any]:
    if config["dtype"] not in TYPES or config.get("sparse") or config.get("ragged") or config.get("optional"):
        raise Unsaid(f"the input '{config['name']}' is {config['dtype']}, sparse or optional")
    if len(config["batch_shape"]) < 2:
        raise Unsaid(f"the input '{config['name']}' has one axis")
    kept = {key: config[key] for key in ("name", "dtype")}
    return {"batch_input_shape": config["batch_shape"], "sparse": False, **kept}


def _check_dtype(config: dict[str, Any]) -> None:
    policy = config.get("dtype")
    name = policy["config"].get("name") if isinstance(policy, dict) else policy
    if name != "float32":
        raise Unsaid(f"layer '{config['name']}' computes in {name}")


_WRAPPERS = ("TimeDistributed", "Bidirectional")


def _wrapped(name: str, config: dict[str, Any], convert: Convert) -> tuple[dict[str, Any], str]:
    """A wrapper's configuration, with that of its layer. The backward layer is the forward one's mirror image."""
    inner = _layer(config["layer"], convert)
    made = {"name": config["name"], "trainable": config.get("trainable", True), "layer": inner}
    if name == "TimeDistributed":
        return made, ""
    other = _layer(config["backward_layer"], convert)
    pair = [{**x["config"], "name": "", "go_backwards": None} for x in (inner, other)]
    if pair[0] != pair[1] or inner["class_name"] != other["class_name"]:
        return {}, "two layers that differ"
    if inner["config"].get("return_state"):
        return {}, "return_state=True"
    inner["config"]["name"] = inner["config"]["name"].removeprefix("forward_")
    return {**made, "merge_mode": config["merge_mode"]}, ""


def _weights(model: Any) -> dict[str, np.ndarray]:
    """The weights of the layers, in the order of each layer, under names that begin with that of the layer."""
    found: dict[str, np.ndarray] = {}
    for layer in leaves(model):
        for variable in (*layer.trainable_weights, *layer.non_trainable_weights):
            parts = str(variable.path).split("/")
            rest = parts[parts.index(layer.name) + 1 : -1] if layer.name in parts else []
            last = _RENAMED.get((type(layer).__name__, parts[-1]), parts[-1])
            name = "/".join([str(layer.name), *rest, last])
            if name in found:
                raise Unsaid(f"two weights are named {name}")
            found[name] = variable.numpy()
    return found
