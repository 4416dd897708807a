"""The functions of an endpoint, and the graph that runs them in sessions of TensorFlow 1 and of its C library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.variable import Variable
from amalthea.export.endpoint import Endpoint
from amalthea.export.saved_model.builder import Builder, Library, kind, node, plain, shape_message
from amalthea.export.saved_model.messages import MetaGraphDef, TensorProto
from amalthea.export.tensorflow_graph.control import CONTROL
from amalthea.export.tensorflow_graph.operators import OPERATORS
from amalthea.export.tensorflow_graph.windows import WINDOWS

LOWERINGS = {**OPERATORS, **WINDOWS, **CONTROL}
_RESOURCE = Type((), "resource")
_PREDICT = "tensorflow/serving/predict"


class Written(NamedTuple):
    """An endpoint's functions.

    Args:
        endpoint: the endpoint.
        call: name of the function with arguments in the order of the endpoint's inputs.
        signature: name of the function whose arguments and results are in the order of their names.
        captured: the variables, whose handles are the last arguments of both.
    """

    endpoint: Endpoint
    call: str
    signature: str
    captured: list[Variable]


def written(endpoint: Endpoint, library: Library) -> Written:
    """Write both functions of a lowered endpoint."""
    graph, b = endpoint.graph, Builder(LOWERINGS, library, endpoint.name)
    inputs = [b.argument(plain(name), x.type) for name, x in zip(endpoint.inputs, graph.inputs)]
    b.values.update(zip(graph.inputs, inputs))
    handles = [b.argument(plain(v.path), _RESOURCE, Type(v.shape, v.dtype)) for v, _ in graph.reads]
    for value in inputs:
        b.know_symbols(value)
    for (_, tensor), handle in zip(graph.reads, handles):
        (b.values[tensor],) = b.several("ReadVariableOp", [handle], [tensor.type], dtype=tensor.dtype)
    b.finish(b.add_graph(graph), endpoint.outputs)
    captured = [v for v, _ in graph.reads]
    return Written(endpoint, b.name, _signature(endpoint, b.name, captured, library), captured)


def _signature(endpoint: Endpoint, call: str, captured: Sequence[Variable], library: Library) -> str:
    b = Builder(LOWERINGS, library, f"signature_{endpoint.name}")
    types = dict(zip(endpoint.inputs, (x.type for x in endpoint.graph.inputs)))
    arguments = {name: b.argument(plain(name), types[name]) for name in sorted(types)}
    given = [arguments[name] for name in endpoint.inputs]
    given += [b.argument(plain(v.path), _RESOURCE, Type(v.shape, v.dtype)) for v in captured]
    results = [x.type for x in endpoint.graph.outputs]
    attrs = {"Tin": [x.dtype for x in given], "Tout": [t.dtype for t in results], "f": call}
    made = b.several("StatefulPartitionedCall", given, results, **attrs)
    found = dict(zip(endpoint.outputs, made))
    b.finish([found[name] for name in sorted(found)], sorted(found))
    return b.name


class Session:
    """The graph of a session: variables, a call of each signature, and the nodes that save and restore.

    Args:
        meta: the MetaGraphDef to fill.
        keys: of each variable, its key in the checkpoint.
    """

    def __init__(self, meta: Any, keys: Mapping[Variable, str]):
        self.meta, self.keys = meta, keys
        self.names = {v: _node_name(v.path, i) for i, v in enumerate(keys)}
        for v, name in self.names.items():
            shape = shape_message(v.shape)
            self._add(name, "VarHandleOp", dtype=v.dtype, shape=shape, shared_name=v.path)

    def _add(self, name: str, operator: str, inputs: Sequence[str] = (), **attrs: Any) -> str:
        self.meta.graph_def.node.append(node(name, operator, inputs, **attrs))
        return name

    def signature(self, key: str, found: Written) -> None:
        """Add a signature: placeholders, and a call of its function."""
        made, endpoint = self.meta.signature_def[key], found.endpoint
        made.method_name = _PREDICT
        types = dict(zip(endpoint.inputs, (x.type for x in endpoint.graph.inputs)))
        for name in sorted(types):
            shape = shape_message(types[name].shape)
            at = self._add(_node_name(f"{key}_{name}"), "Placeholder", dtype=types[name].dtype, shape=shape)
            _describe(made.inputs[name], f"{at}:0", types[name])
        ends = [made.inputs[name].name[:-2] for name in sorted(types)] + [self.names[v] for v in found.captured]
        results = dict(zip(endpoint.outputs, (x.type for x in endpoint.graph.outputs)))
        call = self._add(
            _node_name(f"{key}_call"), "StatefulPartitionedCall", ends, f=found.signature,
            Tin=[*(types[name].dtype for name in sorted(types)), *("resource" for _ in found.captured)],
            Tout=[results[name].dtype for name in sorted(results)],
        )  # fmt: skip
        for i, name in enumerate(sorted(results)):
            _describe(made.outputs[name], f"{call}:{i}", results[name])

    def saver(self, graph_key: str, graph: bytes) -> None:
        """Add the nodes that restore all variables from a checkpoint, and that save one, with the graph of objects."""
        file = self._add("saver_filename", "Placeholder", dtype="string", shape=shape_message(()))
        variables = list(self.keys)
        reads = [
            self._add(f"saver_read_{i}", "ReadVariableOp", [self.names[v]], dtype=v.dtype)
            for i, v in enumerate(variables)
        ]
        objects = self._add("saver_objects", "Const", dtype="string", value=_texts([graph], ()))
        keys = [self.keys[v] for v in variables]
        dtypes = [v.dtype for v in variables]
        names, slices = self._keys("save", [*keys, graph_key])
        save = self._add("saver_save", "SaveV2", [file, names, slices, *reads, objects], dtypes=[*dtypes, "string"])
        saved = self._add("saver_saved", "Identity", [file, f"^{save}"], T="string")
        assigned = []
        if variables:
            names, slices = self._keys("restore", keys)
            restored = self._add("saver_restore", "RestoreV2", [file, names, slices], dtypes=dtypes)
            for i, v in enumerate(variables):
                ends = [self.names[v], f"{restored}:{i}"]
                assigned.append(self._add(f"saver_assign_{i}", "AssignVariableOp", ends, dtype=v.dtype))
        done = self._add("saver_restored", "NoOp", [f"^{name}" for name in assigned])
        saver = self.meta.saver_def
        saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name = f"{file}:0", f"{saved}:0", done
        saver.version = saver.V2

    def _keys(self, stem: str, keys: Sequence[str]) -> tuple[str, str]:
        texts = [_texts([key.encode() for key in keys]), _texts([b""] * len(keys))]
        rows = zip(("keys", "slices"), texts)
        first, second = (self._add(f"saver_{stem}_{n}", "Const", dtype="string", value=t) for n, t in rows)
        return first, second


def _node_name(text: str, number: int | None = None) -> str:
    found = re.sub(r"[^A-Za-z0-9_./]", "_", text)
    found = found if found[:1].isalnum() else f"x{found}"
    return found if number is None else f"{found}_{number}"


def _texts(values: Sequence[bytes], shape: Sequence[int] | None = None) -> Any:
    found = TensorProto(dtype=kind("string"), string_val=values)
    found.tensor_shape.CopyFrom(shape_message([len(values)] if shape is None else shape))
    return found


def _describe(info: Any, name: str, type: Type) -> None:
    info.name, info.dtype = name, kind(type.dtype)
    info.tensor_shape.CopyFrom(shape_message(type.shape))


def new_meta_graph() -> Any:
    """Return the message of a graph that is loaded for serving."""
    meta: Any = MetaGraphDef()
    meta.meta_info_def.tags.append("serve")
    meta.graph_def.versions.producer, meta.graph_def.versions.min_consumer = 1882, 12
    return meta
