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


def expand(
    graph: Graph, known: Container[Primitive], more: Mapping[Primitive, Callable[..., Any]] = MappingProxyType({})
) -> Graph:
    """Replace each composite primitive outside ``known`` by its decomposition, in subgraphs too.

    Args:
        graph: Graph; is not changed.
        known: primitives that stay.
        more: decompositions of further primitives.
    """

    def decomposition(primitive: Primitive) -> Callable[..., Any] | None:
        return None if primitive in known else primitive.decomposition or more.get(primitive)

    def decomposed(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        decompose = decomposition(node.primitive)
        if decompose is None:
            return None
        outputs = decompose(*inputs, **node.attrs)
        return [as_tensor(outputs)] if node.primitive.single else [as_tensor(x) for x in outputs]

    while any(decomposition(n.primitive) for n in all_nodes(graph)):
        graph = apply_rules(graph, lambda: decomposed)
    return graph
