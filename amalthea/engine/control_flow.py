"""``cond``, ``while_loop`` and ``scan`` of Python functions: each function is traced into a subgraph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor, trace
from amalthea.engine.primitives import control


def subgraph(function: Callable[..., Sequence[Any]], types: Sequence[Type], inside: str) -> Graph:
    """Trace a function of tensors into a subgraph. Tensors used from outside become its first inputs (captured)."""
    outer = current_trace() or Trace()
    inputs = [Tensor(t) for t in types]
    outputs, scope = trace(function, inputs, parent=outer, inside=inside)
    if current_trace() is None:  # eager: the variables that the body read have concrete values
        for variable, tensor in outer.reads.items():
            tensor.value = variable.value
    graph = graph_of_trace(inputs, [as_tensor(x) for x in outputs], scope)
    return _with_operands(graph, graph.captured)


def _with_operands(graph: Graph, captured: Sequence[Tensor]) -> Graph:
    own = [x for x in graph.inputs if x not in set(graph.captured)]
    return Graph([*captured, *own], graph.outputs, captured=list(captured), nodes=graph.nodes)


def union(*graphs: Graph) -> tuple[list[Tensor], list[Graph]]:
    """Return all tensors that the graphs captured, and the graphs with all of these as their first inputs."""
    captured = list(dict.fromkeys(x for graph in graphs for x in graph.captured))
    return captured, [_with_operands(graph, captured) for graph in graphs]


def cond(predicate: Any, true_function: Callable[[], Sequence[Any]], false_function: Callable[[], Sequence[Any]]):
    """Trace two branches of the same output types; one of them runs, as the predicate says."""
    graphs = [subgraph(f, (), "a branch of cond") for f in (true_function, false_function)]
    captured, (yes, no) = union(*graphs)
    return control.cond(predicate, *captured, true_graph=yes, false_graph=no)


def while_loop(condition: Callable[..., Any], body: Callable[..., Sequence[Any]], carry: Sequence[Any]):
    """Trace ``body``, which maps the carried values to new ones and runs while ``condition`` of them is true."""
    types = [as_tensor(x).type for x in carry]
    test = subgraph(lambda *xs: [condition(*xs)], types, "the condition of while_loop")
    captured, (test, step) = union(test, subgraph(body, types, "the body of while_loop"))
    return control.while_loop(*captured, *carry, condition=test, body=step, captures=len(captured))


def scan(
    body: Callable[..., Sequence[Any]], carry: Sequence[Any], sequences: Sequence[Any], length: Any, reverse: bool
):
    """Trace ``body(*carry, *elements) -> (*carry, *outputs)``, run for each of ``length`` elements of the sequences."""
    carry, sequences = [as_tensor(x) for x in carry], [as_tensor(x) for x in sequences]
    elements = [Type(x.type.shape[1:], x.dtype) for x in sequences]
    body_graph = subgraph(body, [*(x.type for x in carry), *elements], "the body of scan")
    operands = [*body_graph.captured, *carry, *sequences]
    operands = [x.value if x.value is not None else x for x in operands]
    return control.scan(
        *operands,
        body=body_graph,
        captures=len(body_graph.captured),
        carries=len(carry),
        length=length,
        reverse=reverse,
    )
