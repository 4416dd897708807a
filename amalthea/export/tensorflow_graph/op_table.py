"""Attributes and outputs of TensorFlow's operators, which a node within a function has to name.

A row is an operator, the attributes that hold the dtypes of its inputs in order ("_" for none), and its outputs; a
star is a list of outputs.
"""

from __future__ import annotations

_UNARY = """
    Neg Exp Expm1 Log Log1p Sqrt Rsqrt Reciprocal Square Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh
    Sigmoid Erf Abs Sign Floor Ceil Round IsNan IsInf
"""
_BINARY = """
    AddV2 Sub Mul RealDiv FloorDiv FloorMod Pow Maximum Minimum Atan2 Equal Less LessEqual Greater GreaterEqual
    BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift
"""
_ROWS = """
    Softplus: T > activations | Relu: T > activations | LogicalNot: > y | LogicalAnd: > z | LogicalOr: > z
    SelectV2: _ T > output | Cast: SrcT > y | Bitcast: T > output | Const: > output | Identity: T > output
    StopGradient: T > output | Sum: T Tidx > output | Prod: T Tidx > output | Max: T Tidx > output
    Min: T Tidx > output | ArgMax: T Tidx > output | ArgMin: T Tidx > output | Cumsum: T Tidx > out
    Cumprod: T Tidx > out | Reshape: T Tshape > output | Transpose: T Tperm > y | BroadcastTo: T Tidx > output
    ConcatV2: > output | Slice: T Index > output | StridedSlice: T Index > output
    StridedSliceGrad: Index _ _ _ T > output | PadV2: T Tpaddings > output | ReverseV2: T Tidx > output
    Range: Tidx > output | GatherV2: Tparams Tindices Taxis > output | GatherNd: Tparams Tindices > output
    ScatterNd: Tindices T > output
    TensorScatterAdd: T Tindices > output | TensorStridedSliceUpdate: T Index > output | TopKV2: T Tk > values indices
    BatchMatMulV2: T > output | MatMul: T > product | Softmax: T > softmax | LogSoftmax: T > logsoftmax
    Conv2D: T > output | Conv3D: T > output | DepthwiseConv2dNative: T > output | MaxPool: T > output
    AvgPool: T > output | Conv2DBackpropInput: _ T > output | Shape: T > output | ReadVariableOp: > value
    StatelessWhile: > output* | StatelessIf: Tcond > output* | TensorListReserve: shape_type > handle
    TensorListFromTensor: _ shape_type > output_handle | TensorListGetItem: > item
    TensorListSetItem: > output_handle | TensorListStack: > tensor | StatefulPartitionedCall: > output*
"""


def _table() -> dict[str, tuple[list[str], list[str]]]:
    found: dict[str, tuple[list[str], list[str]]]
    found = {name: (["T"], ["y"]) for name in _UNARY.split()} | {name: (["T"], ["z"]) for name in _BINARY.split()}
    for row in _ROWS.replace("\n", "|").split("|"):
        if row.strip():
            name, rest = row.split(":")
            types, outputs = rest.split(">")
            found[name.strip()] = [*types.split()], [*outputs.split()]
    return found


TYPES = {name: types for name, (types, _) in _table().items()}
OUTPUTS = {name: outputs for name, (_, outputs) in _table().items()}
TO_BOOL = {
    "IsNan", "IsInf", "LogicalNot", "LogicalAnd", "LogicalOr", "Equal", "Less", "LessEqual", "Greater", "GreaterEqual"
}  # fmt: skip
