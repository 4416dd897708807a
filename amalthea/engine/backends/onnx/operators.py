"""Lowerings to one ONNX operator, or to a few."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.backends.onnx.builder import ONNX_TYPES, Builder, Value
from amalthea.engine.primitives import composite, control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p


def _operator(operator: str):
    return lambda b, *xs: b.emit(operator, xs)


def _log1p(b: Builder, x: Value) -> Value:
    """log(1 + x) away from zero; near zero ``2 * arctanh(x / (x + 2))``, which is accurate there."""
    near = b.Mul(b.Atanh(b.Div(x, b.Add(x, b.like(2, x)))), b.like(2, x))
    far = b.Log(b.Add(x, b.like(1, x)))
    return b.Where(b.Less(b.Abs(x), b.like(0.5, x)), near, far)


def _expm1(b: Builder, x: Value) -> Value:
    return b.Mul(b.Tanh(b.Mul(x, b.like(0.5, x))), b.Add(b.Exp(x), b.like(1, x)))


def _floor_divide(b: Builder, x: Value, y: Value) -> Value:
    quotient = b.Div(x, y)
    if dtypes.is_float(x.dtype):
        rest, is_below = _rest(b, x, y)
        whole = b.Round(b.Div(b.Sub(x, rest), y))
        whole = b.Where(is_below, b.Sub(whole, b.like(1, x)), whole)
        return b.Where(b.Equal(y, b.like(0, y)), quotient, whole)
    if x.dtype.startswith("u"):
        return quotient
    rest = b.Sub(x, b.Mul(quotient, y))
    zero = b.like(0, x)
    inexact = b.Not(b.Equal(rest, zero))
    below = b.And(inexact, b.Not(b.Equal(b.Less(rest, zero), b.Less(y, zero))))
    return b.Sub(quotient, b.cast(below, x.dtype))


def _rest(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """The remainder of truncating division (sign of x), and a mask of elements where floor division rounds lower."""
    rest, zero = b.Mod(x, y, fmod=1), b.like(0, x)
    apart = b.Not(b.Equal(b.Less(rest, zero), b.Less(y, zero)))
    return rest, b.And(b.Not(b.Equal(rest, zero)), apart)


def _remainder(b: Builder, x: Value, y: Value) -> Value:
    if not dtypes.is_float(x.dtype):
        return b.Mod(x, y)
    rest, is_below = _rest(b, x, y)
    return b.Where(is_below, b.Add(rest, y), rest)


def _arctan2(b: Builder, y: Value, x: Value) -> Value:
    zero, pi = b.like(0, x), b.like(math.pi, x)
    angle = b.Atan(b.Div(y, x))
    turn = b.Where(b.Less(y, zero), b.Neg(pi), pi)
    sided = b.Where(b.Less(x, zero), b.Add(angle, turn), angle)
    upright = b.Mul(b.Sign(y), b.like(math.pi / 2, x))
    return b.Where(b.Equal(x, zero), upright, sided)


def _shift(b: Builder, x: Value, y: Value, direction: str) -> Value:
    if x.dtype in ("uint8", "uint32", "uint64"):
        return b.BitShift(x, y, direction=direction)
    factor = b.cast(b.Pow(b.constant(2, "int64"), b.cast(y, "int64")), "int64")
    wide = b.cast(x, "int64")
    return b.cast(b.Mul(wide, factor) if direction == "LEFT" else _floor_divide(b, wide, factor), x.dtype)


def _relu(b: Builder, x: Value) -> Value:
    if x.dtype.startswith("u"):
        return b.Identity(x)
    return b.Relu(x) if dtypes.is_float(x.dtype) else b.Max(x, b.like(0, x))


def _clip(b: Builder, x: Value, *, low: float, high: float) -> Value:
    return b.Clip(x, b.like(low, x), b.like(high, x))


def _cast(b: Builder, x: Value, *, dtype: str) -> Value:
    return b.emit("Cast", [x], to=ONNX_TYPES[dtype], to_dtype=dtype)


def _reduce(operator: str):
    def lower(b: Builder, x: Value, *, axes, keepdims=False) -> Value:
        if not axes:
            return b.Identity(x)
        return b.emit(operator, [x, b.ints(axes)], keepdims=int(keepdims))

    return lower


def _reduce_sum(b: Builder, x: Value, *, axes, keepdims=False) -> Value:
    """The sum over the rows of a matrix is a product with ones, which is ten times as fast."""
    if tuple(axes) == (0,) and x.rank == 2 and x.dtype == "float32" and isinstance(x.shape[0], int):
        row = b.MatMul(b.constant(np.ones((1, x.shape[0]), "float32")), x)
        return row if keepdims else b.reshape(row, [x.shape[1]])
    return _reduce("ReduceSum")(b, x, axes=axes, keepdims=keepdims)


def _position(operator: str):
    return lambda b, x, *, axis: b.cast(b.emit(operator, [x], axis=axis, keepdims=0), "int32")


def _slice(b: Builder, x: Value, *, starts, limits, strides) -> Value:
    axes = [a for a, d in enumerate(x.shape) if (starts[a], limits[a], strides[a]) != (0, d, 1)]
    if not axes:
        return b.Identity(x)
    parts = ([values[a] for a in axes] for values in (starts, limits))
    return b.Slice(x, *map(b.ints, parts), b.ints(axes), b.ints([strides[a] for a in axes]))


def _flip(b: Builder, x: Value, *, axes) -> Value:
    if not axes:
        return b.Identity(x)
    ends = [[value] * len(axes) for value in (-1, -(2**31), -1)]
    return b.Slice(x, b.ints(ends[0]), b.ints(ends[1]), b.ints(axes), b.ints(ends[2]))


def _pad(b: Builder, x: Value, *, low, high, value=0) -> Value:
    return b.Pad(x, b.ints([*low, *high]), b.like(value, x))


def _dilate(b: Builder, x: Value, *, steps) -> Value:
    """Append zeros to each element on a new axis, merge the axes, and drop the zeros at the end."""
    if all(s == 1 for s in steps):
        return b.Identity(x)
    spread = b.reshape(x, [part for d in x.shape for part in (d, 1)])
    wide = b.Pad(spread, b.ints([0] * (2 * x.rank) + [part for s in steps for part in (0, s - 1)]), b.like(0, x))
    merged = b.reshape(wide, [d * s for d, s in zip(x.shape, steps)])
    return _slice(
        b, merged, starts=[0] * x.rank, limits=[(d - 1) * s + 1 for d, s in zip(x.shape, steps)], strides=[1] * x.rank
    )


def _iota(b: Builder, *, shape, axis, dtype) -> Value:
    if not isinstance(shape[axis], int):
        return _symbolic_iota(b, shape, axis, dtype)
    counts = np.arange(shape[axis], dtype=dtypes.to_numpy(dtype))
    counts = counts.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return b.constant(counts) if counts.shape == tuple(shape) else b.Expand(b.constant(counts), b.ints(shape))


def _symbolic_iota(b: Builder, shape: Any, axis: int, dtype: str) -> Value:
    end = b.Squeeze(b.dimension(shape[axis]))
    counts = b.cast(b.Range(b.constant(0, "int64"), end, b.constant(1, "int64")), dtype)
    return b.Expand(b.reshape(counts, [-1 if i == axis else 1 for i in range(len(shape))]), b.ints(shape))


def _starts(b: Builder, starts, room) -> list[Value]:
    """Return start indices as int64, clipped so that the block lies inside."""
    wide = [b.cast(s, "int64") for s in starts]
    ends = [b.Squeeze(b.dimension(n)) if isinstance(n, shapes.Dim) else b.constant(n, "int64") for n in room]
    return [b.Max(b.Min(s, n), b.constant(0, "int64")) for s, n in zip(wide, ends)]


def _dynamic_slice(b: Builder, x: Value, *starts: Value, sizes) -> Value:
    if not starts:
        return b.Identity(x)
    clipped = _starts(b, starts, [d - n for d, n in zip(x.shape, sizes)])
    begin = b.Concat(*(b.reshape(s, [1]) for s in clipped), axis=0)
    return b.Slice(x, begin, b.Add(begin, b.ints(sizes)), b.ints(range(len(sizes))))


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    """Write the block's elements at their flat indices."""
    if not starts:
        return b.Identity(update)
    clipped = _starts(b, starts, [d - n for d, n in zip(x.shape, update.shape)])
    strides = [int(np.prod(x.shape[axis + 1 :], dtype=int)) for axis in range(x.rank)]
    indices = sum(i * s for i, s in zip(np.indices(update.shape), strides))
    where = b.ints(indices)
    for start, stride in zip(clipped, strides):
        where = b.Add(where, b.Mul(start, b.constant(stride, "int64")))
    flat = b.ScatterElements(b.reshape(x, [-1]), where, b.reshape(update, [-1]), axis=0)
    return b.reshape(flat, x.shape)


def _scatter_add(b: Builder, x: Value, indices: Value, updates: Value, *, axis: int) -> Value:
    column = b.reshape(b.cast(indices, "int64"), [*indices.shape, 1])
    if axis == 0:
        return b.ScatterND(x, column, updates, reduction="add")
    k = indices.rank
    to_front = [axis, *(a for a in range(x.rank) if a != axis)]
    lead = [*range(axis, axis + k), *range(axis), *range(axis + k, updates.rank)]
    out = b.ScatterND(b.Transpose(x, perm=to_front), column, b.Transpose(updates, perm=lead), reduction="add")
    return b.Transpose(out, perm=np.argsort(to_front).tolist())


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    return b.ScatterND(x, b.cast(indices, "int64"), updates, reduction="add")


def _top_k(b: Builder, x: Value, *, k: int) -> list[Value]:
    values, indices = b.emit("TopK", [x, b.ints([k])], outputs=2, axis=-1)
    indices.dtype = "int64"
    return [values, b.cast(indices, "int32")]


def _matmul(b: Builder, x: Value, y: Value, *, transpose_x: bool, transpose_y: bool) -> Value:
    if 0 in x.shape or 0 in y.shape:  # an empty sum
        rows, columns = x.shape[-1 if transpose_x else -2], y.shape[-2 if transpose_y else -1]
        return b.Expand(b.like(0, x), b.ints([*shapes.broadcast(x.shape[:-2], y.shape[:-2]), rows, columns]))
    if not (transpose_x or transpose_y):
        return b.MatMul(x, y)
    if dtypes.is_float(x.dtype) and x.rank == y.rank == 2:
        return b.Gemm(x, y, transA=int(transpose_x), transB=int(transpose_y))
    if x.dtype == "float32":
        return b.FusedMatMul(x, y, transA=int(transpose_x), transB=int(transpose_y))
    x, y = (_transposed(b, v) if swap else v for v, swap in ((x, transpose_x), (y, transpose_y)))
    return b.MatMul(x, y)


def _integer_matmul(b: Builder, x: Value, y: Value) -> Value:
    """The kernels for unsigned bytes are up to 18 times as fast: the first factor is shifted by 128."""
    if 0 in x.shape or 0 in y.shape:
        return b.Expand(b.constant(0, "int32"), b.ints([x.shape[0], y.shape[1]]))
    middle = b.constant(128, "uint8")
    out = b.MatMulInteger(b.BitwiseXor(b.cast(x, "uint8"), middle), y, middle)
    return Value(out.name, "int32", (x.shape[0], y.shape[1]))


def _transposed(b: Builder, x: Value) -> Value:
    return b.Transpose(x, perm=[*range(x.rank - 2), x.rank - 1, x.rank - 2])


def _barrier(b: Builder, x: Value, after: Value, *, tag: int) -> Value:
    """Reshape to the same shape, with a shape that depends on ``after`` at run time, so that it runs after it."""
    if 0 in after.shape:
        return x
    first = b.Gather(b.reshape(after, [-1]), b.constant([0], "int64"), axis=0)
    nothing = b.Mul(b.cast(b.cast(first, "bool"), "int64"), b.constant(0, "int64"))
    out = b.Reshape(x, b.Add(b.ints(x.shape), nothing))
    out.shape = x.shape
    return out


def _same(b: Builder, x: Value, *_: Any, **attrs: Any) -> Value:
    return x


OPERATOR_LOWERINGS = {
    p.negative: _operator("Neg"),
    p.exp: _operator("Exp"),
    p.expm1: _expm1,
    p.log: _operator("Log"),
    p.log1p: _log1p,
    p.sqrt: _operator("Sqrt"),
    p.rsqrt: lambda b, x: b.Reciprocal(b.Sqrt(x)),
    p.reciprocal: _operator("Reciprocal"),
    p.square: lambda b, x: b.Mul(x, x),
    p.sin: _operator("Sin"),
    p.cos: _operator("Cos"),
    p.tan: _operator("Tan"),
    p.arcsin: _operator("Asin"),
    p.arccos: _operator("Acos"),
    p.arctan: _operator("Atan"),
    p.sinh: _operator("Sinh"),
    p.cosh: _operator("Cosh"),
    p.tanh: _operator("Tanh"),
    p.arcsinh: _operator("Asinh"),
    p.arccosh: _operator("Acosh"),
    p.arctanh: _operator("Atanh"),
    p.sigmoid: _operator("Sigmoid"),
    p.softplus: _operator("Softplus"),
    p.erf: _operator("Erf"),
    p.relu: _relu,
    p.absolute: _operator("Abs"),
    p.sign: _operator("Sign"),
    p.floor: _operator("Floor"),
    p.ceil: _operator("Ceil"),
    p.round: _operator("Round"),
    p.isnan: _operator("IsNaN"),
    p.isinf: _operator("IsInf"),
    p.logical_not: _operator("Not"),
    p.add: _operator("Add"),
    p.subtract: _operator("Sub"),
    p.multiply: _operator("Mul"),
    p.divide: _operator("Div"),
    p.floor_divide: _floor_divide,
    p.remainder: _remainder,
    p.power: _operator("Pow"),
    p.maximum: _operator("Max"),
    p.minimum: _operator("Min"),
    p.arctan2: _arctan2,
    p.equal: _operator("Equal"),
    p.less: _operator("Less"),
    p.less_equal: _operator("LessOrEqual"),
    p.greater: _operator("Greater"),
    p.greater_equal: _operator("GreaterOrEqual"),
    p.logical_and: _operator("And"),
    p.logical_or: _operator("Or"),
    p.bitwise_and: _operator("BitwiseAnd"),
    p.bitwise_or: _operator("BitwiseOr"),
    p.bitwise_xor: _operator("BitwiseXor"),
    p.left_shift: lambda b, x, y: _shift(b, x, y, "LEFT"),
    p.right_shift: lambda b, x, y: _shift(b, x, y, "RIGHT"),
    p.select: _operator("Where"),
    p.clip: _clip,
    p.cast: _cast,
    reductions.reduce_sum: _reduce_sum,
    reductions.reduce_prod: _reduce("ReduceProd"),
    reductions.reduce_max: _reduce("ReduceMax"),
    reductions.reduce_min: _reduce("ReduceMin"),
    reductions.argmax: _position("ArgMax"),
    reductions.argmin: _position("ArgMin"),
    reductions.cumsum: lambda b, x, *, axis, reverse: b.CumSum(x, b.constant(axis, "int64"), reverse=int(reverse)),
    movement.reshape: lambda b, x, *, shape: b.reshape(x, shape),
    movement.transpose: lambda b, x, *, axes: b.Transpose(x, perm=list(axes)),
    movement.broadcast_to: lambda b, x, *, shape: b.Expand(x, b.ints(shape)),
    movement.concatenate: lambda b, *xs, axis: b.Concat(*xs, axis=axis),
    movement.slice: _slice,
    movement.pad: _pad,
    movement.dilate: _dilate,
    movement.flip: _flip,
    movement.iota: _iota,
    movement.dynamic_slice: _dynamic_slice,
    movement.dynamic_update_slice: _dynamic_update_slice,
    indexing.gather: lambda b, x, i, *, axis: b.Gather(x, _index(b, i), axis=axis),
    indexing.scatter_add: _scatter_add,
    indexing.take_along_axis: lambda b, x, i, *, axis: b.GatherElements(x, _index(b, i), axis=axis),
    indexing.add_along_axis: lambda b, x, i, u, *, axis: b.ScatterElements(
        x, _index(b, i), u, axis=axis, reduction="add"
    ),
    indexing.gather_points: lambda b, x, i: b.GatherND(x, b.cast(i, "int64")),
    indexing.scatter_add_points: _scatter_points,
    indexing.top_k: _top_k,
    matmul.matmul: _matmul,
    matmul.integer_matmul: _integer_matmul,
    composite.softmax: lambda b, x, *, axis: b.Softmax(x, axis=axis),
    composite.log_softmax: lambda b, x, *, axis: b.LogSoftmax(x, axis=axis),
    control.identity: _same,
    control.stop_gradient: _same,
    control.barrier: _barrier,
    control.with_gradient: lambda b, *xs, count, rule: xs[count:],
}


def _index(b: Builder, indices: Value) -> Value:
    return indices if indices.dtype in ("int32", "int64") else b.cast(indices, "int64")
