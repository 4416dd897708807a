"""Native calls and their gradients: the autograd graph recorded at the call is reused by the gradient."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node
from amalthea.engine.primitives import control


def with_native_autograd(graph: Graph) -> Graph:
    """Make each native call that is differentiated run once per step, instead of once more in its gradient."""
    calls = {(id(n.attrs["function"]), n.inputs): i for i, n in enumerate(graph.nodes) if _is_call(n)}
    nodes = list(graph.nodes)
    for i, node in enumerate(graph.nodes):
        by = node.attrs.get("function")
        if not isinstance(by, control.Pullback):
            continue
        position = calls.pop((id(by.function), node.inputs[by.count :]), i)
        if position < i:
            shared = SharedCall(by)
            nodes[position], nodes[i] = _with(nodes[position], shared.call), _with(node, shared.gradient)
    return Graph(graph.inputs, graph.outputs, graph.reads, graph.writes, graph.captured, nodes)


def _is_call(node: Node) -> bool:
    return node.primitive is control.native_call and not isinstance(node.attrs["function"], control.Pullback)


def _with(node: Node, function: Any) -> Node:
    new = copy.copy(node)
    new.attrs = {**node.attrs, "function": function}
    return new


class SharedCall:
    """A native function's call and its gradient, which runs later in the same step on the recorded autograd graph."""

    def __init__(self, by: control.Pullback):
        self.by = by
        self.kept: tuple[list[Any], list[Any]] | None = None

    def call(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        with torch.enable_grad():
            fresh = [x.detach().requires_grad_(i in self.by.wanted) for i, x in enumerate(inputs)]
            outputs = list(self.by.function(*fresh))
        self.kept = fresh, outputs
        return [y.detach() for y in outputs]

    def gradient(self, *operands: torch.Tensor) -> Sequence[torch.Tensor]:
        if self.kept is None:
            return self.by(*operands)
        (fresh, outputs), self.kept = self.kept, None
        return gradients(outputs, operands[: self.by.count], [fresh[i] for i in self.by.wanted], create_graph=False)


def gradients(outputs: Any, cotangents: Any, by: Sequence[torch.Tensor], create_graph: bool) -> list[torch.Tensor]:
    """Return the gradients with respect to some tensors; zeros for those that the outputs do not depend on."""
    pairs = [(y, g) for y, g in zip(outputs, cotangents) if y.requires_grad]
    if not pairs or not by:
        return [torch.zeros_like(x) for x in by]
    ys, gs = zip(*pairs)
    found = torch.autograd.grad(ys, by, gs, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(by, found)]
