"""PyTensor, the successor of Theano: a graph is one PyTensor function from inputs and variables to results.

Arrays are NumPy's, and eager primitives run on NumPy. `README.md` in this folder shows the passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.backends.base import Backend, Executable
from amalthea.engine.backends.pytensor.control import CONTROL_LOWERINGS
from amalthea.engine.backends.pytensor.function import Function
from amalthea.engine.backends.pytensor.lowerings import OPERATOR_LOWERINGS
from amalthea.engine.backends.pytensor.references import REFERENCE_LOWERINGS
from amalthea.engine.backends.pytensor.windows import WINDOW_LOWERINGS
from amalthea.engine.backends.value_lists import ListedStorage, Stateful, state_of
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.variable import Storage
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import TABLE, Primitive, random

LOWERINGS = {**OPERATOR_LOWERINGS, **WINDOW_LOWERINGS, **REFERENCE_LOWERINGS, **CONTROL_LOWERINGS}


class PyTensorStorage(ListedStorage):
    """Storage in an array that is never changed in place."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        return np.array(self.peek())


class PyTensorBackend(Backend):
    """PyTensor, on the CPU."""

    name = "pytensor"
    lowerings = LOWERINGS
    gaps: Mapping[str, str] = {f"{name} bfloat16": "PyTensor does not have bfloat16" for name in TABLE}
    storage = PyTensorStorage

    def new_storage(self, value: np.ndarray) -> Storage:
        return PyTensorStorage(value)

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        arrays = [np.asarray(x) for x in inputs]
        if primitive in (random.random_uniform, random.random_normal):
            return self.run_decomposed(primitive, arrays, attrs)  # the same numbers as compiled
        with np.errstate(all="ignore"):
            result = primitive.reference(*arrays, **attrs)
        return np.asarray(result) if primitive.single else tuple(map(np.asarray, result))

    def compile(self, graph: Graph) -> Executable:
        graph = simplify(expand(simplify(graph), LOWERINGS))
        self.refuse_gaps(graph)
        return Stateful(graph, _step(graph), self.storage_of)


def _step(graph: Graph) -> Callable[..., tuple[Any, Sequence[Any]]]:
    """Compile a function from written variables, kept variables and inputs to outputs and values written."""
    written, kept = state_of(graph)
    read = dict(graph.reads)
    indices = [i for i, variable in enumerate(written) if variable in read]
    function = Function(graph, LOWERINGS, [read[v] for v in (*(written[i] for i in indices), *kept)])
    types = [dtypes.to_numpy(x.dtype) for x in graph.inputs]
    count = len(graph.outputs)

    def step(old: Sequence[Any], same: Sequence[Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        arrays = [np.asarray(x, dtype) for x, dtype in zip(inputs, types)]
        with np.errstate(all="ignore"):
            results = function(*arrays, *(old[i] for i in indices), *same)
        return results[:count], results[count:]

    return step


BACKEND = PyTensorBackend()
