"""The default backend: one ONNX model per graph, run by ONNX Runtime on the CPU.

Arrays are NumPy's. Eager primitives run on NumPy, except convolutions, which run in cached sessions.

`README.md` in this folder shows the passes, and how an optimizer's update leaves the graph and becomes machine code.
"""

from __future__ import annotations

import functools
from collections import ChainMap
from collections.abc import Mapping, Sequence
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
from amalthea.engine.backends.onnxruntime.updates.partition import Update, partition_updates
from amalthea.engine.backends.onnxruntime.updates.program import is_multithreaded
from amalthea.engine.backends.segments import SegmentedExecutable, needs_segments
from amalthea.engine.ir.graph import Graph
from amalthea.engine.passes.channels_first import channels_first
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import composite

ONNXRUNTIME_LOWERINGS = ChainMap(
    {**NORMALIZATION_LOWERINGS, **RNN_LOWERINGS, **NCHWC_CONV_LOWERINGS, **NCHWC_ELEMENTWISE_LOWERINGS}, LOWERINGS
)
_IN_FLOAT32 = (  # float64 inputs are computed in float32: relative error at most 4.5e-7 on all samples
    "log1p tan arcsin arccos arctan arctan2 sinh cosh arcsinh arccosh arctanh softplus erf "
    "conv conv_input_gradient avg_pool "
    "sin cos conv_kernel_gradient"  # before version 1.27
).split()
MAX_NODES_TO_OPTIMIZE = 4000  # all rewrites of 10,000 nodes take the runtime 5.9 s, its basic rewrites 2.7


def prepare_graph(graph: Graph) -> Graph:
    """Run all passes.

    Adam is expanded after the layout conversion, so that updates stay in the layout of the variables.
    """
    whole = channels_first(expand(simplify(graph), {*ONNXRUNTIME_LOWERINGS, composite.adam}))
    return simplify(expand(whole, ONNXRUNTIME_LOWERINGS))


@functools.cache
def share_arena() -> bool:
    """Make all sessions allocate from one arena, so that executables for other batch sizes reuse the same memory.

    Returns False if an allocator was registered before.
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
    except Exception:  # ONNX Runtime's errors have no common base class
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
    tolerances: Mapping[str, Any] = {
        f"{name} float64": (2e-6, "computed in float32: there is no kernel for float64") for name in _IN_FLOAT32
    }

    def __init__(self) -> None:
        import onnxruntime  # noqa: F401  # raise an error now if the library is missing

        super().__init__()

    def in_child(self) -> None:
        super().in_child()
        program.forget_thread_pool()

    def compile(self, graph: Graph) -> base.Executable:
        if not graph.results:
            return lambda values: []  # a session needs an output
        graph = prepare_graph(graph)
        if needs_segments(graph, ONNXRUNTIME_LOWERINGS):
            return SegmentedExecutable(graph, ONNXRUNTIME_LOWERINGS, self._compile_session, self.storage_of)
        rest, updates = partition_updates(graph)
        if rest.results:
            graph = rest
        else:  # a session needs an output: keep the updates in the graph
            updates = []
        return self._compile_session(graph, updates)

    def _compile_session(self, graph: Graph, updates: Sequence[Update] = ()) -> base.Executable:
        """Compile a graph after all passes into one session, and the updates that follow it."""
        self.refuse_gaps(graph)
        session = self.session(
            to_model(graph, ONNXRUNTIME_LOWERINGS), alone=not any(is_multithreaded(update.size) for update in updates)
        )
        return Executable(graph, session, self.storage_of, threads(), updates)

    def session(self, model: Any, alone: bool = True) -> Any:
        """Return a session of an ONNX model, with the settings that are fastest in the benchmarks.

        Args:
            model: ModelProto.
            alone: bool; True if no other threads need the cores right after a run.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 3
        # With the pattern, the second run would allocate all memory of the first run again, as one block.
        options.enable_mem_pattern = False
        # Keep the order of the nodes: passes/schedule.py chose it to need little memory.
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        if not alone:  # otherwise its threads spin for a while after a run
            options.add_session_config_entry("session.force_spinning_stop", "1")
        if share_arena():
            options.add_session_config_entry("session.use_env_allocators", "1")
        if len(model.graph.node) > MAX_NODES_TO_OPTIMIZE:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # Before 1.26 it fuses float64 products into an operator that has a float32 kernel only.
        wide = any(node.op_type == "MatMul" for node in model.graph.node) and _holds_float64(model.graph)
        return onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["MatmulTransposeFusion"] if wide else None,
        )


BACKEND = OnnxRuntimeBackend()
