"""The lowering table: TensorFlow's function for every primitive, and eager execution.

A primitive without a kernel for a dtype is computed in a wider dtype and cast back: bools as int32, unsigned integers
and matrix products of small integers as int64 (exact in the bits that remain), convolutions and average pools of
integers as float64 (exact up to 2**53).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from amalthea.engine.backends.tensorflow import linear_algebra, windows
from amalthea.engine.backends.tensorflow.arrays import DTYPES, tf, to_tensor
from amalthea.engine.backends.tensorflow.control import lowerings as subgraph_lowerings
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import (
    Primitive,
    bits,
    collectives,
    complex_numbers,
    composite,
    control,
    indexing,
    matmul,
    movement,
    random,
    reductions,
)
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w

# ---------------------------------------------------------------------------------------- elementwise


def _floats_only(function):
    """A lowering that returns integers unchanged."""
    return lambda x: function(x) if x.dtype.is_floating else x


def _test(function):
    return lambda x: function(x) if x.dtype.is_floating else tf.zeros(x.shape, tf.bool)


def _absolute(x):
    return x if x.dtype.is_unsigned else tf.abs(x)


def _sign(x):
    return tf.minimum(x, tf.constant(1, x.dtype)) if x.dtype.is_unsigned else tf.sign(x)


def _floor_divide(x, y):
    """Like Python: a finite number divided by an infinity of the other sign is -1, not -0."""
    if not x.dtype.is_floating:
        return tf.math.floordiv(x, y)
    below = tf.math.is_inf(y) & tf.math.is_finite(x) & (x * tf.sign(y) < 0)
    return tf.where(below, -tf.ones((), x.dtype), tf.math.floordiv(x, y))


def _safe_divide(function):
    """Integer division by 0 is 0, as in NumPy; TensorFlow raises an error."""

    def divide(x, y):
        if x.dtype.is_floating:
            return function(x, y)
        none = tf.equal(y, tf.zeros((), y.dtype))
        safe = function(x, tf.where(none, tf.ones((), y.dtype), y))
        return tf.where(none, tf.zeros((), y.dtype), safe)

    return divide


def _clip(x, *, low, high):
    low, high = (tf.constant(bound, x.dtype) for bound in (low, high))
    return tf.minimum(tf.maximum(x, low), high)


# ------------------------------------------------------------------------------- moving and indexing


def _slice(x, *, starts, limits, strides):
    if all(step == 1 for step in strides):
        return tf.slice(x, starts, [b - a for a, b in zip(starts, limits)])
    return tf.strided_slice(x, starts, limits, strides)


def _pad(x, *, low, high, value):
    widths = list(zip(low, high))
    return tf.pad(x, widths, constant_values=tf.constant(value, x.dtype)) if value else tf.pad(x, widths)


def _dilate(x, *, steps):
    shape = [(n - 1) * step + 1 for n, step in zip(x.shape, steps)]
    begin = [0] * len(shape)
    return tf.raw_ops.StridedSliceGrad(shape=shape, begin=begin, end=shape, strides=steps, dy=x)


def _iota(*, shape, axis, dtype):
    counts = tf.cast(tf.range(shape[axis]), DTYPES[dtype])
    return tf.broadcast_to(tf.reshape(counts, [-1 if i == axis else 1 for i in range(len(shape))]), shape)


def _starts(starts, shape, sizes):
    """Return start indices, clipped so that the block lies inside."""
    return tf.stack([tf.clip_by_value(tf.cast(s, tf.int64), 0, d - n) for s, d, n in zip(starts, shape, sizes)])


def _dynamic_slice(x, *starts, sizes):
    return tf.slice(x, _starts(starts, x.shape, sizes), tf.constant(sizes, tf.int64)) if starts else x


def _dynamic_update(x, update, *starts):
    if not starts:
        return update
    begin = _starts(starts, x.shape, update.shape)
    end = begin + tf.constant(tuple(update.shape), tf.int64)
    ones = tf.ones_like(begin)
    return tf.raw_ops.TensorStridedSliceUpdate(input=x, begin=begin, end=end, strides=ones, value=update)


def _non_negative(indices, size) -> Any:
    """Return indices in a dtype that TensorFlow accepts, with negative ones counted from the start."""
    if indices.dtype not in (tf.int32, tf.int64):
        indices = tf.cast(indices, tf.int64)
    return tf.where(indices < 0, indices + size, indices)


def _points(x, indices):
    sizes = tf.constant(tuple(x.shape[: indices.shape[-1]]), DTYPES[type_of(indices).dtype])
    return _non_negative(indices, sizes)


def _front(x, axis, count=1):
    """Move some axes to the front."""
    moved = range(axis, axis + count)
    return tf.transpose(x, (*moved, *(i for i in range(x.ndim) if i not in moved)))


def _unfront(x, axis):
    return tf.transpose(x, (*range(1, axis + 1), 0, *range(axis + 1, x.ndim)))


def _add_at(x, points, updates):
    """Add at points; TensorFlow refuses updates of arrays without elements."""
    return x if 0 in x.shape else tf.tensor_scatter_nd_add(x, points, updates)


def _scatter_add(x, indices, updates, *, axis):
    if indices.ndim == 0:  # the kernel needs a vector of indices
        indices, updates = indices[None], tf.expand_dims(updates, axis)
    column = _non_negative(indices, x.shape[axis])[..., None]
    if axis == 0:
        return _add_at(x, column, updates)
    return _unfront(_add_at(_front(x, axis), column, _front(updates, axis, indices.ndim)), axis)


def _along(x, indices, axis):
    """Return the full coordinates of indices along one axis."""
    indices = _non_negative(indices, x.shape[axis])
    grid = tf.meshgrid(*(tf.range(n, dtype=indices.dtype) for n in indices.shape), indexing="ij")
    return tf.stack([indices if i == axis else axis_indices for i, axis_indices in enumerate(grid)], axis=-1)


def _top_k(x, *, k):
    values, indices = tf.math.top_k(x, k, sorted=True)
    return values, indices


# -------------------------------------------------------------------------------------- the other primitives


def _reduce(function):
    return lambda x, *, axes, keepdims: function(x, axis=axes, keepdims=keepdims) if axes else x


def _matmul(x, y, *, transpose_x, transpose_y):
    if x.ndim > 2 and y.ndim == 2 and not transpose_x:  # one large product instead of one per batch element
        rows = tf.reshape(x, (-1, x.shape[-1]))
        out = tf.linalg.matmul(rows, y, transpose_b=transpose_y)
        return tf.reshape(out, (*x.shape[:-1], out.shape[-1]))
    return tf.linalg.matmul(x, y, transpose_a=transpose_x, transpose_b=transpose_y)


def _random(function):
    """Stateless Philox random numbers.

    XLA on a CPU orders them differently (TensorFlow 2.21), so its numbers differ.
    """

    return lambda key, *, shape, dtype: function(shape, tf.bitcast(key, tf.int32), dtype=DTYPES[dtype], alg="philox")


def _barrier(x, after, *, tag):
    with tf.control_dependencies([after]):
        return tf.identity(x)


def _same(x, *_: Any, **attrs: Any):
    return x


def _exchange(*xs, gathers, group):
    if group.size == 1:
        return xs
    types = collectives.exchange.types([type_of(x) for x in xs], {"gathers": gathers, "group": group})
    made = tf.numpy_function(lambda *arrays: group.exchange(arrays, gathers), xs, [x.dtype for x in xs])
    return tuple(tf.ensure_shape(y, t.shape) for y, t in zip(made, types))


LOWERINGS: dict[Primitive, Any] = {
    p.negative: tf.negative, p.exp: tf.exp, p.expm1: tf.math.expm1, p.log: tf.math.log, p.log1p: tf.math.log1p,
    p.sqrt: tf.sqrt, p.rsqrt: tf.math.rsqrt, p.reciprocal: tf.math.reciprocal, p.square: tf.square, p.sin: tf.sin,
    p.cos: tf.cos, p.tan: tf.tan, p.arcsin: tf.asin, p.arccos: tf.acos, p.arctan: tf.atan, p.sinh: tf.sinh,
    p.cosh: tf.cosh, p.tanh: tf.tanh, p.arcsinh: tf.asinh, p.arccosh: tf.acosh, p.arctanh: tf.atanh,
    p.sigmoid: tf.sigmoid, p.softplus: tf.math.softplus, p.erf: tf.math.erf, p.relu: tf.nn.relu,
    p.absolute: _absolute, p.sign: _sign, p.floor: _floats_only(tf.floor), p.ceil: _floats_only(tf.math.ceil),
    p.round: _floats_only(tf.round), p.isnan: _test(tf.math.is_nan), p.isinf: _test(tf.math.is_inf),
    p.logical_not: tf.logical_not, p.add: tf.add, p.subtract: tf.subtract, p.multiply: tf.multiply,
    p.divide: tf.divide, p.floor_divide: _safe_divide(_floor_divide), p.remainder: _safe_divide(tf.math.floormod),
    p.power: tf.pow, p.maximum: tf.maximum, p.minimum: tf.minimum, p.arctan2: tf.atan2, p.equal: tf.equal,
    p.less: tf.less, p.less_equal: tf.less_equal, p.greater: tf.greater, p.greater_equal: tf.greater_equal,
    p.logical_and: tf.logical_and, p.logical_or: tf.logical_or, p.bitwise_and: tf.bitwise.bitwise_and,
    p.bitwise_or: tf.bitwise.bitwise_or, p.bitwise_xor: tf.bitwise.bitwise_xor,
    p.left_shift: tf.bitwise.left_shift, p.right_shift: tf.bitwise.right_shift, p.select: tf.where,
    bits.bitcast: lambda x, *, dtype: tf.bitcast(x, dtype),
    p.clip: _clip, p.cast: lambda x, *, dtype: tf.cast(x, DTYPES[dtype]),
    reductions.reduce_sum: _reduce(tf.reduce_sum), reductions.reduce_prod: _reduce(tf.reduce_prod),
    reductions.reduce_max: _reduce(tf.reduce_max), reductions.reduce_min: _reduce(tf.reduce_min),
    reductions.argmax: lambda x, *, axis: tf.argmax(x, axis, output_type=tf.int32),
    reductions.argmin: lambda x, *, axis: tf.argmin(x, axis, output_type=tf.int32),
    reductions.cumsum: lambda x, *, axis, reverse: tf.cumsum(x, axis, reverse=reverse),
    reductions.cumprod: lambda x, *, axis, reverse: tf.math.cumprod(x, axis, reverse=reverse),
    movement.reshape: lambda x, *, shape: tf.reshape(x, shape),
    movement.transpose: lambda x, *, axes: tf.transpose(x, axes),
    movement.broadcast_to: lambda x, *, shape: tf.broadcast_to(x, shape),
    movement.concatenate: lambda *xs, axis: tf.concat(xs, axis),
    movement.slice: _slice, movement.pad: _pad, movement.dilate: _dilate,
    movement.flip: lambda x, *, axes: tf.reverse(x, axes), movement.iota: _iota,
    movement.dynamic_slice: _dynamic_slice, movement.dynamic_update_slice: _dynamic_update,
    indexing.gather: lambda x, i, *, axis: tf.gather(x, _non_negative(i, x.shape[axis]), axis=axis),
    indexing.scatter_add: _scatter_add,
    indexing.take_along_axis: lambda x, i, *, axis: tf.gather_nd(x, _along(x, i, axis)),
    indexing.add_along_axis: lambda x, i, u, *, axis: _add_at(x, _along(x, i, axis), u),
    indexing.gather_points: lambda x, i: tf.gather_nd(x, _points(x, i)),
    indexing.scatter_add_points: lambda x, i, u: _add_at(x, _points(x, i), u),
    indexing.top_k: _top_k, matmul.matmul: _matmul,
    matmul.integer_matmul: lambda x, y: tf.linalg.matmul(x, y, output_type=tf.int32),
    w.conv: windows.conv, w.conv_input_gradient: windows.conv_input_gradient,
    w.conv_kernel_gradient: windows.conv_kernel_gradient, w.max_pool: windows.max_pool,
    w.max_pool_gradient: windows.max_pool_gradient, w.avg_pool: windows.avg_pool,
    w.avg_pool_gradient: windows.avg_pool_gradient,
    random.random_uniform: _random(tf.random.stateless_uniform),
    random.random_normal: _random(tf.random.stateless_normal),
    p.relu_gradient: lambda g, out: tf.raw_ops.ReluGrad(gradients=g, features=out),
    composite.softmax: lambda x, *, axis: tf.nn.softmax(x, axis),
    composite.log_softmax: lambda x, *, axis: tf.nn.log_softmax(x, axis),
    control.identity: _same, control.stop_gradient: tf.stop_gradient, control.barrier: _barrier,
    control.with_gradient: lambda *xs, count, rule: xs[count:],
    complex_numbers.from_parts: tf.complex, complex_numbers.real: tf.math.real,
    complex_numbers.imag: tf.math.imag, complex_numbers.conj: tf.math.conj,
    control.native_call: lambda *xs, function, types: tuple(map(to_tensor, function(*xs))),
    collectives.exchange: _exchange,
}  # fmt: skip

_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_WINDOWS = {primitive for primitive in LOWERINGS if primitive.name.startswith(("conv", "avg_pool"))}
_WITH_BOOLS = {
    p.cast, p.select, p.equal, p.logical_not, p.logical_and, p.logical_or, p.isnan, p.isinf, p.floor, p.ceil, p.round,
    reductions.argmax, reductions.argmin, indexing.gather, indexing.take_along_axis, indexing.gather_points,
    *(primitive for primitive in LOWERINGS if primitive.__module__ in (movement.__name__, control.__name__)),
}  # fmt: skip


@cache
def _wider(primitive: Primitive, dtype: str) -> str:
    """Return the dtype in which TensorFlow computes this primitive on a dtype."""
    if dtype == "bool":
        return "bool" if primitive in _WITH_BOOLS or primitive in _SUBGRAPH_LOWERINGS else "int32"
    if primitive in (p.negative, p.power) and dtype in _UNSIGNED:
        return "int64"
    if primitive is matmul.matmul and dtype in (*_UNSIGNED, "int8", "int16"):
        return "int64"
    if primitive is w.max_pool and dtype in ("uint32", "uint64"):
        return "int64"
    return "float64" if primitive in _WINDOWS and "int" in dtype else dtype


def run(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Run one primitive on eager tensors or on tensors of a tf.function."""
    tensors = [to_tensor(x) for x in inputs]
    wide = [_wider(primitive, x.dtype.name) for x in tensors]
    if all(name == x.dtype.name for name, x in zip(wide, tensors)):
        return LOWERINGS[primitive](*tensors, **attrs)
    types = primitive.types([type_of(x) for x in tensors], attrs)
    result = LOWERINGS[primitive](*(to_tensor(x, name) for x, name in zip(tensors, wide)), **attrs)
    cut = [to_tensor(x, t.dtype) for x, t in zip((result,) if primitive.single else result, types)]
    return cut[0] if primitive.single else tuple(cut)


_SUBGRAPH_LOWERINGS = subgraph_lowerings(run)
LOWERINGS.update(_SUBGRAPH_LOWERINGS)
LOWERINGS.update(linear_algebra.lowerings(run))
