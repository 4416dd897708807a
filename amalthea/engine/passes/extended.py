"""Nodes that a gradient extended: forward pass and gradient share one computation.

A gradient may need values inside a loop or a recurrence that the forward pass did not ask for. It edits no node; it
makes one that gives them too, and says which node that one extends:

    forward   lstm(x, ...) -> outputs, h, c
    gradient  lstm_for_gradient(x, ...) -> outputs, h, c, gates ...     extends the first

Here the longer node takes the place of the shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.passes.rewrite import apply_first, apply_rules, map_subgraphs


def share_extended(graph: Graph) -> Graph:
    """Return the graph with each node that another one extends computed by that other one, in subgraphs too."""
    nodes = [map_subgraphs(node, share_extended) for node in graph.nodes]
    longer = {node.extends.outputs[0]: node for node in nodes if node.extends is not None}
    if not longer:
        return replace(graph, nodes=nodes)
    order: dict[Node, None] = {}
    for node in nodes:
        order.update(dict.fromkeys((_longest(node, longer), node)))
    rule = _Shared(longer)
    return apply_rules(replace(graph, nodes=list(order)), lambda: rule)


def _longest(node: Node, longer: dict[Tensor, Node]) -> Node:
    while node.outputs[0] in longer:
        node = longer[node.outputs[0]]
    return node


class _Shared:
    """The rule: a node that is extended is the first outputs of the longest node that extends it."""

    def __init__(self, longer: dict[Tensor, Node]):
        self.longer = longer
        self.made: dict[Tensor, Sequence[Tensor]] = {}  # by the first output of a longest node

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        key = _longest(node, self.longer).outputs[0]
        if key is not node.outputs[0]:
            return self.made[key][: len(node.outputs)]
        if node.extends is None:
            return None
        self.made[key] = apply_first(node, inputs, ())
        return self.made[key]
