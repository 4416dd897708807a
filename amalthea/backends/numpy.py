"""The reference backend: every primitive's own meaning, planned once and run in order.

It needs NumPy alone, and computes in float64 where the graph does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.backends.backend import Backend, Executable
from amalthea.graph.graph import Graph
from amalthea.graph.rewrite import simplify
from amalthea.primitives import TABLE, Primitive
from amalthea.tensor import Tensor, Variable


class NumpyBackend(Backend):
    """NumPy, one call a primitive."""

    name = "numpy"

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            result = primitive.reference(*map(np.asarray, inputs), **attrs)
        return _array(result) if primitive.single else tuple(map(_array, result))

    def compile(self, graph: Graph) -> Executable:
        return Plan(simplify(graph))


def _array(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value)


class Plan:
    """A graph as a list of calls on numbered slots; a slot is emptied after its last use."""

    def __init__(self, graph: Graph):
        self.reads: list[Variable] = [variable for variable, _ in graph.reads]
        self.writes: list[Variable] = [variable for variable, _ in graph.writes]
        self.slots: dict[Tensor, int] = {}
        self.constants: list[tuple[int, np.ndarray]] = []
        self.inputs = [self._slot(x) for x in graph.inputs] + [self._slot(x) for _, x in graph.reads]
        self.calls = [
            (n.primitive, [self._slot(x) for x in n.inputs], n.attrs, [self._slot(x) for x in n.outputs])
            for n in graph.nodes
        ]
        self.results = [self._slot(x) for x in graph.results]
        self.spent = self._last_uses()

    def _slot(self, tensor: Tensor) -> int:
        if tensor not in self.slots:
            self.slots[tensor] = len(self.slots)
            if tensor.value is not None:
                self.constants.append((self.slots[tensor], np.asarray(tensor.value)))
        return self.slots[tensor]

    def _last_uses(self) -> list[list[int]]:
        kept, spent = {*self.results, *(slot for slot, _ in self.constants)}, []
        for _, inputs, _, outputs in reversed(self.calls):
            ends = [slot for slot in dict.fromkeys([*inputs, *outputs]) if slot not in kept]
            kept.update(ends)
            spent.append(ends)
        return spent[::-1]

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        memory: list[Any] = [None] * len(self.slots)
        for slot, value in self.constants:
            memory[slot] = value
        state = [BACKEND.place(variable).read() for variable in self.reads]
        for slot, value in zip(self.inputs, [*map(np.asarray, values), *state]):
            memory[slot] = value
        with np.errstate(all="ignore"):
            for (primitive, inputs, attrs, outputs), spent in zip(self.calls, self.spent):
                result = primitive.reference(*[memory[i] for i in inputs], **attrs)
                for slot, value in zip(outputs, (result,) if primitive.single else result):
                    memory[slot] = _array(value)
                for slot in spent:
                    memory[slot] = None
        results = [memory[slot] for slot in self.results]
        count = len(results) - len(self.writes)
        for variable, value in zip(self.writes, results[count:]):
            BACKEND.place(variable).write(np.array(value))
        return results[:count]


LOWERINGS = {row: row.reference for row in TABLE.values()}
BACKEND = NumpyBackend()
