"""Several steps in one executable: a graph that assigns variables, run once for each of a stack of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import tensor
from amalthea.graph.cache import Cache
from amalthea.graph.graph import Graph, reach
from amalthea.graph.transforms import Entry, capture, compiled, is_value, jit, no_collection, packer, signature
from amalthea.primitives import control, moving
from amalthea.tensor import Tensor, Trace, Type


def repeated(graph: Graph, steps: int) -> Graph:
    """The graph of so many steps, each with the variables as the one before left them; its outputs are the last's.

    Inputs: each with a new first axis, of length ``steps``.
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
    nodes, _ = reach([*outputs, *(x for _, x in writes)], set(operands), {id(scope)})
    state = [(v, x) for v, x in graph.reads if v not in set(written)]
    return Graph(stacks, outputs, [*state, *zip(written, carry)], writes, nodes=nodes)


def _last(stacked: Tensor, steps: int) -> Tensor:
    shape = stacked.type.shape
    ones = (1,) * len(shape)
    last = moving.slice(stacked, starts=(steps - 1, *(0 for _ in shape[1:])), limits=shape, strides=ones)
    return moving.reshape(last, shape=shape[1:])


SINGLY: Any = object()  # steps of this signature are run one by one


class jit_steps:
    """A function of one batch, called with several in turn: in one executable where the backend gains by it.

    Args:
        one: the compiled function of one batch.

    Example:
        >>> import numpy as np
        >>> from amalthea import Variable, jit
        >>> total = Variable(np.float32(0.0))
        >>> def add(x):
        ...     total.assign_add(x)
        ...     return total.value
        >>> float(jit_steps(jit(add))([np.float32(1.0), np.float32(2.0), np.float32(3.0)]))
        6.0
    """

    def __init__(self, one: jit):
        self.one = one
        self.entries = Cache()

    def __call__(self, batches: Sequence[Any]) -> Any:
        """What it gives for the last batch."""
        if len(batches) == 1:
            return self.one(batches[0])
        rows: list[list[Any]] = [[] for _ in batches]
        keys: list[list[Any]] = [[] for _ in batches]
        for batch, row, parts in zip(batches, rows, keys):
            signature((batch,), row, parts)
        if any(parts != keys[0] for parts in keys):
            return in_turn(self.one)(batches)
        single = (tensor.runtime.place_name, *keys[0])
        key = (len(rows), *single)
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = self._compile(batches[0], rows, single) or SINGLY
        if entry is SINGLY:
            return in_turn(self.one)(batches)
        stacks = [np.stack([np.asarray(x) for x in column]) for column in zip(*rows) if is_value(column[0])]
        return entry.pack(entry.executable(stacks))

    @property
    def loops(self) -> bool:
        """Whether any step that was compiled so far is faster in a loop."""
        return any(entry.loops for entry in self.one.entries.values())

    def _compile(self, batch: Any, rows: Sequence[Any], single: Any) -> Entry | None:
        known = self.one.entries.get(single)
        if known is not None and not known.loops:
            return None
        with no_collection():
            graph, outputs = capture(self.one.function, ((batch,), {}), rows[0])
            if not tensor.runtime.loops_steps(graph):
                self.one.entries[single] = compiled(graph, outputs)
                return None
            return Entry(tensor.runtime.compile(repeated(graph, len(rows))), packer(outputs))


def in_turn(one: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    """Call with each of several batches; what comes of the last."""

    def run(batches: Sequence[Any]) -> Any:
        return [one(batch) for batch in batches][-1]

    return run
