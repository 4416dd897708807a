"""Writing ONNX: a graph of ours becomes nodes of theirs, by the lowering table.

A lowering is a function of the builder and the values, ``lambda b, x, y: b.Add(x, y)``: any ONNX operator is a
method of the builder. Where the runtime has no kernel for a dtype, the operator runs in a wider one, between casts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from amalthea.engine import dtypes
from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor, on_host
from amalthea.engine.primitives import Primitive
from amalthea.errors import BackendError

OPSET = 20
_MICROSOFT_OPERATORS = {"FusedMatMul", "GatedAdd"}
ONNX_TYPES = {
    "bool": TensorProto.BOOL, "float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16,
    "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int8": TensorProto.INT8, "int16": TensorProto.INT16,
    "int32": TensorProto.INT32, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16, "uint32": TensorProto.UINT32, "uint64": TensorProto.UINT64,
}  # fmt: skip
_KERNEL_NAMES = {"float": "float32", "double": "float64"}
_WIDER = {
    "bool": ("int32", "uint8", "float32"), "int8": ("int32", "float32"), "int16": ("int32", "float32"),
    "uint8": ("int32", "float32"), "uint16": ("int32", "int64"), "uint32": ("int64", "float32"),
    "uint64": ("int64", "float64"), "int32": ("int64", "float32"), "int64": ("int32", "float64", "float32"),
    "float16": ("float32",), "bfloat16": ("float32",), "float64": ("float32",), "float32": ("float64",),
}  # fmt: skip
_TO_BOOL = {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "IsNaN", "IsInf", "Not", "And", "Or"}
_TO_INT64 = {"ArgMax", "ArgMin", "Shape", "NonZero"}
_DATA_INPUTS = {
    "Gather": 1,
    "GatherND": 1,
    "GatherElements": 1,
    "Reshape": 1,
    "Expand": 1,
    "Slice": 1,
    "Pad": 1,
    "ReduceSum": 1,
    "ReduceMax": 1,
    "ReduceMin": 1,
    "ReduceProd": 1,
    "CumSum": 1,
    "TopK": 1,
    "Tile": 1,
}


class Value:
    """A named value of the ONNX graph."""

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, name: str, dtype: str, shape: Any = None):
        self.name = name
        self.dtype = dtype
        self.shape = shape

    @property
    def rank(self) -> int:
        return len(self.shape)


@lru_cache(maxsize=1)
def _kernels() -> Mapping[str, frozenset[str]]:
    """For each operator, the dtypes that its CPU kernels take as data, at the opset that is written."""
    from onnxruntime.capi.onnxruntime_pybind11_state import get_all_opkernel_def

    found: dict[str, set[str]] = {}
    kernels = [k for k in get_all_opkernel_def() if k.provider == "CPUExecutionProvider" and _is_written(k)]
    standard = {k.op_name for k in kernels if not k.domain}
    for kernel in kernels:
        if kernel.domain and kernel.op_name in standard:
            continue  # an operator of the same name in the runtime's own domain
        constraints = kernel.type_constraints
        names = constraints.get("T") or constraints.get("T1") or constraints.get("V") or []
        plain = [str(name)[len("tensor(") : -1] for name in names]
        found.setdefault(kernel.op_name, set()).update(_KERNEL_NAMES.get(n, n) for n in plain)
    return {name: frozenset(types) for name, types in found.items() if types}


def _is_written(kernel: Any) -> bool:
    """Whether a kernel serves the opset that is written: a later one may take dtypes that this one does not."""
    first, last = kernel.version_range
    return first <= (1 if kernel.domain else OPSET) <= last


def has_kernel(operator: str) -> bool:
    """Whether this build of the runtime has an operator on the CPU."""
    return operator in _kernels()


def kernel_dtype(operator: str, dtype: str) -> str:
    """The dtype in which the runtime computes an operator on data of that dtype."""
    known = _kernels().get(operator)
    if known is None or dtype in known:
        return dtype
    for wider in _WIDER[dtype]:
        if wider in known:
            return wider
    raise BackendError(f"ONNX Runtime has no kernel of {operator} for {dtype}.")


class Builder:
    """Collects the nodes of one ONNX graph. A nested one shares its names and constants with the outer."""

    def __init__(self, lowerings: Mapping[Any, Callable[..., Any]], outer: Builder | None = None):
        self.lowerings = lowerings
        self.nodes: list[onnx.NodeProto] = []
        self.values: dict[Tensor, Value] = dict(outer.values) if outer else {}
        self.counter = outer.counter if outer else itertools.count()
        self.initializers: dict[Any, tuple[Value, onnx.TensorProto]] = outer.initializers if outer else {}
        self.domains: set[str] = outer.domains if outer else {"", "com.microsoft"}
        self.memo: dict[Any, Any] = {}  # what lowerings made of a value, for whoever wants the same
        self.made: set[str] = set()  # names that nodes of this graph give
        self.given: set[str] = set()  # names among them that are outputs already

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if not operator[0].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **attrs: self.emit(operator, inputs, **attrs)

    def name(self, stem: str = "v") -> str:
        return f"{stem}{next(self.counter)}"

    def emit(
        self,
        operator: str,
        inputs: Sequence[Value | None],
        outputs: int = 1,
        to_dtype: str = "",
        domain: str = "",
        **attrs: Any,
    ) -> Any:
        """Add a node; gives its one output, or all of them."""
        data = [x for x in inputs[: _DATA_INPUTS.get(operator, len(inputs))] if x is not None]
        if operator == "Pad":
            data += [x for x in inputs[2:3] if x is not None]  # what it pads with
        dtype = data[-1].dtype if operator == "Where" else data[0].dtype if data else "int64"
        wide = dtype if operator in ("Cast", "Identity", "If") else kernel_dtype(operator, dtype)
        if attrs.get("reduction") and wide in ("float16", "bfloat16"):
            wide = "float32"  # the scatter kernels take halves, and refuse to add them
        if wide != dtype:
            data = data[1:] if operator == "Where" else data  # a condition stays one
            inputs = [self.cast(x, wide) if x is not None and x.dtype == dtype and x in data else x for x in inputs]
        names = [self.name() for _ in range(outputs)]
        domain = domain or ("com.microsoft" if operator in _MICROSOFT_OPERATORS else "")
        self.domains.add(domain)
        sources = ["" if x is None else x.name for x in inputs]
        self.nodes.append(helper.make_node(operator, sources, names, domain=domain, **attrs))
        self.made.update(names)
        result = to_dtype or ("bool" if operator in _TO_BOOL else "int64" if operator in _TO_INT64 else wide)
        values = [Value(name, result) for name in names]
        if wide != dtype and result == wide:
            values = [self.cast(v, dtype) for v in values]
        return values[0] if outputs == 1 else values

    def cast(self, x: Value, dtype: str) -> Value:
        if x.dtype == dtype:
            return x
        return self.emit("Cast", [x], to=ONNX_TYPES[dtype], to_dtype=dtype)

    def constant(self, array: Any, dtype: str | None = None) -> Value:
        """A constant of the model, stored once."""
        array = np.asarray(array, dtypes.to_numpy(dtype) if dtype else None)
        array = np.ascontiguousarray(array).reshape(array.shape)
        name = dtypes.standardize(array.dtype)
        key = (name, array.shape, array.tobytes()) if array.size <= 64 else ("large", next(self.counter))
        if key not in self.initializers:
            value = Value(self.name("c"), name, array.shape)
            raw = array.view("uint16") if name == "bfloat16" else array
            proto = numpy_helper.from_array(raw, value.name)
            proto.data_type = ONNX_TYPES[name]
            self.initializers[key] = (value, proto)
        return self.initializers[key][0]

    def ints(self, values: Any) -> Value:
        """A vector of int64, as operators want their shapes and axes."""
        return self.constant(np.asarray(values, "int64").reshape(-1))

    def like(self, number: float, x: Value) -> Value:
        """A scalar constant of the same dtype."""
        return self.constant(number, x.dtype)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        out = self.Reshape(x, self.ints(shape), allowzero=1 if 0 in shape else 0)
        out.shape = tuple(shape)
        return out

    def value(self, tensor: Tensor) -> Value:
        """The value that stands for a tensor of our graph."""
        if tensor.value is not None:
            return self.constant(on_host(tensor.value), tensor.dtype)
        return self.values[tensor]

    def add_graph(self, graph: Graph) -> list[Value]:
        """Lower every node; gives the values of the graph's results."""
        for node in graph.nodes:
            if all(0 in x.type.shape for x in node.outputs):
                for x in node.outputs:  # nothing is to be computed, and not every kernel takes that
                    self.values[x] = self.constant(np.zeros([int(d) for d in x.type.shape]), x.dtype)  # type: ignore[arg-type]
                continue
            lowering = self.lowerings.get(node.primitive)
            if lowering is None:
                raise BackendError(f"ONNX Runtime cannot say the primitive '{node.primitive.name}'.")
            out = lowering(self, *(self.value(x) for x in node.inputs), **node.attrs)
            for tensor, value in zip(node.outputs, (out,) if node.primitive.single else out):
                if value.dtype != tensor.dtype:
                    value = self.cast(value, tensor.dtype)
                self.values[tensor] = Value(value.name, value.dtype, tensor.type.shape)
        return [self.value(x) for x in graph.results]

    def decomposed(self, primitive: Primitive, inputs: Sequence[Value], attrs: dict[str, Any]) -> list[Value]:
        """A composite primitive by its decomposition, for a lowering that does not suit these inputs."""
        with Trace() as scope:
            tensors = [Tensor(Type(x.shape, x.dtype)) for x in inputs]
            made = primitive.decomposition(*tensors, **attrs)  # type: ignore[misc]
            graph = graph_of_trace(tensors, [as_tensor(x) for x in made], scope)
        self.values.update(zip(tensors, inputs))
        return self.add_graph(graph)

    def input(self, tensor: Tensor, stem: str) -> onnx.ValueInfoProto:
        value = Value(self.name(stem), tensor.dtype, tensor.type.shape)
        self.values[tensor] = value
        return info(value.name, tensor.type)

    def output(self, value: Value, type: Type, stem: str) -> onnx.ValueInfoProto:
        """Let a value be an output: as it is if a node of this graph made it, else (and the second time) by a copy."""
        if value.name in self.made and value.name not in self.given:
            self.given.add(value.name)
            return info(value.name, type)
        name = self.name(stem)
        self.nodes.append(helper.make_node("Identity", [value.name], [name]))
        return info(name, type)

    def subgraph(self, graph: Graph, operands: Sequence[Value], formals: Sequence[Tensor]) -> tuple[Builder, list[Any]]:
        """A nested builder in which the first inputs of a subgraph are values of this one."""
        inner = Builder(self.lowerings, outer=self)
        inner.values.update(zip(graph.inputs, operands))
        return inner, [inner.input(x, "i") for x in formals]

    def model(self, graph: onnx.GraphProto) -> onnx.ModelProto:
        graph.initializer.extend(proto for _, proto in self.initializers.values())
        opsets = [helper.make_opsetid(domain, 1 if domain else OPSET) for domain in sorted(self.domains)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def info(name: str, type: Type) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, ONNX_TYPES[type.dtype], [int(d) for d in type.shape])  # type: ignore[arg-type]


def live_nodes(nodes: Sequence[onnx.NodeProto], names: set[str]) -> list[onnx.NodeProto]:
    """The nodes that some names come from: the runtime would run the others too."""
    kept = []
    for node in reversed(nodes):
        if not names.isdisjoint(node.output):
            kept.append(node)
            names |= _read(node)
    return kept[::-1]


def _read(node: onnx.NodeProto) -> set[str]:
    """What a node reads, graphs that it holds included."""
    inside = [x for a in node.attribute if a.HasField("g") for x in a.g.node]
    outputs = {x.name for a in node.attribute if a.HasField("g") for x in a.g.output}
    return set(node.input).union(outputs, *map(_read, inside))
