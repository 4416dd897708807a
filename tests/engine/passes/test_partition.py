"""A graph divided among ranks computes what it computes whole, for every primitive and every axis."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import jit, ops, testing
from amalthea.distribution.communicators import threads
from amalthea.engine import backends
from amalthea.engine.communicator import part_of, split
from amalthea.engine.ir.graph import graph_of_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace, as_tensor, type_of
from amalthea.engine.passes.partition import partition
from amalthea.engine.passes.partition_rules import RULES, WHOLE, Rows
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import TABLE, collectives
from amalthea.engine.transforms import capture

CASES = [(row, n, s) for row, n, s in testing.cases() if row is not collectives.exchange]


def divided(graph, inputs, layouts, size):
    """The results of every rank, and the exchanges of the first."""

    def run(group):
        own = partition(graph, layouts, group)
        values = [
            x
            if layout == WHOLE
            else np.take(x, range(x.shape[layout.axis])[part_of(layout.counts, group.rank)], layout.axis)
            for x, layout in zip(inputs, layouts)
        ]
        with backends.use_backend("numpy"):
            executable = backends.current().compile(own)
            return [np.asarray(x) for x in executable(values)], own

    ran = threads.run(run, size)
    return [results for results, _ in ran], [n for n in all_nodes(ran[0][1]) if n.primitive is collectives.exchange]


def layouts_of(inputs, size):
    """Each way to divide one input along one axis, or all inputs along their first."""
    for i, x in enumerate(inputs):
        for axis in range(x.ndim):
            if x.shape[axis] >= 2:
                yield [Rows(axis, split(x.shape[axis], size)) if k == i else WHOLE for k in range(len(inputs))]
    counts = {x.shape[0] for x in inputs if x.ndim}
    if len(counts) == 1 and len(inputs) > 1 and max(counts) > 1:
        yield [Rows(0, split(*counts, size)) if x.ndim else WHOLE for x in inputs]


@pytest.mark.parametrize(("row", "number", "sample"), CASES, ids=[f"{r.name}-{n}" for r, n, _ in CASES])
def test_every_primitive_gives_the_same_divided(row, number, sample):
    inputs = [np.asarray(x) for x in sample.inputs]
    with Trace() as scope:
        tensors = [Tensor(type_of(x)) for x in inputs]
        made = row(*tensors, **sample.attrs)
        graph = graph_of_trace(tensors, [as_tensor(x) for x in ([made] if row.single else made)], scope)
    with backends.use_backend("numpy"):
        expected = [np.asarray(x) for x in backends.current().compile(graph)(inputs)]
    for size, layouts in [(n, way) for n in (2, 3) for way in layouts_of(inputs, n)]:
        for results in divided(graph, inputs, layouts, size)[0]:
            for want, got in zip(expected, results, strict=True):
                np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12, err_msg=f"{layouts} on {size} ranks")


def test_every_rule_belongs_to_a_primitive():
    assert set(RULES) <= set(TABLE.values())


def exchanges_of(function, *inputs, size=2):
    graph, _ = capture(function, (inputs, {}))
    layouts = [Rows(0, split(len(x), size)) for x in inputs]
    expected = [np.asarray(x) for x in graph.run(inputs, lambda p, xs, attrs: p.reference(*xs, **attrs))]
    results, exchanges = divided(graph, inputs, layouts, size)
    for got in results:
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    return exchanges


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("float32"), RNG.normal(size=(6, 4)).astype("float32")
KEPT = {
    "elementwise": (lambda x, y: ops.sum(ops.exp(x) * y + x), 1),
    "two sums travel together": (lambda x, y: (ops.sum(x), ops.sum(x * y), ops.mean(y)), 1),
    "a sum of a mean's differences": (lambda x, y: ops.sum((x - ops.mean(x, 0)) ** 2), 2),
    "a product over rows": (lambda x, y: ops.matmul(ops.transpose(x), y), 1),
    "rows flattened": (lambda x, y: ops.sum(ops.reshape(ops.reshape(x, (6, 2, 2)), (12, 2)), 0), 1),
    "steps first": (
        lambda x, y: ops.sum(ops.reshape(ops.transpose(ops.reshape(x, (6, 2, 2)), (1, 0, 2)), (12, 2)) ** 2), 1),
    "a similarity of all pairs": (lambda x, y: ops.sum(ops.softmax(ops.matmul(x, ops.transpose(y)))), 2),
    "a cumulative sum over rows": (lambda x, y: ops.cumsum(x, 0), 1),
    "a sort of rows": (lambda x, y: ops.sum(ops.sort(x, axis=0) * y), 2),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_values_stay_divided_as_long_as_they_may(name):
    function, most = KEPT[name]
    assert len(exchanges_of(function, X, Y)) <= most


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_ranks_without_rows_take_part(rows):
    exchanges_of(lambda x, y: (ops.sum((x - ops.mean(x, 0)) ** 2), ops.max(x, 0), y * 2), X[:rows], Y[:rows], size=4)


def test_a_loop_carries_divided_values_and_sums():
    def function(x, y):
        steps = ops.transpose(ops.reshape(x, (6, 2, 2)), (1, 0, 2))
        last, kept = ops.scan(lambda c, e: ((c[0] + e, c[1] + ops.sum(e * c[0], 0)), e * 2),
                              (ops.zeros((6, 2)), ops.zeros((2,))), steps)  # fmt: skip
        return last[0], last[1], kept

    exchanges = exchanges_of(function, X, Y)
    assert len(exchanges) == 1  # nothing is exchanged inside the loop


def test_a_loop_that_needs_the_sum_exchanges_it_inside():
    def function(x, y):
        steps = ops.transpose(ops.reshape(x, (6, 2, 2)), (1, 0, 2))
        return ops.scan(lambda c, e: (c + ops.tanh(ops.sum(e * c, 0)), ops.sum(c)), ops.ones((2,)), steps)

    exchanges_of(function, X, Y)


@pytest.mark.parametrize("truth", [True, False])
def test_a_branch_gives_parts_if_either_side_has_them(truth):
    exchanges_of(lambda x, y: ops.cond(ops.mean(x) * 0 < float(truth), lambda: x * 2, lambda: ops.zeros((6, 4))), X, Y)


def test_what_no_rule_divides_is_computed_whole():
    found = exchanges_of(lambda x, y: ops.flip(x, 0) - y, X, Y)
    assert found and jit(lambda x: x)(X).shape == X.shape
