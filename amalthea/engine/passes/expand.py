"""Expansion of composite primitives that a backend has no lowering for, into the primitives of their decomposition."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import as_tensor
from amalthea.engine.passes.rewrite import all_nodes, apply_rules
from amalthea.engine.primitives import Primitive

NONE: Mapping[Primitive, Callable[..., Any]] = MappingProxyType({})


def expand(graph: Graph, known: Container[Primitive], others: Mapping[Primitive, Callable[..., Any]] = NONE) -> Graph:
    """Replace each composite primitive outside ``known`` by its decomposition, in subgraphs too.

    Args:
        graph: the graph.
        known: primitives that are kept.
        others: decompositions of primitives that are not composite, for whoever does not have them.
    """

    def of(primitive: Primitive) -> Callable[..., Any] | None:
        return primitive.decomposition or others.get(primitive)

    def decomposed(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        primitive = node.primitive
        decomposition = of(primitive)
        if primitive in known or decomposition is None:
            return None
        outputs = decomposition(*inputs, **node.attrs)
        return [as_tensor(outputs)] if primitive.single else [as_tensor(x) for x in outputs]

    while any(n.primitive not in known and of(n.primitive) for n in all_nodes(graph)):
        graph = apply_rules(graph, lambda: decomposed)
    return graph
