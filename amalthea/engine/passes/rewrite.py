"""Rewrite rules: from a graph to an equal one, node by node.

A rule is called with a node and its new inputs. It returns the tensors that replace the node's outputs, or None.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

from amalthea.engine.ir.graph import Graph, reachable_nodes
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import Trace

Rule = Callable[[Node, Sequence[Tensor]], "Sequence[Tensor] | None"]


def apply_rules(graph: Graph, *rules: Callable[[], Rule]) -> Graph:
    """Rewrite each node by the first rule that returns tensors; keep a node that no rule rewrites.

    Args:
        graph: Graph; is not changed.
        rules: functions that make a rule. Each subgraph gets new rules: the state of a rule is valid in one graph only.
    """
    now: dict[Tensor, Tensor] = {}
    chosen = [make() for make in rules]
    with Trace(Trace()):
        for node in graph.nodes:
            node = map_subgraphs(node, lambda subgraph: apply_rules(subgraph, *rules))
            inputs = [now.get(x, x) for x in node.inputs]
            for old, new in zip(node.outputs, apply_first(node, inputs, chosen)):
                now[old] = new
    outputs = [now.get(x, x) for x in graph.outputs]
    writes = [(variable, now.get(x, x)) for variable, x in graph.writes]
    ends = {*graph.inputs, *(tensor for _, tensor in graph.reads)}
    nodes, _ = reachable_nodes([*outputs, *(tensor for _, tensor in writes)], ends)
    return Graph(graph.inputs, outputs, graph.reads, writes, graph.captured, nodes)


def map_subgraphs(node: Node, function: Callable[[Graph], Graph]) -> Node:
    """Return the node itself, or a copy with the same outputs whose subgraphs the function has rewritten."""
    subgraphs = {name: value for name, value in node.attrs.items() if isinstance(value, Graph)}
    if not subgraphs:
        return node
    new = copy.copy(node)
    new.attrs = {**node.attrs, **{name: function(value) for name, value in subgraphs.items()}}
    return new


def apply_first(node: Node, inputs: Sequence[Tensor], rules: Sequence[Rule]) -> Sequence[Tensor]:
    """Return the outputs by the first rule that matches; by the node itself, with new inputs, if none does."""
    for rule in rules:
        answer = rule(node, inputs)
        if answer is not None:
            return answer
    if all(a is b for a, b in zip(inputs, node.inputs)) and node.outputs[0].node is node:
        return node.outputs
    return Node(node.primitive, inputs, node.attrs, [x.type for x in node.outputs]).outputs


def all_nodes(graph: Graph) -> Iterator[Node]:
    """Iterate over the nodes of a graph and of its subgraphs."""
    for node in graph.nodes:
        yield node
        for value in node.attrs.values():
            if isinstance(value, Graph):
                yield from all_nodes(value)
