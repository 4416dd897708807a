"""Merging of nodes that a gradient extended, so that the forward pass and the gradient share one computation.

A gradient rule may need intermediate values of a scan or an LSTM that the forward pass does not output. It does not
edit the forward node: it makes a longer node with more outputs, whose ``extends`` is the forward node:

    forward   lstm(x, ...) -> outputs, h, c
    gradient  lstm_for_gradient(x, ...) -> outputs, h, c, gates ...     extends the first

This pass replaces the shorter node by the longer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.passes.rewrite import apply_first, apply_rules, map_subgraphs


def share_extended(graph: Graph) -> Graph:
    """Replace each node that another one extends by the longest such node, in subgraphs too."""
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
    """The rewrite rule: an extended node becomes the first outputs of the longest node that extends it."""

    def __init__(self, longer: dict[Tensor, Node]):
        self.longer = longer
        self.made: dict[Tensor, Sequence[Tensor]] = {}  # first output of a longest node: all its new outputs

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        key = _longest(node, self.longer).outputs[0]
        if key is not node.outputs[0]:
            return self.made[key][: len(node.outputs)]
        if node.extends is None:
            return None
        self.made[key] = apply_first(node, inputs, ())
        return self.made[key]
