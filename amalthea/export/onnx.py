"""ONNX: standard operators of one opset, so that any runtime of that opset executes the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.engine.backends.onnx import lowerings
from amalthea.engine.backends.onnx.builder import OPSET, Builder, Value, live_nodes
from amalthea.engine.backends.onnx.rnn import RNN_LOWERINGS
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.export import labels, onnx_precision
from amalthea.export.endpoint import Endpoint
from amalthea.export.targets import Options, Runner, Target, runtime_of

LOWERINGS = {**lowerings.LOWERINGS, **RNN_LOWERINGS}
LARGEST = 2**31 - 1  # bytes of a protocol buffer; weights beyond go to a file beside


class StandardBuilder(Builder):
    """A builder that uses operators of the ONNX standard alone, none of a runtime's own."""

    def emit(self, operator: str, inputs: Sequence[Any], *args: Any, **attrs: Any) -> Any:
        if operator == "FusedMatMul":
            return self._transposed_product(*inputs, **attrs)
        return super().emit(operator, inputs, *args, **attrs)

    def _transposed_product(self, x: Value, y: Value, transA: int = 0, transB: int = 0) -> Value:
        """A product of matrices of which one or both are transposed."""
        x, y = (self._swapped(v) if swap else v for v, swap in ((x, transA), (y, transB)))
        return self.MatMul(x, y)

    def _swapped(self, x: Value) -> Value:
        return self.Transpose(x, perm=[*range(x.rank - 2), x.rank - 1, x.rank - 2])


def lowered(endpoint: Endpoint, table: Mapping[Any, Any] = LOWERINGS) -> Endpoint:
    """Rewrite an endpoint to primitives that have standard operators."""
    return endpoint.lowered(table, "onnx", first=True)


def next_name(name: str) -> str:
    """The name of the output that is the next value of a state."""
    return f"{name}:next"


def to_onnx(
    endpoint: Endpoint, state: Mapping[Variable, str] = MappingProxyType({}), table: Mapping[Any, Any] = LOWERINGS
) -> Any:
    """Return the ONNX model of a lowered endpoint.

    Args:
        endpoint: the endpoint.
        state: variables that are inputs, and outputs where they are written, with their names; others are weights.
        table: lowerings to operators of the standard.
    """
    from onnx import helper

    graph, builder = endpoint.graph, StandardBuilder(table)
    weights = [(v, tensor) for v, tensor in graph.reads if v not in state]
    given = [(v, tensor) for v, tensor in graph.reads if v in state]
    names = [*endpoint.inputs, *(state[v] for v, _ in given)]
    ends = [*endpoint.outputs, *(next_name(state[v]) for v, _ in graph.writes)]
    builder.domains, builder.reserved = {""}, frozenset([*names, *ends, *(v.path for v, _ in weights)])
    described = [builder.named_input(x, n) for x, n in zip([*graph.inputs, *(t for _, t in given)], names)]
    for variable, tensor in weights:
        builder.values[tensor] = builder.weight(variable.path, variable.numpy())
    values = builder.add_graph(graph)
    results = [builder.named_output(v, t.type, name) for v, t, name in zip(values, graph.results, ends)]
    nodes = live_nodes(builder.nodes, {x.name for x in results})
    model = builder.model(helper.make_graph(nodes, endpoint.name, described, results))
    model.producer_name = "amalthea"
    return model


class Onnx(Target):
    """ONNX."""

    name = "onnx"
    dtypes = ("float32", "float16", "int8")
    options = ("class_labels",)

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        if options.opset is not None and options.opset != OPSET:
            raise ArgumentError("Files of one opset are written.", expected=OPSET, got=options.opset)
        found = None if options.class_labels is None else labels.checked(endpoints[0], options.class_labels)
        model = onnx_precision.converted(to_onnx(lowered(endpoints[0])), options)
        if found is not None:
            entry = model.metadata_props.add()
            entry.key, entry.value = "class_labels", json.dumps(found)
        writing.write(path, model.SerializeToString())

    def runner(self, path: str) -> Runner:
        session = runtime_of(self.name).InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [x.name for x in session.get_outputs()]
        return lambda feeds: dict(zip(names, map(np.asarray, session.run(names, feeds))))


TARGET = Onnx()
