"""Branches and loops: how Python functions become held graphs, and how those are differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor, trace
from amalthea.engine.primitives import control


def hold(function: Callable[..., Sequence[Any]], types: Sequence[Type], inside: str) -> Graph:
    """The graph of a function of tensors, with whatever it uses from outside as captured inputs, first."""
    outer = current_trace() or Trace()
    inputs = [Tensor(t) for t in types]
    outputs, scope = trace(function, inputs, parent=outer, inside=inside)
    if current_trace() is None:  # eager: what the body read of variables is known, and so is the graph's
        for variable, tensor in outer.reads.items():
            tensor.value = variable.value
    graph = graph_of_trace(inputs, [as_tensor(x) for x in outputs], scope)
    return _with_operands(graph, graph.captured)


def _with_operands(graph: Graph, captured: Sequence[Tensor]) -> Graph:
    own = [x for x in graph.inputs if x not in set(graph.captured)]
    return Graph([*captured, *own], graph.outputs, captured=list(captured), nodes=graph.nodes)


def union(*graphs: Graph) -> tuple[list[Tensor], list[Graph]]:
    """All that the graphs captured, and the graphs taking all of it."""
    captured = list(dict.fromkeys(x for graph in graphs for x in graph.captured))
    return captured, [_with_operands(graph, captured) for graph in graphs]


def cond(predicate: Any, true_function: Callable[[], Sequence[Any]], false_function: Callable[[], Sequence[Any]]):
    """One branch or the other; both return sequences of the same types."""
    graphs = [hold(f, (), "a branch of cond") for f in (true_function, false_function)]
    captured, (yes, no) = union(*graphs)
    return control.cond(predicate, *captured, true_graph=yes, false_graph=no)


def while_loop(condition: Callable[..., Any], body: Callable[..., Sequence[Any]], carry: Sequence[Any]):
    """``body`` run on the carried values while ``condition`` of them holds."""
    types = [as_tensor(x).type for x in carry]
    test = hold(lambda *xs: [condition(*xs)], types, "the condition of while_loop")
    captured, (test, step) = union(test, hold(body, types, "the body of while_loop"))
    return control.while_loop(*captured, *carry, condition=test, body=step, captures=len(captured))


def scan(
    body: Callable[..., Sequence[Any]], carry: Sequence[Any], sequences: Sequence[Any], length: Any, reverse: bool
):
    """``body(*carry, *elements) -> (*carry, *outputs)``, once for each of ``length`` elements of the sequences."""
    carry, sequences = [as_tensor(x) for x in carry], [as_tensor(x) for x in sequences]
    elements = [Type(x.type.shape[1:], x.dtype) for x in sequences]
    held = hold(body, [*(x.type for x in carry), *elements], "the body of scan")
    operands = [*held.captured, *carry, *sequences]
    operands = [x.value if x.value is not None else x for x in operands]
    return control.scan(
        *operands, body=held, captures=len(held.captured), carries=len(carry), length=length, reverse=reverse
    )
