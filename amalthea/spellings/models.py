"""Configurations of whole models of Keras 1 and 2, in the form of Keras 3.

    Keras 1, 2   "inbound_nodes": [[["dense", 0, 0, {"training": false}]]]
    Keras 3      "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", ...}], "kwargs": {"training": false}}]

A ``Sequential`` of Keras 1 that begins with ``Merge`` becomes a functional model. Indices of calls count from 0 here;
old files count those of models inside models from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.spellings import objects, tf_ops
from amalthea.spellings.keras0 import as_keras_1
from amalthea.spellings.objects import MODELS
from amalthea.spellings.ordering import complete, padded_as_theano
from amalthea.spellings.rows import Config

_RECURRENT = frozenset(("RNN", "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional"))
_SEQUENTIAL = {"module": "keras", "class_name": "Sequential", "registered_name": None}
_FUNCTIONAL = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}


def modern_model(data: Config, era: int, theano: Sequence[int] = ()) -> Config:
    """A model's configuration, or a layer's, in the form of Keras 3.

    Args:
        data: dict with ``class_name`` and ``config``; it is not changed.
        era: int; 1 or 2.
        theano: ranks of the convolutions whose padding ``"same"`` is Theano's. Defaults to none.

    Example:
        >>> from amalthea.spellings import modern_model
        >>> old = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"output_dim": 3}}]}
        >>> modern_model(old, era=1)["config"]["layers"]
        [{'class_name': 'Dense', 'config': {'units': 3}}]
    """
    if "class_name" not in data and ("layers" in data or "node_config" in data):
        data = as_keras_1(data)
    today = objects.modern_value("layer", complete(data) if era == 1 else data, era)
    return padded_as_theano(today, theano) if theano else today


def _sequential(data: Config, era: int) -> Config:
    given = data["config"]
    config: Config = {"layers": given} if isinstance(given, list) else given
    layers = config["layers"]
    name = config.get("name") or data.get("name")
    if layers and layers[0].get("class_name") == "Merge":
        return _merged(name, layers, era)
    made = {"name": name, "layers": [objects.modern_value("layer", layer, era) for layer in layers]}
    made.update({k: config[k] for k in ("trainable", "build_input_shape") if config.get(k) is not None})
    return {**_SEQUENTIAL, "config": made, **_kept(data)}


def _kept(data: Config) -> Config:
    return {k: data[k] for k in ("name", "build_config") if k in data}


def _merged(name: str | None, layers: list[Config], era: int) -> Config:
    """The functional model of a Sequential that begins with Merge: a branch is a model, or a layer with its input."""
    merge, *rest = layers
    branches = [_branch(layer, i, era) for i, layer in enumerate(merge["config"]["layers"])]
    made: list[Config] = []
    inputs: list[Any] = []
    ends: list[Any] = []
    for i, (branch, shapes) in enumerate(branches):
        names = [
            f"{branch['name']}_input_{i}_{j}" if len(shapes) > 1 else f"{branch['name']}_input_{i}"
            for j in range(len(shapes))
        ]
        for input_name, (shape, dtype) in zip(names, shapes):
            made.append(_input(input_name, shape, dtype))
            inputs.append([input_name, 0, 0])
        own = [tensor([n, 0, 0]) for n in names]
        made.append({**branch, "inbound_nodes": [_node(own if len(own) > 1 else own[0])]})
        ends.append([branch["name"], 0, 0])
    first = objects.modern_value("layer", {"class_name": "Merge", "config": merge["config"]}, era)
    first["config"].setdefault("name", "merge")
    end = first["config"]["name"]
    made.append({**first, "name": end, "inbound_nodes": [_node([tensor(e) for e in ends])]})
    for i, layer in enumerate(rest):
        today = objects.modern_value("layer", layer, era)
        own = today["config"].get("name") or f"layer_{i}"
        today["config"]["name"] = own
        made.append({**today, "name": own, "inbound_nodes": [_node(tensor([end, 0, 0]))]})
        end = own
    config = {"name": name, "trainable": True, "layers": made, "input_layers": inputs, "output_layers": [end, 0, 0]}
    return {**_FUNCTIONAL, "config": config}


def _branch(data: Config, index: int, era: int) -> tuple[Config, list[tuple[Any, str]]]:
    """A branch with a name, and the shapes and dtypes of its inputs."""
    today = objects.modern_value("layer", data, era)
    config = today["config"]
    config["name"] = today["name"] = config.get("name") or data.get("name") or f"branch_{index}"
    layers = config.get("layers")
    if today["class_name"] == "Functional":
        by_name = {layer["name"]: layer["config"] for layer in layers}
        found = [by_name[reference[0]] for reference in config["input_layers"]]
    else:
        found = [_first(today)]
    return today, [
        (c.get("batch_shape") or c.get("batch_input_shape"), c.get("input_dtype") or "float32") for c in found
    ]


def _first(data: Config) -> Config:
    """The configuration of the first layer, in however many models."""
    layers = data["config"].get("layers")
    if layers and not data["config"].get("batch_input_shape"):
        return _first(layers[0])
    return data["config"]


def _input(name: str, shape: Any, dtype: str) -> Config:
    config = {"batch_shape": shape, "dtype": dtype, "name": name}
    return {"module": "keras.layers", "class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []}


# ------------------------------------------------------------------------------------------- functional


def tensor(history: list[Any]) -> Config:
    """A reference to an output of a call: ``[layer, call, output]``."""
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "", "keras_history": history[:3]}}


def _node(*args: Any, **kwargs: Any) -> Config:
    return {"args": list(args), "kwargs": kwargs}


def _functional(data: Config, era: int) -> Config:
    config = data["config"]
    if not isinstance(config, dict) or "output_layers" not in config:
        return data  # a model of a class of the user's
    names = {layer["name"] for layer in config["layers"]}
    starts = _starts(config, names)
    layers = [_layer(layer, names, starts, era) for layer in config["layers"]]
    functional = {layer["name"] for layer in layers if layer["class_name"] == "Functional"}

    def outside(reference: list[Any]) -> list[Any]:
        name, call, output = reference[:3]
        return [name, call - starts.get(name, 0) + (name in functional), output]

    made = {
        "name": config.get("name") or data.get("name"),
        "trainable": config.get("trainable", True),
        "layers": layers,
        "input_layers": _alone(_references(config["input_layers"], names, lambda r: [*r[:3]])),
        "output_layers": _alone(_references(config["output_layers"], names, outside)),
    }
    return {**_FUNCTIONAL, "config": made, **_kept(data)}


def _alone(references: Any) -> Any:
    """A list of one tensor stood for the tensor."""
    return references[0] if isinstance(references, list) and len(references) == 1 else references


def is_reference(value: Any, names: set[str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and isinstance(value[1], int)
        and isinstance(value[2], int)
    )


def _references(value: Any, names: set[str], change: Any) -> Any:
    """The value with each reference changed."""
    if is_reference(value, names):
        return change(value)
    if isinstance(value, dict):
        return {k: _references(v, names, change) for k, v in value.items()}
    return [_references(v, names, change) for v in value] if isinstance(value, list) else value


def _starts(config: Config, names: set[str]) -> dict[str, int]:
    """The number of the first call of each model inside: 1 in most old files."""
    models = {layer["name"] for layer in config["layers"] if layer.get("class_name") in MODELS}
    least: dict[str, int] = {}

    def note(reference: list[Any]) -> None:
        name, call = reference[:2]
        if name in models:
            least[name] = min(call, least.get(name, call))

    for layer in config["layers"]:
        _references(layer.get("inbound_nodes", []), names, note)
    _references(config["output_layers"], names, note)
    return least


def _layer(data: Config, names: set[str], starts: dict[str, int], era: int) -> Config:
    def inside(reference: list[Any]) -> Config:
        name, call, output = reference[:3]
        return tensor([name, call - starts.get(name, 0), output])

    class_name, config = data["class_name"], data["config"]
    nodes = data.get("inbound_nodes") or []
    calls = [node if isinstance(node, dict) else _call(node, names, inside) for node in nodes]
    if class_name in tf_ops.CLASSES:
        return tf_ops.modern_op(data["name"], config, calls)
    today = objects.modern_value("layer", {k: v for k, v in data.items() if k != "inbound_nodes"}, era)
    if isinstance(today["config"], dict):
        today["config"]["name"] = data["name"]
    if today["class_name"] in _RECURRENT:
        calls = [_with_state(call) for call in calls]
    return {**today, "name": data["name"], "inbound_nodes": [] if today["class_name"] == "InputLayer" else calls}


def _call(node: Any, names: set[str], inside: Any) -> Config:
    """A call in the form of Keras 3: references become tensors, and options that are None are left out."""
    if isinstance(node, dict):
        return _node({k: inside(v) for k, v in node.items()})
    single = bool(node) and isinstance(node[0], str)
    first = [node] if single else node
    options = dict(first[0][3]) if first and len(first[0]) > 3 and isinstance(first[0][3], dict) else {}
    kwargs = {k: _references(v, names, inside) for k, v in options.items() if v is not None}
    values = [r[2] if r[0] == "_CONSTANT_VALUE" else inside(r) for r in first]
    return _node(values[0] if single or len(values) == 1 else values, **kwargs)


def _with_state(call: Config) -> Config:
    """Keras 2 passed the first states of a recurrent layer beside its input."""
    first = call["args"][0] if call["args"] else None
    if isinstance(first, list) and len(first) > 1:
        return _node(first[0], **{**call["kwargs"], "initial_state": first[1:]})
    return call


MODELS.update({"Sequential": _sequential, "Model": _functional, "Functional": _functional})
