"""Data parallelism: from the graph of a whole batch to the graph of one process, which has a part of the rows.

Every process traces the step for the batch of all of them, so a mean is over all rows, whoever has them. This pass
walks that graph once. A value stays divided as long as the rules allow; where one process needs what others have, it
puts an ``exchange``: a sum of summands (gradients, statistics, metrics), or parts joined to the whole. Values that are
written to variables are whole, and equal on every rank.

    whole batch     x -> matmul -> ... -> loss             gradient = matmul(x^T, g)
    one process     x[rows] -> matmul -> ... -> exchange   gradient = exchange(matmul(x[rows]^T, g[rows]))

``partition_rules.py`` says how each primitive divides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.communicator import Communicator, part_of
from amalthea.engine.ir.graph import Graph, reachable_nodes
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor
from amalthea.engine.passes.extended import share_extended
from amalthea.engine.passes.merge_exchanges import merge_exchanges
from amalthea.engine.passes.partition_rules import SUM, WHOLE, Layout, Plan, Rows, plan
from amalthea.engine.primitives import collectives, control, movement


def partition(graph: Graph, layouts: Sequence[Layout], group: Communicator) -> Graph:
    """Return the graph of one process.

    Args:
        graph: Graph of the whole batch; all dimensions are ints.
        layouts: for each input, what the process has of it.
        group: the processes; the outputs and the values of variables are whole on each.
    """
    with Trace(Trace()):
        made, _ = _Walk(group).graph(share_extended(graph), layouts, [WHOLE] * len(graph.results))
    return merge_exchanges(made)


class _Walk:
    """One walk over a graph; a subgraph has its own."""

    def __init__(self, group: Communicator):
        self.group = group
        self.now: dict[Tensor, tuple[Tensor, Layout]] = {}  # what a process has of a value
        self.known: dict[tuple[Tensor, Layout], Tensor] = {}  # values in other layouts

    def graph(self, graph: Graph, layouts: Sequence[Layout], wanted: Sequence[Layout | None]) -> Any:
        """Return the graph of one process and the layouts of its results; None wants them as they come."""
        inputs = [self._input(x, layout) for x, layout in zip(graph.inputs, layouts, strict=True)]
        for node in graph.nodes:
            self.add(node)
        ends = [self.layout(x) if want is None else want for x, want in zip(graph.results, wanted, strict=True)]
        results = [self.to(x, end) for x, end in zip(graph.results, ends)]
        count = len(graph.outputs)
        writes = [(variable, x) for (variable, _), x in zip(graph.writes, results[count:])]
        nodes, _ = reachable_nodes(results, {*inputs, *(x for _, x in graph.reads)})
        return Graph(inputs, results[:count], graph.reads, writes, nodes=nodes), ends

    def _input(self, x: Tensor, layout: Layout) -> Tensor:
        own = x if layout == WHOLE else Tensor(self.local(x.type, layout))
        self.now[x] = own, layout
        if isinstance(layout, Rows) and 0 in layout.counts:  # fewer rows than ranks: each computes all of them
            self.now[x] = self.to(x, WHOLE), WHOLE
        return own

    def local(self, type: Type, layout: Layout) -> Type:
        """Return the type of what a process has."""
        if not isinstance(layout, Rows):
            return type
        sizes = list(type.shape)
        sizes[layout.axis] = layout.blocks * layout.counts[self.group.rank]
        return Type(tuple(sizes), type.dtype)

    # ------------------------------------------------------------------------------------------- layouts

    def layout(self, x: Tensor) -> Layout:
        return self.now[x][1] if x in self.now else WHOLE

    def to(self, x: Tensor, wanted: Layout) -> Tensor:
        """Return what a process has of a value in the layout that is wanted."""
        own, layout = self.now.get(x, (x, WHOLE))
        if layout == wanted:
            return own
        if (x, wanted) not in self.known:
            self.known[x, wanted] = self._converted(x, own, layout, wanted)
        return self.known[x, wanted]

    def _converted(self, x: Tensor, own: Tensor, layout: Layout, wanted: Layout) -> Tensor:
        if layout == WHOLE and isinstance(wanted, Rows):
            return self._cut(own, wanted)
        if layout == WHOLE:
            return self._summand(own)
        if isinstance(layout, Rows) and wanted == SUM and layout.blocks == 1:
            return self._placed(x.type, own, layout)
        if wanted != WHOLE:
            return self._converted(x, self.to(x, WHOLE), WHOLE, wanted)
        if isinstance(layout, Rows):
            return self._joined(own, layout)
        return collectives.exchange(own, gathers=(None,), group=self.group)[0]

    def _summand(self, whole: Tensor) -> Tensor:
        """Return a value on the first rank, and zeros on the others, which compute it as well: all exchange alike."""
        if self.group.rank == 0:
            return whole
        zeros = _zeros(whole.type)
        return zeros if _is_constant(whole) else as_tensor(control.barrier(zeros, whole))

    def _placed(self, whole: Type, own: Tensor, rows: Rows) -> Tensor:
        """Return a rank's part among zeros: a summand of the whole."""
        part, rank = part_of(rows.counts, self.group.rank), len(whole.shape)
        low, high = ([n if i == rows.axis else 0 for i in range(rank)] for n in (part.start, rows.size - part.stop))
        return as_tensor(movement.pad(own, low=tuple(low), high=tuple(high), value=0))

    def _cut(self, whole: Tensor, rows: Rows) -> Tensor:
        """Return this rank's part of each block."""
        part = part_of(rows.counts, self.group.rank)
        lead, (size, *tail) = whole.type.shape[: rows.axis], whole.type.shape[rows.axis :]
        if rows.blocks == 1:
            return as_tensor(movement.part(whole, rows.axis, part.start, part.stop))
        split = movement.reshape(whole, shape=(*lead, rows.blocks, size // rows.blocks, *tail))
        cut = movement.part(split, rows.axis + 1, part.start, part.stop)
        return as_tensor(movement.reshape(cut, shape=self.local(whole.type, rows).shape))

    def _joined(self, own: Tensor, rows: Rows) -> Tensor:
        """Return the whole of a value of which each rank has a part of each block."""
        if rows.blocks == 1:
            return collectives.exchange(own, gathers=((rows.axis, rows.counts),), group=self.group)[0]
        shape, count = own.type.shape, rows.counts[self.group.rank]
        lead, tail = shape[: rows.axis], shape[rows.axis + 1 :]
        split = movement.reshape(own, shape=(*lead, rows.blocks, count, *tail))
        whole = collectives.exchange(split, gathers=((rows.axis + 1, rows.counts),), group=self.group)[0]
        return as_tensor(movement.reshape(whole, shape=(*lead, rows.size, *tail)))

    # --------------------------------------------------------------------------------------------- nodes

    def add(self, node: Node) -> None:
        """Add a node of the whole graph."""
        layouts = [self.layout(x) for x in node.inputs]
        if node.primitive is control.scan:
            return self._scan(node, layouts)
        if node.primitive is control.cond:
            return self._cond(node)
        found = plan(node, layouts)
        if found is not None:
            return self._keep(node, found)
        if node.primitive.decomposition is not None and any(layout != WHOLE for layout in layouts):
            return self._decomposed(node)
        return self._keep(node, Plan([WHOLE] * len(layouts), [WHOLE] * len(node.outputs)))

    def _keep(self, node: Node, plan: Plan) -> None:
        inputs = [self.to(x, layout) for x, layout in zip(node.inputs, plan.inputs)]
        types = [self.local(x.type, layout) for x, layout in zip(node.outputs, plan.outputs)]
        attrs = _for_parts(node, plan, types)
        self._made(node, Node(node.primitive, inputs, attrs, types).outputs, plan.outputs)

    def _made(self, node: Node, outputs: Sequence[Tensor], layouts: Sequence[Layout]) -> None:
        for old, new, layout in zip(node.outputs, outputs, layouts, strict=True):
            self.now[old] = new, layout

    def _decomposed(self, node: Node) -> None:
        """Add the nodes of a composite primitive's decomposition, made for the whole values."""
        made = node.primitive.decomposition(*node.inputs, **node.attrs)
        results = [as_tensor(x) for x in ([made] if node.primitive.single else made)]
        for inner in reachable_nodes(results, set(node.inputs))[0]:
            self.add(inner)
        for old, new in zip(node.outputs, results, strict=True):
            self.now[old] = self.now.get(new, (new, WHOLE))

    # --------------------------------------------------------------------------------------- control flow

    def _subgraph(self, graph: Graph, layouts: Sequence[Layout], wanted: Sequence[Layout | None]) -> Any:
        return _Walk(self.group).graph(graph, layouts, wanted)

    def _cond(self, node: Node) -> None:
        """Both branches give the same layouts: a part where either has one."""
        names = ("true_graph", "false_graph")
        given = [WHOLE, *(WHOLE if self.layout(x) == SUM else self.layout(x) for x in node.inputs[1:])]
        wanted: list[Layout | None] = [None] * len(node.outputs)
        ends = [self._subgraph(node.attrs[name], given[1:], wanted)[1] for name in names]
        ends = [a if a == b or isinstance(a, Rows) else b if isinstance(b, Rows) else WHOLE for a, b in zip(*ends)]
        graphs = {name: self._subgraph(node.attrs[name], given[1:], ends)[0] for name in names}
        inputs = [self.to(x, layout) for x, layout in zip(node.inputs, given)]
        types = [x.type for x in graphs["true_graph"].outputs]
        self._made(node, Node(node.primitive, inputs, {**node.attrs, **graphs}, types).outputs, ends)

    def _carried(self, body: Graph, within: Sequence[Layout], where: slice) -> list[Layout]:
        """Return layouts of carried values that the body keeps."""
        free = [None] * len(body.outputs)
        found, pinned = list(within[where]), set[int]()
        for _ in range(2 * len(found) + 1):
            graph, ends = self._subgraph(body, [*within[: where.start], *found, *within[where.stop :]], free)
            changed = [i for i, layout in enumerate(found) if layout != ends[i] and i not in pinned]
            sums = [i for i, layout in enumerate(found) if layout == WHOLE and i not in pinned]
            if not changed and sums and any(n.primitive is collectives.exchange for n in graph.nodes):
                for i in sums:  # sums of the steps may be formed after the loop, if the body only adds to them
                    found[i] = SUM
                continue
            if not changed:
                break
            for i in changed:  # a summand that the body needs whole, or parts that it moves, stay whole
                pinned.update([i] if found[i] != WHOLE else [])
                found[i] = WHOLE if i in pinned else ends[i]
        return found

    def _scan(self, node: Node, layouts: Sequence[Layout]) -> None:
        """A carried value keeps one layout: divided, or a summand, if the body gives it back so."""
        first, count = node.attrs["captures"], node.attrs["carries"]
        given = [WHOLE if x == SUM else x for x in layouts]
        for i in range(first + count, len(given)):
            rows = given[i]
            given[i] = rows if isinstance(rows, Rows) and rows.axis > 0 else WHOLE  # the first axis is that of steps
        body = node.attrs["body"]
        within = [x.at(x.axis - 1) if isinstance(x, Rows) and i >= first + count else x for i, x in enumerate(given)]
        kept = len(body.outputs) - count
        carried = self._carried(body, within, slice(first, first + count))
        given[first : first + count] = within[first : first + count] = carried
        new, ends = self._subgraph(body, within, [*carried, *[None] * kept])
        outside = [*carried, *(x.at(x.axis + 1) if isinstance(x, Rows) else x for x in ends[count:])]
        inputs = [self.to(x, layout) for x, layout in zip(node.inputs, given)]
        types = [self.local(x.type, layout) for x, layout in zip(node.outputs, outside)]
        self._made(node, Node(node.primitive, inputs, {**node.attrs, "body": new}, types).outputs, outside)


def _is_constant(x: Tensor) -> bool:
    return x.value is not None or (x.node is not None and all(map(_is_constant, x.node.inputs)))


def _zeros(type: Type) -> Tensor:
    zero = np.zeros((), dtypes.to_numpy(type.dtype))
    return as_tensor(movement.broadcast_to(as_tensor(zero), shape=type.shape))


def _for_parts(node: Node, plan: Plan, types: Sequence[Type]) -> dict[str, Any]:
    """Return the attributes of a node, with the sizes of the parts where they hold sizes."""
    attrs, out = node.attrs, plan.outputs[0] if plan.outputs else WHOLE
    if not isinstance(out, Rows):
        return attrs
    if node.primitive is movement.slice:
        limits = list(attrs["limits"])
        limits[out.axis] = types[0].shape[out.axis]
        return {**attrs, "limits": tuple(limits)}
    sizes = {name: types[0].shape for name in ("shape", "sizes") if name in attrs}
    return {**attrs, **sizes}
