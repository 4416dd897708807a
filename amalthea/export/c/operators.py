"""Lowerings to expressions of elements: elementwise functions, movement, indexing."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import bits, control, indexing, movement
from amalthea.engine.primitives import elementwise as p
from amalthea.errors import ExportError
from amalthea.export.c.builder import Builder, Index, linear
from amalthea.export.c.memory import Buffer
from amalthea.export.c.scalars import ADD, SCALARS, Expression
from amalthea.export.c.text import c_type, number
from amalthea.export.lowering import Value

_TO_BOOL = {
    p.equal, p.less, p.less_equal, p.greater, p.greater_equal, p.isnan, p.isinf, p.logical_and, p.logical_or,
    p.logical_not,
}  # fmt: skip


def elementwise(b: Builder, dtype: str, expression: Callable[..., str], *inputs: Value) -> Value:
    """Return the value whose elements are an expression of those of the inputs, which are broadcast."""
    shape = shapes.broadcast(*(x.shape for x in inputs))
    size = prod(shape)
    # an input that is repeated is computed once
    inputs = tuple(x if prod(x.shape) == size else b.view(x) for x in inputs)
    sources = [b.source(x) for x in inputs]

    def at(index: Index) -> str:
        own = [["0" if d == 1 else i for i, d in zip(list(index)[len(index) - x.rank :], x.shape)] for x in inputs]
        return expression(*(s.at(i) for s, i in zip(sources, own)))

    def flat(i: str) -> str:
        return expression(*(s.flat(i if x.shape == shape else "0") for s, x in zip(sources, inputs)))  # type: ignore[misc]

    one = all(s.flat is not None and (x.shape == shape or prod(x.shape) == 1) for s, x in zip(sources, inputs))
    return b.lazy(Type(shape, dtype), at, flat if one else None, depth=b.depth(*inputs) + 1)


def _scalar(primitive: Any, expression: Expression) -> Callable[..., Value]:
    def lower(b: Builder, *inputs: Value, **attrs: Any) -> Value:
        if "dtype" in attrs:
            attrs["dtype"] = b.held(Type((), attrs["dtype"])).dtype
        dtype = attrs.get("dtype") or ("bool" if primitive in _TO_BOOL else inputs[0].dtype)
        c_type(dtype)
        if primitive is bits.bitcast and bits.size_of(dtype) != bits.size_of(inputs[0].dtype):
            raise ExportError("C has no bits of half floats, which are computed in 32 bits.", got=str(inputs[0].type))
        return elementwise(b, dtype, lambda *xs: expression(b.helpers, inputs[0].dtype, *xs, **attrs), *inputs)

    return lower


def _select(b: Builder, condition: Value, x: Value, y: Value) -> Value:
    return elementwise(b, x.dtype, lambda c, x, y: f"({c} ? {x} : {y})", condition, x, y)


def reshape(b: Builder, x: Value, *, shape: Any) -> Value:
    type = Type(tuple(shape), x.dtype)
    if x.array is not None:
        return b.constant(x.array.reshape(shape))
    if isinstance(x.name, Buffer):
        return Value(x.name, type)
    source, old = x.name, x.shape
    if source.flat is not None:
        return b.lazy(type, lambda index: source.flat(linear(shape, index)), source.flat, source.depth)
    if [d for d in old if d != 1] != [d for d in shape if d != 1]:
        return Value(b.whole(x).name, type)

    def at(index: Index) -> str:
        kept = iter([i for i, d in zip(index, shape) if d != 1])
        return source.at(["0" if d == 1 else next(kept) for d in old])

    return b.lazy(type, at, None, source.depth)


def _moved(b: Builder, x: Value, shape: Any, at: Callable[[Index], Index], again: bool = False) -> Value:
    """The elements of a value at other indices; ``again`` if one may be read several times."""
    x = b.view(x) if again else x
    source = b.source(x)
    return b.lazy(Type(tuple(shape), x.dtype), lambda index: source.at(at(index)), None, b.depth(x))


def transpose(b: Builder, x: Value, *, axes: Any) -> Value:
    if x.array is not None:
        return b.constant(np.ascontiguousarray(x.array.transpose(axes)))
    back: list[int] = [int(a) for a in np.argsort(axes)]
    return _moved(b, x, [x.shape[a] for a in axes], lambda index: [index[a] for a in back])


def _broadcast_to(b: Builder, x: Value, *, shape: Any) -> Value:
    lead = len(shape) - x.rank
    at = lambda index: ["0" if d == 1 else i for i, d in zip(index[lead:], x.shape)]  # noqa: E731
    if prod(x.shape) == 1:
        source = b.source(b.view(x))
        if source.flat is not None:
            first = source.flat
            return b.lazy(Type(tuple(shape), x.dtype), lambda index: first("0"), lambda i: first("0"), 0)
    return _moved(b, x, shape, at, again=prod(shape) != prod(x.shape))


def _shifted(index: str, by: int) -> str:
    if not by:
        return index
    if index.isdigit():
        return str(int(index) + by) if int(index) + by >= 0 else f"({int(index) + by})"
    return f"{index} {'+' if by > 0 else '-'} {abs(by)}"


def _slice(b: Builder, x: Value, *, starts: Any, limits: Any, strides: Any) -> Value:
    shape = [-((start - limit) // step) for start, limit, step in zip(starts, limits, strides)]

    def at(index: Index) -> Index:
        return [_shifted(_times(i, step), start) for i, start, step in zip(index, starts, strides)]

    return _moved(b, x, shape, at)


def _times(index: str, step: int) -> str:
    if index.isdigit() or step == 1:
        return str(int(index) * step) if index.isdigit() else index
    return f"({index}) * {step}"


def _flip(b: Builder, x: Value, *, axes: Any) -> Value:
    def at(index: Index) -> Index:
        ends = [f"{d - 1} - ({i})" if d != 1 else i for i, d in zip(index, x.shape)]
        return [f"({end})" if a in axes else i for a, (i, end) in enumerate(zip(index, ends))]

    return _moved(b, x, x.shape, at)


def _pad(b: Builder, x: Value, *, low: Any, high: Any, value: Any = 0) -> Value:
    shape: Any = [lo + d + hi for lo, d, hi in zip(low, x.shape, high)]
    fill, source = number(np.asarray(value), x.dtype), b.source(x)

    def at(index: Index) -> str:
        moved = [_shifted(i, -lo) for i, lo in zip(index, low)]
        inside = [f"{i} >= {lo}" for i, lo in zip(index, low) if lo > 0]
        inside += [f"{i} < {lo + d}" for i, lo, hi, d in zip(index, low, high, x.shape) if hi > 0]
        if not all(x.shape):
            return fill
        return f"({' && '.join(inside)} ? {source.at(moved)} : {fill})" if inside else source.at(moved)

    return b.lazy(Type(tuple(shape), x.dtype), at, None, b.depth(x) + 1)


def _dilate(b: Builder, x: Value, *, steps: Any) -> Value:
    shape: Any = tuple((d - 1) * s + 1 for d, s in zip(x.shape, steps))
    source, fill = b.source(x), number(0, x.dtype)

    def at(index: Index) -> str:
        there = [f"({i}) % {s} == 0" for i, s in zip(index, steps) if s > 1 and i != "0"]
        element = source.at([f"({i}) / {s}" if s > 1 and i != "0" else i for i, s in zip(index, steps)])
        return f"({' && '.join(there)} ? {element} : {fill})" if there else element

    return b.lazy(Type(shape, x.dtype), at, None, b.depth(x) + 1)


def _iota(b: Builder, *, shape: Any, axis: int, dtype: str) -> Value:
    if prod(shape) == shape[axis]:
        return b.constant(np.arange(shape[axis]).reshape(shape), dtype)
    dtype = b.held(Type((), dtype)).dtype
    type = c_type(dtype)
    return b.lazy(Type(tuple(shape), dtype), lambda index: f"({type})({index[axis]})", None, depth=1)


def _concatenate(b: Builder, *xs: Value, axis: int) -> Value:
    sizes: list[Any] = [x.shape[axis] for x in xs]
    total = sum(sizes)
    shape = tuple(total if a == axis else d for a, d in enumerate(xs[0].shape))
    made, start = b.buffer(Type(shape, xs[0].dtype)), 0
    for x, size in zip(xs, sizes):

        def place(index: Index, start: Any = start) -> str:
            return linear(shape, [_shifted(i, start) if a == axis else i for a, i in enumerate(index)])

        b.assign(made, x, place)
        start += size
    return Value(made, Type(shape, xs[0].dtype))


def _start(b: Builder, starts: Any, room: Any) -> list[str]:
    """The indices where a block begins, so that it lies inside."""
    return [b.helpers.call("start", s.dtype, b.source(s).at([]), str(r)) for s, r in zip(starts, room)]


def _dynamic_slice(b: Builder, x: Value, *starts: Value, sizes: Any) -> Value:
    room = [d - n for d, n in zip(x.shape, sizes)]
    starts = tuple(b.view(s) for s in starts)

    def at(index: Index) -> Index:
        return [f"{begin} + {i}" if n else i for i, begin, n in zip(index, _start(b, starts, room), room)]

    return _moved(b, x, sizes, at, again=True)


def _copied(b: Builder, x: Value) -> Buffer:
    """The elements in an array that may be changed."""
    made = b.buffer(x.type)
    b.assign(made, _as_lazy(b, x))
    return made


def _as_lazy(b: Builder, x: Value) -> Value:
    source = b.source(x)
    return b.lazy(x.type, source.at, source.flat)


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    starts = tuple(b.view(s) for s in starts)
    update = b.view(update)
    made = _copied(b, x)
    room = [d - n for d, n in zip(x.shape, update.shape)]

    def place(index: Index) -> str:
        begins = _start(b, starts, room)
        return linear(x.shape, [f"{begin} + {i}" if n else i for i, begin, n in zip(index, begins, room)])

    b.assign(made, update, place)
    return Value(made, x.type)


def _position(b: Builder, indices: Value, index: Index, size: Any) -> str:
    """The text of an index that data give, inside an axis of some size."""
    return b.helpers.call("at_index", indices.dtype, b.source(indices).at(index), str(size))


def _gather(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    x, indices = b.view(x), b.view(indices)
    source, end = b.source(x), axis + indices.rank
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])

    def at(index: Index) -> str:
        chosen = _position(b, indices, list(index)[axis:end], x.shape[axis])
        return source.at([*index[:axis], chosen, *index[end:]])

    return b.lazy(Type(shape, x.dtype), at)


def _take_along_axis(b: Builder, x: Value, indices: Value, *, axis: int) -> Value:
    x, indices = b.view(x), b.view(indices)
    source = b.source(x)

    def at(index: Index) -> str:
        chosen = _position(b, indices, index, x.shape[axis])
        return source.at([*index[:axis], chosen, *index[axis + 1 :]])

    return b.lazy(Type(indices.shape, x.dtype), at)


def _point(b: Builder, x: Value, indices: Value, index: Index) -> Index:
    """The index on the first axes of ``x`` that a point gives."""
    return [_position(b, indices, [*index, str(i)], x.shape[i]) for i in range(indices.shape[-1])]  # type: ignore[arg-type]


def _gather_points(b: Builder, x: Value, indices: Value) -> Value:
    x, indices = b.view(x), b.view(indices)
    source, lead = b.source(x), indices.rank - 1
    shape = (*indices.shape[:-1], *x.shape[indices.shape[-1] :])  # type: ignore[misc]
    return b.lazy(
        Type(shape, x.dtype), lambda index: source.at([*_point(b, x, indices, list(index)[:lead]), *index[lead:]])
    )


def _added(b: Builder, x: Value, updates: Value, place: Callable[[Index], Index]) -> Value:
    """``x`` with updates added at some indices."""
    updates = b.view(updates)
    made, source = _copied(b, x), b.source(updates)
    b.position += 1
    if prod(updates.shape):
        with b.loops(updates.shape) as index:
            at = b.counter("at")
            b.line(f"const long {at} = {linear(x.shape, place(index))};")
            there = b.element(made, at)
            b.line(f"{there} = {ADD(b.helpers, x.dtype, there, source.at(index))};")
    return Value(made, x.type)


def _scatter_add(b: Builder, x: Value, indices: Value, updates: Value, *, axis: int) -> Value:
    indices, end = b.view(indices), axis + indices.rank

    def place(index: Index) -> Index:
        return [*index[:axis], _position(b, indices, index[axis:end], x.shape[axis]), *index[end:]]

    return _added(b, x, updates, place)


def _add_along_axis(b: Builder, x: Value, indices: Value, updates: Value, *, axis: int) -> Value:
    indices = b.view(indices)
    return _added(
        b, x, updates,
        lambda index: [*index[:axis], _position(b, indices, index, x.shape[axis]), *index[axis + 1 :]],
    )  # fmt: skip


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    indices, lead = b.view(indices), indices.rank - 1
    return _added(b, x, updates, lambda index: [*_point(b, x, indices, index[:lead]), *index[lead:]])


def _same(b: Builder, x: Value, *_: Any, **attrs: Any) -> Value:
    return x


OPERATORS = {
    **{primitive: _scalar(primitive, expression) for primitive, expression in SCALARS.items()},
    p.select: _select, movement.reshape: reshape, movement.transpose: transpose, movement.broadcast_to: _broadcast_to,
    movement.slice: _slice, movement.flip: _flip, movement.pad: _pad, movement.dilate: _dilate, movement.iota: _iota,
    movement.concatenate: _concatenate, movement.dynamic_slice: _dynamic_slice,
    movement.dynamic_update_slice: _dynamic_update_slice, indexing.gather: _gather,
    indexing.take_along_axis: _take_along_axis, indexing.gather_points: _gather_points,
    indexing.scatter_add: _scatter_add, indexing.add_along_axis: _add_along_axis,
    indexing.scatter_add_points: _scatter_points, control.identity: _same, control.stop_gradient: _same,
    control.barrier: _same, control.with_gradient: lambda b, *xs, count, rule: xs[count:],
}  # fmt: skip
