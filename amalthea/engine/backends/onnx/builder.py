"""Builder of ONNX graphs: lowers every node of a graph by the lowering table.

A lowering is a function of the builder and the values, ``lambda b, x, y: b.Add(x, y)``: every ONNX operator is a method
of the builder. If the runtime has no kernel for a dtype, the operator runs in a wider dtype, between two casts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from amalthea.engine import dtypes, shapes
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
    """A named value of the ONNX graph, with dtype and shape."""

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
    """Return, for each operator, the dtypes that its CPU kernels accept as data, in the opset that is written."""
    from onnxruntime.capi.onnxruntime_pybind11_state import get_all_opkernel_def

    found: dict[str, set[str]] = {}
    kernels = [k for k in get_all_opkernel_def() if k.provider == "CPUExecutionProvider" and _is_written(k)]
    standard = {k.op_name for k in kernels if not k.domain}
    for kernel in kernels:
        if kernel.domain and kernel.op_name in standard:
            continue  # an operator of the same name in Microsoft's domain
        constraints = kernel.type_constraints
        names = constraints.get("T") or constraints.get("T1") or constraints.get("V") or []
        plain = [str(name)[len("tensor(") : -1] for name in names]
        found.setdefault(kernel.op_name, set()).update(_KERNEL_NAMES.get(n, n) for n in plain)
    return {name: frozenset(types) for name, types in found.items() if types}


def _is_written(kernel: Any) -> bool:
    """True if a kernel is for the opset that is written; kernels for later opsets may accept other dtypes."""
    first, last = kernel.version_range
    return first <= (1 if kernel.domain else OPSET) <= last


def has_kernel(operator: str) -> bool:
    """True if this build of the runtime has a CPU kernel for an operator."""
    return operator in _kernels()


def kernel_dtype(operator: str, dtype: str) -> str:
    """Return the dtype in which the runtime computes an operator on data of a dtype.

    Raises:
        BackendError: ONNX Runtime has no kernel for this dtype or a wider one.
    """
    known = _kernels().get(operator)
    if known is None or dtype in known:
        return dtype
    for wider in _WIDER[dtype]:
        if wider in known:
            return wider
    raise BackendError(f"ONNX Runtime has no kernel of {operator} for {dtype}.")


class Builder:
    """Collects the nodes of one ONNX graph. A subgraph's builder shares names and constants with the outer builder."""

    def __init__(self, lowerings: Mapping[Any, Callable[..., Any]], outer: Builder | None = None):
        self.lowerings = lowerings
        self.nodes: list[onnx.NodeProto] = []
        self.values: dict[Tensor, Value] = dict(outer.values) if outer else {}
        self.counter = outer.counter if outer else itertools.count()
        self.initializers: dict[Any, tuple[Value, onnx.TensorProto]] = outer.initializers if outer else {}
        self.domains: set[str] = outer.domains if outer else {"", "com.microsoft"}
        self.memo: dict[Any, Any] = {}  # values that lowerings derived from others, such as blocked layouts
        self.made: set[str] = set()  # names of the outputs of this graph's nodes
        self.given: set[str] = set()  # names among them that are graph outputs already
        self.reserved: frozenset[str] = outer.reserved if outer else frozenset()  # names that an export has given
        self.symbols: dict[str, Value] = outer.symbols if outer else {}  # symbolic dimensions, known from inputs

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if not operator[0].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **attrs: self.emit(operator, inputs, **attrs)

    def name(self, stem: str = "v") -> str:
        return next(x for i in self.counter if (x := f"{stem}{i}") not in self.reserved)

    def emit(
        self,
        operator: str,
        inputs: Sequence[Value | None],
        outputs: int = 1,
        to_dtype: str = "",
        domain: str = "",
        **attrs: Any,
    ) -> Any:
        """Add a node; return its output, or a list if it has several."""
        data = [x for x in inputs[: _DATA_INPUTS.get(operator, len(inputs))] if x is not None]
        if operator == "Pad":
            data += [x for x in inputs[2:3] if x is not None]  # the padding value
        dtype = data[-1].dtype if operator == "Where" else data[0].dtype if data else "int64"
        wide = dtype if operator in ("Cast", "Identity", "If") else kernel_dtype(operator, dtype)
        if attrs.get("reduction") and wide in ("float16", "bfloat16"):
            wide = "float32"  # the scatter kernels accept 16-bit floats, but cannot add them
        if wide != dtype:
            data = data[1:] if operator == "Where" else data  # the condition is not cast
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
        """Return a constant of the model; equal small constants are stored once."""
        array = np.asarray(array, dtypes.to_numpy(dtype) if dtype else None)
        array = np.ascontiguousarray(array).reshape(array.shape)
        name = dtypes.standardize(array.dtype)
        key = (name, array.shape, array.tobytes()) if array.size <= 64 else ("large", next(self.counter))
        if key not in self.initializers:
            return self._stored(key, self.name("c"), array)
        return self.initializers[key][0]

    def weight(self, name: str, array: Any) -> Value:
        """Return a constant under a name of its own."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        return self._stored(("weight", name), name, array)

    def _stored(self, key: Any, name: str, array: np.ndarray) -> Value:
        value = Value(name, dtypes.standardize(array.dtype), array.shape)
        raw = array.view("uint16") if value.dtype == "bfloat16" else array
        proto = numpy_helper.from_array(raw, name)
        proto.data_type = ONNX_TYPES[value.dtype]
        self.initializers[key] = (value, proto)
        return value

    def ints(self, values: Any) -> Value:
        """Return a vector of int64, the dtype of shapes and axes in ONNX; symbolic dimensions are computed."""
        values = [*values]
        if shapes.is_static(values):
            return self.constant(np.asarray(values, "int64").reshape(-1))
        parts = [self.dimension(v) for v in values]
        return parts[0] if len(parts) == 1 else self.Concat(*parts, axis=0)

    def dimension(self, dim: shapes.DimLike) -> Value:
        """Return a dimension as a vector of one int64."""
        if not isinstance(dim, shapes.Dim):
            return self.constant([dim], "int64")
        if dim not in self.memo:
            whole = lambda n: self.constant([n], "int64")  # noqa: E731
            self.memo[dim] = shapes.computed(dim, whole, self.symbols.__getitem__, self._combined)
        return self.memo[dim]

    def _combined(self, operator: str, x: Value, y: Value) -> Value:
        """Combine two sizes; ONNX's division of ints rounds towards zero, and the floor is wanted."""
        if operator != "floor_divide":
            return self.Add(x, y) if operator == "add" else self.Mul(x, y)
        quotient = self.Div(x, y)
        below = self.Less(self.Sub(x, self.Mul(quotient, y)), self.constant([0], "int64"))
        return self.Sub(quotient, self.cast(below, "int64"))

    def like(self, number: float, x: Value) -> Value:
        """Return a scalar constant of the dtype of ``x``."""
        return self.constant(number, x.dtype)

    def reshape(self, x: Value, shape: Sequence[shapes.DimLike]) -> Value:
        symbolic = [i for i, d in enumerate(shape) if isinstance(d, shapes.Dim)]
        whole = [-1 if [i] == symbolic else d for i, d in enumerate(shape)]  # one size may be left to be found
        out = self.Reshape(x, self.ints(shape if 0 in shape else whole), allowzero=1 if 0 in shape else 0)
        out.shape = tuple(shape)
        return out

    def value(self, tensor: Tensor) -> Value:
        """Return the value of a tensor of our graph."""
        if tensor.value is not None:
            return self.constant(on_host(tensor.value), tensor.dtype)
        return self.values[tensor]

    def add_graph(self, graph: Graph) -> list[Value]:
        """Lower every node; return the values of the graph's results."""
        for node in graph.nodes:
            if all(0 in x.type.shape for x in node.outputs):
                for x in node.outputs:  # some kernels fail on empty arrays
                    self.values[x] = self._empty(x.type)
                continue
            lowering = self.lowerings.get(node.primitive)
            if lowering is None:
                raise BackendError(f"There is no ONNX lowering of the primitive '{node.primitive.name}'.")
            out = lowering(self, *(self.value(x) for x in node.inputs), **node.attrs)
            for tensor, value in zip(node.outputs, (out,) if node.primitive.single else out):
                if value.dtype != tensor.dtype:
                    value = self.cast(value, tensor.dtype)
                self.values[tensor] = Value(value.name, value.dtype, tensor.type.shape)
        return [self.value(x) for x in graph.results]

    def _empty(self, type: Type) -> Value:
        if shapes.is_static(type.shape):
            return self.constant(np.zeros([int(d) for d in type.shape]), type.dtype)  # type: ignore[arg-type]
        return self.Expand(self.constant(0, type.dtype), self.ints(type.shape))

    def decomposed(self, primitive: Primitive, inputs: Sequence[Value], attrs: dict[str, Any]) -> list[Value]:
        """Lower a composite primitive by its decomposition, where the native operator does not suit the inputs."""
        with Trace() as scope:
            tensors = [Tensor(Type(x.shape, x.dtype)) for x in inputs]
            made = primitive.decomposition(*tensors, **attrs)
            graph = graph_of_trace(tensors, [as_tensor(x) for x in made], scope)
        self.values.update(zip(tensors, inputs))
        return self.add_graph(graph)

    def input(self, tensor: Tensor, stem: str) -> onnx.ValueInfoProto:
        return self.named_input(tensor, self.name(stem))

    def named_input(self, tensor: Tensor, name: str) -> onnx.ValueInfoProto:
        """Make a tensor an input of the graph; the symbols of its shape are known from then on."""
        value = self.values[tensor] = Value(name, tensor.dtype, tensor.type.shape)
        for axis, dim in enumerate(tensor.type.shape):
            symbol = shapes.name_of(dim)
            if symbol is not None and symbol not in self.symbols:
                self.symbols[symbol] = self.Shape(value, start=axis, end=axis + 1)
        return info(value.name, tensor.type)

    def output(self, value: Value, type: Type, stem: str) -> onnx.ValueInfoProto:
        """Make a value an output of the graph.

        It is copied if no node of this graph makes it, or if it is an output already.
        """
        if value.name in self.made and value.name not in self.given:
            self.given.add(value.name)
            return info(value.name, type)
        return self.named_output(value, type, self.name(stem))

    def named_output(self, value: Value, type: Type, name: str) -> onnx.ValueInfoProto:
        """Make a copy of a value an output of the graph, under a name."""
        self.nodes.append(helper.make_node("Identity", [value.name], [name]))
        return info(name, type)

    def subgraph(self, graph: Graph, operands: Sequence[Value], formals: Sequence[Tensor]) -> tuple[Builder, list[Any]]:
        """Return the builder of a subgraph, whose first inputs are ``operands``, and its inputs for ``formals``."""
        inner = Builder(self.lowerings, outer=self)
        inner.values.update(zip(graph.inputs, operands))
        return inner, [inner.input(x, "i") for x in formals]

    def model(self, graph: onnx.GraphProto) -> onnx.ModelProto:
        graph.initializer.extend(proto for _, proto in self.initializers.values())
        opsets = [helper.make_opsetid(domain, 1 if domain else OPSET) for domain in sorted(self.domains)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def info(name: str, type: Type) -> onnx.ValueInfoProto:
    """Describe a value; a dimension is an int, a symbol's name, or unknown if it is computed from symbols."""
    sizes = [shapes.name_of(d) if isinstance(d, shapes.Dim) else int(d) for d in type.shape]
    return helper.make_tensor_value_info(name, ONNX_TYPES[type.dtype], sizes)


def live_nodes(nodes: Sequence[onnx.NodeProto], names: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes that these names depend on: dead code would be run by the runtime."""
    kept = []
    for node in reversed(nodes):
        if not names.isdisjoint(node.output):
            kept.append(node)
            names |= _read(node)
    return kept[::-1]


def _read(node: onnx.NodeProto) -> set[str]:
    """Return the names that a node reads, including those in its subgraphs."""
    inside = [x for a in node.attribute if a.HasField("g") for x in a.g.node]
    outputs = {x.name for a in node.attribute if a.HasField("g") for x in a.g.output}
    return set(node.input).union(outputs, *map(_read, inside))
