"""The default backend: one ONNX model a graph, run by ONNX Runtime on the CPU.

Arrays are NumPy's. What runs outside a compiled graph runs on NumPy, but for a convolution or a loop, which gets a
session of its own that is kept.
"""

from __future__ import annotations

import functools
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from amalthea.engine.backends import base
from amalthea.engine.backends.onnx.backend import OnnxBackend, threads
from amalthea.engine.backends.onnx.lowerings import LOWERINGS
from amalthea.engine.backends.onnx.normalization import NORMALIZATION_LOWERINGS
from amalthea.engine.backends.onnx.rnn import RNN_LOWERINGS
from amalthea.engine.backends.onnx.writer import to_model
from amalthea.engine.backends.onnxruntime.executable import Executable
from amalthea.engine.backends.onnxruntime.nchwc.conv import NCHWC_CONV_LOWERINGS
from amalthea.engine.backends.onnxruntime.nchwc.elementwise import NCHWC_ELEMENTWISE_LOWERINGS
from amalthea.engine.backends.onnxruntime.updates import program
from amalthea.engine.backends.onnxruntime.updates.partition import partition_updates
from amalthea.engine.backends.onnxruntime.updates.program import is_multithreaded
from amalthea.engine.ir.graph import Graph
from amalthea.engine.passes.channels_first import channels_first
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import composite

ONNXRUNTIME_LOWERINGS = ChainMap(
    {**NORMALIZATION_LOWERINGS, **RNN_LOWERINGS, **NCHWC_CONV_LOWERINGS, **NCHWC_ELEMENTWISE_LOWERINGS}, LOWERINGS
)
_IN_FLOAT32 = (  # of float64: measured on the samples of each primitive, they are off by 4.5e-7 at most
    "log1p tan arcsin arccos arctan arctan2 sinh cosh arcsinh arccosh arctanh softplus erf "
    "conv conv_input_gradient avg_pool "
    "sin cos conv_kernel_gradient"  # of versions before 1.27
).split()
MAX_NODES_TO_OPTIMIZE = (
    4000  # nodes: to rewrite more takes the runtime seconds (10,000 nodes: 5.9, with its basic rewrites alone 2.7)
)


def prepare_graph(graph: Graph) -> Graph:
    """The graph in primitives and layout that ONNX can say. An update stays in the layout of its variables."""
    whole = channels_first(expand(simplify(graph), {*ONNXRUNTIME_LOWERINGS, composite.adam}))
    return simplify(expand(whole, ONNXRUNTIME_LOWERINGS))


@functools.cache
def share_arena() -> bool:
    """Let all sessions take their memory from one arena: that of another batch size, or of a prediction, is the same.

    False where somebody has registered an allocator before.
    """
    from onnxruntime.capi.onnxruntime_pybind11_state import (
        OrtAllocatorType,
        OrtArenaCfg,
        OrtMemoryInfo,
        OrtMemType,
        create_and_register_allocator,
    )

    memory = OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)
    try:
        create_and_register_allocator(memory, OrtArenaCfg({"arena_extend_strategy": 1}))  # as much as is asked for
    except Exception:  # its errors have no class of their own
        return False
    return True


def _holds_float64(graph: Any) -> bool:
    from onnx import TensorProto

    values = (*graph.input, *graph.output)
    return any(x.type.tensor_type.elem_type == TensorProto.DOUBLE for x in values)


class OnnxRuntimeBackend(OnnxBackend):
    """ONNX Runtime."""

    name = "onnxruntime"
    lowerings = ONNXRUNTIME_LOWERINGS
    gaps: Mapping[str, str] = {"native_call": "a session of its own calls no other functions"}
    tolerances: Mapping[str, Any] = {
        f"{name} float64": (2e-6, "computed in float32: there is no kernel for float64") for name in _IN_FLOAT32
    }

    def __init__(self) -> None:
        import onnxruntime  # noqa: F401  # so that a missing library is found out now

        super().__init__()

    def in_child(self) -> None:
        super().in_child()
        program.forget_thread_pool()

    def compile(self, graph: Graph) -> base.Executable:
        if not graph.results:
            return lambda values: []  # a session gives something
        graph = prepare_graph(graph)
        rest, updates = partition_updates(graph)
        if rest.results:
            graph = rest
        else:  # a session gives something
            updates = []
        self.refuse_gaps(graph)
        session = self.session(
            to_model(graph, ONNXRUNTIME_LOWERINGS), alone=not any(is_multithreaded(update.size) for update in updates)
        )
        return Executable(graph, session, self.storage_of, threads(), updates)

    def session(self, model: Any, alone: bool = True) -> Any:
        """A session of an ONNX model, with the settings that measured best. ``alone``: other threads have no use for
        the cores right after it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 3
        # A second run would take all memory that the first had found piece by piece once more, as one piece.
        options.enable_mem_pattern = False
        # As the nodes stand: they were put in an order that holds little.
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        if not alone:  # its threads would look for work for a while
            options.add_session_config_entry("session.force_spinning_stop", "1")
        if share_arena():
            options.add_session_config_entry("session.use_env_allocators", "1")
        if len(model.graph.node) > MAX_NODES_TO_OPTIMIZE:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # Before 1.26 it puts float64 products into an operator that it has for float32 alone.
        wide = any(node.op_type == "MatMul" for node in model.graph.node) and _holds_float64(model.graph)
        return onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["MatmulTransposeFusion"] if wide else None,
        )


BACKEND = OnnxRuntimeBackend()
