"""Lowerings of branches and loops to ONNX subgraphs, which can read values of the outer graph."""

from __future__ import annotations

from typing import Any

from onnx import helper

from amalthea.engine.backends.onnx.builder import Builder, Value, live_nodes
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.primitives import control


def _subgraph(b: Builder, graph: Graph, operands: Any, formals: Any, name: str, before: Any = ()) -> Any:
    """Write a subgraph; ``before`` are inputs that ONNX passes first and the body does not use."""
    inner, inputs = b.subgraph(graph, operands, formals)
    results = inner.add_graph(graph)
    outputs = [inner.output(v, t.type, "o") for v, t in zip(results, graph.results)]
    return _graph(inner, b.name(name), [*before, *inputs], outputs)


def _graph(inner: Builder, name: str, inputs: Any, outputs: Any) -> Any:
    return helper.make_graph(live_nodes(inner.nodes, {x.name for x in outputs}), name, inputs, outputs)


def _values(b: Builder, names: Any, types: list[Type]) -> list[Value]:
    return [Value(name, t.dtype, t.shape) for name, t in zip(names, types)]


def _node(b: Builder, operator: str, inputs: Any, types: list[Type], **attrs: Any) -> list[Value]:
    names = [b.name() for _ in types]
    b.nodes.append(helper.make_node(operator, [x.name for x in inputs], names, **attrs))
    return _values(b, names, types)


def _cond(b: Builder, predicate: Value, *operands: Value, true_graph: Graph, false_graph: Graph) -> list[Value]:
    yes, no = (_subgraph(b, graph, operands, (), name) for graph, name in ((true_graph, "yes"), (false_graph, "no")))
    types = [x.type for x in true_graph.outputs]
    return _node(b, "If", [predicate], types, then_branch=yes, else_branch=no)


def _while_loop(b: Builder, *operands: Value, condition: Graph, body: Graph, captures: int) -> list[Value]:
    fixed, carry = operands[:captures], operands[captures:]
    first = Builder.__new__(Builder)
    first.__dict__.update(b.__dict__, values={**b.values, **dict(zip(condition.inputs, operands))})
    go = first.add_graph(condition)[0]
    inner, inputs = b.subgraph(body, fixed, body.inputs[captures:])
    results = inner.add_graph(body)
    inner.values.update(zip(condition.inputs, [*fixed, *results]))
    again = inner.add_graph(condition)[0]
    step = _info(b, "step", Type((), "int64"))
    told = _info(b, "go", Type((), "bool"))
    outputs = [inner.output(again, Type((), "bool"), "o")]
    outputs += [inner.output(v, t.type, "o") for v, t in zip(results, body.outputs)]
    graph = _graph(inner, b.name("loop"), [step, told, *inputs], outputs)
    no_limit = Value("", "int64")
    return _node(b, "Loop", [no_limit, go, *carry], [x.type for x in body.outputs], body=graph)


def _info(b: Builder, stem: str, type: Type) -> Any:
    return b.input(Tensor(type), stem)


def _scan(b: Builder, *operands: Value, body: Graph, captures: int, carries: int, length: int, reverse: bool):
    fixed, rest = operands[:captures], operands[captures:]
    outputs = [x.type for x in body.outputs]
    types = outputs[:carries] + [Type((length, *t.shape), t.dtype) for t in outputs[carries:]]
    sequences = len(rest) - carries
    if not sequences:  # an ONNX Scan needs at least one sequence
        rest = (*rest, b.constant([0] * length, "int32"))
        body = Graph([*body.inputs, Tensor(Type((), "int32"))], body.outputs, nodes=body.nodes)
        sequences = 1
    graph = _subgraph(b, body, fixed, body.inputs[captures:], "scan")
    attrs = {"scan_input_directions": [int(reverse)] * sequences}
    if len(outputs) > carries:  # ONNX refuses an empty list
        attrs["scan_output_directions"] = [int(reverse)] * (len(outputs) - carries)
    return _node(b, "Scan", rest, types, body=graph, num_scan_inputs=sequences, **attrs)


CONTROL_LOWERINGS = {control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan}
