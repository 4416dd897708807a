"""Primitives with subgraphs (cond, while_loop, scan), native calls, and primitives that only affect differentiation.

A subgraph has one input per operand, captured values first.
"""

from __future__ import annotations

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


def _same(x: Type, **attrs) -> Type:
    return x


def _output_types(graph) -> tuple[Type, ...]:
    return tuple(t.type for t in graph.outputs)


def _cond(predicate: Type, *operands: Type, true_graph, false_graph) -> tuple[Type, ...]:
    if predicate != Type((), "bool"):
        raise DtypeError("The predicate of a branch is not one bool.", expected="bool[]", got=predicate)
    yes, no = _output_types(true_graph), _output_types(false_graph)
    if yes != no:
        raise ShapeError(
            "The two branches return different types.",
            expected=", ".join(map(str, yes)),
            got=", ".join(map(str, no)),
            cure="return the same shapes and dtypes from both functions",
        )
    return yes


def _check_carry(before, after) -> None:
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if a != b:
            raise ShapeError(
                f"Value {i} that the loop carries changes its type from one step to the next.", expected=a, got=b
            )


def _while_loop(*operands: Type, condition, body, captures: int) -> tuple[Type, ...]:
    _check_carry(operands[captures:], _output_types(body))
    if _output_types(condition) != (Type((), "bool"),):
        raise DtypeError(
            "The condition of a loop does not return one bool.", expected="bool[]", got=_output_types(condition)
        )
    return operands[captures:]


def _scan(*operands: Type, body, captures: int, carries: int, length, reverse: bool) -> tuple[Type, ...]:
    types = _output_types(body)
    _check_carry(operands[captures : captures + carries], types[:carries])
    for x in operands[captures + carries :]:
        if not x.shape or not shapes.agree(x.shape[0], length):
            raise ShapeError("A sequence does not have the length of the scan.", expected=f"{length} steps", got=x)
    return types[:carries] + tuple(Type((length, *t.shape), t.dtype) for t in types[carries:])


def run_subgraph(graph, values):
    """Run a subgraph by the NumPy references."""
    return graph.run(values, lambda primitive, inputs, attrs: primitive.reference(*inputs, **attrs))


@primitive(Family(_same))
def identity(x):
    """The same value under another name."""
    return x


@primitive(Family(_same), passes_no_gradient=True)
def stop_gradient(x):
    """The same value, through which no gradient passes."""
    return x


@primitive(Family(lambda x, after, *, tag: x))
def barrier(x, after, *, tag=0):
    """The same value, available only after ``after`` is computed.

    Its users are not merged with equal nodes before it.
    """
    return x


@primitive(Family(lambda *operands, count, rule: operands[count:]), single=False)
def with_gradient(*operands, count, rule):
    """Return the operands after the first ``count``; ``rule`` maps their cotangents to those of the first ``count``."""
    return operands[count:]


identity.gradient = lambda g, x, out: (g,)
stop_gradient.gradient = lambda g, x, out: (None,)
barrier.gradient = lambda g, x, after, out, *, tag: (g, None)
with_gradient.gradient = lambda g, *rest, count, rule: (*rule(*g), *[None] * len(g))


@primitive(Family(lambda *operands, function, types: types), single=False)
def native_call(*operands, function, types):
    """A function of the backend's library, called on its arrays; ``types`` are the types of its outputs."""
    return tuple(function(*operands))


class Pullback:
    """Maps the cotangents of a native function's outputs, and its inputs, to the cotangents of some inputs.

    It is a native function too, so it can be differentiated again.
    """

    def __init__(self, function, count, wanted):
        self.function, self.count, self.wanted = function, count, wanted

    def __call__(self, *operands):
        cotangents, inputs = operands[: self.count], operands[self.count :]
        return runtime.native_gradient(self.function, inputs, cotangents, self.wanted)


def _native_gradient(g, *inputs, function, types, wanted):
    indices = [i for i, x in enumerate(inputs) if wanted[i] and dtypes.is_float(x.dtype)]
    if not indices:
        return [None] * len(inputs)
    by = Pullback(function, len(g), indices)
    found = dict(zip(indices, native_call(*g, *inputs, function=by, types=tuple(inputs[i].type for i in indices))))
    return [found.get(i) for i in range(len(inputs))]


_native_gradient.takes_wanted = True  # type: ignore[attr-defined]
native_call.gradient = _native_gradient


@primitive(Family(_cond), single=False)
def cond(predicate, *operands, true_graph, false_graph):
    """Run one of two subgraphs and return its outputs."""
    return tuple(run_subgraph(true_graph if predicate else false_graph, operands))


@primitive(Family(_while_loop), single=False)
def while_loop(*operands, condition, body, captures):
    """Run the body on the carried values while the condition is true."""
    fixed, carry = operands[:captures], operands[captures:]
    while run_subgraph(condition, (*fixed, *carry))[0]:
        carry = run_subgraph(body, (*fixed, *carry))
    return tuple(carry)


@primitive(Family(_scan), single=False)
def scan(*operands, body, captures, carries, length, reverse=False):
    """Run the body once per step, on elements of the sequences' first axis.

    Return the last carry and stacked outputs.
    """
    fixed, carry = operands[:captures], operands[captures : captures + carries]
    sequences = operands[captures + carries :]
    steps = range(length)[::-1] if reverse else range(length)
    kept = [None] * length
    for step in steps:
        outputs = run_subgraph(body, (*fixed, *carry, *(x[step] for x in sequences)))
        carry, kept[step] = outputs[:carries], outputs[carries:]
    return (*carry, *stack_steps(kept, [t.type for t in body.outputs[carries:]]))


def stack_steps(kept, types):
    """Stack the outputs of all steps along a new first axis (of length 0 without steps)."""
    if kept:
        return [np.stack(values) for values in zip(*kept)]
    return [np.zeros((0, *t.shape), t.dtype) for t in types]


identity.samples = stop_gradient.samples = lambda: [sample(numbers(2, 3))]
barrier.samples = lambda: [
    sample(numbers(2, 3), numbers(4, seed=1)),
    sample(numbers(2), np.array(True)),
    sample(numbers(2), numbers(0)),
]
