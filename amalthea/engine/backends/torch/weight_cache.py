"""What depends on nothing but variables that a graph reads: computed once, and again after any variable was changed.

Kernels as PyTorch wants them turned, and the factors of a normalization, cost as much as a prediction of one row.
A copy is kept only while nobody can have changed what it was made of: every write that goes through here renews
``changes.token``, and so does handing a value out, since whoever holds it may change it in place unseen.
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
    """``token`` is another object after every change of any variable; ``renew`` is atomic."""

    def __init__(self) -> None:
        self.token = object()

    def renew(self) -> None:
        self.token = object()


weight_version = _WeightVersion()


def weight_only_tensors(graph: Graph) -> set[Tensor]:
    """The tensors that depend on variables and constants alone. None if the graph writes: then all that may change."""
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
    """What is settled, as a graph of the variables, and the rest, whose last inputs are the outputs of the first."""
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
    """The outputs of a settled graph, computed again after a change.

    Args:
        graph: the settled graph.
        function: it, compiled: of the values of its variables.
    """

    def __init__(self, graph: Graph, function: Callable[[Sequence[Any]], Sequence[Any]]):
        copied = {x for node in graph.nodes for x in node.inputs}
        self.sources = [variable for variable, x in graph.reads if x in copied]
        self.function = function
        self.seen: tuple[object, Sequence[Any]] = (None, ())

    def __call__(self, token: object, values: Sequence[Any]) -> Sequence[Any]:
        """``token`` is that of the moment in which the values were taken."""
        known, made = self.seen
        if token is known:
            return made
        made = self.function(values)
        if not any(_is_held(variable) for variable in self.sources):
            self.seen = token, made
        return made


def _is_held(variable: Variable) -> bool:
    """Whether a user may hold the memory of its value."""
    return getattr(variable.storage, "is_held", True)
