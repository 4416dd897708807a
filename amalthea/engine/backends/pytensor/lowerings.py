"""Lowerings to one function of PyTensor, or to a few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pytensor.tensor.elemwise import Elemwise

from amalthea.engine.backends.pytensor.operators import AsType, cast, like, pt, shift
from amalthea.engine.primitives import Primitive, composite, control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p


def _softplus(x):
    return pt.add(pt.maximum(x, like(0, x)), pt.log1p(pt.exp(pt.neg(abs(x)))))


def _clip(x, *, low, high):
    return pt.minimum(pt.maximum(x, like(low, x)), like(high, x))


def _reduce(function: Callable[..., Any]):
    return lambda x, *, axes, keepdims: function(x, axis=axes, keepdims=keepdims) if axes else x


def _sum_like(function: Callable[..., Any]):
    """A reduction in the dtype of the elements; float16 accumulates in float32."""

    def run(x, *, axes, keepdims):
        wide = "float32" if x.dtype == "float16" else x.dtype
        return function(x, axis=axes, keepdims=keepdims, dtype=x.dtype, acc_dtype=wide) if axes else x

    return run


def _cumulative(function: Callable[..., Any]):
    """NumPy accumulates int32 in int64, although PyTensor declares int32, so the dtype is set again."""

    def run(x, *, axis, reverse):
        out = AsType(x.dtype)(function(flip(x, axes=(axis,)) if reverse else x, axis=axis))
        return flip(out, axes=(axis,)) if reverse else out

    return run


def flip(x, *, axes):
    return x[tuple(slice(None, None, -1 if axis in axes else None) for axis in range(x.ndim))]


def _embed(x, shape, starts, strides, value: float = 0):
    """Put ``x`` into a larger array of one value."""
    limits = [a + (d - 1) * s + 1 for a, d, s in zip(starts, x.type.shape, strides)]
    return pt.set_subtensor(pt.alloc(like(value, x), *shape)[tuple(map(slice, starts, limits, strides))], x)


def pad(x, *, low, high, value: float = 0):
    return _embed(x, [a + d + b for a, d, b in zip(low, x.type.shape, high)], low, [1] * x.ndim, value)


def _dilate(x, *, steps):
    return _embed(x, [(d - 1) * s + 1 for d, s in zip(x.type.shape, steps)], [0] * x.ndim, steps)


def _block(x, starts, sizes):
    room = [d - n for d, n in zip(x.type.shape, sizes)]
    inside = [pt.maximum(pt.minimum(cast(s, dtype="int64"), n), 0) for s, n in zip(starts, room)]
    return x[tuple(slice(s, s + n) for s, n in zip(inside, sizes))]


def _dynamic_update(x, update, *starts):
    return pt.set_subtensor(_block(x, starts, update.type.shape), update) if starts else update


def _along(x, indices, axis):
    return x[(slice(None),) * axis + (indices,)]


def _each(x, indices, axis):
    grid: list[Any] = list(np.indices(indices.type.shape, sparse=True))
    grid[axis] = indices
    return x[tuple(grid)]


def _points(x, indices):
    return x[tuple(indices[..., i] for i in range(indices.type.shape[-1]))]


def _top_k(x, *, k):
    falling = pt.invert(x) if x.dtype[0] in "iub" else pt.neg(x)
    order = pt.argsort(falling, axis=-1, kind="stable")[..., :k]
    return _each(x, pt.specify_shape(order, (*x.type.shape[:-1], k)), x.ndim - 1), order


def _matmul(x, y, *, transpose_x, transpose_y):
    x = pt.swapaxes(x, -1, -2) if transpose_x else x
    return pt.matmul(x, pt.swapaxes(y, -1, -2) if transpose_y else y)


def _soft(function: Callable[..., Any]):
    """Softmax in float32 for float16, which PyTensor does not support here."""
    return lambda x, *, axis: function(cast(x, dtype="float32") if x.dtype == "float16" else x, axis=axis)


def _same(x, *_: Any, **attrs: Any):
    return x


OPERATOR_LOWERINGS: dict[Primitive, Any] = {
    p.negative: pt.neg, p.exp: pt.exp, p.expm1: pt.expm1, p.log: pt.log, p.log1p: pt.log1p, p.sqrt: pt.sqrt,
    p.rsqrt: lambda x: pt.reciprocal(pt.sqrt(x)), p.reciprocal: pt.reciprocal, p.square: pt.sqr, p.sin: pt.sin,
    p.cos: pt.cos, p.tan: pt.tan, p.arcsin: pt.arcsin, p.arccos: pt.arccos, p.arctan: pt.arctan, p.sinh: pt.sinh,
    p.cosh: pt.cosh, p.tanh: pt.tanh, p.arcsinh: pt.arcsinh, p.arccosh: pt.arccosh, p.arctanh: pt.arctanh,
    p.sigmoid: pt.sigmoid, p.softplus: _softplus, p.erf: pt.erf, p.relu: lambda x: pt.maximum(x, like(0, x)),
    p.absolute: abs, p.sign: pt.sign, p.floor: pt.floor, p.ceil: pt.ceil, p.round: pt.round_half_to_even,
    p.isnan: pt.isnan, p.isinf: pt.isinf, p.logical_not: pt.invert, p.add: pt.add, p.subtract: pt.sub,
    p.multiply: pt.mul, p.divide: pt.true_div, p.floor_divide: pt.int_div, p.remainder: pt.mod, p.power: pt.pow,
    p.maximum: pt.maximum, p.minimum: pt.minimum, p.arctan2: pt.arctan2, p.equal: pt.eq, p.less: pt.lt,
    p.less_equal: pt.le, p.greater: pt.gt, p.greater_equal: pt.ge, p.logical_and: pt.and_, p.logical_or: pt.or_,
    p.bitwise_and: pt.and_, p.bitwise_or: pt.or_, p.bitwise_xor: pt.xor,
    p.left_shift: Elemwise(shift(np.left_shift)), p.right_shift: Elemwise(shift(np.right_shift)),
    p.select: pt.switch, p.clip: _clip, p.cast: cast,
    reductions.reduce_sum: _sum_like(pt.sum), reductions.reduce_prod: _sum_like(pt.prod),
    reductions.reduce_max: _reduce(pt.max), reductions.reduce_min: _reduce(pt.min),
    reductions.argmax: lambda x, *, axis: pt.argmax(x, axis=axis),
    reductions.argmin: lambda x, *, axis: pt.argmin(x, axis=axis),
    reductions.cumsum: _cumulative(pt.cumsum), reductions.cumprod: _cumulative(pt.cumprod),
    movement.reshape: lambda x, *, shape: pt.reshape(x, shape),
    movement.transpose: lambda x, *, axes: pt.transpose(x, axes),
    movement.broadcast_to: lambda x, *, shape: pt.alloc(x, *shape),
    movement.concatenate: lambda *xs, axis: pt.concatenate(xs, axis=axis),
    movement.slice: lambda x, *, starts, limits, strides: x[tuple(map(slice, starts, limits, strides))],
    movement.pad: pad, movement.dilate: _dilate, movement.flip: flip,
    movement.iota: lambda **attrs: pt.constant(np.array(movement.iota.reference(**attrs))),
    movement.dynamic_slice: lambda x, *starts, sizes: _block(x, starts, sizes),
    movement.dynamic_update_slice: _dynamic_update,
    indexing.gather: lambda x, i, *, axis: _along(x, i, axis),
    indexing.scatter_add: lambda x, i, u, *, axis: pt.inc_subtensor(_along(x, i, axis), u),
    indexing.take_along_axis: lambda x, i, *, axis: _each(x, i, axis),
    indexing.add_along_axis: lambda x, i, u, *, axis: pt.inc_subtensor(_each(x, i, axis), u),
    indexing.gather_points: _points,
    indexing.scatter_add_points: lambda x, i, u: pt.inc_subtensor(_points(x, i), u),
    indexing.top_k: _top_k, matmul.matmul: _matmul,
    composite.softmax: _soft(pt.special.softmax), composite.log_softmax: _soft(pt.special.log_softmax),
    control.identity: _same, control.stop_gradient: _same, control.barrier: _same,
    control.with_gradient: lambda *xs, count, rule: xs[count:],
}  # fmt: skip
