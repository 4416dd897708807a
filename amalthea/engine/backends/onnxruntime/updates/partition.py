"""Splits the optimizer's elementwise update out of the ONNX graph, to run it in place.

An optimizer updates each element from the same element of gradient and moments, and a few scalar factors. ONNX Runtime
does not fuse this: each operator is a pass over memory with a synchronization of threads. So the session computes the
gradients and factors, and a :class:`~.program.Program` updates the variables in place, in pieces that fit the cache.
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
    """The update of one set of variables, as instructions, and the session's outputs that it needs.

    ``key`` is equal for parts with the same instructions, results, dtype and factors.

    Args:
        read: dict from tensor to the variable whose value it is.
        writes: pairs of a variable and its new value.
        inside: the nodes that may be part of updates.
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
    """One program that updates several parts with the same key."""

    program: Program
    parts: list[Part]
    factors: list[Tensor]

    @property
    def count(self) -> int:
        """The number of the session's outputs that it needs."""
        return len(self.factors) + sum(len(part.given) for part in self.parts)

    @property
    def size(self) -> int:
        """The number of elements that are updated."""
        return sum(prod(part.variables[0].shape) for part in self.parts)


def partition_updates(graph: Graph) -> tuple[Graph, list[Update]]:
    """Return the graph for the session, and the updates to run after it.

    The session's outputs are the graph's outputs, then for each update its factors and the given arrays of each part.
    """
    inside = _elementwise_update_nodes(graph)
    read = {x: variable for variable, x in graph.reads}
    found: dict[Any, Update] = {}
    done: set[Tensor] = set()
    for writes in _connected_writes(graph, inside):
        part = Part(read, writes, inside)
        if len(part.given) <= len(writes):  # the second buffer of an updated variable receives it
            if part.key not in found:
                found[part.key] = Update(Program(*part.key[:3]), [], part.factors)
            found[part.key].parts.append(part)
            done.update(x for _, x in writes)
    updates = list(found.values())
    return (_remaining_graph(graph, updates, done), updates) if updates else (graph, [])


def _elementwise_update_nodes(graph: Graph) -> set[Node]:
    """Return the elementwise nodes that only feed variable updates."""
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
            written.update(x for x in node.inputs if x.type.shape)  # these uses only feed updates
    return inside


def _is_scalar_or_same_shape(x: Tensor, out: Tensor) -> bool:
    """True if an input is a scalar factor, or has the type of the (non-empty) result."""
    size: Any = prod(x.type.shape)  # dimensions of an executable's graph are ints
    return not x.type.shape or (x.value is None and x.type == out.type and size > 0)


def _connected_writes(graph: Graph, inside: set[Node]) -> Iterator[list[tuple[Variable, Tensor]]]:
    """Return groups of writes that share a node or a variable (connected components)."""
    reads = dict(graph.reads)
    components: dict[Tensor, tuple[list[int], list[Tensor]]] = {}  # indices of writes, tensors
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
    """Return the nodes of an update in topological order; equal updates have equal orders."""

    def makers(tensors: Sequence[Tensor]) -> list[Node]:
        return [x.node for x in tensors if x.node in inside]

    return topological_order(makers(results), lambda node: makers(node.inputs))


def _remaining_graph(graph: Graph, updates: Sequence[Update], done: set[Tensor]) -> Graph:
    """Return the graph without the writes in ``done``, and with the outputs that the updates need."""
    outputs = list(graph.outputs)
    for update in updates:
        outputs += [*update.factors, *(x for part in update.parts for x in part.given)]
    writes = [(v, x) for v, x in graph.writes if x not in done]
    nodes, free = reachable_nodes([*outputs, *(x for _, x in writes)], {*graph.inputs, *(x for _, x in graph.reads)})
    used = {x for node in nodes for x in node.inputs}.union(outputs, (x for _, x in writes))
    return schedule(Graph(graph.inputs, outputs, [(v, x) for v, x in graph.reads if x in used], writes, free, nodes))
