"""Updates of variables, taken out of a session's graph.

What an optimizer does to a number needs that number alone: its gradient, its moments, and a few factors. The runtime
fuses none of it: each operator is a pass over memory, with an order to its threads. So the session computes gradients
and factors, and NumPy does the rest in place, in pieces that stay in the cache (:mod:`.in_place`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from amalthea.engine.backends.onnxruntime.updates.program import UFUNCS, Program
from amalthea.engine.ir.graph import Graph, reachable_nodes, topological_order
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.passes.schedule import schedule


class Part:
    """The variables of one update, in the order of its program, and what it needs of the session for each number.

    Its ``key`` is that of all parts that are alike: lines, results, dtype, and which factors.
    """

    def __init__(self, read: dict[Tensor, Variable], writes: list[tuple[Variable, Tensor]], inside: set[Node]):
        nodes = _update_nodes([x for _, x in writes], inside)
        leaves = dict.fromkeys(x for n in nodes for x in n.inputs if x.node not in inside and x.value is None)
        wide = [x for x in leaves if x.type.shape]
        self.variables = list(dict.fromkeys([v for v, _ in writes] + [read[x] for x in wide if x in read]))
        self.given = [x for x in wide if x not in read]
        self.factors = [x for x in leaves if not x.type.shape]
        position = {variable: i for i, variable in enumerate(self.variables)}
        names: dict[Tensor, Any] = {x: ("variable", position[read[x]]) for x in wide if x in read}
        names.update((x, ("given", i)) for i, x in enumerate(self.given))
        names.update((x, ("factor", i)) for i, x in enumerate(self.factors))
        names.update((node.outputs[0], ("temp", i)) for i, node in enumerate(nodes))
        instructions = tuple(
            (n.primitive.name, *(names.get(x) or ("number", x.value.item()) for x in n.inputs)) for n in nodes
        )
        results = tuple(names[x] for _, x in writes)
        self.key = (instructions, results, writes[0][1].type.dtype, *self.factors)


@dataclass
class Update:
    """What is done to the variables of some parts, which differ in nothing but which they are."""

    program: Program
    parts: list[Part]
    factors: list[Tensor]

    @property
    def count(self) -> int:
        """How many outputs of the session it needs."""
        return len(self.factors) + sum(len(part.given) for part in self.parts)

    @property
    def size(self) -> int:
        """How many numbers are updated."""
        return sum(prod(part.variables[0].shape) for part in self.parts)


def partition_updates(graph: Graph) -> tuple[Graph, list[Update]]:
    """What is left for the session, and the updates after it.

    The session's outputs are the graph's, then for each update the factors and what each part is given.
    """
    inside = _elementwise_update_nodes(graph)
    read = {x: variable for variable, x in graph.reads}
    found: dict[Any, Update] = {}
    done: set[Tensor] = set()
    for writes in _connected_writes(graph, inside):
        part = Part(read, writes, inside)
        if len(part.given) <= len(writes):  # each is put where a variable that is updated has its second buffer
            if part.key not in found:
                found[part.key] = Update(Program(*part.key[:3]), [], part.factors)
            found[part.key].parts.append(part)
            done.update(x for _, x in writes)
    updates = list(found.values())
    return (_remaining_graph(graph, updates, done), updates) if updates else (graph, [])


def _elementwise_update_nodes(graph: Graph) -> set[Node]:
    """The nodes that some written variables alone need, and that do the same to each of their numbers."""
    uses = Counter(x for x in (*(x for node in graph.nodes for x in node.inputs), *graph.results))
    written = Counter(x for v, x in graph.writes if x.type.shape and x.type.dtype in ("float32", "float64"))
    inside: set[Node] = set()
    for node in reversed(graph.nodes):
        out = node.outputs[0]
        if (
            node.primitive.name in UFUNCS
            and uses[out] == written[out]
            and all(_is_scalar_or_same_shape(x, out) for x in node.inputs)
        ):
            inside.add(node)
            written.update(x for x in node.inputs if x.type.shape)  # uses that need nothing else
    return inside


def _is_scalar_or_same_shape(x: Tensor, out: Tensor) -> bool:
    """A factor, or a number for each one of the result, which is not empty."""
    size: Any = prod(x.type.shape)  # of an executable's graph: a number
    return not x.type.shape or (x.value is None and x.type == out.type and size > 0)


def _connected_writes(graph: Graph, inside: set[Node]) -> Iterator[list[tuple[Variable, Tensor]]]:
    """The writes behind which these nodes stand, those together that have a node or a variable in common."""
    reads = dict(graph.reads)
    components: dict[
        Tensor, tuple[list[int], list[Tensor]]
    ] = {}  # the indices of writes, and all that is met behind them
    for index, (variable, x) in enumerate(graph.writes):
        if x.node in inside:
            met = [x, *(y for node in _update_nodes([x], inside) for y in node.inputs if y.type.shape)]
            component: tuple[list[int], list[Tensor]] = ([index], [])
            for y in (*met, *([reads[variable]] if variable in reads else [])):
                other = components.setdefault(y, component)
                if other is not component:
                    other[0].extend(component[0])
                    other[1].extend(component[1])
                    components.update(dict.fromkeys(component[1], other))
                    component = other
                component[1].append(y)
    indices = {id(component): sorted(component[0]) for component in components.values()}
    return ([graph.writes[index] for index in component] for component in indices.values())


def _update_nodes(results: Sequence[Tensor], inside: set[Node]) -> list[Node]:
    """The nodes of an update, in an order that is the same for updates that are alike."""

    def makers(tensors: Sequence[Tensor]) -> list[Node]:
        return [x.node for x in tensors if x.node in inside]

    return topological_order(makers(results), lambda node: makers(node.inputs))


def _remaining_graph(graph: Graph, updates: Sequence[Update], done: set[Tensor]) -> Graph:
    """The graph without the writes that are done, and with what the updates need."""
    outputs = list(graph.outputs)
    for update in updates:
        outputs += [*update.factors, *(x for part in update.parts for x in part.given)]
    writes = [(v, x) for v, x in graph.writes if x not in done]
    nodes, free = reachable_nodes([*outputs, *(x for _, x in writes)], {*graph.inputs, *(x for _, x in graph.reads)})
    used = {x for node in nodes for x in node.inputs}.union(outputs, (x for _, x in writes))
    return schedule(Graph(graph.inputs, outputs, [(v, x) for v, x in graph.reads if x in used], writes, free, nodes))
