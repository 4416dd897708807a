"""Expansion of composite primitives that a backend has no lowering for, into the primitives of their decomposition."""

from __future__ import annotations

from collections.abc import Container, Sequence

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import as_tensor
from amalthea.engine.passes.rewrite import all_nodes, apply_rules
from amalthea.engine.primitives import Primitive


def expand(graph: Graph, known: Container[Primitive]) -> Graph:
    """Replace each composite primitive outside ``known`` by its decomposition, in subgraphs too."""

    def decomposed(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        primitive = node.primitive
        if primitive in known or primitive.decomposition is None:
            return None
        outputs = primitive.decomposition(*inputs, **node.attrs)
        return [as_tensor(outputs)] if primitive.single else [as_tensor(x) for x in outputs]

    while any(n.primitive not in known and n.primitive.decomposition for n in all_nodes(graph)):
        graph = apply_rules(graph, lambda: decomposed)
    return graph
