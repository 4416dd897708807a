"""The order in which a graph's nodes run, where the library runs them as they stand: little memory at a time.

Results that are ready soon come first, so that a weight is updated, and its gradient forgotten, as soon as the
backward pass has reached it. Of a node's inputs the one with the longest way behind it comes first, and what is quickly
made (or made again) only when it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from amalthea.engine.ir.graph import Graph, topological_order
from amalthea.engine.ir.tensor import Node, Tensor


def schedule(graph: Graph) -> Graph:
    """The same graph, its nodes in a better order; subgraphs stay as they are."""
    heights = _heights(graph)

    def height(x: Tensor) -> int:
        return heights.get(x.node, 0) if x.node is not None else 0

    def makers(tensors: Sequence[Tensor]) -> list[Node]:
        return [x.node for x in tensors if x.node in heights]

    def longest_first(node: Node) -> list[Node]:
        return makers(sorted(node.inputs, key=height, reverse=True))

    return replace(graph, nodes=topological_order(makers(sorted(graph.results, key=height)), longest_first))


def _heights(graph: Graph) -> dict[Node, int]:
    """For each node how many stand on the longest way to it."""
    ends = {*graph.inputs, *(x for _, x in graph.reads)}
    found: dict[Node, int] = {}
    for node in graph.nodes:
        before: Sequence[int] = [found[x.node] for x in node.inputs if x.node in found and x not in ends]
        found[node] = 1 + max(before, default=0)
    return found
