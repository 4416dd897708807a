"""Builder of LiteRT models: subgraphs of operators over tensors, as the objects of the format's schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ExportError
from amalthea.export.lowering import Lowering, Value

TYPES = {
    "float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "float64": 10,
    "uint64": 12, "uint32": 15, "uint16": 16,
}  # fmt: skip
_OPTIONS = {
    "SELECT_V2": "SelectV2", "BROADCAST_TO": "BroadcastTo", "STRIDED_SLICE": "StridedSlice", "GATHER_ND": "GatherNd",
    "TOPK_V2": "TopKV2", "REVERSE_V2": "ReverseV2", "PADV2": "PadV2", "SCATTER_ND": "ScatterNd", "ATAN2": "ATan2",
    "LOGICAL_AND": "LogicalAnd", "LOGICAL_OR": "LogicalOr", "LOGICAL_NOT": "LogicalNot", "FLOOR_DIV": "FloorDiv",
    "FLOOR_MOD": "FloorMod", "ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin", "LESS_EQUAL": "LessEqual",
    "GREATER_EQUAL": "GreaterEqual", "NOT_EQUAL": "NotEqual", "MAXIMUM": "MaximumMinimum", "MINIMUM": "MaximumMinimum",
    "SUM": "Reducer", "MEAN": "Reducer",
    "REDUCE_PROD": "Reducer", "REDUCE_MAX": "Reducer", "REDUCE_MIN": "Reducer", "CONV_2D": "Conv2D",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "CONV_3D": "Conv3D", "TRANSPOSE_CONV": "TransposeConv",
    "MAX_POOL_2D": "Pool2D", "AVERAGE_POOL_2D": "Pool2D", "BATCH_MATMUL": "BatchMatMul", "LOG_SOFTMAX": "LogSoftmax",
    "FULLY_CONNECTED": "FullyConnected", "DYNAMIC_UPDATE_SLICE": "DynamicUpdateSlice", "BITWISE_XOR": "BitwiseXor",
    "RIGHT_SHIFT": "RightShift", "CONCATENATION": "Concatenation",
}  # fmt: skip
_WITHOUT = {"LOGISTIC", "TANH", "RELU", "RSQRT", "SQRT", "LOG", "SIN", "FLOOR", "CEIL", "ROUND", "ELU"}
_TO_BOOL = {"EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"}


_SMALL = 16  # elements; constants below stay floats of 32 bits


class Model:
    """Operator codes and buffers of a file, which its subgraphs share."""

    def __init__(self, halves: bool = False, integers: bool = False) -> None:
        self.halves = halves  # whether weights are kept in 16 bits, and widened when the model is loaded
        self.integers = integers  # whether a quantizer reads the file
        self.codes: dict[int, int] = {}
        self.buffers: list[bytes] = [b""]  # the first is empty by the format's rule
        self.graphs: list[Any] = []

    def code(self, operator: str) -> int:
        number = getattr(schema.BuiltinOperator, operator)
        return self.codes.setdefault(number, len(self.codes))

    def buffer(self, data: bytes) -> int:
        self.buffers.append(data)
        return len(self.buffers) - 1


class Builder(Lowering):
    """Collects the tensors and operators of one subgraph; an operator of the format is a method, such as ``b.ADD``."""

    computed_in = MappingProxyType({"float16": "float32", "bfloat16": "float32", "float64": "float32"})

    def __init__(self, table: Any, model: Model, name: str = "main"):
        super().__init__(table)
        self.model = model
        self.constants: dict[int, tuple[int, np.ndarray]] = {}  # indices by the identity of the array
        self.graph: Any = schema.SubGraphT()
        self.graph.name, self.graph.tensors, self.graph.operators = name, [], []
        model.graphs.append(self.graph)

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if not operator[:1].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **options: self.emit(operator, inputs, **options)

    def tensor(self, type: Type, name: str = "", data: bytes | None = None) -> int:
        """Add a tensor; return its index."""
        if type.dtype not in TYPES:
            raise ExportError("LiteRT has no such dtype.", got=str(type), expected=", ".join(TYPES))
        made: Any = schema.TensorT()
        made.name = name or f"v{len(self.graph.tensors)}"
        made.type = TYPES[type.dtype]
        made.shape = [d if isinstance(d, int) else 1 for d in type.shape]
        if not shapes.is_static(type.shape):
            made.shapeSignature = [d if isinstance(d, int) else -1 for d in type.shape]
        made.hasRank = True
        made.buffer = self.model.buffer(data) if data is not None else 0
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def emit(
        self, operator: str, inputs: Sequence[Value | None], shape: Any = None, dtype: str | None = None, **options: Any
    ) -> Value:
        """Add an operator with one output, of the inputs' broadcast shape and first dtype unless these are given."""
        given = [x for x in inputs if x is not None]
        shape = tuple(shape) if shape is not None else shapes.broadcast(*(x.shape for x in given))
        found = dtype or ("bool" if operator in _TO_BOOL else given[0].dtype)
        return self.several(operator, inputs, [Type(shape, found)], **options)[0]

    def several(
        self, operator: str, inputs: Sequence[Value | None], types: Sequence[Type], **options: Any
    ) -> list[Value]:
        """Add an operator with outputs of the given types."""
        made: Any = schema.OperatorT()
        made.opcodeIndex = self.model.code(operator)
        made.inputs = [-1 if x is None else self.index(x) for x in inputs]
        made.outputs = [self.tensor(t) for t in types]
        stem = _OPTIONS.get(operator, operator.title().replace("_", ""))
        if operator not in _WITHOUT and hasattr(schema, f"{stem}OptionsT"):
            made.builtinOptionsType, made.builtinOptions = self._options(stem, options)
        self.graph.operators.append(made)
        return [Value(index, t) for index, t in zip(made.outputs, types)]

    def _options(self, stem: str, given: dict[str, Any]) -> tuple[int, Any]:
        options: Any = getattr(schema, f"{stem}OptionsT")()
        for key, value in given.items():
            if not hasattr(options, key):
                raise AttributeError(f"{stem}: {key}")
            setattr(options, key, value)
        return getattr(schema.BuiltinOptions, f"{stem}Options"), options

    def new_constant(self, array: np.ndarray) -> Value:
        array = np.ascontiguousarray(array).reshape(array.shape)
        return Value(None, Type(array.shape, dtypes.standardize(array.dtype)), array)

    def index(self, value: Value) -> int:
        """Return the index of a value's tensor; that of a constant is made when an operator first reads it."""
        if value.array is None:
            return value.name
        found = self.constants.get(id(value.array))
        if found is None:
            found = self.constants[id(value.array)] = (self._stored(value.array, value.type), value.array)
        return found[0]

    def _stored(self, array: np.ndarray, type: Type) -> int:
        if not self.model.halves or type.dtype != "float32" or array.size < _SMALL:
            return self.tensor(type, data=array.tobytes())
        narrow = Value(self.tensor(type._replace(dtype="float16"), data=array.astype("float16").tobytes()), type)
        return self.DEQUANTIZE(narrow).name

    def size_of(self, value: Value, axis: int) -> Value:
        sizes = self.SHAPE(value, shape=(value.rank,), dtype="int32", outType=TYPES["int32"])
        return self.SLICE(sizes, self.constant([axis], "int32"), self.constant([1], "int32"), shape=(1,))

    def combine(self, operator: str, x: Value, y: Value) -> Value:
        return self.emit({"add": "ADD", "multiply": "MUL", "floor_divide": "FLOOR_DIV"}[operator], [x, y])

    def join(self, sizes: Sequence[Value]) -> Value:
        return self.CONCATENATION(*sizes, shape=(len(sizes),), axis=0)

    def reshape(self, x: Value, shape: Sequence[shapes.DimLike], copy: bool = False) -> Value:
        if x.array is not None and shapes.is_static(shape) and not copy:
            return self.constant(x.array.reshape([int(d) for d in shape]))  # type: ignore[arg-type]
        symbolic = [i for i, d in enumerate(shape) if not isinstance(d, int)]
        whole = [-1 if [i] == symbolic and 0 not in shape else d for i, d in enumerate(shape)]
        return self.RESHAPE(x, self.ints(whole), shape=shape)

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        if tuple(axes) == tuple(range(x.rank)):
            return x
        if x.array is not None:
            return self.constant(x.array.transpose(axes))
        return self.TRANSPOSE(x, self.ints(axes), shape=[x.shape[a] for a in axes])

    def cast(self, x: Value, dtype: str) -> Value:
        dtype = self.computed_in.get(dtype, dtype)
        if x.dtype == dtype:
            return x
        return self.CAST(x, dtype=dtype, inDataType=TYPES[x.dtype], outDataType=TYPES[dtype])

    def finish(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
        """Set the subgraph's inputs and outputs; an output that is an input or a constant is copied."""
        own = {index for operator in self.graph.operators for index in operator.outputs}
        self.graph.inputs, self.graph.outputs = [x.name for x in inputs], []
        if self.graph is not self.model.graphs[0]:
            own.update(self.graph.inputs)
        for value in outputs:
            fresh = value.array is None and value.name in own and value.name not in self.graph.outputs
            made = value if fresh else self.reshape(value, value.shape, copy=True)
            self.graph.outputs.append(made.name)
