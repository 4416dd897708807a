"""OpenVINO: the ONNX model of a graph, read and compiled by Intel's runtime, on the CPU.

The lowering table is that of ONNX, less the operators that OpenVINO's reader does not take. Variables live in the two
buffers that the ONNX backend has, and an infer request is bound to them once. Arrays are NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openvino

from amalthea import dtypes
from amalthea.backends.backend import Backend
from amalthea.backends.onnxruntime import LOWERINGS as ONNX
from amalthea.backends.onnxruntime import executable as onnx_executable
from amalthea.backends.onnxruntime import threads
from amalthea.backends.onnxruntime.state import Group, State
from amalthea.graph.graph import Graph
from amalthea.graph.layout import channels_first
from amalthea.graph.rewrite import decompose, simplify
from amalthea.primitives import Primitive, control
from amalthea.primitives import windows as w
from amalthea.tensor import Storage, Variable


def _scan(b: Any, *operands: Any, body: Graph, captures: int, carries: int, **attrs: Any) -> Any:
    """OpenVINO's Scan sees no values around it: what it captures is carried along, unchanged."""
    whole = Graph(body.inputs, [*body.inputs[:captures], *body.outputs], nodes=body.nodes)
    return ONNX[control.scan](b, *operands, body=whole, captures=0, carries=captures + carries, **attrs)[captures:]


LOWERINGS = {row: lowering for row, lowering in ONNX.items() if row not in (w.max_pool_gradient,)}
LOWERINGS[control.scan] = _scan
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY", "PERFORMANCE_HINT": "LATENCY"}


class OpenVinoBackend(Backend):
    """OpenVINO, on the CPU."""

    name = "openvino"
    lowerings = LOWERINGS
    storage = State

    def __init__(self) -> None:
        self.core = openvino.Core()

    def new_storage(self, value: np.ndarray) -> Storage:
        return State(value)

    def compile(self, graph: Graph) -> Executable:
        graph = simplify(channels_first(decompose(simplify(graph), LOWERINGS)))
        model = onnx_executable.to_model(graph, LOWERINGS)
        read = self.core.read_model(model.SerializeToString(), b"")
        settings = {**SETTINGS, "INFERENCE_NUM_THREADS": threads()}
        return Executable(graph, self.core.compile_model(read, "CPU", settings), self.place)

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            result = primitive.reference(*map(np.asarray, inputs), **attrs)
        return np.asarray(result) if primitive.single else tuple(map(np.asarray, result))


class Executable(onnx_executable.Executable):
    """A compiled model. For each turn of the buffers there is one infer request, bound to them."""

    def __init__(self, graph: Graph, compiled: Any, place: Callable[[Variable], Any]):
        self.compiled = compiled
        self.place = place
        self.reads = [variable for variable, _ in graph.reads]
        self.writes = [variable for variable, _ in graph.writes]
        self.input_dtypes = [dtypes.to_numpy(x.dtype) for x in graph.inputs]
        self.output_types = [(x.type.shape, dtypes.to_numpy(x.dtype)) for x in graph.outputs]
        self.version = -1
        self.bindings = {}

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        if self.version != Group.version:
            self._regroup()
        which = tuple([group.now for group in self.groups])
        request = self.bindings.get(which)
        if request is None:
            request = self.bindings[which] = self._bind()
        kept = [np.asarray(value, dtype, order="C") for value, dtype in zip(values, self.input_dtypes)]
        results = [np.empty(shape, dtype) for shape, dtype in self.output_types]
        for index, array in enumerate(kept):
            request.set_input_tensor(index, _shared(array))
        for index, array in enumerate(results):
            request.set_output_tensor(index, _shared(array))
        request.infer(share_inputs=True, share_outputs=True)
        for group in self.written:
            group.now ^= 1
        return results

    def _bind(self) -> Any:
        request = self.compiled.create_infer_request()
        count = len(self.reads)
        for index, state in enumerate(self.states[:count], start=len(self.input_dtypes)):
            request.set_input_tensor(index, _shared(state.array))
        for index, state in enumerate(self.states[count:], start=len(self.output_types)):
            request.set_output_tensor(index, _shared(state.buffers[1 - state.group.now]))
        return request


def _shared(array: np.ndarray) -> Any:
    return openvino.Tensor(array, shared_memory=True)


BACKEND = OpenVinoBackend()
