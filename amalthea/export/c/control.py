"""Lowerings of branches and loops to those of C. What a loop carries has arrays of its own, made before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import control
from amalthea.export.c.builder import Builder, linear
from amalthea.export.c.memory import Buffer
from amalthea.export.lowering import Value


def _run(b: Builder, graph: Graph, inputs: Sequence[Value]) -> list[Value]:
    b.values.update(zip(graph.inputs, inputs))
    return b.add_graph(graph)


def _made(b: Builder, types: Sequence[Type]) -> list[Buffer]:
    """Arrays that exist from here on."""
    found = [b.buffer(t) for t in types]
    b.position += 1
    for buffer in found:
        buffer.note(b.position)
    return found


def _values(buffers: Sequence[Buffer], types: Sequence[Type]) -> list[Value]:
    return [Value(buffer, type) for buffer, type in zip(buffers, types)]


def _cond(b: Builder, predicate: Value, *operands: Value, true_graph: Graph, false_graph: Graph) -> list[Value]:
    predicate, operands = b.whole(predicate), tuple(b.whole(x) for x in operands)
    types = [b.held(x.type) for x in true_graph.outputs]
    made = _made(b, types)
    b.position += 1
    test = b.source(predicate).at([])
    for head, graph in ((f"if ({test})", true_graph), ("else", false_graph)):
        with b.block(head):
            for buffer, value in zip(made, _run(b, graph, operands)):
                b.assign(buffer, value)
    return _values(made, types)


def _carried(b: Builder, first: Sequence[Value]) -> list[Value]:
    """Arrays for what a loop carries, with the values that it begins with."""
    types = [x.type for x in first]
    made = _made(b, types)
    for buffer, value in zip(made, first):
        b.assign(buffer, value)
    return _values(made, types)


def _carry(b: Builder, carried: Sequence[Value], results: Sequence[Value]) -> None:
    """Let the results of a step be what the next one gets; each is computed before any is written."""
    changed = [(old, new) for old, new in zip(carried, results) if new.name is not old.name or new.array is not None]
    apart = []
    for old, new in changed:
        made = b.whole(new)
        if any(made.name is other.name for other, _ in changed):
            buffer = b.buffer(made.type)
            b.assign(buffer, made)
            made = Value(buffer, made.type)
        apart.append((old, made))
    for old, new in apart:
        b.assign(old.name, new)


def _while_loop(b: Builder, *operands: Value, condition: Graph, body: Graph, captures: int) -> list[Value]:
    operands = tuple(b.whole(x) for x in operands)
    fixed, carried = operands[:captures], _carried(b, operands[captures:])
    with b.repeated("for (;;)"):
        (go,) = _run(b, condition, [*fixed, *carried])
        go = b.whole(go)
        b.position += 1
        b.line(f"if (!{b.source(go).at([])})")
        b.line("    break;")
        _carry(b, carried, _run(b, body, [*fixed, *carried]))
    return carried


def _scan(
    b: Builder, *operands: Value, body: Graph, captures: int, carries: int, length: Any, reverse: bool
) -> list[Value]:
    operands = tuple(b.whole(x) for x in operands)
    start = captures + carries
    fixed, sequences = operands[:captures], operands[start:]
    carried = _carried(b, operands[captures:start])
    types = [b.held(Type((length, *x.type.shape), x.dtype)) for x in body.outputs[carries:]]
    stacks, step = _made(b, types), b.counter("step")
    count = (
        f"long {step} = {length} - 1; {step} >= 0; {step}--"
        if reverse
        else f"long {step} = 0; {step} < {length}; {step}++"
    )
    with b.repeated(f"for ({count})"):
        results = _run(b, body, [*fixed, *carried, *(_row(b, x, step) for x in sequences)])
        for stack, type, row in zip(stacks, types, results[carries:]):
            b.assign(stack, row, lambda index, shape=type.shape: linear(shape, [step, *index]))
        _carry(b, carried, results[:carries])
    return [*carried, *_values(stacks, types)]


def _row(b: Builder, x: Value, step: str) -> Value:
    """The elements of one step of a sequence."""
    source, size = b.source(x), prod(x.shape[1:])
    at = linear((x.shape[0], size), [step, "0"]) if x.shape[0] != 1 else "0"
    flat = source.flat and (lambda i: source.flat(at if i == "0" else f"{at} + {i}"))  # type: ignore[misc]
    return b.lazy(Type(x.shape[1:], x.dtype), lambda index: source.at([step, *index]), flat, 0)


CONTROL = {control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan}
