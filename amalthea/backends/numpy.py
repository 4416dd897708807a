"""The reference backend: every primitive's own meaning, planned once and run in order.

It needs NumPy alone, and computes in float64 where the graph does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.backends.backend import Backend, Executable
from amalthea.backends.plan import Plan
from amalthea.graph.graph import Graph
from amalthea.graph.rewrite import simplify
from amalthea.primitives import TABLE, Primitive
from amalthea.versions import LOCK

LOWERINGS = {row: row.reference for row in TABLE.values()}


class NumpyBackend(Backend):
    """NumPy, one call a primitive."""

    name = "numpy"
    lowerings = LOWERINGS

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            return _run(primitive, [np.asarray(x) for x in inputs], attrs)

    def compile(self, graph: Graph) -> Executable:
        return Compiled(simplify(graph))


def _array(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value)


class Compiled:
    """A planned graph, with its variables."""

    def __init__(self, graph: Graph):
        self.plan = Plan(graph, np.asarray)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        with LOCK:
            state = [BACKEND.place(variable).read() for variable in self.plan.reads]
        with np.errstate(all="ignore"):
            outputs, written = self.plan.run([*map(np.asarray, values), *state], _run)
        if written:
            fresh = [np.array(value) for value in written]
            with LOCK:
                for variable, value in zip(self.plan.writes, fresh):
                    BACKEND.place(variable).write(value)
        return outputs


def _run(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    result = primitive.reference(*inputs, **attrs)
    return _array(result) if primitive.single else tuple(map(_array, result))


BACKEND = NumpyBackend()
