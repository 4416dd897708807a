"""Scheduling: an execution order of nodes that needs little memory, for libraries that run nodes in the given order.

Results with the shortest chain of nodes before them come first, so that each weight is updated as soon as the backward
pass has computed its gradient, whose memory is then free. Among the inputs of a node, the one with the longest chain
comes first; a cheap or recomputed input follows right before its use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from amalthea.engine.ir.graph import Graph, topological_order
from amalthea.engine.ir.tensor import Node, Tensor


def schedule(graph: Graph) -> Graph:
    """Return the same graph with its nodes in an order that needs less memory; subgraphs are unchanged."""
    heights = _heights(graph)

    def height(x: Tensor) -> int:
        return heights.get(x.node, 0) if x.node is not None else 0

    def makers(tensors: Sequence[Tensor]) -> list[Node]:
        return [x.node for x in tensors if x.node in heights]

    def longest_first(node: Node) -> list[Node]:
        return makers(sorted(node.inputs, key=height, reverse=True))

    return replace(graph, nodes=topological_order(makers(sorted(graph.results, key=height)), longest_first))


def _heights(graph: Graph) -> dict[Node, int]:
    """Return, for each node, the length of the longest chain of nodes that ends in it."""
    ends = {*graph.inputs, *(x for _, x in graph.reads)}
    found: dict[Node, int] = {}
    for node in graph.nodes:
        before: Sequence[int] = [found[x.node] for x in node.inputs if x.node in found and x not in ends]
        found[node] = 1 + max(before, default=0)
    return found
