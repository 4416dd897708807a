"""The lowering table: PyTorch's function for every primitive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from amalthea.engine.backends.torch.arrays import NAMES, to_numpy, to_tensor, where
from amalthea.engine.backends.torch.linear_algebra import LINEAR_ALGEBRA_LOWERINGS
from amalthea.engine.backends.torch.normalization import NORMALIZATION_LOWERINGS
from amalthea.engine.backends.torch.rnn import RNN_LOWERINGS
from amalthea.engine.backends.torch.windows import WINDOW_LOWERINGS
from amalthea.engine.ir.graph import Graph
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

# ------------------------------------------------------------------------------- moving and indexing


def _slice(x, *, starts, limits, strides):
    return x[tuple(slice(a, b, s) for a, b, s in zip(starts, limits, strides))]


def _pad(x, *, low, high, value):
    widths = [width for pair in reversed(list(zip(low, high))) for width in pair]
    return F.pad(x, widths, value=value)


def _dilate(x, *, steps):
    out = x.new_zeros([(d - 1) * s + 1 for d, s in zip(x.shape, steps)])
    out[tuple(slice(None, None, s) for s in steps)] = x
    return out


def _iota(*, shape, axis, dtype):
    counts = torch.arange(shape[axis], device=where()).to(NAMES[dtype])
    return counts.reshape([-1 if i == axis else 1 for i in range(len(shape))]).expand(shape)


def _block(x, starts, sizes):
    starts = [min(max(int(s), 0), d - n) for s, d, n in zip(starts, x.shape, sizes)]
    return tuple(slice(s, s + n) for s, n in zip(starts, sizes))


def _dynamic_update(x, update, *starts):
    out = x.clone()
    out[_block(x, starts, update.shape)] = update
    return out


def _non_negative(indices, size):
    """Return indices as int64, with negative ones counted from the start."""
    indices = indices.long()
    return torch.where(indices < 0, indices + size, indices)


def _gather(x, indices, *, axis):
    flat = torch.index_select(x, axis, _non_negative(indices, x.shape[axis]).reshape(-1))
    return flat.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _scatter_add(x, indices, updates, *, axis):
    flat = updates.reshape(*x.shape[:axis], indices.numel(), *x.shape[axis + 1 :])
    return x.index_add(axis, _non_negative(indices, x.shape[axis]).reshape(-1), flat)


def _points(x, indices):
    return tuple(_non_negative(i, n) for i, n in zip(indices.unbind(-1), x.shape))


def _top_k(x, *, k):
    values, indices = torch.sort(x, dim=-1, descending=True, stable=True)
    return values[..., :k], indices[..., :k].int()


# --------------------------------------------------------------------------- random numbers, control


def _generator(key):
    """Return a generator for a key. Its seed mixes both numbers of the key: the CPU generator uses 32 bits only."""
    mixed = np.random.SeedSequence([int(v) for v in key.tolist()]).generate_state(1)
    return torch.Generator(where()).manual_seed(int(mixed[0]))


def _random(function):
    return lambda key, *, shape, dtype: function(shape, generator=_generator(key), dtype=NAMES[dtype], device=where())


# In the lowerings of cond, while_loop and scan, a subgraph is a compiled function of a list of values.


def _cond(predicate, *operands, true_graph, false_graph):
    return tuple((true_graph if bool(predicate) else false_graph)(operands))


def _while_loop(*operands, condition, body, captures):
    fixed, carry = operands[:captures], operands[captures:]
    while bool(condition((*fixed, *carry))[0]):
        carry = body((*fixed, *carry))
    return tuple(carry)


def _scan(*operands, body, types, captures, carries, length, reverse):
    fixed, carry = operands[:captures], operands[captures : captures + carries]
    sequences = [x.unbind() for x in operands[captures + carries :]]
    kept: list[Any] = [None] * length
    for step in range(length)[::-1] if reverse else range(length):
        outputs = body((*fixed, *carry, *[x[step] for x in sequences]))
        carry, kept[step] = outputs[:carries], outputs[carries:]
    if not kept:
        return (*carry, *(torch.zeros((0, *t.shape), dtype=NAMES[t.dtype], device=where()) for t in types[carries:]))
    return (*carry, *[torch.stack(values) for values in zip(*kept)])


def _reduce(function):
    return lambda x, *, axes, keepdims: function(x, dim=axes, keepdim=keepdims) if axes else x


def _prod(x, *, axes, keepdims):
    for axis in axes:
        x = torch.prod(x, dim=axis, keepdim=True, dtype=x.dtype)
    return x if keepdims else x.squeeze(tuple(axes))


def _cumulative(function):
    def run(x, *, axis, reverse):
        x = x.flip(axis) if reverse else x
        out = function(x, dim=axis, dtype=x.dtype)
        return out.flip(axis) if reverse else out

    return run


def _matmul(x, y, *, transpose_x, transpose_y):
    return torch.matmul(x.mT if transpose_x else x, y.mT if transpose_y else y)


def _integer_matmul(x, y):
    if x.is_cpu and x.numel() and y.numel():
        return torch.ops.aten._int_mm(x, y)  # PyTorch's only product of bytes that sums in int32
    return torch.matmul(x.to(torch.float64), y.to(torch.float64)).to(torch.int32)


def adam_(values, gradients, momenta, velocities, step_size, *, beta_1, beta_2, epsilon):
    """One step of Adam for several variables, in place, by PyTorch's fused kernel.

    Bias correction is part of ``step_size`` here; the kernel gets a step number so large that its own correction is 1.
    The kernel assumes contiguous memory, whatever the strides are.
    """
    gradients = [g.contiguous() for g in gradients]
    kept = [*values, *momenta, *velocities]
    if not all(x.is_contiguous() for x in kept):
        rows = zip(values, gradients, momenta, velocities)
        new = [_adam_decomposed(*row, step_size, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon) for row in rows]
        return tuple(old.copy_(x) for old, x in zip(kept, (x for column in zip(*new) for x in column)))
    steps = [_LATE] * len(values)
    torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]  # torch.optim's, without `__all__`
        values, gradients, momenta, velocities, [], steps, lr=float(step_size), beta1=beta_1, beta2=beta_2,
        weight_decay=0.0, eps=epsilon, amsgrad=False, maximize=False,
    )  # fmt: skip
    return (*values, *momenta, *velocities)


_LATE = torch.tensor(1e9)
_adam_decomposed = composite.adam.decomposition


def _adam(value, gradient, momentum, velocity, step_size, **shares):
    if value.dtype not in (torch.float32, torch.float64):
        return _adam_decomposed(value, gradient, momentum, velocity, step_size, **shares)
    return adam_([value.clone()], [gradient], [momentum.clone()], [velocity.clone()], step_size, **shares)


def _same(x, *_: Any, **attrs: Any):
    return x


def _exchange(*xs, gathers, group):
    given = xs if issubclass(torch.Tensor, group.takes) else [to_numpy(x) for x in xs]
    return tuple(to_tensor(y).to(x.device) for x, y in zip(xs, group.exchange(given, gathers)))


LOWERINGS: dict[Primitive, Any] = {
    p.negative: torch.neg, p.exp: torch.exp, p.expm1: torch.expm1, p.log: torch.log, p.log1p: torch.log1p,
    p.sqrt: torch.sqrt, p.rsqrt: torch.rsqrt, p.reciprocal: torch.reciprocal, p.square: torch.square,
    p.sin: torch.sin, p.cos: torch.cos, p.tan: torch.tan, p.arcsin: torch.asin, p.arccos: torch.acos,
    p.arctan: torch.atan, p.sinh: torch.sinh, p.cosh: torch.cosh, p.tanh: torch.tanh, p.arcsinh: torch.asinh,
    p.arccosh: torch.acosh, p.arctanh: torch.atanh, p.sigmoid: torch.sigmoid,
    p.softplus: lambda x: torch.logaddexp(x, torch.zeros_like(x)), p.erf: torch.erf, p.relu: torch.relu,
    p.absolute: torch.abs, p.sign: torch.sign, p.floor: torch.floor, p.ceil: torch.ceil, p.round: torch.round,
    p.isnan: torch.isnan, p.isinf: torch.isinf, p.logical_not: torch.logical_not, p.add: torch.add,
    p.subtract: torch.sub, p.multiply: torch.mul, p.divide: torch.div, p.floor_divide: torch.floor_divide,
    p.remainder: torch.remainder, p.power: torch.pow, p.maximum: torch.maximum, p.minimum: torch.minimum,
    p.arctan2: torch.atan2, p.equal: torch.eq, p.less: torch.lt, p.less_equal: torch.le, p.greater: torch.gt,
    p.greater_equal: torch.ge, p.logical_and: torch.logical_and, p.logical_or: torch.logical_or,
    p.bitwise_and: torch.bitwise_and, p.bitwise_or: torch.bitwise_or, p.bitwise_xor: torch.bitwise_xor,
    p.left_shift: torch.bitwise_left_shift, p.right_shift: torch.bitwise_right_shift, p.select: torch.where,
    p.clip: lambda x, *, low, high: torch.clamp(x, low, high),
    p.cast: lambda x, *, dtype: x.to(NAMES[dtype]), bits.bitcast: lambda x, *, dtype: x.view(NAMES[dtype]),
    reductions.reduce_sum: lambda x, *, axes, keepdims: (
        torch.sum(x, dim=axes, keepdim=keepdims, dtype=x.dtype) if axes else x
    ),
    reductions.reduce_prod: _prod, reductions.reduce_max: _reduce(torch.amax),
    reductions.reduce_min: _reduce(torch.amin),
    reductions.argmax: lambda x, *, axis: torch.argmax(x, dim=axis).int(),
    reductions.argmin: lambda x, *, axis: torch.argmin(x, dim=axis).int(),
    reductions.cumsum: _cumulative(torch.cumsum), reductions.cumprod: _cumulative(torch.cumprod),
    movement.reshape: lambda x, *, shape: torch.reshape(x, shape),
    movement.transpose: lambda x, *, axes: x.permute(axes),
    movement.broadcast_to: lambda x, *, shape: x.expand(shape),
    movement.concatenate: lambda *xs, axis: torch.cat(xs, dim=axis),
    movement.slice: _slice, movement.pad: _pad, movement.dilate: _dilate,
    movement.flip: lambda x, *, axes: torch.flip(x, axes), movement.iota: _iota,
    movement.dynamic_slice: lambda x, *starts, sizes: x[_block(x, starts, sizes)],
    movement.dynamic_update_slice: _dynamic_update,
    indexing.gather: _gather, indexing.scatter_add: _scatter_add,
    indexing.take_along_axis: lambda x, i, *, axis: torch.gather(
        x.expand(*i.shape[:axis], x.shape[axis], *i.shape[axis + 1 :]), axis, _non_negative(i, x.shape[axis])
    ),
    indexing.add_along_axis: lambda x, i, u, *, axis: x.scatter_add(axis, _non_negative(i, x.shape[axis]), u),
    indexing.gather_points: lambda x, i: x[_points(x, i)],
    indexing.scatter_add_points: lambda x, i, u: x.index_put(_points(x, i), u, accumulate=True),
    indexing.top_k: _top_k, matmul.matmul: _matmul, matmul.integer_matmul: _integer_matmul,
    random.random_uniform: _random(torch.rand), random.random_normal: _random(torch.randn),
    p.relu_gradient: lambda g, out: torch.ops.aten.threshold_backward(g, out, 0), composite.adam: _adam,
    composite.softmax: lambda x, *, axis: torch.softmax(x, dim=axis),
    composite.log_softmax: lambda x, *, axis: torch.log_softmax(x, dim=axis),
    control.identity: _same, control.stop_gradient: lambda x: x.detach(), control.barrier: _same,
    control.with_gradient: lambda *xs, count, rule: xs[count:],
    control.native_call: lambda *xs, function, types: tuple(function(*xs)), collectives.exchange: _exchange,
    control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan,
    complex_numbers.from_parts: torch.complex, complex_numbers.real: lambda x: x.real.clone(),
    complex_numbers.imag: lambda x: x.imag.clone(), complex_numbers.conj: lambda x: x.conj().resolve_conj(),
    **WINDOW_LOWERINGS, **NORMALIZATION_LOWERINGS, **RNN_LOWERINGS, **LINEAR_ALGEBRA_LOWERINGS,
}  # fmt: skip
_RANDOM = (random.random_uniform, random.random_normal)


def is_unsigned(dtype: Any) -> bool:
    """True for uint16, uint32 and uint64, for which PyTorch has few kernels."""
    return str(dtype).removeprefix("torch.") in ("uint16", "uint32", "uint64")


def run(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Run one primitive eagerly."""
    tensors = [to_tensor(x) for x in inputs]
    if any(isinstance(value, Graph) for value in attrs.values()):
        return LOWERINGS[primitive](*tensors, **_with_functions(attrs))
    if any(is_unsigned(x.dtype) for x in tensors):
        return run_widened(primitive, *tensors, **attrs)
    return LOWERINGS[primitive](*tensors, **attrs)


def _with_functions(attrs: dict[str, Any]) -> dict[str, Any]:
    """Replace each subgraph in the attributes by a function."""
    made = {name: partial(_run_graph, v) if isinstance(v, Graph) else v for name, v in attrs.items()}
    if "carries" in attrs:
        made["types"] = [x.type for x in attrs["body"].outputs]
    return made


def _run_graph(graph: Graph, values: Sequence[Any]) -> list[Any]:
    return [to_tensor(x) for x in graph.run(values, run)]


def run_widened(primitive: Primitive, *tensors: Any, **attrs: Any) -> Any:
    """Run a primitive of unsigned integers in int64, and truncate the results to their width."""
    if primitive in _RANDOM or primitive is bits.bitcast:
        return LOWERINGS[primitive](*tensors, **attrs)
    types = primitive.types([type_of(x) for x in tensors], attrs)
    wide = [x.long() if is_unsigned(x.dtype) else x for x in tensors]
    result = LOWERINGS[primitive](*wide, **attrs)
    cut = [_narrow(x, t.dtype) for x, t in zip((result,) if primitive.single else result, types)]
    return cut[0] if primitive.single else tuple(cut)


def _narrow(x: torch.Tensor, dtype: str) -> torch.Tensor:
    if dtype.startswith("uint") and dtype != "uint64":
        x = x & (2 ** int(dtype[4:]) - 1)
    return x.to(NAMES[dtype])
