"""PyTorch: a graph is a list of calls, run without autograd; each value is dropped after its last use.

Eager primitives are PyTorch's own functions on its own tensors, so ``loss.backward()`` goes through them.
"""

# pyright: reportUnknownLambdaType=false
from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from amalthea import dtypes
from amalthea.backends.backend import Backend, Executable
from amalthea.backends.plan import Plan
from amalthea.graph.graph import Graph
from amalthea.graph.layout import channels_first
from amalthea.graph.rewrite import decompose, simplify
from amalthea.primitives import Primitive, contracting, control, fused, indexing, moving, random, reducing
from amalthea.primitives import elementwise as p
from amalthea.primitives import windows as w
from amalthea.tensor import HostStorage, Storage, type_of

_NAMES = {name: getattr(torch, name) for name in dtypes.NAMES}


def to_tensor(value: Any, dtype: str | None = None) -> torch.Tensor:
    """Anything array-like as a tensor; bfloat16 of ``ml_dtypes`` goes by its bits."""
    if isinstance(value, torch.Tensor):
        return value if dtype is None else value.to(_NAMES[dtype])
    array = np.asarray(value, None if dtype is None or dtype == "bfloat16" else dtypes.to_numpy(dtype))
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16)
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(_NAMES[dtype]) if dtype else tensor


# -------------------------------------------------------------------------------------------- windows


def _first(x, data_format):
    return x.movedim(-1, 1) if data_format == "channels_last" else x


def _back(x, data_format):
    return x.movedim(1, -1) if data_format == "channels_last" else x


def _padded(x, padding, value=0.0):
    """Space padded; ``x`` has channels first."""
    widths = [width for pair in reversed(padding) for width in pair]
    return F.pad(x, widths, value=value) if any(widths) else x


def _unpadded(x, padding):
    for axis, (low, high) in enumerate(padding, start=2):
        x = x.narrow(axis, low, x.shape[axis] - low - high)
    return x


def _kernel_first(kernel):
    rank = kernel.ndim
    return kernel.permute(rank - 1, rank - 2, *range(rank - 2))


def _conv(x, kernel, *, strides, padding, dilation, groups, data_format):
    function = (F.conv1d, F.conv2d, F.conv3d)[len(strides) - 1]
    x = _padded(_first(x, data_format), padding)
    return _back(function(x, _kernel_first(kernel), None, strides, 0, dilation, groups), data_format)


def _conv_backward(g, x, kernel, which, strides, dilation, groups):
    zeros, wanted = [0] * len(strides), [which == 0, which == 1, False]
    return torch.ops.aten.convolution_backward(
        g, x, kernel, None, strides, zeros, dilation, False, zeros, groups, wanted
    )[which]  # fmt: skip


def _conv_input(g, kernel, *, shape, strides, padding, dilation, groups, data_format):
    space = [n + low + high for n, (low, high) in zip(w.space_of(shape, data_format), padding)]
    x = torch.empty((shape[0], w.channels_of(shape, data_format), *space), dtype=g.dtype, device=g.device)
    out = _conv_backward(_first(g, data_format), x, _kernel_first(kernel), 0, strides, dilation, groups)
    return _back(_unpadded(out, padding), data_format)


def _conv_kernel(x, g, *, kernel_shape, strides, padding, dilation, groups, data_format):
    *window, channels, filters = kernel_shape
    kernel = torch.empty((filters, channels, *window), dtype=g.dtype, device=g.device)
    x = _padded(_first(x, data_format), padding)
    out = _conv_backward(_first(g, data_format), x, kernel, 1, strides, dilation, groups)
    return out.permute(*range(2, out.ndim), 1, 0)


def _max_pool(x, *, window, strides, padding, data_format):
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(window) - 1]
    x = _padded(_first(x, data_format), padding, value=float("-inf"))
    return _back(function(x, window, strides), data_format)


def _max_pool_gradient(g, x, out, **attrs):
    with torch.enable_grad():
        again = x.detach().requires_grad_()
        return torch.autograd.grad(_max_pool(again, **attrs), again, g)[0]


def _avg_pool(x, *, window, strides, padding, data_format):
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(window) - 1]
    space = w.space_of(tuple(x.shape), data_format)
    total = function(_padded(_first(x, data_format), padding), window, strides) * prod(window)
    counts = to_tensor(w.window_counts(space, window, strides, padding)).to(x)
    return _back(total / counts, data_format)


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
    counts = torch.arange(shape[axis]).to(_NAMES[dtype])
    return counts.reshape([-1 if i == axis else 1 for i in range(len(shape))]).expand(shape)


def _block(x, starts, sizes):
    starts = [min(max(int(s), 0), d - n) for s, d, n in zip(starts, x.shape, sizes)]
    return tuple(slice(s, s + n) for s, n in zip(starts, sizes))


def _dynamic_update(x, update, *starts):
    out = x.clone()
    out[_block(x, starts, update.shape)] = update
    return out


def _whole(indices, size):
    """Indices as int64, counted from the start."""
    indices = indices.long()
    return torch.where(indices < 0, indices + size, indices)


def _gather(x, indices, *, axis):
    flat = torch.index_select(x, axis, _whole(indices, x.shape[axis]).reshape(-1))
    return flat.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _scatter_add(x, indices, updates, *, axis):
    flat = updates.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])
    return x.index_add(axis, _whole(indices, x.shape[axis]).reshape(-1), flat)


def _points(x, indices):
    return tuple(_whole(i, n) for i, n in zip(indices.unbind(-1), x.shape))


def _top_k(x, *, k):
    values, places = torch.sort(x, dim=-1, descending=True, stable=True)
    return values[..., :k], places[..., :k].int()


# --------------------------------------------------------------------------- random numbers, control


def _generator(key):
    seed, counter = (int(v) for v in key.tolist())
    return torch.Generator().manual_seed((seed << 32 | counter) & (2**63 - 1))


def _drawn(function):
    return lambda key, *, shape, dtype: function(shape, generator=_generator(key), dtype=_NAMES[dtype])


def _held(graph, values):
    return graph.run(values, _run)


def _cond(predicate, *operands, true_graph, false_graph):
    return tuple(_held(true_graph if bool(predicate) else false_graph, operands))


def _while_loop(*operands, condition, body, captures):
    fixed, carry = operands[:captures], operands[captures:]
    while bool(_held(condition, (*fixed, *carry))[0]):
        carry = _held(body, (*fixed, *carry))
    return tuple(carry)


def _scan(*operands, body, captures, carries, length, reverse):
    fixed, carry = operands[:captures], operands[captures : captures + carries]
    kept: list[Any] = [None] * length
    for step in range(length)[::-1] if reverse else range(length):
        outputs = _held(body, (*fixed, *carry, *(x[step] for x in operands[captures + carries :])))
        carry, kept[step] = outputs[:carries], [to_tensor(v) for v in outputs[carries:]]
    types = [x.type for x in body.outputs[carries:]]
    empty = [torch.zeros((0, *t.shape), dtype=_NAMES[t.dtype]) for t in types]
    return (*carry, *([torch.stack(values) for values in zip(*kept)] if kept else empty))


def _reduce(function):
    return lambda x, *, axes, keepdims: function(x, dim=axes, keepdim=keepdims) if axes else x


def _prod(x, *, axes, keepdims):
    for axis in axes:
        x = torch.prod(x, dim=axis, keepdim=True, dtype=x.dtype)
    return x if keepdims else x.squeeze(tuple(axes))


def _running(function):
    def run(x, *, axis, reverse):
        x = x.flip(axis) if reverse else x
        out = function(x, dim=axis, dtype=x.dtype)
        return out.flip(axis) if reverse else out

    return run


def _matmul(x, y, *, transpose_x, transpose_y):
    return torch.matmul(x.mT if transpose_x else x, y.mT if transpose_y else y)


def _same(x, **_: Any):
    return x


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
    p.cast: lambda x, *, dtype: x.to(_NAMES[dtype]),
    reducing.reduce_sum: lambda x, *, axes, keepdims: (
        torch.sum(x, dim=axes, keepdim=keepdims, dtype=x.dtype) if axes else x
    ),
    reducing.reduce_prod: _prod, reducing.reduce_max: _reduce(torch.amax), reducing.reduce_min: _reduce(torch.amin),
    reducing.argmax: lambda x, *, axis: torch.argmax(x, dim=axis).int(),
    reducing.argmin: lambda x, *, axis: torch.argmin(x, dim=axis).int(),
    reducing.cumsum: _running(torch.cumsum), reducing.cumprod: _running(torch.cumprod),
    moving.reshape: lambda x, *, shape: torch.reshape(x, shape),
    moving.transpose: lambda x, *, axes: x.permute(axes),
    moving.broadcast_to: lambda x, *, shape: x.expand(shape),
    moving.concatenate: lambda *xs, axis: torch.cat(xs, dim=axis),
    moving.slice: _slice, moving.pad: _pad, moving.dilate: _dilate,
    moving.flip: lambda x, *, axes: torch.flip(x, axes), moving.iota: _iota,
    moving.dynamic_slice: lambda x, *starts, sizes: x[_block(x, starts, sizes)],
    moving.dynamic_update_slice: _dynamic_update,
    indexing.gather: _gather, indexing.scatter_add: _scatter_add,
    indexing.take_along_axis: lambda x, i, *, axis: torch.gather(
        x.expand(*i.shape[:axis], x.shape[axis], *i.shape[axis + 1 :]), axis, _whole(i, x.shape[axis])
    ),
    indexing.add_along_axis: lambda x, i, u, *, axis: x.scatter_add(axis, _whole(i, x.shape[axis]), u),
    indexing.gather_points: lambda x, i: x[_points(x, i)],
    indexing.scatter_add_points: lambda x, i, u: x.index_put(_points(x, i), u, accumulate=True),
    indexing.top_k: _top_k, contracting.matmul: _matmul,
    w.conv: _conv, w.conv_input_gradient: _conv_input, w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool, w.max_pool_gradient: _max_pool_gradient, w.avg_pool: _avg_pool,
    random.random_uniform: _drawn(torch.rand), random.random_normal: _drawn(torch.randn),
    fused.softmax: lambda x, *, axis: torch.softmax(x, dim=axis),
    fused.log_softmax: lambda x, *, axis: torch.log_softmax(x, dim=axis),
    control.identity: _same, control.stop_gradient: lambda x: x.detach(), control.barrier: _same,
    control.with_gradient: lambda *xs, count, rule: xs[count:],
    control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan,
}  # fmt: skip
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def _run(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    tensors = [to_tensor(x) for x in inputs]
    if any(x.dtype in _UNSIGNED for x in tensors):
        return _run_widened(primitive, tensors, attrs)
    return LOWERINGS[primitive](*tensors, **attrs)


def _run_widened(primitive: Primitive, tensors: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """PyTorch has few kernels for unsigned numbers: they are computed as int64, and cut to their width."""
    if primitive in (random.random_uniform, random.random_normal, *_HELD):
        return LOWERINGS[primitive](*tensors, **attrs)
    types = primitive.types([type_of(x) for x in tensors], attrs)
    wide = [x.long() if x.dtype in _UNSIGNED else x for x in tensors]
    result = LOWERINGS[primitive](*wide, **attrs)
    cut = [_narrow(x, t.dtype) for x, t in zip((result,) if primitive.single else result, types)]
    return cut[0] if primitive.single else tuple(cut)


def _narrow(x: torch.Tensor, dtype: str) -> torch.Tensor:
    if dtype.startswith("uint") and dtype != "uint64":
        x = x & (2 ** int(dtype[4:]) - 1)
    return x.to(_NAMES[dtype])


_HELD = (control.cond, control.while_loop, control.scan)


class TorchStorage(HostStorage):
    """A value that lives in a tensor."""

    def numpy(self) -> np.ndarray:
        return to_numpy(self.array)


def to_numpy(tensor: Any) -> np.ndarray:
    """A copy of a tensor as a NumPy array."""
    tensor = to_tensor(tensor).detach().cpu()
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().copy().view(dtypes.to_numpy("bfloat16"))
    return np.array(tensor.numpy())


class TorchBackend(Backend):
    """PyTorch, on the CPU."""

    name = "torch"
    lowerings = LOWERINGS
    storage = TorchStorage

    def new_storage(self, value: np.ndarray) -> Storage:
        return TorchStorage(to_tensor(value))

    def array(self, value: Any, dtype: str) -> Any:
        return to_tensor(value, dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        return to_numpy(array)

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        if primitive not in LOWERINGS:
            return self.run_decomposed(primitive, [to_tensor(x) for x in inputs], attrs)
        return _run(primitive, inputs, attrs)

    def compile(self, graph: Graph) -> Executable:
        return Compiled(simplify(channels_first(decompose(simplify(graph), LOWERINGS))), self.place)


class Compiled:
    """A planned graph, run without autograd, with its variables."""

    def __init__(self, graph: Graph, place: Any):
        self.plan = Plan(graph, to_tensor)
        self.place = place

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        plan = self.plan
        state = [self.place(v).read() for v in plan.reads]
        with torch.no_grad():
            outputs, written = plan.run([*map(to_tensor, values), *state], _run)
        for variable, value in zip(plan.writes, written):
            self.place(variable).write(value)
        return outputs


BACKEND = TorchBackend()
