"""A functional model as data: its layers and ops, and which call took what from which."""

from __future__ import annotations

from collections import deque
from typing import Any

from amalthea import loading, tree
from amalthea.configurable import deserialize, serialize
from amalthea.custom_objects import CustomObjectScope
from amalthea.engine.ir.tensor import Tensor
from amalthea.errors import ModelFileError
from amalthea.layers.input_layer import InputLayer
from amalthea.models.functional import op_names
from amalthea.models.functional.network import Network
from amalthea.operation import FunctionOperation, remembers

NodeKey = tuple[str, int]  # of a call: the layer's name, and which of its calls


def to_config(model: Any) -> dict[str, Any]:
    """Name, layers with their calls, and where inputs and outputs are."""
    network: Network = model._network
    names = op_names.different(network.operations)
    references = {
        call: (names[id(o)], index) for o in network.operations for index, call in enumerate(network.calls_of[o])
    }
    for x in network.flat_inputs:
        references.setdefault(x.history.call, (x.history.call.operation.name, 0))
    layers = [_operation_to_data(o, names[id(o)], network, references) for o in network.operations]
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": tree.map_structure(lambda x: _tensor_history(x, references), network.inputs),
        "output_layers": tree.map_structure(lambda x: _tensor_history(x, references, outside=True), network.outputs),
    }


def _tensor_history(x: Tensor, references: dict[Any, tuple[str, int]], outside: bool = False) -> list[Any]:
    """``[layer, call, output]``. Among a model's outputs Keras counts the calls of a nested functional model from 1."""
    name, index = references[x.history.call]
    shift = outside and getattr(x.history.call.operation, "_is_functional", False)
    return [name, index + int(shift), x.history.index]


def _operation_to_data(operation: Any, name: str, network: Network, references: Any) -> dict[str, Any]:
    if not isinstance(operation, FunctionOperation):
        data = serialize(operation)
        calls = [] if isinstance(operation, InputLayer) else network.calls_of[operation]
        nodes = [_call_to_data(c.args, c.kwargs, references) for c in calls]
    else:
        data, args, kwargs = op_names.to_data(operation, name)
        nodes = [_call_to_data(args, kwargs, references)]
    return {**data, "name": name, "inbound_nodes": nodes}


def _call_to_data(args: Any, kwargs: Any, references: Any) -> dict[str, Any]:
    def leaf(x: Any) -> Any:
        if not remembers(x):
            return serialize(x)
        config = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": _tensor_history(x, references)}
        return {"class_name": "__keras_tensor__", "config": config}

    return {"args": [_map(leaf, a) for a in args], "kwargs": {k: _map(leaf, v) for k, v in kwargs.items()}}


def _map(function: Any, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_map(function, v) for v in value]
    if isinstance(value, dict):
        return {k: _map(function, v) for k, v in value.items()}
    return function(value)


# ---------------------------------------------------------------------------------------------- reading


def from_config(cls: type, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """The model: every layer made, then every call done again as soon as its inputs are there."""
    with CustomObjectScope(custom_objects):
        operations = {data["name"]: _operation_from_data(data) for data in config["layers"]}
    made: dict[NodeKey, list[Tensor]] = {}
    for name, operation in operations.items():
        if isinstance(operation, InputLayer):
            loading.check_rows(name, operation.output.type.shape)
            made[(name, 0)] = [operation.output]
    _replay(config["layers"], operations, made)
    inputs = _tensors(config["input_layers"], operations, made)
    outputs = _tensors(config["output_layers"], operations, made, outside=True)
    options = {k: config[k] for k in ("name", "trainable") if k in config}
    model = cls(inputs=inputs, outputs=outputs, **options)
    model._names_in_config = tuple(operations)  # files of weights without names may follow this order
    return model


def _operation_from_data(data: dict[str, Any]) -> Any:
    if op_names.is_of_op(data):
        return op_names.from_data(data)
    return deserialize(data, ("layers",))


def _replay(layers: list[dict[str, Any]], operations: dict[str, Any], made: dict[NodeKey, list[Tensor]]) -> None:
    """Do every call as soon as its inputs exist, those of one layer in their order."""
    nodes: dict[NodeKey, Any] = {(d["name"], i): n for d in layers for i, n in enumerate(d.get("inbound_nodes", []))}
    missing: dict[NodeKey, int] = {}
    waiting: dict[NodeKey, list[NodeKey]] = {}
    ready: deque[NodeKey] = deque()
    for key, node in nodes.items():
        needed = {tuple(h[:2]) for h in _histories(node)} | {(key[0], key[1] - 1)} & nodes.keys()
        needed -= made.keys()
        missing[key] = len(needed)
        for other in needed:
            waiting.setdefault(other, []).append(key)
        if not needed:
            ready.append(key)
    while ready:
        key = ready.popleft()
        args, kwargs = _arguments(nodes[key], made)
        outputs = operations[key[0]](*args, **kwargs)
        made[key] = [x for x in tree.flatten(outputs) if isinstance(x, Tensor)]
        for x in made[key]:
            loading.check_rows(key[0], x.type.shape)
        del missing[key]
        for other in waiting.pop(key, ()):
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    if missing:
        stuck = next(iter(missing))[0]
        raise ModelFileError(f"The inputs of layer '{stuck}' are nowhere in the file.", cure="save the model again")


def _histories(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"]]
        return [h for v in value.values() for h in _histories(v)]
    return [h for v in value for h in _histories(v)] if isinstance(value, list) else []


def _arguments(node: dict[str, Any], made: Any) -> tuple[list[Any], dict[str, Any]]:
    def revive(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                name, index, output = value["config"]["keras_history"]
                return made[(name, index)][output]
            if "class_name" in value:
                return deserialize(value, ("activations",))
            return {k: revive(v) for k, v in value.items()}
        return [revive(v) for v in value] if isinstance(value, list) else value

    return [revive(a) for a in node["args"]], {k: revive(v) for k, v in node["kwargs"].items()}


def _tensors(references: Any, operations: Any, made: Any, outside: bool = False) -> Any:
    if isinstance(references, dict):
        return {k: _tensors(v, operations, made, outside) for k, v in references.items()}
    if len(references) == 3 and isinstance(references[0], str) and isinstance(references[1], int):
        name, index, output = references
        shift = outside and getattr(operations.get(name), "_is_functional", False)
        return made[(name, index - int(shift))][output]
    return [_tensors(p, operations, made, outside) for p in references]
