"""A graph model: the nodes of TensorFlow's operators as JSON, and their constants as weights."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ExportError
from amalthea.export.endpoint import Endpoint
from amalthea.export.lowering import Value
from amalthea.export.tensorflow_graph.nodes import Nodes, ends, own_types, plain
from amalthea.training.names import Names

TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32", "bool": "DT_BOOL"}
_INNER = {**TYPES, "variant": "DT_VARIANT"}
_TEXTS = ("padding", "data_format")
# Inputs that the runtime reads at once, as if they were attributes. A constant that a GPU holds cannot be read so, for
# which theirs are constants of their own.
_ON_HOST = {
    "GatherV2": (2,), "ScatterNd": (2,), "ConcatV2": (-1,), "Range": (0, 1, 2), "TensorListReserve": (0, 1),
    **dict.fromkeys(("PadV2", "Slice", "TensorListGetItem"), (1, 2)), "StridedSlice": (1, 2, 3),
    **dict.fromkeys(
        ("Reshape", "Transpose", "BroadcastTo", "ReverseV2", "Sum", "Prod", "Max", "Min", "ArgMax", "ArgMin", "Cumsum",
         "Cumprod", "TopKV2", "TensorListFromTensor", "TensorListSetItem", "TensorListStack"), (1,),
    ),
}  # fmt: skip
_FUNCTIONS = ("cond", "body", "then_branch", "else_branch")


def kind(dtype: str) -> str:
    """Return the format's name of a dtype."""
    if dtype not in _INNER:
        raise ExportError(
            "TensorFlow.js has no such dtype.",
            expected=", ".join(TYPES),
            got=dtype,
            cure="ops.cast(x, 'int32') or ops.cast(x, 'float32')",
        )
    return _INNER[dtype]


def shape_json(shape: Sequence[shapes.DimLike]) -> dict[str, Any]:
    """Return a shape, whose symbols are sizes that each call may choose."""
    return {"dim": [{"size": str(d) if isinstance(d, int) else "-1"} for d in shape]}


class File:
    """The nodes, functions and weights of a file; no two nodes have one name."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.functions: list[dict[str, Any]] = []
        self.weights: dict[str, np.ndarray] = {}
        self.free = Names().free


class Builder(Nodes):
    """Collects the nodes of a file's graph, or of a function in it.

    Args:
        table: lowerings by primitive.
        file: the file.
        stem: str; what the function's name begins with, "" for the graph.
    """

    computed_in = MappingProxyType(
        {
            **dict.fromkeys(("float16", "bfloat16", "float64"), "float32"),
            **dict.fromkeys(("int8", "uint8", "int16", "uint16", "int64"), "int32"),
        }
    )

    # A row that is no result is released at the end of the step, though a list holds it. An index is read at once, for
    # which it has to be on the host: there it stays if no operator of the device takes it.
    lists_alone = True

    def __init__(self, table: Any, file: File, stem: str = ""):
        super().__init__(table)
        self.file, self.nodes = file, file.nodes
        self.names: dict[int, str] = {}  # of constants that have one, by the identity of the array
        self.function: dict[str, Any] | None = None
        if stem:
            self.nodes = []
            signature = {"name": file.free(plain(stem)), "inputArg": [], "outputArg": []}
            self.function = {"signature": signature, "nodeDef": self.nodes, "ret": {}}
            file.functions.append(self.function)

    @property
    def name(self) -> str:
        return self.function["signature"]["name"] if self.function else ""

    def inner(self, stem: str) -> Builder:
        return Builder(self.table, self.file, stem)

    def shape_attr(self, shape: Sequence[shapes.DimLike]) -> Any:
        return {"shape": shape_json(shape)}

    def argument(self, name: str, type: Type) -> Value:
        """Add an argument of the function, or an input of the graph."""
        type, name = self.held(type), self.file.free(name)
        if self.function is not None:
            self.function["signature"]["inputArg"].append({"name": name, "type": kind(type.dtype)})
        else:
            self._add(name, "Placeholder", [], {"dtype": type.dtype, "shape": self.shape_attr(type.shape)})
        return Value(name, type)

    def _add(self, name: str, operator: str, inputs: Sequence[str], attrs: dict[str, Any]) -> str:
        made = {"name": name, "op": operator, "input": list(inputs)}
        self.nodes.append({**made, "attr": {key: _attr(key, value) for key, value in attrs.items()}})
        return name

    def several(self, operator: str, inputs: Sequence[Value], types: Sequence[Type], **attrs: Any) -> list[Value]:
        on_host = [i % len(inputs) for i in _ON_HOST.get(operator, ())]
        names = [self.reference(x, "on the host" if i in on_host else "") for i, x in enumerate(inputs)]
        types = [self.held(t) for t in types]
        made = self._add(self.file.free(operator), operator, names, {**own_types(operator, inputs), **attrs})
        if self.function is not None:
            return [Value(f"{made}:{end}", t) for end, t in zip(ends(operator, len(types)), types)]
        return [Value(f"{made}:{i}" if i else made, t) for i, t in enumerate(types)]

    def stored(self, value: Value) -> str:
        array: Any = value.array
        name = self.file.free(self.names.get(id(array), "Const"))
        self.file.weights[name] = array
        tensor = {"tensor": {"dtype": kind(value.dtype), "tensorShape": shape_json(array.shape)}}
        self._add(name, "Const", [], {"dtype": value.dtype, "value": tensor})
        return name if self.function is None else f"{name}:output:0"

    def variable(self, name: str, array: np.ndarray) -> Value:
        """Return a constant with a name of its own."""
        array = array.astype(self.computed_in.get(dtypes.standardize(array.dtype), array.dtype), copy=True)
        self.names[id(array)] = name
        return self.new_constant(array)

    def cast(self, x: Value, dtype: str) -> Value:
        return super().cast(x, self.computed_in.get(dtype, dtype))

    def finish(self, outputs: Sequence[Value], names: Sequence[str] = ()) -> list[str]:
        """Set the results, each the output of a node of its own; return the names of these nodes."""
        found = []
        identities = {f"{n['name']}:output:0": n["name"] for n in self.nodes if n["op"] == "Identity"}
        for i, value in enumerate(outputs):
            stem = plain(names[i]) if names else f"output_{i}"
            made = identities.pop(value.name, None) or self._identity(stem, value)
            if self.function is not None:
                self.function["signature"]["outputArg"].append({"name": stem, "type": kind(value.dtype)})
                self.function["ret"][stem] = f"{made}:output:0"
            found.append(made)
        return found

    def _identity(self, stem: str, value: Value) -> str:
        return self._add(self.file.free(stem), "Identity", [self.reference(value)], {"T": value.dtype})


def _attr(key: str, value: Any) -> dict[str, Any]:
    """A value of an attribute as JSON: text is that of 64 letters, numbers of 64 bits are text."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], dict):
            return {"list": {"shape": [v["shape"] for v in value]}}
        if value and isinstance(value[0], str):
            return {"list": {"type": [kind(v) for v in value]}}
        return {"list": {"i": [str(v) for v in value]}}
    if key in _FUNCTIONS:
        return {"func": {"name": value}}
    if key in _TEXTS:
        return {"s": base64.b64encode(value.encode()).decode()}
    if isinstance(value, str):
        return {"type": kind(value)}
    if isinstance(value, bool):
        return {"b": value}
    return {"i": str(value)}


def graph_of(endpoint: Endpoint, table: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the part of ``model.json`` that describes an endpoint, and its weights by name."""
    file, graph = File(), endpoint.graph
    b = Builder(table, file)
    _refuse_inputs(endpoint)
    inputs = [b.argument(plain_path(name), x.type) for name, x in zip(endpoint.inputs, graph.inputs)]
    b.values.update(zip(graph.inputs, inputs))
    for value in inputs:
        b.know_symbols(value)
    for variable, tensor in graph.reads:
        b.values[tensor] = b.variable(plain_path(variable.path), variable.numpy())
    results = b.add_graph(graph)
    outputs = b.finish(results, endpoint.outputs)
    signature = {
        "inputs": {name: _port(x.name, x) for name, x in zip(endpoint.inputs, inputs)},
        "outputs": {name: _port(at, x) for name, at, x in zip(endpoint.outputs, outputs, results)},
    }
    topology = {"node": file.nodes, "library": {"function": file.functions}, "versions": {"producer": 1882}}
    return {"format": "graph-model", "signature": signature, "modelTopology": topology}, file.weights


def plain_path(name: str) -> str:
    """Return a name of a node, in which layers may stand before a slash."""
    return "/".join(plain(part) for part in name.split("/"))


def _port(name: str, value: Value) -> dict[str, Any]:
    return {"name": f"{name}:0", "dtype": kind(value.dtype), "tensorShape": shape_json(value.shape)}


def _refuse_inputs(endpoint: Endpoint) -> None:
    for name, x in zip(endpoint.inputs, endpoint.graph.inputs):
        if x.dtype in ("float64", "int64", "uint32", "uint64") or "complex" in x.dtype:
            raise ExportError(
                f"The input '{name}' is of a dtype that TensorFlow.js does not have.",
                expected=", ".join(TYPES),
                got=str(x.type),
                cure="an Input of dtype='int32' or 'float32'",
            )
