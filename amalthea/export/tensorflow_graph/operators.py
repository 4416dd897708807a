"""Lowerings to TensorFlow's operators: elementwise functions, reductions, movement, indexing, products.

Operators without kernels for a dtype compute in a wider one: truths as int32, small and unsigned integers as int64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine import shapes
from amalthea.engine.primitives import bits, composite, control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.export.indexing import ALONG, clipped_starts, iota, of_last_axis
from amalthea.export.lowering import Value
from amalthea.export.tensorflow_graph.nodes import Nodes as Builder

_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_SMALL = ("int8", "int16", *_UNSIGNED)
Lower = Callable[..., Any]


def _operator(operator: str) -> Lower:
    return lambda b, *xs: b.emit(operator, xs)


def _widened(lower: Lower, **wider: str) -> Lower:
    """Compute in other dtypes and cast back, where the result has the dtype of the first input."""

    def run(b: Builder, x: Value, *rest: Value, **attrs: Any) -> Value:
        wide = wider.get(x.dtype)
        if wide is None:
            return lower(b, x, *rest, **attrs)
        made = lower(b, *(b.cast(v, wide) if v.dtype == x.dtype else v for v in (x, *rest)), **attrs)
        return b.cast(made, x.dtype) if made.dtype == wide else made

    return run


def _numbers(operator: str, *narrow: str) -> Lower:
    """An operator on numbers: truths are counted, and some dtypes are widened."""
    return _widened(_operator(operator), bool="int32", **dict.fromkeys(narrow, "int64"))


def _is_float(x: Value) -> bool:
    return "float" in x.dtype


def _of_floats(operator: str) -> Lower:
    return lambda b, x: b.emit(operator, [x]) if _is_float(x) else x


def _test(operator: str) -> Lower:
    def lower(b: Builder, x: Value) -> Value:
        return b.emit(operator, [x]) if _is_float(x) else _broadcast_to(b, b.constant(False), shape=x.shape)

    return lower


def _absolute(b: Builder, x: Value) -> Value:
    return x if x.dtype in _UNSIGNED or x.dtype == "bool" else b.Abs(x)


def _sign(b: Builder, x: Value) -> Value:
    return b.Minimum(x, b.like(1, x)) if x.dtype in _UNSIGNED else b.Sign(x)


def _where(b: Builder, condition: Value, x: Value, y: Value) -> Value:
    return b.SelectV2(condition, x, y, dtype=x.dtype)


def _quotient(operator: str) -> Lower:
    """Integer division by 0 is 0; TensorFlow raises an error."""

    def lower(b: Builder, x: Value, y: Value) -> Value:
        if _is_float(x):
            return b.emit(operator, [x, y])
        zero = b.like(0, y)
        none = b.Equal(y, zero)
        return _where(b, none, b.like(0, x), b.emit(operator, [x, _where(b, none, b.like(1, y), y)]))

    return _widened(lower, bool="int32")


def _floor_divide(b: Builder, x: Value, y: Value) -> Value:
    """A finite float divided by an infinity of the other sign is -1, not -0."""
    whole = _quotient("FloorDiv")(b, x, y)
    if not _is_float(x):
        return whole
    infinite, finite = b.IsInf(y), b.Equal(b.Sub(x, x), b.like(0, x))
    below = b.LogicalAnd(b.LogicalAnd(infinite, finite), b.Less(b.Mul(x, b.Sign(y)), b.like(0, x)))
    return _where(b, below, b.like(-1, x), whole)


def _clip(b: Builder, x: Value, *, low: float, high: float) -> Value:
    return b.Minimum(b.Maximum(x, b.like(low, x)), b.like(high, x))


def _reduce(operator: str) -> Lower:
    def lower(b: Builder, x: Value, *, axes: Any, keepdims: bool = False) -> Value:
        if not axes:
            return x
        kept = reductions.kept_shape(x.shape, tuple(axes))
        shape = kept if keepdims else [d for a, d in enumerate(x.shape) if a not in axes]
        return b.emit(operator, [x, b.constant(list(axes), "int32")], shape=shape, keep_dims=bool(keepdims))

    return _widened(lower, bool="int32")


def _position(operator: str) -> Lower:
    def lower(b: Builder, x: Value, *, axis: int) -> Value:
        shape = [d for a, d in enumerate(x.shape) if a != axis]
        return b.emit(operator, [x, b.constant(axis, "int32")], shape=shape, dtype="int32", output_type="int32")

    return lower


def _running(operator: str) -> Lower:
    def lower(b: Builder, x: Value, *, axis: int, reverse: bool) -> Value:
        return b.emit(operator, [x, b.constant(axis, "int32")], shape=x.shape, reverse=bool(reverse))

    return _widened(lower, bool="int32")


def _broadcast_to(b: Builder, x: Value, *, shape: Any) -> Value:
    return x if tuple(shape) == tuple(x.shape) else b.BroadcastTo(x, b.ints(shape), shape=shape)


def _concatenate(b: Builder, *xs: Value, axis: int) -> Value:
    total = sum((x.shape[axis] for x in xs[1:]), start=xs[0].shape[axis])
    return b.concatenate(xs, axis, [total if a == axis else d for a, d in enumerate(xs[0].shape)])


def _slice(b: Builder, x: Value, *, starts: Any, limits: Any, strides: Any) -> Value:
    shape = [-((start - limit) // step) for start, limit, step in zip(starts, limits, strides)]
    if not x.rank:
        return x
    return b.StridedSlice(x, b.ints(starts), b.ints(limits), b.ints(strides), shape=shape)


def _pad(b: Builder, x: Value, *, low: Any, high: Any, value: Any = 0) -> Value:
    """Pad each axis; negative widths crop."""
    if any(isinstance(w, int) and w < 0 for w in (*low, *high)):
        starts = [max(-w, 0) if isinstance(w, int) else 0 for w in low]
        limits = [d - max(-w, 0) if isinstance(w, int) else d for w, d in zip(high, x.shape)]
        x = _slice(b, x, starts=starts, limits=limits, strides=[1] * x.rank)
        low, high = ([max(w, 0) if isinstance(w, int) else w for w in side] for side in (low, high))
    if not any(w != 0 for w in (*low, *high)):
        return x
    shape = [lo + d + hi for lo, d, hi in zip(low, x.shape, high)]
    widths = b.reshape(b.ints([w for pair in zip(low, high) for w in pair]), (x.rank, 2))
    return b.PadV2(x, widths, b.like(value, x), shape=shape)


def _dilate(b: Builder, x: Value, *, steps: Any) -> Value:
    if all(s == 1 for s in steps):
        return x
    shape = [(n - 1) * s + 1 for n, s in zip(x.shape, steps)]
    sizes, zeros = b.ints(shape), b.constant([0] * x.rank, "int32")
    return b.StridedSliceGrad(sizes, zeros, sizes, b.ints(steps), x, shape=shape, dtype=x.dtype)


def _flip(b: Builder, x: Value, *, axes: Any) -> Value:
    return b.ReverseV2(x, b.constant(list(axes), "int32"), shape=x.shape)


def _dynamic_slice(b: Builder, x: Value, *starts: Value, sizes: Any) -> Value:
    if not starts:
        return x
    return b.Slice(x, clipped_starts(b, starts, x.shape, sizes), b.ints(sizes), shape=sizes)


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    if not starts:
        return update
    begin = clipped_starts(b, starts, x.shape, update.shape)
    ones = b.constant([1] * x.rank, "int32")
    return b.TensorStridedSliceUpdate(x, begin, b.AddV2(begin, b.ints(update.shape)), ones, update, shape=x.shape)


def _non_negative(b: Builder, indices: Value, sizes: Value) -> Value:
    """Indices whose negative ones are counted from the start, as int32."""
    if indices.array is not None and indices.array.min(initial=0) >= 0:
        return b.constant(indices.array, "int32")
    indices = b.cast(indices, "int32")
    if sizes.rank > indices.rank:
        sizes = b.reshape(sizes, ())
    return _where(b, b.Less(indices, b.constant(0, "int32")), b.AddV2(indices, sizes), indices)


def _gather(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    whole = _non_negative(b, indices, b.ints([x.shape[axis]]))
    return b.GatherV2(x, whole, b.constant(axis, "int32"), shape=shape)


def points(b: Builder, x: Value, indices: Value) -> Value:
    """Indices of points that are counted from the start, as int32."""
    depth: Any = indices.shape[-1]
    return _non_negative(b, indices, b.ints(x.shape[:depth]))


def _gather_points(b: Builder, x: Value, indices: Value) -> Value:
    """Indices of points that are counted from the start, as int32."""
    depth: Any = indices.shape[-1]
    return b.GatherNd(x, points(b, x, indices), shape=(*indices.shape[:-1], *x.shape[depth:]))


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    return b.TensorScatterAdd(x, points(b, x, indices), updates, shape=x.shape)


def _top_k(b: Builder, x: Value, *, k: int) -> list[Value]:
    shape = (*x.shape[:-1], k)
    types = [x.type._replace(shape=shape), x.type._replace(shape=shape, dtype="int32")]
    return b.several("TopKV2", [x, b.constant(k, "int32")], types)


def _matmul(b: Builder, x: Value, y: Value, *, transpose_x: bool, transpose_y: bool) -> Value:
    rows, columns = x.shape[-1 if transpose_x else -2], y.shape[-2 if transpose_y else -1]
    shape = (*shapes.broadcast(x.shape[:-2], y.shape[:-2]), rows, columns)
    if x.rank == y.rank == 2:
        return b.MatMul(x, y, shape=shape, transpose_a=bool(transpose_x), transpose_b=bool(transpose_y))
    return b.BatchMatMulV2(x, y, shape=shape, adj_x=bool(transpose_x), adj_y=bool(transpose_y))


def _integer_matmul(b: Builder, x: Value, y: Value) -> Value:
    return _matmul(b, b.cast(x, "int32"), b.cast(y, "int32"), transpose_x=False, transpose_y=False)


def _same(b: Builder, x: Value, *_: Any, **attrs: Any) -> Value:
    return x


_NAMES = {
    p.exp: "Exp", p.expm1: "Expm1", p.log: "Log", p.log1p: "Log1p", p.sqrt: "Sqrt", p.rsqrt: "Rsqrt",
    p.reciprocal: "Reciprocal", p.sin: "Sin", p.cos: "Cos", p.tan: "Tan", p.arcsin: "Asin", p.arccos: "Acos",
    p.arctan: "Atan", p.sinh: "Sinh", p.cosh: "Cosh", p.tanh: "Tanh", p.arcsinh: "Asinh", p.arccosh: "Acosh",
    p.arctanh: "Atanh", p.sigmoid: "Sigmoid", p.softplus: "Softplus", p.erf: "Erf", p.relu: "Relu",
    p.divide: "RealDiv", p.arctan2: "Atan2", p.equal: "Equal", p.logical_and: "LogicalAnd",
    p.logical_or: "LogicalOr", p.logical_not: "LogicalNot", p.bitwise_and: "BitwiseAnd", p.bitwise_or: "BitwiseOr",
    p.bitwise_xor: "BitwiseXor", p.left_shift: "LeftShift", p.right_shift: "RightShift",
}  # fmt: skip
OPERATORS = {
    **{primitive: _operator(name) for primitive, name in _NAMES.items()},
    p.negative: _numbers("Neg", *_UNSIGNED), p.square: _numbers("Square", *_SMALL), p.absolute: _absolute,
    p.sign: _widened(_sign, int8="int32", int16="int32"), p.floor: _of_floats("Floor"), p.ceil: _of_floats("Ceil"),
    p.round: _of_floats("Round"), p.isnan: _test("IsNan"), p.isinf: _test("IsInf"), p.add: _numbers("AddV2"),
    p.subtract: _numbers("Sub"), p.multiply: _numbers("Mul"), p.floor_divide: _floor_divide,
    p.remainder: _quotient("FloorMod"), p.power: _numbers("Pow", *_UNSIGNED), p.maximum: _numbers("Maximum"),
    p.minimum: _numbers("Minimum"), p.less: _numbers("Less"), p.less_equal: _numbers("LessEqual"),
    p.greater: _numbers("Greater"), p.greater_equal: _numbers("GreaterEqual"), p.select: _where,
    p.cast: lambda b, x, *, dtype: b.cast(x, dtype), p.clip: _widened(_clip, bool="int32"),
    bits.bitcast: lambda b, x, *, dtype: b.Bitcast(x, dtype=dtype, type=dtype),
    reductions.reduce_sum: _reduce("Sum"), reductions.reduce_prod: _reduce("Prod"),
    reductions.reduce_max: _reduce("Max"), reductions.reduce_min: _reduce("Min"),
    reductions.argmax: _position("ArgMax"), reductions.argmin: _position("ArgMin"),
    reductions.cumsum: _running("Cumsum"), reductions.cumprod: _running("Cumprod"),
    movement.reshape: lambda b, x, *, shape: b.reshape(x, shape),
    movement.transpose: lambda b, x, *, axes: b.transpose(x, axes), movement.broadcast_to: _broadcast_to,
    movement.concatenate: _concatenate, movement.slice: _slice, movement.pad: _pad, movement.dilate: _dilate,
    movement.flip: _flip, movement.iota: iota("Range"), movement.dynamic_slice: _dynamic_slice,
    movement.dynamic_update_slice: _dynamic_update_slice,
    indexing.gather: _gather, indexing.gather_points: _gather_points, indexing.scatter_add_points: _scatter_points,
    **ALONG, indexing.top_k: _top_k, matmul.matmul: _widened(_matmul, bool="int32", **dict.fromkeys(_SMALL, "int64")),
    matmul.integer_matmul: _integer_matmul,
    composite.softmax: of_last_axis(lambda b, x: b.Softmax(x)),
    composite.log_softmax: of_last_axis(lambda b, x: b.LogSoftmax(x)),
    control.identity: _same, control.stop_gradient: _operator("StopGradient"), control.barrier: _same,
    control.with_gradient: lambda b, *xs, count, rule: xs[count:],
}  # fmt: skip
