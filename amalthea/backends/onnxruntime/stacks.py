"""Small variables of one optimizer, one after the other in memory: their updates are one update.

The runtime pays for each node, and for dividing it among threads, what a few thousand numbers cost: ResNet-20 has 65
variables, and the 12 nodes of Adam for each took a seventh of its step. A stack is read and written as one vector; its
variables are still read where they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from amalthea.graph.graph import Graph, reach
from amalthea.graph.schedule import scheduled
from amalthea.primitives import fused, moving
from amalthea.tensor import Node, Tensor, Trace, Type, Variable

MOST = 1 << 16  # numbers: what a larger variable would save is less than what putting its gradient in line costs
_STATE = (0, 2, 3)  # which inputs of Adam are variables, in the order of its outputs


class Stack:
    """Variables that a graph reads and writes as one vector."""

    def __init__(self, variables: Sequence[Variable]):
        self.variables = list(variables)
        self.type = Type((sum(prod(v.shape) for v in variables),), variables[0].dtype)


def variables_of(item: Any) -> list[Variable]:
    return item.variables if isinstance(item, Stack) else [item]


def stacked(graph: Graph) -> Graph:
    """The graph in which updates by Adam that are alike are one."""
    reads = {x: variable for variable, x in graph.reads}
    stacks: list[tuple[Stack, Tensor, Tensor]] = []  # each as it is read, and what is written
    for nodes in _alike(graph, reads):
        stacks += _together(nodes, reads)
    if not stacks:
        return graph
    gone = {variable for stack, _, _ in stacks for variable in stack.variables}
    writes: list[Any] = [(v, x) for v, x in graph.writes if v not in gone] + [(stack, new) for stack, _, new in stacks]
    known = [*graph.reads, *((stack, x) for stack, x, _ in stacks)]
    nodes, free = reach([*graph.outputs, *(x for _, x in writes)], {*graph.inputs, *(x for _, x in known)})
    used = {x for node in nodes for x in node.inputs}.union(graph.outputs, (x for _, x in writes))
    return scheduled(Graph(graph.inputs, graph.outputs, [(v, x) for v, x in known if x in used], writes, free, nodes))


def _alike(graph: Graph, reads: dict[Tensor, Variable]) -> Iterator[list[Node]]:
    """Two updates or more with the same numbers, of small variables, whose results are written and nothing else."""
    uses = Counter(x for x in (*(x for node in graph.nodes for x in node.inputs), *graph.results))
    written = {x: variable for variable, x in graph.writes}
    found: dict[Any, list[Node]] = {}
    for node in graph.nodes:
        size: Any = prod(node.outputs[0].type.shape)  # of an executable's graph: a number
        if node.primitive is not fused.adam or not 0 < size <= MOST:
            continue
        ends = [(reads.get(node.inputs[i]), written.get(y)) for i, y in zip(_STATE, node.outputs)]
        if all(a is not None and a is b for a, b in ends) and all(uses[y] == 1 for y in node.outputs):
            key = (node.inputs[0].dtype, node.inputs[4], *sorted(node.attrs.items()))
            found.setdefault(key, []).append(node)
    return (nodes for nodes in found.values() if len(nodes) > 1)


def _together(nodes: Sequence[Node], reads: dict[Tensor, Variable]) -> list[tuple[Stack, Tensor, Tensor]]:
    stacks = [Stack([reads[node.inputs[i]] for node in nodes]) for i in _STATE]
    with Trace():
        given = [Tensor(stack.type) for stack in stacks]
        gradient = moving.concatenate(*(_row(node.inputs[1]) for node in nodes), axis=0)
        made = fused.adam(given[0], gradient, *given[1:], nodes[0].inputs[4], **nodes[0].attrs)
    return list(zip(stacks, given, made))


def _row(x: Tensor) -> Tensor:
    return x if len(x.type.shape) == 1 else moving.reshape(x, shape=(prod(x.type.shape),))


def is_in_line(arrays: Sequence[np.ndarray]) -> bool:
    """Whether each array begins where the one before ends."""
    ends = [a.ctypes.data + a.nbytes for a in arrays]
    return all(a.ctypes.data == end for a, end in zip(arrays[1:], ends))


def put_in_line(states: Sequence[Any]) -> None:
    """Move what some states hold into two vectors, of which one has the values of all now, and one the next ones."""
    sizes = [state.array.size for state in states]
    starts = np.cumsum([0, *sizes])
    first = states[0].array
    pair = [np.empty(starts[-1], first.dtype) for _ in range(2)]
    for state, start, size in zip(states, starts, sizes):
        values = state.array
        now, after = (whole[start : start + size].reshape(values.shape) for whole in pair)
        now[...] = values
        state.buffers = [now, after] if state.group.now == 0 else [after, now]
