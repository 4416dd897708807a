"""Lowerings to MIL's operators: elementwise functions, reductions, movement, indexing, products."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import composite, control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.export.coreml.builder import MOST_AXES, Builder
from amalthea.export.indexing import ALONG, clipped_starts, dilate, iota
from amalthea.export.lowering import Value

Lower = Callable[..., Any]


def _operator(operator: str, **options: Any) -> Lower:
    return lambda b, *xs: b.emit(operator, xs, **options)


def _numbers(operator: str) -> Lower:
    """An operator on numbers: truths are counted."""

    def lower(b: Builder, *xs: Value) -> Value:
        if xs[0].dtype != "bool":
            return b.emit(operator, xs)
        made = b.emit(operator, [b.cast(x, "int32") for x in xs])
        return made if made.dtype == "bool" else b.cast(made, "bool")

    return lower


def _of_floats(operator: str, **options: Any) -> Lower:
    """An operator that leaves whole numbers as they are."""
    return lambda b, x: b.emit(operator, [x], **options) if dtypes.is_float(x.dtype) else x


def _where(b: Builder, condition: Value, x: Value, y: Value) -> Value:
    shape = shapes.broadcast(condition.shape, x.shape, y.shape)
    may_be_scalar = (False, bool(y.rank), bool(x.rank))  # of two scalars the operator makes one
    whole = [
        v if may and v.array is not None and not v.rank else _broadcast_to(b, v, shape=shape)
        for v, may in zip((condition, x, y), may_be_scalar)
    ]
    return b.emit("select", whole, shape, x.dtype)


def _clip(b: Builder, x: Value, *, low: float, high: float) -> Value:
    return b.emit("minimum", [b.emit("maximum", [x, b.like(low, x)]), b.like(high, x)])


def _reduce(operator: str) -> Lower:
    def lower(b: Builder, x: Value, *, axes: Any, keepdims: bool = False) -> Value:
        if not axes:
            return x
        if x.rank > MOST_AXES and len(axes) == 1:
            return _reduce_folded(lower, b, x, axes[0], keepdims)
        kept = reductions.kept_shape(x.shape, tuple(axes))
        shape = kept if keepdims else [d for a, d in enumerate(x.shape) if a not in axes]
        made = b.emit(operator, [b.cast(x, "int32") if x.dtype == "bool" else x], shape, axes=axes, keep_dims=keepdims)
        return b.cast(made, x.dtype)

    return lower


def _reduce_folded(lower: Lower, b: Builder, x: Value, axis: int, keepdims: bool) -> Value:
    """Reduce one of many axes, with those before it, and those behind, as one."""
    before, behind = x.shape[:axis], x.shape[axis + 1 :]
    made = lower(b, b.reshape(x, (shapes.size(before), x.shape[axis], shapes.size(behind))), axes=(1,))
    return b.reshape(made, (*before, *[1] * keepdims, *behind))


def _position(operator: str) -> Lower:
    def lower(b: Builder, x: Value, *, axis: int) -> Value:
        shape = [d for a, d in enumerate(x.shape) if a != axis]
        return b.emit(operator, [x], shape, "int32", axis=axis, keep_dims=False)

    return lower


def _cumsum(b: Builder, x: Value, *, axis: int, reverse: bool) -> Value:
    return b.emit("cumsum", [x], axis=axis, exclusive=False, reverse=bool(reverse))


def _broadcast_to(b: Builder, x: Value, *, shape: Any) -> Value:
    """Repeat the axes of size 1."""
    if tuple(shape) == tuple(x.shape):
        return x
    column = b.reshape(x, (*[1] * (len(shape) - x.rank), *x.shape))
    times = [d if n == 1 else 1 for n, d in zip(column.shape, shape)]
    if all(t == 1 for t in times):
        return column
    if column.array is not None and shapes.is_static(shape):
        return b.constant(np.broadcast_to(column.array, shape))
    if len(shape) > MOST_AXES:
        return _broadcast_folded(b, column, times, shape)
    return b.emit("tile", [column, b.ints(times)], shape)


def _broadcast_folded(b: Builder, x: Value, times: Any, shape: Any) -> Value:
    """Repeat some of many axes, with neighbours that are not repeated as one."""
    runs = [list(run) for _, run in itertools.groupby(zip(times, x.shape), key=lambda pair: pair[0] == 1)]
    narrow = [shapes.size([d for _, d in run]) for run in runs]
    wide = [shapes.size([t * d for t, d in run]) for run in runs]
    return b.reshape(_broadcast_to(b, b.reshape(x, narrow), shape=wide), shape)


def _concatenate(b: Builder, *xs: Value, axis: int) -> Value:
    total = sum((x.shape[axis] for x in xs[1:]), start=xs[0].shape[axis])
    return b.concatenate(xs, axis, [total if a == axis else d for a, d in enumerate(xs[0].shape)])


def _slice(b: Builder, x: Value, *, starts: Any, limits: Any, strides: Any) -> Value:
    shape = [-((start - limit) // step) for start, limit, step in zip(starts, limits, strides)]
    if tuple(shape) == tuple(x.shape):
        return x
    options: Any = {
        "begin_mask": [start == 0 for start in starts],
        "end_mask": [limit == d for limit, d in zip(limits, x.shape)],
    }
    # A masked end may be any number: without its symbol, coremltools keeps the size.
    ends = [0 if whole else limit for whole, limit in zip(options["end_mask"], limits)]
    return b.emit("slice_by_index", [x, b.ints(starts), b.ints(ends)], shape, stride=list(strides), **options)


def pad(b: Builder, x: Value, *, low: Any, high: Any, value: Any = 0) -> Value:
    """Pad each axis; negative widths crop."""
    if any(isinstance(w, int) and w < 0 for w in (*low, *high)):
        starts = [max(-w, 0) if isinstance(w, int) else 0 for w in low]
        limits = [d - max(-w, 0) if isinstance(w, int) else d for w, d in zip(high, x.shape)]
        x = _slice(b, x, starts=starts, limits=limits, strides=[1] * x.rank)
        low, high = ([max(w, 0) if isinstance(w, int) else w for w in side] for side in (low, high))
    if not any(w != 0 for w in (*low, *high)):
        return x
    shape = [lo + d + hi for lo, d, hi in zip(low, x.shape, high)]
    if not dtypes.is_float(x.dtype):
        wide = pad(b, b.cast(x, "float32"), low=low, high=high, value=float(value))
        return b.cast(wide, x.dtype)
    widths = b.ints([w for pair in zip(low, high) for w in pair])
    return b.emit("pad", [x, widths], shape, mode="constant", constant_val=np.float32(value))


def _flip(b: Builder, x: Value, *, axes: Any) -> Value:
    return b.emit("reverse", [x], axes=list(axes))


def _dynamic_slice(b: Builder, x: Value, *starts: Value, sizes: Any) -> Value:
    if not starts:
        return x
    return b.emit("slice_by_size", [x, clipped_starts(b, starts, x.shape, sizes), b.ints(sizes)], sizes)


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    """Put a block between what is before and behind it, an axis after another from the last."""
    if not starts:
        return update
    begin = clipped_starts(b, starts, x.shape, update.shape)
    counts = b.table[movement.iota]
    inside: Any = None
    rows = []
    for axis, (n, d) in enumerate(zip(x.shape, update.shape)):
        column = [n if a == axis else 1 for a in range(x.rank)]
        at = b.reshape(b.emit("slice_by_index", [begin], (1,), begin=[axis], end=[axis + 1]), [1] * x.rank)
        offset = b.emit("sub", [counts(b, shape=column, axis=axis, dtype="int32"), at])
        last = b.emit("sub", [b.reshape(b.ints([d]), [1] * x.rank), b.like(1, offset)])
        here = b.emit("logical_and", [b.emit("greater_equal", [offset, b.like(0, offset)]),
                                      b.emit("less_equal", [offset, last])])  # fmt: skip
        inside = here if inside is None else b.emit("logical_and", [inside, here])
        rows.append(b.reshape(_clipped(b, offset, last), (n,)))
    spread = update
    for axis, row in enumerate(rows):
        spread = _gather(b, spread, row, axis=axis)
    return _where(b, inside, spread, x)


def _clipped(b: Builder, x: Value, last: Value) -> Value:
    return b.emit("maximum", [b.emit("minimum", [x, last]), b.like(0, x)])


def _gather(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if len(shape) > MOST_AXES:
        before, behind = x.shape[:axis], x.shape[axis + 1 :]
        folded = b.reshape(x, (shapes.size(before), x.shape[axis], shapes.size(behind)))
        return b.reshape(_gather(b, folded, b.reshape(indices, (shapes.size(indices.shape),)), axis=1), shape)
    found = [b.cast(x, "int32") if x.dtype == "bool" else x, b.cast(indices, "int32")]
    options = {"axis": axis, "batch_dims": 0, "validate_indices": False}
    return b.cast(b.emit("gather", found, shape, **options), x.dtype)


def _gather_points(b: Builder, x: Value, indices: Value) -> Value:
    depth: Any = indices.shape[-1]
    shape = (*indices.shape[:-1], *x.shape[depth:])
    options = {"batch_dims": 0, "validate_indices": False}
    return b.emit("gather_nd", [x, b.cast(indices, "int32")], shape, **options)


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    inputs = [x, b.cast(indices, "int32"), updates]
    return b.emit("scatter_nd", inputs, x.shape, mode="add", validate_indices=False)


def _top_k(b: Builder, x: Value, *, k: int) -> list[Value]:
    types = [x.type._replace(shape=(*x.shape[:-1], k), dtype=dtype) for dtype in (x.dtype, "int32")]
    return b.several("topk", [x], types, k=k, axis=-1, ascending=False)


def _matmul(b: Builder, x: Value, y: Value, *, transpose_x: bool, transpose_y: bool) -> Value:
    rows, columns = x.shape[-1 if transpose_x else -2], y.shape[-2 if transpose_y else -1]
    shape = (*shapes.broadcast(x.shape[:-2], y.shape[:-2]), rows, columns)
    return b.emit("matmul", [x, y], shape, transpose_x=bool(transpose_x), transpose_y=bool(transpose_y))


def _power(b: Builder, x: Value, y: Value) -> Value:
    return b.cast(b.emit("pow", [b.cast(x, "float32"), b.cast(y, "float32")]), x.dtype)


def _same(b: Builder, x: Value, *_: Any, **attrs: Any) -> Value:
    return x


_FUNCTIONS = {
    p.exp: "exp", p.sqrt: "sqrt", p.square: "square", p.sin: "sin", p.cos: "cos", p.tan: "tan", p.arcsin: "asin",
    p.arccos: "acos", p.arctan: "atan", p.sinh: "sinh", p.cosh: "cosh", p.tanh: "tanh", p.arctanh: "atanh",
    p.sigmoid: "sigmoid", p.softplus: "softplus", p.erf: "erf", p.relu: "relu", p.logical_not: "logical_not",
    p.divide: "real_div", p.logical_and: "logical_and", p.logical_or: "logical_or",
}  # fmt: skip
_ARITHMETIC = {
    p.absolute: "abs", p.sign: "sign", p.add: "add", p.subtract: "sub", p.multiply: "mul",
    p.floor_divide: "floor_div", p.remainder: "mod", p.maximum: "maximum", p.minimum: "minimum", p.equal: "equal",
    p.less: "less", p.less_equal: "less_equal", p.greater: "greater", p.greater_equal: "greater_equal",
}  # fmt: skip
OPERATORS = {
    **{primitive: _operator(name) for primitive, name in _FUNCTIONS.items()},
    **{primitive: _numbers(name) for primitive, name in _ARITHMETIC.items()},
    p.negative: lambda b, x: b.emit("mul", [x, b.like(-1, x)]), p.power: _power,
    p.log: _operator("log", epsilon=np.float32(0)), p.rsqrt: _operator("rsqrt", epsilon=np.float32(0)),
    p.floor: _of_floats("floor"), p.ceil: _of_floats("ceil"), p.round: _of_floats("round"), p.select: _where,
    p.cast: lambda b, x, *, dtype: b.cast(x, dtype), p.clip: _clip,
    reductions.reduce_sum: _reduce("reduce_sum"), reductions.reduce_prod: _reduce("reduce_prod"),
    reductions.reduce_max: _reduce("reduce_max"), reductions.reduce_min: _reduce("reduce_min"),
    reductions.argmax: _position("reduce_argmax"), reductions.argmin: _position("reduce_argmin"),
    reductions.cumsum: _cumsum,
    movement.reshape: lambda b, x, *, shape: b.reshape(x, shape),
    movement.transpose: lambda b, x, *, axes: b.transpose(x, axes), movement.broadcast_to: _broadcast_to,
    movement.concatenate: _concatenate, movement.slice: _slice, movement.pad: pad, movement.dilate: dilate,
    movement.flip: _flip, movement.iota: iota("range_1d"), movement.dynamic_slice: _dynamic_slice,
    movement.dynamic_update_slice: _dynamic_update_slice,
    indexing.gather: _gather, indexing.gather_points: _gather_points, indexing.scatter_add_points: _scatter_points,
    **ALONG, indexing.top_k: _top_k, matmul.matmul: _matmul,
    composite.softmax: lambda b, x, *, axis: b.emit("softmax", [x], axis=axis),
    control.identity: _same, control.stop_gradient: _same, control.barrier: _same,
    control.with_gradient: lambda b, *xs, count, rule: xs[count:],
}  # fmt: skip
