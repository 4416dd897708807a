"""Lowerings to LiteRT operators: elementwise functions, reductions, movement, indexing, products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import composite, control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.errors import ExportError
from amalthea.export.indexing import ALONG, clipped_starts, dilate, iota, of_last_axis
from amalthea.export.litert.builder import TYPES, Builder
from amalthea.export.lowering import Value


def _operator(operator: str, **options: Any) -> Callable[..., Value]:
    return lambda b, *xs: b.emit(operator, xs, **options)


def _in(wide: str, operator: str) -> Callable[..., Value]:
    """An operator that has kernels for one dtype alone; others are cast there and back."""

    def lower(b: Builder, *xs: Value) -> Value:
        if xs[0].dtype == wide:
            return b.emit(operator, xs)
        made = b.emit(operator, [b.cast(x, wide) for x in xs])
        return made if made.dtype == "bool" else b.cast(made, xs[0].dtype)

    return lower


def _where(b: Builder, condition: Value, x: Value, y: Value) -> Value:
    return b.SELECT_V2(condition, x, y, dtype=x.dtype)


def _arctan(b: Builder, x: Value) -> Value:
    return b.ATAN2(x, b.like(1, x), shape=x.shape) if not x.rank else b.ATAN2(x, _ones(b, x))


def _ones(b: Builder, x: Value) -> Value:
    return b.BROADCAST_TO(b.like(1, x), b.ints(x.shape), shape=x.shape)


def _arctan2(b: Builder, y: Value, x: Value) -> Value:
    shape = shapes.broadcast(y.shape, x.shape)
    y, x = (v if v.shape == shape else b.BROADCAST_TO(v, b.ints(shape), shape=shape) for v in (y, x))
    return b.ATAN2(y, x)


def _arcsin(b: Builder, x: Value) -> Value:
    one = b.like(1, x)
    return b.ATAN2(x, b.SQRT(b.MUL(b.SUB(one, x), b.ADD(one, x))))


def _arccos(b: Builder, x: Value) -> Value:
    one = b.like(1, x)
    return b.ATAN2(b.SQRT(b.MUL(b.SUB(one, x), b.ADD(one, x))), x)


# Error function: x times a polynomial in x**2 up to 1.5, and the rational of Abramowitz and Stegun 7.1.26 beyond.
_NEAR = [2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(16)]
_FAR = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def _polynomial(b: Builder, x: Value, factors: Any) -> Value:
    """The polynomial with these factors, the constant first, by Horner's rule."""
    total = b.like(factors[-1], x)
    for factor in reversed(factors[:-1]):
        total = b.ADD(b.MUL(total, x), b.like(factor, x))
    return total


def _erf(b: Builder, x: Value) -> Value:
    size, one = b.ABS(x), b.like(1, x)
    near = b.MINIMUM(size, b.like(1.5, x))
    inner = b.MUL(near, _polynomial(b, b.MUL(near, near), _NEAR))
    t = b.DIV(one, b.ADD(one, b.MUL(size, b.like(0.3275911, x))))
    outer = b.SUB(one, b.MUL(b.MUL(_polynomial(b, t, _FAR), t), b.EXP(b.NEG(b.MUL(size, size)))))
    return b.MUL(b.SIGN(x), _where(b, b.LESS(size, b.like(1.5, x)), inner, outer))


def _relu(b: Builder, x: Value) -> Value:
    return b.RELU(x) if x.dtype == "float32" else b.MAXIMUM(x, b.like(0, x))


def _clip(b: Builder, x: Value, *, low: float, high: float) -> Value:
    return b.MINIMUM(b.MAXIMUM(x, b.like(low, x)), b.like(high, x))


def _cast(b: Builder, x: Value, *, dtype: str) -> Value:
    return b.cast(x, dtype)


def _floor_divide(b: Builder, x: Value, y: Value) -> Value:
    return b.FLOOR_DIV(x, y)


def _reduce(operator: str) -> Callable[..., Value]:
    def lower(b: Builder, x: Value, *, axes: Any, keepdims: bool = False) -> Value:
        if not axes:
            return x
        kept = reductions.kept_shape(x.shape, tuple(axes))
        shape = kept if keepdims else [d for a, d in enumerate(x.shape) if a not in axes]
        wide = "int32" if x.dtype == "bool" else x.dtype
        made = b.emit(operator, [b.cast(x, wide), b.ints(axes)], shape=shape, keepDims=bool(keepdims))
        return b.cast(made, x.dtype)

    return lower


def _sum(b: Builder, x: Value, *, axes: Any, keepdims: bool = False) -> Value:
    """A sum; in a file of integers, a mean times a count, for the quantizer gives a sum the range of its elements."""
    count = math.prod(d for a, d in enumerate(x.shape) if a in axes and isinstance(d, int))
    known = all(isinstance(x.shape[a], int) for a in axes)
    if not (b.model.integers and x.dtype == "float32" and known and count > 1):
        return _reduce("SUM")(b, x, axes=axes, keepdims=keepdims)
    return b.MUL(_reduce("MEAN")(b, x, axes=axes, keepdims=keepdims), b.like(count, x))


def _rsqrt(b: Builder, x: Value) -> Value:
    """In a file of integers, by operators that the quantizer leaves as floats: the values span too many sizes."""
    return b.DIV(b.like(1, x), b.SQRT(x)) if b.model.integers else b.RSQRT(x)


def _position(operator: str) -> Callable[..., Value]:
    def lower(b: Builder, x: Value, *, axis: int) -> Value:
        shape = [d for a, d in enumerate(x.shape) if a != axis]
        axes = b.constant(axis, "int32")
        return b.emit(operator, [x, axes], shape=shape, dtype="int32", outputType=TYPES["int32"])

    return lower


def _cumsum(b: Builder, x: Value, *, axis: int, reverse: bool) -> Value:
    return b.CUMSUM(x, b.constant(axis, "int32"), shape=x.shape, exclusive=False, reverse=reverse)


def _broadcast_to(b: Builder, x: Value, *, shape: Any) -> Value:
    return b.BROADCAST_TO(x, b.ints(shape), shape=shape)


def _concatenate(b: Builder, *xs: Value, axis: int) -> Value:
    total = sum((x.shape[axis] for x in xs[1:]), start=xs[0].shape[axis])
    shape = [total if a == axis else d for a, d in enumerate(xs[0].shape)]
    return b.CONCATENATION(*xs, shape=shape, axis=axis)


def _slice(b: Builder, x: Value, *, starts: Any, limits: Any, strides: Any) -> Value:
    shape = [-((start - limit) // step) for start, limit, step in zip(starts, limits, strides)]
    if all(s == 1 for s in strides):
        return b.SLICE(x, b.ints(starts), b.ints(shape), shape=shape)
    return b.STRIDED_SLICE(
        x, b.ints(starts), b.ints(limits), b.ints(strides), shape=shape,
        beginMask=0, endMask=0, ellipsisMask=0, newAxisMask=0, shrinkAxisMask=0,
    )  # fmt: skip


def pad(b: Builder, x: Value, *, low: Any, high: Any, value: Any = 0) -> Value:
    """Pad each axis; negative widths crop."""
    if any(isinstance(w, int) and w < 0 for w in (*low, *high)):
        starts = [max(-w, 0) if isinstance(w, int) else 0 for w in low]
        limits = [d - max(-w, 0) if isinstance(w, int) else d for w, d in zip(high, x.shape)]
        x = _slice(b, x, starts=starts, limits=limits, strides=[1] * x.rank)
        low, high = ([max(w, 0) if isinstance(w, int) else w for w in side] for side in (low, high))
    shape = [lo + d + hi for lo, d, hi in zip(low, x.shape, high)]
    if not any(w != 0 for w in (*low, *high)):
        return b.reshape(x, shape)
    widths = b.ints([w for pair in zip(low, high) for w in pair])
    pairs = b.reshape(widths, (x.rank, 2))
    if value == 0:  # the quantizer knows this one alone
        return b.PAD(x, pairs, shape=shape)
    return b.PADV2(x, pairs, b.constant([value], x.dtype), shape=shape)


def _flip(b: Builder, x: Value, *, axes: Any) -> Value:
    for axis in axes:  # the operator reverses neighbouring axes alone
        x = b.REVERSE_V2(x, b.ints([axis]), shape=x.shape)
    return x


def _dynamic_slice(b: Builder, x: Value, *starts: Value, sizes: Any) -> Value:
    if not starts:
        return x
    return b.SLICE(x, clipped_starts(b, starts, x.shape, sizes), b.ints(sizes), shape=sizes)


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    if not starts:
        return update
    begin = clipped_starts(b, starts, x.shape, update.shape)
    return b.DYNAMIC_UPDATE_SLICE(x, update, begin, shape=x.shape)


def _gather(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return b.GATHER(x, b.cast(indices, "int32"), shape=shape, axis=axis, batchDims=0)


def _gather_points(b: Builder, x: Value, indices: Value) -> Value:
    depth: Any = indices.shape[-1]
    shape = (*indices.shape[:-1], *x.shape[depth:])
    return b.GATHER_ND(x, b.cast(indices, "int32"), shape=shape)


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    sums = b.SCATTER_ND(b.cast(indices, "int32"), updates, b.ints(x.shape), shape=x.shape, dtype=x.dtype)
    return b.ADD(x, sums)


def _top_k(b: Builder, x: Value, *, k: int) -> list[Value]:
    shape = (*x.shape[:-1], k)
    types = [x.type._replace(shape=shape), x.type._replace(shape=shape, dtype="int32")]
    return b.several("TOPK_V2", [x, b.constant(k, "int32")], types)


def _matmul(b: Builder, x: Value, y: Value, *, transpose_x: bool, transpose_y: bool) -> Value:
    if not dtypes.is_float(x.dtype):
        raise ExportError("LiteRT multiplies matrices of floats alone.", got=x.dtype, cure="ops.cast(x, 'float32')")
    rows, columns = x.shape[-1 if transpose_x else -2], y.shape[-2 if transpose_y else -1]
    shape = (*shapes.broadcast(x.shape[:-2], y.shape[:-2]), rows, columns)
    if x.rank == y.rank == 2 and y.array is not None and not transpose_x and x.dtype == "float32":
        kernel = b.constant(y.array if transpose_y else y.array.T)
        return b.FULLY_CONNECTED(x, kernel, None, shape=shape)
    return b.BATCH_MATMUL(x, y, shape=shape, adjX=transpose_x, adjY=transpose_y)


def _integer_matmul(b: Builder, x: Value, y: Value) -> Value:
    """A product of bytes: sums of up to 1,024 products are exact in floats, and are added as integers."""
    inner, total = x.shape[1], None
    if not isinstance(inner, int):
        raise ExportError("LiteRT needs the size of what integer weights multiply.", got=str(x.type))
    for start in range(0, inner, 1024):
        end = min(start + 1024, inner)
        left = _slice(b, x, starts=[0, start], limits=[x.shape[0], end], strides=[1, 1])
        right = _slice(b, y, starts=[start, 0], limits=[end, y.shape[1]], strides=[1, 1])
        shape = (x.shape[0], y.shape[1])
        part = b.BATCH_MATMUL(b.cast(left, "float32"), b.cast(right, "float32"), shape=shape, adjX=False, adjY=False)
        part = b.cast(part, "int32")
        total = part if total is None else b.ADD(total, part)
    return total if total is not None else _broadcast_to(b, b.constant(0, "int32"), shape=(x.shape[0], y.shape[1]))


def _same(b: Builder, x: Value, *_: Any, **attrs: Any) -> Value:
    return x


OPERATORS = {
    p.negative: _operator("NEG"), p.exp: _operator("EXP"), p.log: _operator("LOG"),
    p.sqrt: _operator("SQRT"), p.rsqrt: _rsqrt, p.square: lambda b, x: b.MUL(x, x),
    p.sin: _operator("SIN"), p.cos: _operator("COS"), p.tan: lambda b, x: b.DIV(b.SIN(x), b.COS(x)),
    p.arcsin: _arcsin, p.arccos: _arccos, p.arctan: _arctan, p.arctan2: _arctan2,
    p.tanh: _operator("TANH"),
    p.sigmoid: _operator("LOGISTIC"), p.erf: _erf, p.relu: _relu, p.absolute: _operator("ABS"),
    p.sign: _in("float32", "SIGN"), p.floor: _operator("FLOOR"), p.ceil: _operator("CEIL"),
    p.round: _operator("ROUND"),
    p.logical_not: _operator("LOGICAL_NOT"),
    p.add: _operator("ADD"), p.subtract: _operator("SUB"), p.multiply: _operator("MUL"), p.divide: _operator("DIV"),
    p.floor_divide: _floor_divide, p.remainder: _operator("FLOOR_MOD"), p.power: _operator("POW"),
    p.maximum: _operator("MAXIMUM"), p.minimum: _operator("MINIMUM"), p.equal: _operator("EQUAL"),
    p.less: _operator("LESS"), p.less_equal: _operator("LESS_EQUAL"), p.greater: _operator("GREATER"),
    p.greater_equal: _operator("GREATER_EQUAL"), p.logical_and: _operator("LOGICAL_AND"),
    p.logical_or: _operator("LOGICAL_OR"), p.bitwise_xor: _operator("BITWISE_XOR"),
    p.right_shift: _operator("RIGHT_SHIFT"), p.select: _where, p.cast: _cast, p.clip: _clip,
    reductions.reduce_sum: _sum, reductions.reduce_prod: _reduce("REDUCE_PROD"),
    reductions.reduce_max: _reduce("REDUCE_MAX"), reductions.reduce_min: _reduce("REDUCE_MIN"),
    reductions.argmax: _position("ARG_MAX"), reductions.argmin: _position("ARG_MIN"), reductions.cumsum: _cumsum,
    movement.reshape: lambda b, x, *, shape: b.reshape(x, shape),
    movement.transpose: lambda b, x, *, axes: b.transpose(x, axes), movement.broadcast_to: _broadcast_to,
    movement.concatenate: _concatenate, movement.slice: _slice, movement.pad: pad, movement.dilate: dilate,
    movement.flip: _flip, movement.iota: iota("RANGE"), movement.dynamic_slice: _dynamic_slice,
    movement.dynamic_update_slice: _dynamic_update_slice,
    indexing.gather: _gather, indexing.gather_points: _gather_points, indexing.scatter_add_points: _scatter_points,
    **ALONG, indexing.top_k: _top_k, matmul.matmul: _matmul,
    matmul.integer_matmul: _integer_matmul,
    composite.softmax: of_last_axis(lambda b, x: b.SOFTMAX(x, beta=1.0)),
    composite.log_softmax: of_last_axis(lambda b, x: b.LOG_SOFTMAX(x)),
    control.identity: _same, control.stop_gradient: _same, control.barrier: _same,
    control.with_gradient: lambda b, *xs, count, rule: xs[count:],
}  # fmt: skip
