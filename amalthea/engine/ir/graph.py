"""A graph: the nodes that compute some outputs from inputs and variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import Trace
from amalthea.engine.ir.variable import Variable
from amalthea.errors import TraceError

Execute = Callable[[Any, Sequence[Any], dict[str, Any]], Any]


@dataclass
class Graph:
    """A pure function from ``inputs`` and variables to ``outputs`` and new values of variables.

    Args:
        inputs: tensors whose values are given at each run.
        outputs: tensors that are computed.
        reads: pairs of a variable and the tensor that stands for its value at the start.
        writes: pairs of a variable and the tensor that is its new value.
        captured: in a subgraph, the tensors of the outer graph that it uses.
        nodes: every node that an output or a write needs, in topological order.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    reads: list[tuple[Variable, Tensor]] = field(default_factory=list)
    writes: list[tuple[Variable, Tensor]] = field(default_factory=list)
    captured: list[Tensor] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @property
    def results(self) -> list[Tensor]:
        """Return all tensors that the graph computes: the outputs, then the values written."""
        return [*self.outputs, *(tensor for _, tensor in self.writes)]

    def run(self, values: Iterable[Any], execute: Execute) -> list[Any]:
        """Compute the outputs one node at a time, from the values of the inputs."""
        return self.evaluate(dict(zip(self.inputs, values, strict=True)), execute)

    def evaluate(self, known: dict[Tensor, Any], execute: Execute) -> list[Any]:
        """Compute the outputs, given values of tensors in ``known``.

        The values of all computed tensors are added to it.
        """
        for node in self.nodes:
            inputs = [x.value if x.value is not None else known[x] for x in node.inputs]
            outputs = execute(node.primitive, inputs, node.attrs)
            known.update(zip(node.outputs, (outputs,) if node.primitive.single else outputs))
        return [x.value if x.value is not None else known[x] for x in self.outputs]


def graph_of_trace(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    scope: Trace,
    also: Sequence[Trace | None] = (),
) -> Graph:
    """Return the graph between inputs and outputs that was recorded in a scope (and in the scopes of ``also``).

    A tensor of another scope is captured if the scope has a parent.

    Raises:
        TraceError: a tensor of another trace is used, and the scope has no parent.
    """
    graph = Graph(list(inputs), list(outputs))
    graph.writes = list(scope.writes.items())
    own = {id(s) for s in (scope, *also)}
    needed, free = reachable_nodes(graph.results, set(inputs), own)
    graph.nodes = needed
    variables = {tensor: variable for variable, tensor in scope.reads.items()}
    for tensor in free:
        if tensor in variables:
            graph.reads.append((variables[tensor], tensor))
        elif scope.parent is not None or also:
            graph.captured.append(tensor)
        else:
            raise TraceError(
                "A tensor of one trace was used in another.",
                got=tensor,
                cure="return it from the function that made it, or pass it in as an argument",
            )
    return graph


def reachable_nodes(
    results: Sequence[Tensor], stop: set[Tensor], own: set[int] | None = None
) -> tuple[list[Node], list[Tensor]]:
    """Return the nodes that compute some results, in topological order, and the leaves (constants apart) that they use.

    The walk stops at the tensors of ``stop``, and at tensors made outside the scopes of ``own``.
    """
    free: dict[Tensor, None] = {}

    def makers(tensors: Sequence[Tensor]) -> Iterator[Node]:
        for tensor in tensors:
            if tensor.value is not None or tensor in stop:
                continue
            if tensor.node is None or (own is not None and id(tensor.node.scope) not in own):
                free.setdefault(tensor)
            else:
                yield tensor.node

    return topological_order(makers(results), lambda node: makers(node.inputs)), list(free)


def topological_order(nodes: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """Sort nodes so that each follows the nodes it needs.

    Args:
        nodes: the nodes to begin with; all nodes that they need are added.
        needs: function from a node to the nodes it needs; they are visited in this order.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(node, False) for node in reversed([*nodes])]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((other, False) for other in reversed([*needs(node)]))
    return order
