"""Segments: a graph of which the library cannot run every node, as sessions of the library with NumPy between them.

A node runs on the host, by the NumPy references, if its primitive has no lowering, if it computes with complex
numbers, or if one of its subgraphs contains such a node. Each node has a stage; even stages run in the library, odd
ones on the host, in order:

    stage 0        stage 1          stage 2
    x -> dense --> cholesky ------> solve's cotangent ...      two sessions and one segment of the host
     '-> tanh ------------------------^

A node cannot run before the nodes it needs, and each change of sides on its longest chain costs one stage. Within these
bounds a node runs as late as possible, so that stages become empty, which are dropped.

Variables are read before the first segment and written after the last one, so a run that fails changes none.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.backends.buffered_executable import Bound, BufferedExecutable
from amalthea.engine.backends.plan import Plan
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.protocol import Executable
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.ir.versions import Reading
from amalthea.engine.passes.liveness import last_uses
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import Primitive

Segment = tuple[bool, Graph]  # on the host or not; a graph without variables


def runs_on_host(node: Node, lowerings: Container[Primitive]) -> bool:
    """True if the library cannot run a node, or a node of its subgraphs."""
    subgraphs = [value for value in node.attrs.values() if isinstance(value, Graph)]
    return _is_missing(node, lowerings) or any(
        _is_missing(inner, lowerings) for graph in subgraphs for inner in all_nodes(graph)
    )


def _is_missing(node: Node, lowerings: Container[Primitive]) -> bool:
    """True if a primitive has no lowering, or a value is complex: ONNX has no operators on complex numbers."""
    return node.primitive not in lowerings or dtypes.any_complex((*node.inputs, *node.outputs))


def needs_segments(graph: Graph, lowerings: Container[Primitive]) -> bool:
    """True if the library cannot run the whole graph."""
    given = (*graph.inputs, *graph.results)
    return dtypes.any_complex(given) or any(_is_missing(node, lowerings) for node in all_nodes(graph))


def segments_of(graph: Graph, lowerings: Container[Primitive]) -> list[Segment]:
    """Divide a graph into segments, to be run in order.

    Args:
        graph: Graph; variables that it reads and writes are inputs and results of the segments.
        lowerings: the primitives that the library has.
    """
    stages = _latest_stages(graph, _earliest_stages(graph, lowerings))
    nodes: dict[int, list[Node]] = {}
    for node in graph.nodes:
        nodes.setdefault(stages[node], []).append(node)
    made_in = {x: stage for node, stage in stages.items() for x in node.outputs}
    leaving = {x for x in graph.results if x in made_in}
    leaving |= {x for node in graph.nodes for x in node.inputs if made_in.get(x, stages[node]) != stages[node]}
    return [(stage % 2 == 1, _stage_graph(nodes[stage], leaving)) for stage in sorted(nodes)]


def _earliest_stages(graph: Graph, lowerings: Container[Primitive]) -> dict[Node, int]:
    """Return the first stage at which the operands of each node are there, even in the library, odd on the host."""
    ends = _ends(graph)
    stages: dict[Node, int] = {}
    for node in graph.nodes:
        side = int(runs_on_host(node, lowerings))
        first = max((stages[x.node] for x in node.inputs if x.node in stages and x not in ends), default=side)
        stages[node] = first + (first + side) % 2
    return stages


def _latest_stages(graph: Graph, earliest: dict[Node, int]) -> dict[Node, int]:
    """Return the last stage at which each node can run without more stages."""
    ends, last = _ends(graph), max(earliest.values(), default=0)
    latest: dict[Node, int] = {}
    bound: dict[Node, int] = {}
    for node in reversed(graph.nodes):
        stage = bound.get(node, last)
        latest[node] = stage - (stage + earliest[node]) % 2
        for x in node.inputs:
            if x.node in earliest and x not in ends:
                bound[x.node] = min(bound.get(x.node, last), latest[node])
    return latest


def _ends(graph: Graph) -> set[Tensor]:
    return {*graph.inputs, *(x for _, x in graph.reads)}


def _stage_graph(nodes: list[Node], leaving: set[Tensor]) -> Graph:
    """Return the graph of the nodes of a stage: its inputs come from outside, its outputs are needed outside."""
    made = {x: None for node in nodes for x in node.outputs}
    inputs = {x: None for node in nodes for x in node.inputs if x not in made and x.value is None}
    return Graph([*inputs], [x for x in made if x in leaving], nodes=nodes)


class SegmentedExecutable(BufferedExecutable):
    """Runs the segments of a graph.

    Args:
        graph: Graph; all passes have been run.
        lowerings: the primitives that the library has.
        compile_session: function from a graph without variables to an executable of the library.
        storage_of: function from a variable to its storage.
    """

    def __init__(
        self,
        graph: Graph,
        lowerings: Container[Primitive],
        compile_session: Callable[[Graph], Executable],
        storage_of: Callable[[Variable], Any],
    ):
        super().__init__(graph, storage_of)
        segments = segments_of(graph, lowerings)
        self.given = [*graph.inputs, *(x for _, x in graph.reads)]
        self.outputs = graph.outputs
        self.new_values = [x for _, x in graph.writes]
        self.steps = [(_on_host(part) if host else compile_session(part), part) for host, part in segments]
        ends = last_uses([(part.inputs, part.outputs) for _, part in segments], graph.results)
        self.spent = [[x for x, end in ends.items() if end == i] for i in range(len(segments))]

    def _run(self, bound: Bound, values: Sequence[Any]) -> list[np.ndarray]:
        arrays, new = bound
        known = dict(zip(self.given, [*map(np.asarray, values), *arrays]))
        for (run, part), spent in zip(self.steps, self.spent):
            known.update(zip(part.outputs, run([known[x] for x in part.inputs])))
            for x in spent:
                del known[x]
        results = [_owned(_value(x, known), x) for x in self.outputs]
        for array, x in zip(new, self.new_values):
            np.copyto(array, _value(x, known))
        return results

    def _bind(self, kept: Reading) -> Bound:
        return self._arrays(kept), [state.next for state in self.write_states]


def _value(x: Tensor, known: dict[Tensor, Any]) -> np.ndarray:
    return np.asarray(known[x] if x.value is None else x.value)


def _owned(array: np.ndarray, x: Tensor) -> np.ndarray:
    """Return an output that no other code holds: a segment may have returned its input, or a constant."""
    return np.array(array) if x.node is None or array.base is not None else array


def _on_host(graph: Graph) -> Executable:
    """Return a graph without variables as calls of the NumPy references."""
    plan = Plan(graph, np.asarray)

    def run(values: Sequence[Any]) -> list[Any]:
        with np.errstate(all="ignore"):
            return plan.run([*map(np.asarray, values)], _reference)[0]

    return run


def _reference(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    result = primitive.reference(*inputs, **attrs)
    return np.asarray(result) if primitive.single else tuple(map(np.asarray, result))
