"""Lowerings of branches and loops to functions, which get every outer value as an argument.

The first two values of a loop are a counter and the most steps (-1 for any), and rows that a loop collects are in a
list: TensorFlow's gradient of a loop relies on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import control
from amalthea.export.lowering import Value
from amalthea.export.tensorflow_graph.nodes import Nodes as Builder

Write = Callable[[Builder, list[Value]], list[Value]]
_SCALAR = Type((), "int32")


def _function(b: Builder, stem: str, types: Sequence[Type], write: Write) -> str:
    """Write a function with arguments of these types; return its name."""
    inner = b.inner(stem)
    inputs = [inner.argument(f"x_{i}", t) for i, t in enumerate(types)]
    for value in inputs:
        inner.know_symbols(value)
    inner.finish(write(inner, inputs))
    return inner.name


def _of(graph: Graph) -> Write:
    """The writer of a graph between its inputs and outputs."""

    def write(inner: Builder, values: list[Value]) -> list[Value]:
        inner.values.update(zip(graph.inputs, values))
        return inner.add_graph(graph)

    return write


def _cond(b: Builder, predicate: Value, *operands: Value, true_graph: Graph, false_graph: Graph) -> list[Value]:
    types, results = [x.type for x in operands], [x.type for x in true_graph.outputs]
    yes, no = (_function(b, stem, types, _of(g)) for stem, g in (("true", true_graph), ("false", false_graph)))
    return b.several(
        "StatelessIf", [predicate, *operands], results, then_branch=yes, else_branch=no,
        Tin=[t.dtype for t in types], Tout=[t.dtype for t in results],
        output_shapes=[b.shape_attr(t.shape) for t in results],
    )  # fmt: skip


def _while_loop(b: Builder, *operands: Value, condition: Graph, body: Graph, captures: int) -> list[Value]:
    def go(inner: Builder, values: list[Value]) -> list[Value]:
        return _of(condition)(inner, values[2:])

    def step(inner: Builder, values: list[Value]) -> list[Value]:
        return [*values[2 : 2 + captures], *_of(body)(inner, values[2:])]

    return _loop(b, b.constant(-1, "int32"), operands, go, step)[captures:]


def _loop(b: Builder, limit: Value, operands: Sequence[Value], go: Write, step: Write) -> list[Value]:
    """A loop over a counter, a limit and values; ``step`` returns the values alone."""

    def counted(inner: Builder, values: list[Value]) -> list[Value]:
        following = step(inner, values)
        return [inner.AddV2(values[0], inner.constant(1, "int32")), values[1], *following]

    state = [b.constant(0, "int32"), limit, *operands]
    types = [x.type for x in state]
    condition, body = _function(b, "condition", types, go), _function(b, "body", types, counted)
    return b.several(
        "StatelessWhile", state, types, cond=condition, body=body, T=[t.dtype for t in types],
        output_shapes=[b.shape_attr(t.shape) for t in types], parallel_iterations=10,
    )[2:]  # fmt: skip


def _scan(
    b: Builder, *operands: Value, body: Graph, captures: int, carries: int, length: Any, reverse: bool
) -> list[Value]:
    """A loop over the values of outer graphs, the sequences, the carried values, and lists of the outputs so far."""
    start = captures + carries
    fixed, first, sequences = operands[:captures], operands[captures:start], operands[start:]
    kept = [x.type for x in body.outputs[carries:]]
    total = b.reshape(b.ints([length]), ())
    lists = [_reserved(b, t, total) for t in kept]
    last = [_zeros(b, t) for t in kept] if b.lists_alone else []
    read = [_listed(b, x) for x in sequences] if b.lists_alone else []
    around = captures + len(sequences) + len(read)

    def go(inner: Builder, values: list[Value]) -> list[Value]:
        return [inner.Less(values[0], values[1])]

    def step(inner: Builder, values: list[Value]) -> list[Value]:
        count, end, *rest = values
        at = inner.Sub(inner.Sub(end, inner.constant(1, "int32")), count) if reverse else count
        rows = [_row(inner, x, at) for x in rest[captures : captures + len(sequences)]]
        if read:
            types = [x.type._replace(shape=x.shape[1:]) for x in sequences]
            rows = [_row_of_list(inner, x, at, t) for x, t in zip(rest[around - len(read) : around], types)]
        results = _of(body)(inner, [*rest[:captures], *rest[around : around + carries], *rows])
        made = [inner.Identity(row) for row in results[carries:]] if last else results[carries:]
        stacks = [_with_row(inner, x, at, row) for x, row in zip(rest[around + carries :], made)]
        return [*rest[:around], *results[:carries], *stacks, *(made if last else [])]

    state = _loop(b, total, [*fixed, *sequences, *read, *first, *lists, *last], go, step)[around:]
    stacks = [_stacked(b, x, t, length) for x, t in zip(state[carries:], kept)]
    return [*state[:carries], *stacks]


def _row(b: Builder, x: Value, at: Value) -> Value:
    return b.GatherV2(x, at, b.constant(0, "int32"), shape=x.shape[1:])


def _listed(b: Builder, x: Value) -> Value:
    shape = _open_sizes(b, x.shape[1:])
    return b.TensorListFromTensor(x, shape, shape=(), dtype="variant", element_dtype=x.dtype)


def _row_of_list(b: Builder, rows: Value, at: Value, row: Type) -> Value:
    shape = _open_sizes(b, row.shape)
    return b.TensorListGetItem(rows, at, shape, shape=row.shape, dtype=row.dtype, element_dtype=row.dtype)


def _open_sizes(b: Builder, shape: Sequence[Any]) -> Value:
    return b.constant([d if isinstance(d, int) else -1 for d in shape], "int32")


def _reserved(b: Builder, row: Type, total: Value) -> Value:
    return b.TensorListReserve(_open_sizes(b, row.shape), total, shape=(), dtype="variant", element_dtype=row.dtype)


def _zeros(b: Builder, row: Type) -> Value:
    return b.BroadcastTo(b.constant(0, row.dtype), b.ints(row.shape), shape=row.shape, dtype=row.dtype)


def _with_row(b: Builder, rows: Value, at: Value, row: Value) -> Value:
    return b.TensorListSetItem(rows, at, row, shape=(), element_dtype=row.dtype)


def _stacked(b: Builder, rows: Value, row: Type, length: Any) -> Value:
    shape = (length, *row.shape)
    made = b.TensorListStack(rows, b.ints(row.shape), shape=shape, dtype=row.dtype, element_dtype=row.dtype)
    return b.reshape(made, shape)


CONTROL = {control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan}
