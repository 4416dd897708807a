"""Exchanges that do not wait for each other become one: fewer messages, and one order of them on every rank."""

from __future__ import annotations

from collections.abc import Sequence

from amalthea.engine.ir.graph import Graph, reachable_nodes
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import Trace
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import collectives, control


def merge_exchanges(graph: Graph) -> Graph:
    """Return the graph with one exchange for each number of exchanges that still follow.

    An exchange is made as late as its users allow, so gradients travel together. Each depends on the one before it.
    Loops and branches that exchange inside run alone, in order.
    """
    follow = _following(graph)
    levels: dict[int, list[Node]] = {}
    for node in graph.nodes:
        if node.primitive is collectives.exchange:
            levels.setdefault(follow[node], []).append(node)
    now: dict[Tensor, Tensor] = {}
    members = {node: group for group in levels.values() for node in group}
    done: set[Node] = set()
    last: list[Tensor] = []  # an output of the last node that exchanged

    def add(node: Node) -> None:
        """Add a node, and before it all that it needs."""
        stack = [node]
        while stack:
            top = stack[-1]
            group = members.get(top, [top])
            missing = [x.node for n in group for x in n.inputs if x.node in known and x.node not in done]
            if missing:
                stack.extend(dict.fromkeys(missing))
                continue
            stack.pop()
            if top not in done:
                _rebuild(group, now, last if chained else None)
                done.update(group)

    known, chained = set(graph.nodes), any(map(_exchanges_inside, graph.nodes))
    with Trace(Trace()):
        for node in graph.nodes:
            add(node)
    results = [now.get(x, x) for x in graph.results]
    nodes, _ = reachable_nodes(results, {*graph.inputs, *(x for _, x in graph.reads)})
    count = len(graph.outputs)
    writes = [(variable, x) for (variable, _), x in zip(graph.writes, results[count:])]
    return Graph(graph.inputs, results[:count], graph.reads, writes, graph.captured, nodes)


def _following(graph: Graph) -> dict[Node, int]:
    """Return for each node how many nodes that exchange follow it, on the longest chain."""
    found = dict.fromkeys(graph.nodes, 0)
    for node in reversed(graph.nodes):
        for x in node.inputs:
            if x.node in found:
                found[x.node] = max(found[x.node], found[node] + _exchanges(node))
    return found


def _exchanges(node: Node) -> bool:
    return node.primitive is collectives.exchange or _exchanges_inside(node)


def _exchanges_inside(node: Node) -> bool:
    graphs = [value for value in node.attrs.values() if isinstance(value, Graph)]
    return any(inner.primitive is collectives.exchange for graph in graphs for inner in all_nodes(graph))


def _rebuild(nodes: Sequence[Node], now: dict[Tensor, Tensor], last: list[Tensor] | None) -> None:
    """Make a node again on the new inputs, or one exchange of several."""
    first = nodes[0]
    inputs = [now.get(x, x) for node in nodes for x in node.inputs]
    outputs = [x for node in nodes for x in node.outputs]
    attrs = first.attrs
    if first.primitive is collectives.exchange:
        attrs = {**attrs, "gathers": tuple(how for node in nodes for how in node.attrs["gathers"])}
    if last and inputs and _exchanges(first):
        inputs[0] = control.barrier(inputs[0], last[0])
    made = Node(first.primitive, inputs, attrs, [x.type for x in outputs]).outputs
    if last is not None and _exchanges(first):
        last[:] = made[:1]
    now.update(zip(outputs, made))
