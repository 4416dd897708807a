"""Expansion: composite primitives that a backend does not know, as the primitives that they consist of."""

from __future__ import annotations

from collections.abc import Container, Sequence

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import as_tensor
from amalthea.engine.passes.rewrite import all_nodes, apply_rules
from amalthea.engine.primitives import Primitive


def expand(graph: Graph, known: Container[Primitive]) -> Graph:
    """The graph with each fused primitive that a backend does not know said in others."""

    def decomposed(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        row = node.primitive
        if row in known or row.decomposition is None:
            return None
        outputs = row.decomposition(*inputs, **node.attrs)
        return [as_tensor(outputs)] if row.single else [as_tensor(x) for x in outputs]

    while any(n.primitive not in known and n.primitive.decomposition for n in all_nodes(graph)):
        graph = apply_rules(graph, lambda: decomposed)
    return graph
