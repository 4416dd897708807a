"""Lowerings of branches and loops to subgraphs, which get every outer value as an input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import control
from amalthea.export.litert.builder import Builder
from amalthea.export.lowering import Value

Write = Callable[[Builder, list[Value]], list[Value]]


def _subgraph(b: Builder, name: str, types: Sequence[Type], write: Write) -> int:
    """Write a subgraph with inputs of these types; return its index."""
    inner = Builder(b.table, b.model, f"{name}{len(b.model.graphs)}")
    index = len(b.model.graphs) - 1
    inputs = [Value(inner.tensor(t), t) for t in types]
    for value in inputs:
        inner.know_symbols(value)
    inner.finish(inputs, write(inner, inputs))
    return index


def _of(graph: Graph) -> Write:
    """The writer of a graph between its inputs and outputs."""

    def write(inner: Builder, values: list[Value]) -> list[Value]:
        inner.values.update(zip(graph.inputs, values))
        return inner.add_graph(graph)

    return write


def _cond(b: Builder, predicate: Value, *operands: Value, true_graph: Graph, false_graph: Graph) -> list[Value]:
    types = [x.type for x in operands]
    yes, no = (_subgraph(b, "branch", types, _of(graph)) for graph in (true_graph, false_graph))
    results = [x.type for x in true_graph.outputs]
    return b.several("IF", [predicate, *operands], results, thenSubgraphIndex=yes, elseSubgraphIndex=no)


def _while_loop(b: Builder, *operands: Value, condition: Graph, body: Graph, captures: int) -> list[Value]:
    def step(inner: Builder, values: list[Value]) -> list[Value]:
        return [*values[:captures], *_of(body)(inner, values)]

    return _loop(b, operands, _of(condition), step)[captures:]


def _loop(b: Builder, operands: Sequence[Value], condition: Any, step: Any) -> list[Value]:
    types = [x.type for x in operands]
    go, body = _subgraph(b, "condition", types, condition), _subgraph(b, "body", types, step)
    return b.several("WHILE", operands, types, condSubgraphIndex=go, bodySubgraphIndex=body)


def _scan(
    b: Builder, *operands: Value, body: Graph, captures: int, carries: int, length: Any, reverse: bool
) -> list[Value]:
    """A loop over a counter, the values of outer graphs, the carried values, and the outputs so far."""
    start = captures + carries
    fixed, first, sequences = operands[:captures], operands[captures:start], operands[start:]
    kept = [Type((length, *x.type.shape), x.dtype) for x in body.outputs[carries:]]
    empty = [b.BROADCAST_TO(b.constant(0, t.dtype), b.ints(t.shape), shape=t.shape, dtype=t.dtype) for t in kept]
    total = b.reshape(b.ints([length]), ())
    state = [b.constant(0, "int32"), total, *fixed, *sequences, *first, *empty]
    around = 2 + captures + len(sequences)

    def condition(inner: Builder, values: list[Value]) -> list[Value]:
        return [inner.LESS(values[0], values[1])]

    def step(inner: Builder, values: list[Value]) -> list[Value]:
        count, end, *rest = values
        at = inner.SUB(inner.SUB(end, inner.constant(1, "int32")), count) if reverse else count
        rows = [_row(inner, x, at) for x in rest[captures : captures + len(sequences)]]
        carried, stacks = rest[around - 2 : around - 2 + carries], rest[around - 2 + carries :]
        results = _of(body)(inner, [*rest[:captures], *carried, *rows])
        stacks = [_with_row(inner, stack, row, at) for stack, row in zip(stacks, results[carries:])]
        return [inner.ADD(count, inner.constant(1, "int32")), *values[1:around], *results[:carries], *stacks]

    return _loop(b, state, condition, step)[around:]


def _row(b: Builder, x: Value, at: Value) -> Value:
    return b.GATHER(x, at, shape=x.shape[1:], axis=0, batchDims=0)


def _with_row(b: Builder, stack: Value, row: Value, at: Value) -> Value:
    rest = b.constant(np.zeros(stack.rank - 1), "int32")
    begin = b.reshape(at, (1,))
    if stack.rank > 1:
        begin = b.CONCATENATION(begin, rest, shape=(stack.rank,), axis=0)
    return b.DYNAMIC_UPDATE_SLICE(stack, b.reshape(row, (1, *row.shape)), begin, shape=stack.shape)


CONTROL = {control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan}
