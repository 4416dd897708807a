"""A graph as a list of calls, for libraries that run one function at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea.engine.ir.graph import Execute, Graph
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.passes.liveness import FOREVER, last_uses


class Plan:
    """Calls on numbered slots. A slot is emptied after the last use of its value (liveness).

    Args:
        graph: Graph; its nodes run in the given order.
        convert: function from a constant to the library's array.
    """

    def __init__(self, graph: Graph, convert: Callable[[Any], Any]):
        self.convert = convert
        self.reads: list[Variable] = [variable for variable, _ in graph.reads]
        self.writes: list[Variable] = [variable for variable, _ in graph.writes]
        self.slots: dict[Tensor, int] = {}
        self.constants: list[tuple[int, Any]] = []
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
                self.constants.append((self.slots[tensor], self.convert(tensor.value)))
        return self.slots[tensor]

    def _last_uses(self) -> list[list[int]]:
        """Return the slots to empty after each call."""
        steps = [(inputs, outputs) for _, inputs, _, outputs in self.calls]
        ends = last_uses(steps, [*self.results, *(slot for slot, _ in self.constants)])
        spent: list[list[int]] = [[] for _ in steps]
        for slot, end in ends.items():
            if end != FOREVER:
                spent[end].append(slot)
        return spent

    def run(self, values: Sequence[Any], execute: Execute) -> tuple[list[Any], list[Any]]:
        """Run all calls on the values of inputs and variables read; return the outputs and the values written."""
        memory: list[Any] = [None] * len(self.slots)
        for slot, value in (*self.constants, *zip(self.inputs, values)):
            memory[slot] = value
        for (primitive, inputs, attrs, outputs), spent in zip(self.calls, self.spent):
            result = execute(primitive, [memory[i] for i in inputs], attrs)
            for slot, value in zip(outputs, (result,) if primitive.single else result):
                memory[slot] = value
            for slot in spent:
                memory[slot] = None
        results = [memory[slot] for slot in self.results]
        count = len(results) - len(self.writes)
        return results[:count], results[count:]
