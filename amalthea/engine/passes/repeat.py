"""Repetition of a training step: a graph that assigns variables becomes a scan over a stack of inputs."""

from __future__ import annotations

from amalthea.engine.ir.graph import Graph, reachable_nodes
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace
from amalthea.engine.primitives import control, movement


def repeat(graph: Graph, steps: int) -> Graph:
    """Return the graph of several steps: a scan that carries the written variables.

    Its outputs are those of the last step.

    Inputs have a new first axis, of length ``steps``.
    """
    reads = dict(graph.reads)
    written = [variable for variable, _ in graph.writes]
    carry = [reads[v] if v in reads else Tensor(v.type) for v in written]
    kept = [x for variable, x in graph.reads if variable not in set(written)]
    body = Graph(
        [*kept, *carry, *graph.inputs],
        [*(x for _, x in graph.writes), *graph.outputs],
        captured=kept,
        nodes=graph.nodes,
    )
    with Trace() as scope:
        stacks = [Tensor(Type((steps, *x.type.shape), x.dtype)) for x in graph.inputs]
        operands = [*kept, *carry, *stacks]
        made = control.scan(*operands, body=body, captures=len(kept), carries=len(carry), length=steps)
        outputs = [_last(x, steps) for x in made[len(carry) :]]
    writes = list(zip(written, made))
    nodes, _ = reachable_nodes([*outputs, *(x for _, x in writes)], set(operands), {id(scope)})
    state = [(v, x) for v, x in graph.reads if v not in set(written)]
    return Graph(stacks, outputs, [*state, *zip(written, carry)], writes, nodes=nodes)


def _last(stacked: Tensor, steps: int) -> Tensor:
    shape = stacked.type.shape
    ones = (1,) * len(shape)
    last = movement.slice(stacked, starts=(steps - 1, *(0 for _ in shape[1:])), limits=shape, strides=ones)
    return movement.reshape(last, shape=shape[1:])
