"""Lowerings to loops: reductions, running sums, positions, orders, and products of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing, matmul, reductions
from amalthea.export.c.builder import Builder, linear
from amalthea.export.c.operators import transpose
from amalthea.export.c.scalars import ADD, MULTIPLY, SCALARS, Expression
from amalthea.export.c.text import c_type, number
from amalthea.export.lowering import Value


def _reduce(combine: Expression, first: Any) -> Callable[..., Value]:
    """A reduction that begins with a number."""

    def lower(b: Builder, x: Value, *, axes: Any, keepdims: bool = False) -> Value:
        kept = reductions.kept_shape(x.shape, tuple(axes))
        shape = kept if keepdims else tuple(d for a, d in enumerate(x.shape) if a not in axes)
        start = number(first(x.dtype) if callable(first) else first, x.dtype)
        made, source = b.buffer(Type(shape, x.dtype)), b.source(x)
        b.position += 1
        inner = [d if a in axes else 1 for a, d in enumerate(x.shape)]
        with b.loops(kept) as outside:
            total = b.counter("total")
            b.line(f"{c_type(x.dtype)} {total} = {start};")
            with b.loops(inner, "k") as along:
                index = [k if a in axes else i for a, (i, k) in enumerate(zip(outside, along))]
                b.line(f"{total} = {combine(b.helpers, x.dtype, total, source.at(index))};")
            b.line(f"{b.element(made, linear(kept, outside))} = {total};")
        return Value(made, Type(shape, x.dtype))

    return lower


def _lowest(dtype: str) -> Any:
    return dtypes.bounds(dtype)[0]


def _highest(dtype: str) -> Any:
    return dtypes.bounds(dtype)[1]


def _position(operator: str) -> Callable[..., Value]:
    def lower(b: Builder, x: Value, *, axis: int) -> Value:
        kept = reductions.kept_shape(x.shape, (axis,))
        type = Type(tuple(d for a, d in enumerate(x.shape) if a != axis), "int32")
        made, source = b.buffer(type), b.source(x)
        b.position += 1
        with b.loops(kept) as index:
            best, at, one, k = b.counter("best"), b.counter("at"), b.counter("x"), b.counter("k")
            b.line(f"{c_type(x.dtype)} {best} = {source.at([*index[:axis], '0', *index[axis + 1 :]])};")
            b.line(f"int32_t {at} = 0;")
            with b.block(f"for (int32_t {k} = 1; {k} < {x.shape[axis]}; {k}++)"):
                b.line(f"const {c_type(x.dtype)} {one} = {source.at([*index[:axis], k, *index[axis + 1 :]])};")
                missing = f" || ({one} != {one} && {best} == {best})" if dtypes.is_float(x.dtype) else ""
                with b.block(f"if ({one} {operator} {best}{missing})"):
                    b.line(f"{best} = {one};")
                    b.line(f"{at} = {k};")
            b.line(f"{b.element(made, linear(kept, index))} = {at};")
        return Value(made, type)

    return lower


def _running(combine: Expression, first: Any) -> Callable[..., Value]:
    def lower(b: Builder, x: Value, *, axis: int, reverse: bool = False) -> Value:
        made, source, size = b.buffer(x.type), b.source(x), x.shape[axis]
        b.position += 1
        with b.loops(reductions.kept_shape(x.shape, (axis,))) as index:
            total, k = b.counter("total"), b.counter("k")
            b.line(f"{c_type(x.dtype)} {total} = {number(first, x.dtype)};")
            steps = f"long {k} = {size} - 1; {k} >= 0; {k}--" if reverse else f"long {k} = 0; {k} < {size}; {k}++"
            with b.block(f"for ({steps})"):
                at = [*index[:axis], k, *index[axis + 1 :]]
                b.line(f"{total} = {combine(b.helpers, x.dtype, total, source.at(at))};")
                b.line(f"{b.element(made, linear(x.shape, at))} = {total};")
        return Value(made, x.type)

    return lower


def _top_k(b: Builder, x: Value, *, k: int) -> list[Value]:
    """Of the elements that come after the last one chosen, the first, k times: no memory but the results."""
    x = b.view(x)
    shape, size = (*x.shape[:-1], k), x.shape[-1]
    values, ranks = b.buffer(Type(shape, x.dtype)), b.buffer(Type(shape, "int32"))
    source, precedes = b.source(x), b.helpers.call
    b.position += 1
    values.note(b.position)
    ranks.note(b.position)
    if k == 0:
        return [Value(values, Type(shape, x.dtype)), Value(ranks, Type(shape, "int32"))]
    with b.loops(shape[:-1]) as lead:
        n, last, best, j = (b.counter(letter) for letter in ("n", "last", "best", "j"))
        b.line(f"int32_t {last} = -1;")
        with b.block(f"for (long {n} = 0; {n} < {k}; {n}++)"):
            b.line(f"int32_t {best} = -1;")
            at = lambda i: source.at([*lead, i])  # noqa: E731
            with b.block(f"for (int32_t {j} = 0; {j} < {size}; {j}++)"):
                after = f"({last} < 0 || {precedes('precedes', x.dtype, at(last), last, at(j), j)})"
                first = f"({best} < 0 || {precedes('precedes', x.dtype, at(j), j, at(best), best)})"
                b.line(f"if ({after} && {first})")
                b.line(f"    {best} = {j};")
            b.line(f"{b.element(values, linear(shape, [*lead, n]))} = {at(best)};")
            b.line(f"{b.element(ranks, linear(shape, [*lead, n]))} = {best};")
            b.line(f"{last} = {best};")
    return [Value(values, Type(shape, x.dtype)), Value(ranks, Type(shape, "int32"))]


def _matmul(b: Builder, x: Value, y: Value, *, transpose_x: bool = False, transpose_y: bool = False) -> Value:
    if transpose_y and y.array is not None:  # rows of outputs side by side, as the loop reads them
        axes = [*range(y.rank - 2), y.rank - 1, y.rank - 2]
        y, transpose_y = transpose(b, y, axes=axes), False
    x, y = b.view(x), b.view(y)
    rows, inner = x.shape[-2:][::-1] if transpose_x else x.shape[-2:]
    columns = y.shape[-2 if transpose_y else -1]
    type = Type((*shapes.broadcast(x.shape[:-2], y.shape[:-2]), rows, columns), x.dtype)
    made = b.buffer(type)
    b.position += 1
    made.note(b.position)
    left, right = b.source(x), b.source(y)
    with b.loops(type.shape[:-1]) as index:
        lead, i = index[:-1], index[-1]
        of_x = [("0" if d == 1 else at) for at, d in zip(lead[len(lead) - x.rank + 2 :], x.shape)]
        of_y = [("0" if d == 1 else at) for at, d in zip(lead[len(lead) - y.rank + 2 :], y.shape)]
        of = _Product(
            b, x.dtype, inner, columns,
            lambda k: left.at([*of_x, *((k, i) if transpose_x else (i, k))]),
            lambda k, j: right.at([*of_y, *((j, k) if transpose_y else (k, j))]),
            lambda j: b.element(made, linear(type.shape, [*index, j])),
        )  # fmt: skip
        of.by_sums() if transpose_y or columns == 1 else of.by_rows()
    return Value(made, type)


class _Product:
    """The loops that compute one row of a product: its elements one by one, or all of them step by step."""

    def __init__(self, b: Builder, dtype: str, inner: Any, columns: Any, x: Any, y: Any, out: Any):
        self.b, self.dtype, self.inner, self.columns, self.x, self.y, self.out = b, dtype, inner, columns, x, y, out

    def _plus(self, total: str, x: str, y: str) -> str:
        product = MULTIPLY(self.b.helpers, self.dtype, x, y)
        return f"{total} = {ADD(self.b.helpers, self.dtype, total, product)};"

    def by_sums(self) -> None:
        b, total, k = self.b, self.b.counter("total"), self.b.counter("k")
        with b.loops([self.columns], "j") as (j,):
            b.line(f"{c_type(self.dtype)} {total} = {number(0, self.dtype)};")
            with b.block(f"for (long {k} = 0; {k} < {self.inner}; {k}++)"):
                b.line(self._plus(total, self.x(k), self.y(k, j)))
            b.line(f"{self.out(j)} = {total};")

    def by_rows(self) -> None:
        """Neighbouring weights are read together, and compilers use vectors."""
        b, k, element = self.b, self.b.counter("k"), self.b.counter("x")
        with b.loops([self.columns], "j") as (j,):
            b.line(f"{self.out(j)} = {number(0, self.dtype)};")
        with b.block(f"for (long {k} = 0; {k} < {self.inner}; {k}++)"):
            b.line(f"const {c_type(self.dtype)} {element} = {self.x(k)};")
            with b.loops([self.columns], "j") as (j,):
                b.line(self._plus(self.out(j), element, self.y(k, j)))


LOOPS = {
    reductions.reduce_sum: _reduce(ADD, 0), reductions.reduce_prod: _reduce(MULTIPLY, 1),
    reductions.reduce_max: _reduce(SCALARS[p.maximum], _lowest),
    reductions.reduce_min: _reduce(SCALARS[p.minimum], _highest),
    reductions.argmax: _position(">"), reductions.argmin: _position("<"),
    reductions.cumsum: _running(ADD, 0), reductions.cumprod: _running(MULTIPLY, 1),
    indexing.top_k: _top_k, matmul.matmul: _matmul,
}  # fmt: skip
