"""Caches values computed from weights alone (packed kernels, folded normalizations), until a weight changes.

Packing costs as much as a prediction of one row. A cached value is valid as long as ``weight_version.token`` is the
same object: every write of a variable renews it. Reading a value renews it too, because its holder may change it in
place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.passes.rewrite import apply_rules
from amalthea.engine.passes.schedule import schedule
from amalthea.engine.primitives import control


class _WeightVersion:
    """``token`` is a new object after every change of any variable; ``renew`` is atomic."""

    def __init__(self) -> None:
        self.token = object()

    def renew(self) -> None:
        self.token = object()


weight_version = _WeightVersion()


def weight_only_tensors(graph: Graph) -> set[Tensor]:
    """Return the tensors that depend on variables and constants only; none if the graph writes variables."""
    if graph.writes:
        return set()
    found = {x for _, x in graph.reads}
    for node in graph.nodes:
        if _is_repeatable(node) and all(x.value is not None or x in found for x in node.inputs):
            found.update(node.outputs)
    return found


def _is_repeatable(node: Node) -> bool:
    holds = any(isinstance(value, Graph) for value in node.attrs.values())
    return not holds and node.primitive is not control.native_call


def split_weight_only(graph: Graph) -> tuple[Graph, Graph]:
    """Split a graph: one graph computes values from weights alone, and the rest takes them as its last inputs."""
    found = weight_only_tensors(graph)
    made = {x: Tensor(x.type) for node in graph.nodes if node.outputs[0] in found for x in node.outputs}

    def rule(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        return [made[x] for x in node.outputs] if node.outputs[0] in made else None

    rest = apply_rules(graph, lambda: rule)
    used = {x for node in rest.nodes for x in node.inputs} | set(rest.results)
    available = {**{x: x for _, x in graph.reads}, **made}
    passed_on = {x: new for x, new in available.items() if new in used}
    nodes = [node for node in graph.nodes if node.outputs[0] in made]
    first = schedule(Graph([], [*passed_on], graph.reads, nodes=nodes))
    return first, schedule(Graph([*graph.inputs, *passed_on.values()], rest.outputs, nodes=rest.nodes))


class WeightCache:
    """Cached outputs of a weight-only graph; computed again after a change of any variable.

    Args:
        graph: Graph; the weight-only graph.
        function: the compiled graph, a function of the values of its variables.
    """

    def __init__(self, graph: Graph, function: Callable[[Sequence[Any]], Sequence[Any]]):
        copied = {x for node in graph.nodes for x in node.inputs}
        self.sources = [variable for variable, x in graph.reads if x in copied]
        self.function = function
        self.seen: tuple[object, Sequence[Any]] = (None, ())

    def __call__(self, token: object, values: Sequence[Any]) -> Sequence[Any]:
        """Return the outputs; ``token`` is the version at the moment in which the values were read."""
        known, made = self.seen
        if token is known:
            return made
        made = self.function(values)
        if not any(_is_held(variable) for variable in self.sources):
            self.seen = token, made
        return made


def _is_held(variable: Variable) -> bool:
    """True if a user may hold the memory of the variable's value."""
    return getattr(variable.storage, "is_held", True)
