"""Lowerings of branches and loops to blocks, which see the values around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import control, indexing, movement
from amalthea.export.coreml.builder import Builder, mb
from amalthea.export.lowering import Value


def _graph(b: Builder, graph: Graph, values: Sequence[Value]) -> list[Value]:
    """Write a graph on these values of its inputs."""
    b.values.update(zip(graph.inputs, values))
    return b.add_graph(graph)


def _variables(made: Any) -> list[Any]:
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _cond(b: Builder, predicate: Value, *operands: Value, true_graph: Graph, false_graph: Graph) -> list[Value]:
    yes, no = (b.inside(lambda graph=g: _graph(b, graph, operands)) for g in (true_graph, false_graph))
    made = mb.cond(pred=b.variable(predicate), _true_fn=yes, _false_fn=no)
    return [Value(x, b.held(t.type)) for x, t in zip(_variables(made), true_graph.outputs)]


def _while_loop(b: Builder, *operands: Value, condition: Graph, body: Graph, captures: int) -> list[Value]:
    fixed = operands[:captures]
    return _loop(
        b,
        operands[captures:],
        lambda *values: _graph(b, condition, [*fixed, *values]),
        lambda *values: _graph(b, body, [*fixed, *values]),
    )


def _loop(b: Builder, operands: Sequence[Value], condition: Any, step: Any) -> list[Value]:
    types = [x.type for x in operands]
    go = b.inside(condition, types)
    first = tuple(b.as_variable(x) for x in operands)
    made = mb.while_loop(_cond=lambda *xs: go(*xs)[0], _body=b.inside(step, types), loop_vars=first)
    return [Value(x, t) for x, t in zip(_variables(made), types)]


def _scan(
    b: Builder, *operands: Value, body: Graph, captures: int, carries: int, length: Any, reverse: bool
) -> list[Value]:
    """A loop over a counter, the carried values, and arrays into which each step writes a row."""
    start = captures + carries
    fixed, first, sequences = operands[:captures], operands[captures:start], operands[start:]
    kept = [b.held(Type((length, *x.type.shape), x.dtype)) for x in body.outputs[carries:]]
    stacks = [b.table[movement.broadcast_to](b, b.constant(0, t.dtype), shape=t.shape) for t in kept]
    total = b.reshape(b.ints([length]), ())
    last = b.emit("sub", [total, b.like(1, total)]) if reverse else total

    def go(count: Value, *_: Value) -> list[Value]:
        return [b.emit("less", [count, total])]

    def step(count: Value, *values: Value) -> list[Value]:
        at = b.emit("sub", [last, count]) if reverse else count
        rows = [b.table[indexing.gather](b, x, at, axis=0) for x in sequences]
        made = _graph(b, body, [*fixed, *values[:carries], *rows])
        written = [_with_row(b, s, row, at) for s, row in zip(values[carries:], made[carries:])]
        return [b.emit("add", [count, b.like(1, count)]), *made[:carries], *written]

    return _loop(b, [b.constant(0, "int32"), *first, *stacks], go, step)[1:]


def _with_row(b: Builder, stack: Value, row: Value, at: Value) -> Value:
    numbers = [b.cast(x, "int32") if x.dtype == "bool" else x for x in (stack, row)]
    rows = [numbers[0], b.reshape(at, (1,)), b.reshape(numbers[1], (1, *row.shape))]
    return b.cast(b.emit("scatter", rows, stack.shape, axis=0, mode="update", validate_indices=False), stack.dtype)


CONTROL = {control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan}
