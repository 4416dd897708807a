"""The reference backend: a plan of calls to the primitives' NumPy references.

It needs NumPy only, and computes in float64 where the graph does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine.backends.base import Backend, Executable
from amalthea.engine.backends.memory import keep_freed_memory
from amalthea.engine.backends.plan import Plan
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.versions import LOCK
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import TABLE, Primitive

LOWERINGS = {primitive: primitive.reference for primitive in TABLE.values()}


class NumpyBackend(Backend):
    """NumPy, one call per primitive."""

    name = "numpy"
    lowerings = LOWERINGS

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            return _run(primitive, [np.asarray(x) for x in inputs], attrs)

    def compile(self, graph: Graph) -> Executable:
        if graph.writes:
            keep_freed_memory()  # a step frees all old values of variables at its end
        return Compiled(simplify(graph))


def _own(arrays: Sequence[np.ndarray], known: set[int]) -> list[np.ndarray]:
    """Return the arrays; those whose memory may be shared are copied."""
    found = []
    for array in arrays:
        is_ours = array.base is None and id(array) not in known
        known.add(id(array))
        found.append(array if is_ours else np.array(array))
    return found


def _owner(array: np.ndarray) -> Any:
    """Return the array that owns the memory of this one."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array


def _array(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value)


class Compiled:
    """A plan of calls, with its variables."""

    def __init__(self, graph: Graph):
        self.plan = Plan(graph, np.asarray)
        self.constants = [id(value) for _, value in self.plan.constants]

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        with LOCK:
            state = [BACKEND.storage_of(variable).read() for variable in self.plan.reads]
        with np.errstate(all="ignore"):
            outputs, written = self.plan.run([*map(np.asarray, values), *state], _run)
        if written:
            known = {*map(id, (*values, *state, *map(_owner, outputs))), *self.constants}
            with LOCK:
                for variable, value in zip(self.plan.writes, _own(written, known)):
                    BACKEND.storage_of(variable).write(value)
        return outputs


def _run(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    result = primitive.reference(*inputs, **attrs)
    return _array(result) if primitive.single else tuple(map(_array, result))


BACKEND = NumpyBackend()
