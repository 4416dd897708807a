"""Lowerings to calls of kernels: every loop is unrolled, since a descriptor is one list of calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w
from amalthea.errors import ExportError
from amalthea.export.indexing import ALONG
from amalthea.export.lowering import Value
from amalthea.export.webdnn.builder import Builder, spread, strides_of

MOST_STEPS = 1000  # of a loop that is unrolled
Lower = Callable[..., Any]


def _elementwise(primitive: Any, dtype: str | None = None) -> Lower:
    return lambda b, *xs: b.elementwise(primitive.name, xs, dtype)


def _clip(b: Builder, x: Value, *, low: float, high: float) -> Value:
    return b.elementwise("minimum", [b.elementwise("maximum", [x, b.like(low, x)]), b.like(high, x)])


def _floor_divide(b: Builder, x: Value, y: Value) -> Value:
    made = b.elementwise("floor_divide", [x, y])
    if "int" not in x.dtype:
        return made
    zero = b.elementwise("equal", [y, b.like(0, y)], "bool")
    return b.elementwise("select", [zero, b.like(0, y), made])


def _walk(shape: Sequence[Any], axes: Sequence[int]) -> dict[str, list[int]]:
    """Sizes and strides of some axes of a contiguous array."""
    strides = strides_of(shape)
    return {"sizes": [shape[a] for a in axes], "strides": [strides[a] for a in axes]}


def _rest(x: Value, axes: Sequence[int]) -> list[int]:
    return [a for a in range(x.rank) if a not in axes]


def _reduce(name: str) -> Lower:
    def lower(b: Builder, x: Value, *, axes: Any, keepdims: bool = False) -> Value:
        kept = _rest(x, axes)
        shape = [1 if a in axes else d for a, d in enumerate(x.shape) if keepdims or a in kept]
        return b.emit("reduce", [x], shape, x.dtype, name=name, outer=_walk(x.shape, kept), inner=_walk(x.shape, axes))

    return lower


def _along(x: Value, axis: int) -> dict[str, Any]:
    return {"outer": _walk(x.shape, _rest(x, [axis])), "size": x.shape[axis], "stride": strides_of(x.shape)[axis]}


def _position(name: str) -> Lower:
    def lower(b: Builder, x: Value, *, axis: int) -> Value:
        shape = [d for a, d in enumerate(x.shape) if a != axis]
        return b.emit("position", [x], shape, "int32", name=name, **_along(x, axis))

    return lower


def _cumsum(b: Builder, x: Value, *, axis: int, reverse: bool) -> Value:
    return b.emit("running", [x], x.shape, x.dtype, reverse=bool(reverse), **_along(x, axis))


def _broadcast_to(b: Builder, x: Value, *, shape: Any) -> Value:
    return b.take(x, shape, spread(x.shape, shape))


def _concatenate(b: Builder, *xs: Value, axis: int) -> Value:
    shape = [sum(x.shape[axis] for x in xs) if a == axis else d for a, d in enumerate(xs[0].shape)]
    made, strides = b.variable(Type(tuple(shape), xs[0].dtype)), strides_of(shape)
    at: Any = 0
    for x in xs:
        b.place(x, made, strides, at * strides[axis])
        at += x.shape[axis]
    return made


def _slice(b: Builder, x: Value, *, starts: Any, limits: Any, strides: Any) -> Value:
    own = strides_of(x.shape)
    shape = [-((start - limit) // step) for start, limit, step in zip(starts, limits, strides)]
    return b.take(x, shape, [s * n for s, n in zip(own, strides)], sum(s * n for s, n in zip(own, starts)))


def _pad(b: Builder, x: Value, *, low: Any, high: Any, value: Any = 0) -> Value:
    """Pad each axis; negative widths crop."""
    if any(n < 0 for n in (*low, *high)):
        starts, ends = ([max(-n, 0) for n in side] for side in (low, high))
        limits = [d - n for d, n in zip(x.shape, ends)]
        x = _slice(b, x, starts=starts, limits=limits, strides=[1] * x.rank)
        low, high = ([max(n, 0) for n in side] for side in (low, high))
    made = b.variable(Type(tuple(d + lo + hi for d, lo, hi in zip(x.shape, low, high)), x.dtype))
    strides = strides_of(made.shape)
    b.place(x, made, strides, sum(s * n for s, n in zip(strides, low)), value)
    return made


def _dilate(b: Builder, x: Value, *, steps: Any) -> Value:
    made = b.variable(Type(tuple((d - 1) * s + 1 for d, s in zip(x.shape, steps)), x.dtype))
    b.place(x, made, [s * n for s, n in zip(strides_of(made.shape), steps)], 0, 0)
    return made


def _flip(b: Builder, x: Value, *, axes: Any) -> Value:
    own = strides_of(x.shape)
    offset = sum((x.shape[a] - 1) * own[a] for a in axes)
    return b.take(x, x.shape, [-s if a in axes else s for a, s in enumerate(own)], offset)


def _iota(b: Builder, *, shape: Any, axis: int, dtype: str) -> Value:
    column = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return b.constant(np.broadcast_to(column, shape), dtype)


def _dynamic_slice(b: Builder, x: Value, *starts: Value, sizes: Any) -> Value:
    told = {"sizes": list(sizes), "shape": list(x.shape), "strides": strides_of(x.shape)}
    return b.emit("dynamic_take", [x, *starts], sizes, x.dtype, **told)


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    told = {"sizes": list(update.shape), "shape": list(x.shape), "strides": strides_of(x.shape)}
    return b.emit("dynamic_place", [x, update, *starts], x.shape, x.dtype, **told)


def _gather(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    before, behind = x.shape[:axis], x.shape[axis + 1 :]
    told = {"outer": math.prod(before), "size": x.shape[axis], "inner": math.prod(behind)}
    shape = (*before, *indices.shape, *behind)
    return b.emit("gather", [x, indices], shape, x.dtype, count=math.prod(indices.shape), **told)


def _points(x: Value, indices: Value) -> dict[str, Any]:
    depth: Any = indices.shape[-1]
    count = math.prod(indices.shape[:-1])
    return {"count": count, "sizes": list(x.shape[:depth]), "inner": math.prod(x.shape[depth:])}


def _gather_points(b: Builder, x: Value, indices: Value) -> Value:
    depth: Any = indices.shape[-1]
    shape = (*indices.shape[:-1], *x.shape[depth:])
    return b.emit("gather_points", [x, indices], shape, x.dtype, **_points(x, indices))


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    return b.emit("add_points", [x, indices, updates], x.shape, x.dtype, **_points(x, indices))


def _top_k(b: Builder, x: Value, *, k: int) -> list[Value]:
    *before, size = x.shape
    made = [b.variable(Type((*before, k), dtype)) for dtype in (x.dtype, "int32")]
    b.call("top_k", [x], made, rows=math.prod(before), size=size, k=k)
    return made


def _matmul(b: Builder, x: Value, y: Value, *, transpose_x: bool, transpose_y: bool) -> Value:
    steps = [
        strides_of(v.shape)[-2:][::turn] for v, turn in ((x, -1 if transpose_x else 1), (y, -1 if transpose_y else 1))
    ]
    rows, size = (x.shape[-2:])[:: -1 if transpose_x else 1]
    columns = y.shape[-2 if transpose_y else -1]
    batch = shapes.broadcast(x.shape[:-2], y.shape[:-2])
    strides = [[s * math.prod(v.shape[-2:]) for s in spread(v.shape[:-2], batch)] for v in (x, y)]
    return b.emit(
        "matmul", [x, y], (*batch, rows, columns), x.dtype, batch=list(batch), strides=strides, rows=rows,
        columns=columns, size=size, x_steps=steps[0], y_steps=steps[1],
    )  # fmt: skip


def _three(values: Sequence[Any], fill: int = 1) -> list[int]:
    return [fill] * (3 - len(values)) + list(values)


def _windows(large: Any, small: Any, window: Any, strides: Any, padding: Any, dilation: Any) -> dict[str, Any]:
    return {
        "large": _three(large), "small": _three(small), "window": _three(window), "strides": _three(strides),
        "low": _three([lo for lo, _ in padding], 0), "dilation": _three(dilation),
    }  # fmt: skip


def _channels_last(lower: Lower) -> Lower:
    """Run a lowering of channels last on data of either format."""

    def run(b: Builder, x: Value, *rest: Value, data_format: str, **attrs: Any) -> Value:
        if data_format == "channels_last":
            return lower(b, x, *rest, **attrs)
        if "shape" in attrs:
            n, c, *space = attrs["shape"]
            attrs["shape"] = (n, *space, c)
        made = lower(b, b.transpose(x, [0, *range(2, x.rank), 1]), *rest, **attrs)
        return b.transpose(made, [0, made.rank - 1, *range(1, made.rank - 1)])

    return run


def _conv(b: Builder, x: Value, kernel: Value, *, strides: Any, padding: Any, dilation: Any, groups: int) -> Value:
    space = w.slid(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    told = _windows(x.shape[1:-1], space, kernel.shape[:-2], strides, padding, dilation)
    ends = {"rows": x.shape[0], "channels": x.shape[-1], "filters": kernel.shape[-1], "groups": groups}
    shape = (x.shape[0], *space, kernel.shape[-1])
    return b.emit("convolve", [x, kernel], shape, x.dtype, transposed=False, **told, **ends)


def _conv_input(
    b: Builder, g: Value, kernel: Value, *, shape: Any, strides: Any, padding: Any, dilation: Any, groups: int
) -> Value:
    told = _windows(shape[1:-1], g.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    ends = {"rows": g.shape[0], "channels": shape[-1], "filters": kernel.shape[-1], "groups": groups}
    return b.emit("convolve", [g, kernel], shape, g.dtype, transposed=True, **told, **ends)


def _pool(name: str) -> Lower:
    def lower(b: Builder, x: Value, *, window: Any, strides: Any, padding: Any) -> Value:
        ones = [1] * len(window)
        space = w.slid(x.shape[1:-1], window, strides, padding, ones)
        told = _windows(x.shape[1:-1], space, window, strides, padding, ones)
        shape = (x.shape[0], *space, x.shape[-1])
        return b.emit("pool", [x], shape, x.dtype, name=name, rows=x.shape[0], channels=x.shape[-1], **told)

    return _channels_last(lower)


def _graph(b: Builder, graph: Graph, values: Sequence[Value]) -> list[Value]:
    b.values.update(zip(graph.inputs, values))
    return b.add_graph(graph)


def _cond(b: Builder, predicate: Value, *operands: Value, true_graph: Graph, false_graph: Graph) -> list[Value]:
    """Both branches, of which one is chosen: neither has an effect."""
    both = zip(_graph(b, true_graph, operands), _graph(b, false_graph, operands))
    return [b.elementwise("select", [predicate, x, y]) for x, y in both]


def _scan(
    b: Builder, *operands: Value, body: Graph, captures: int, carries: int, length: Any, reverse: bool
) -> list[Value]:
    if length > MOST_STEPS:
        raise ExportError(
            "WebDNN has no loops, and one of this length is not unrolled.", expected=f"at most {MOST_STEPS} steps",
            got=length, cure="format='tfjs' or 'onnx', which have loops",
        )  # fmt: skip
    start = captures + carries
    fixed, carried, sequences = operands[:captures], list(operands[captures:start]), operands[start:]
    stacks = [b.variable(t.type._replace(shape=(length, *t.type.shape))) for t in body.outputs[carries:]]
    for at in range(length)[:: -1 if reverse else 1]:
        rows = [b.take(x, x.shape[1:], strides_of(x.shape)[1:], at * strides_of(x.shape)[0]) for x in sequences]
        made = _graph(b, body, [*fixed, *carried, *rows])
        carried = made[:carries]
        for stack, row in zip(stacks, made[carries:]):
            b.place(row, stack, strides_of(stack.shape)[1:], at * strides_of(stack.shape)[0])
    return [*carried, *stacks]


def _same(b: Builder, x: Value, *_: Any, **attrs: Any) -> Value:
    return x


_TO_BOOL = (
    p.isnan, p.isinf, p.logical_not, p.equal, p.less, p.less_equal, p.greater, p.greater_equal, p.logical_and,
    p.logical_or,
)  # fmt: skip
_PLAIN = (
    p.negative, p.exp, p.expm1, p.log, p.log1p, p.sqrt, p.rsqrt, p.square, p.reciprocal, p.sin, p.cos, p.tan,
    p.arcsin, p.arccos, p.arctan, p.arctan2, p.sinh, p.cosh, p.tanh, p.arcsinh, p.arccosh, p.arctanh, p.sigmoid,
    p.softplus, p.erf, p.relu, p.absolute, p.sign, p.floor, p.ceil, p.round, p.add, p.subtract, p.multiply, p.divide,
    p.remainder, p.power, p.maximum, p.minimum, p.select,
)  # fmt: skip
LOWERINGS = {
    **{primitive: _elementwise(primitive) for primitive in _PLAIN},
    **{primitive: _elementwise(primitive, "bool") for primitive in _TO_BOOL},
    p.floor_divide: _floor_divide, p.clip: _clip, p.cast: lambda b, x, *, dtype: b.cast(x, dtype),
    reductions.reduce_sum: _reduce("sum"), reductions.reduce_prod: _reduce("product"),
    reductions.reduce_max: _reduce("max"), reductions.reduce_min: _reduce("min"),
    reductions.argmax: _position("argmax"), reductions.argmin: _position("argmin"), reductions.cumsum: _cumsum,
    movement.reshape: lambda b, x, *, shape: b.reshape(x, shape),
    movement.transpose: lambda b, x, *, axes: b.transpose(x, axes), movement.broadcast_to: _broadcast_to,
    movement.concatenate: _concatenate, movement.slice: _slice, movement.pad: _pad, movement.dilate: _dilate,
    movement.flip: _flip, movement.iota: _iota, movement.dynamic_slice: _dynamic_slice,
    movement.dynamic_update_slice: _dynamic_update_slice, indexing.gather: _gather,
    indexing.gather_points: _gather_points, indexing.scatter_add_points: _scatter_points, indexing.top_k: _top_k,
    **ALONG, matmul.matmul: _matmul, w.conv: _channels_last(_conv), w.conv_input_gradient: _channels_last(_conv_input),
    w.max_pool: _pool("max"), w.avg_pool: _pool("mean"), control.cond: _cond, control.scan: _scan,
    control.identity: _same, control.stop_gradient: _same, control.barrier: _same,
    control.with_gradient: lambda b, *xs, count, rule: xs[count:],
}  # fmt: skip
