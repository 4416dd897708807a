"""OpenVINO: the ONNX model of a graph, compiled by Intel's runtime for the CPU.

The lowerings are those of ONNX, except where OpenVINO interprets an operator differently. Variables have two buffers
(``double_buffers.py``), and an infer request is bound to them once. Arrays are NumPy's.

The CPU plugin has no 64-bit kernels: float64 is computed as float32, and int64 as int32, saturating at its limits;
8-bit integers saturate too. Integers are compared, clipped and reduced as float32, exactly up to 2**24. uint32 is
passed as int32 with the same bits; primitives that depend on the sign have another lowering, or are gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import openvino
import openvino.opset15 as opset
from openvino.frontend.onnx import ConversionExtension

from amalthea.engine import dtypes
from amalthea.engine.backends import base
from amalthea.engine.backends.buffered_executable import Bound, BufferedExecutable
from amalthea.engine.backends.onnx.backend import OnnxBackend, threads
from amalthea.engine.backends.onnx.lowerings import LOWERINGS as ONNX
from amalthea.engine.backends.onnx.writer import to_model
from amalthea.engine.backends.segments import SegmentedExecutable, needs_segments
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node
from amalthea.engine.ir.variable import Variable
from amalthea.engine.ir.versions import Reading
from amalthea.engine.passes.channels_first import channels_first
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import control
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w

_SIGN = 1 << 31
_SIGN_DEPENDENT = "floor_divide remainder maximum minimum less less_equal greater greater_equal".split()


def _bit_shift(node: Any) -> Any:
    """Convert BitShift for OpenVINO, whose own converter divides by a power of two, in floats."""
    left = node.get_attribute("direction") == "LEFT"
    shift = opset.bitwise_left_shift if left else opset.bitwise_right_shift
    return shift(node.get_input(0), node.get_input(1)).outputs()


def _right_shift(b: Any, x: Any, y: Any) -> Any:
    """OpenVINO shifts int32 arithmetically; for uint32 the sign bits shifted in are cleared."""
    if x.dtype not in ("int32", "uint32"):
        return ONNX[p.right_shift](b, x, y)
    bits, by = b.cast(x, "uint32"), b.cast(y, "uint32")
    shifted = b.BitShift(bits, by, direction="RIGHT")
    if x.dtype == "int32":
        return b.cast(shifted, "int32")
    drawn = b.BitShift(b.BitShift(b.like(_SIGN, bits), by, direction="RIGHT"), b.like(1, bits), direction="LEFT")
    return b.BitwiseAnd(shifted, b.BitwiseNot(drawn))


def _remainder(b: Any, x: Any, y: Any) -> Any:
    """Computed from the quotient: OpenVINO computes the remainder of int32 in floats, which have 24 bits."""
    if x.dtype not in ("int32", "int64"):
        return ONNX[p.remainder](b, x, y)
    return b.Sub(x, b.Mul(ONNX[p.floor_divide](b, x, y), y))


def _cast(b: Any, x: Any, *, dtype: str) -> Any:
    if dtype == "bool":
        return b.Not(b.Equal(x, b.like(0, x)))
    out = ONNX[p.cast](b, x, dtype=dtype)
    if x.dtype == "uint32" and dtypes.is_float(dtype):
        return b.Where(b.Less(out, b.like(0, out)), b.Add(out, b.like(2.0**32, out)), out)
    return out


def _unshared(body: Graph, first: int, carries: int) -> Graph:
    """Make each carried result depend on its former value in the end, without changing it.

    The plugin otherwise lets a product write a result into the memory of the former value while it reads that.
    """
    made, nodes = list(body.outputs), list(body.nodes)
    for i, old in enumerate(body.inputs[first : first + carries]):
        new = made[i]
        if dtypes.is_float(new.dtype):
            lower, upper = p.minimum, p.maximum
        else:
            lower, upper = (p.logical_and, p.logical_or) if new.dtype == "bool" else (p.bitwise_and, p.bitwise_or)
        inner = Node(lower, [new, old], {}, [new.type])
        outer = Node(upper, [new, inner.outputs[0]], {}, [new.type])
        nodes += [inner, outer]
        made[i] = outer.outputs[0]
    return Graph(body.inputs, made, captured=body.captured, nodes=nodes)


def _while_loop(b: Any, *operands: Any, condition: Graph, body: Graph, captures: int) -> Any:
    body = _unshared(body, captures, len(body.outputs))
    return ONNX[control.while_loop](b, *operands, condition=condition, body=body, captures=captures)


def _scan(b: Any, *operands: Any, body: Graph, captures: int, carries: int, **attrs: Any) -> Any:
    """OpenVINO's Scan cannot read outer values, so captured values are carried; it needs at least one step."""
    if not attrs["length"]:
        types: list[Any] = [x.type for x in body.outputs[carries:]]
        kept = [b.constant(np.zeros((0, *t.shape)), t.dtype) for t in types]
        return [*operands[captures : captures + carries], *kept]
    body = _unshared(body, captures, carries)
    whole = Graph(body.inputs, [*body.inputs[:captures], *body.outputs], nodes=body.nodes)
    return ONNX[control.scan](b, *operands, body=whole, captures=0, carries=captures + carries, **attrs)[captures:]


LOWERINGS = {
    **{key: lowering for key, lowering in ONNX.items() if key is not w.max_pool_gradient},  # OpenVINO has no MaxUnpool
    p.right_shift: _right_shift, p.remainder: _remainder, p.cast: _cast, control.scan: _scan,
    control.while_loop: _while_loop,
}  # fmt: skip


def replace_uint32(graph: Any) -> None:
    """Change the type uint32 to int32 throughout an ONNX graph and its subgraphs."""
    unsigned, whole = onnx.TensorProto.UINT32, onnx.TensorProto.INT32
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == unsigned:
            value.type.tensor_type.elem_type = whole
    for constant in graph.initializer:
        if constant.data_type == unsigned:
            constant.data_type = whole
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                replace_uint32(attribute.g)
            elif node.op_type == "Cast" and attribute.i == unsigned:
                attribute.i = whole


def replace_empty_constants(graph: Any) -> None:
    """Build empty constants from their shapes, in subgraphs too: OpenVINO reads an empty constant as a scalar."""
    empty = [constant for constant in graph.initializer if 0 in constant.dims]
    for constant in empty:
        graph.initializer.remove(constant)
        shape = onnx.helper.make_tensor(
            f"{constant.name}_shape", onnx.TensorProto.INT64, [len(constant.dims)], constant.dims
        )
        nothing = onnx.helper.make_tensor("value", constant.data_type, [1], [0])
        graph.initializer.append(shape)
        graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", [shape.name], [constant.name], value=nothing))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                replace_empty_constants(attribute.g)


SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY", "PERFORMANCE_HINT": "LATENCY"}


class OpenVinoBackend(OnnxBackend):
    """OpenVINO, on the CPU."""

    name = "openvino"
    lowerings = LOWERINGS
    gaps: Mapping[str, str] = {
        **{f"{name} uint32": "uint32 is computed as int32, which has a sign" for name in _SIGN_DEPENDENT},
        "isinf float64": "float64 is computed as float32, and infinity becomes its largest number",
    }
    tolerances: Mapping[str, Any] = {"float64": (2e-5, "the CPU plugin computes float64 as float32")}

    def __init__(self) -> None:
        super().__init__()
        self.core = openvino.Core()
        self.core.add_extension(ConversionExtension("BitShift", _bit_shift))

    def compile(self, graph: Graph) -> base.Executable:
        graph = simplify(channels_first(expand(simplify(graph), LOWERINGS)))
        if needs_segments(graph, LOWERINGS):
            return SegmentedExecutable(graph, LOWERINGS, self._compile_model, self.storage_of)
        return self._compile_model(graph)

    def _compile_model(self, graph: Graph) -> Executable:
        """Compile a graph after all passes into one model of OpenVINO."""
        self.refuse_gaps(graph)
        model = to_model(graph, LOWERINGS)
        replace_uint32(model.graph)
        replace_empty_constants(model.graph)
        read = self.core.read_model(model.SerializeToString(), b"")
        compiled = self.core.compile_model(read, "CPU", {**SETTINGS, "INFERENCE_NUM_THREADS": threads()})
        return Executable(graph, model, compiled, self.storage_of)


class Executable(BufferedExecutable):
    """A compiled model.

    There is one infer request per state of the buffers and per thread that runs at the same time.
    """

    def __init__(self, graph: Graph, model: Any, compiled: Any, storage_of: Callable[[Variable], Any]):
        super().__init__(graph, storage_of)
        self.compiled = compiled
        left = {port.any_name: i for i, port in enumerate(compiled.inputs)}  # OpenVINO drops unused inputs
        ports = [left.get(x.name) for x in model.graph.input]
        self.input_dtypes = [dtypes.to_numpy(x.dtype) for x in graph.inputs]
        self.input_ports, self.read_ports = ports[: len(graph.inputs)], ports[len(graph.inputs) :]
        self.output_types: list[tuple[Any, Any]] = [(x.type.shape, dtypes.to_numpy(x.dtype)) for x in graph.outputs]

    def _run(self, bound: Bound, values: Sequence[Any]) -> list[np.ndarray]:
        request = bound[0]
        given = [np.require(value, dtype, ("C", "W")) for value, dtype in zip(values, self.input_dtypes)]
        results = [np.empty(shape, dtype) for shape, dtype in self.output_types]
        self._set(request.set_input_tensor, self.input_ports, given)
        self._set(request.set_output_tensor, range(len(results)), results)
        request.infer(share_inputs=True, share_outputs=True)
        return results

    def _bind(self, kept: Reading) -> Bound:
        request, arrays = self.compiled.create_infer_request(), self._arrays(kept)
        first = len(self.output_types)
        self._set(request.set_input_tensor, self.read_ports, arrays)
        new = [state.next for state in self.write_states]
        self._set(request.set_output_tensor, range(first, first + len(new)), new)
        return request, (), arrays

    def _set(self, set_tensor: Callable[[int, Any], None], ports: Sequence[int | None], arrays: Sequence[Any]) -> None:
        for port, array in zip(ports, arrays):
            if port is not None:
                set_tensor(port, _shared(array))


def _shared(array: np.ndarray) -> Any:
    """Return an OpenVINO tensor on the array's memory."""
    if array.dtype.name == "bfloat16":
        return openvino.Tensor(array.view("uint16"), list(array.shape), openvino.Type.bf16)
    array = array.view("int32") if array.dtype.name == "uint32" else array
    return openvino.Tensor(array, shared_memory=True)


BACKEND = OpenVinoBackend()
