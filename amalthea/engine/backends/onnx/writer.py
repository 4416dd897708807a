"""Writer of ONNX models."""

from __future__ import annotations

from typing import Any

from onnx import helper

from amalthea.engine.backends.onnx.builder import ONNX_TYPES, Builder, live_nodes
from amalthea.engine.ir.graph import Graph


def to_model(graph: Graph, lowerings: Any) -> Any:
    """Return the ONNX model of a graph. Inputs: inputs, variables read. Outputs: outputs, variables written."""
    builder = Builder(lowerings)
    inputs = [builder.input(x, "in") for x in graph.inputs]
    inputs += [builder.input(x, "state") for _, x in graph.reads]
    values = builder.add_graph(graph)
    outputs = [builder.output(v, t.type, "out") for v, t in zip(values, graph.results)]
    nodes = live_nodes(builder.nodes, {x.name for x in outputs})
    if not inputs and not outputs:  # the updates after the session do all; ONNX Runtime refuses a graph without a value
        outputs = [helper.make_tensor_value_info("nothing", ONNX_TYPES["float32"], [])]
        nodes = [helper.make_node("Constant", [], ["nothing"], value_float=0.0)]
    return builder.model(helper.make_graph(nodes, "amalthea", inputs, outputs))
