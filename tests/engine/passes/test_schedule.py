"""The order of nodes, and what it means for memory: how much is alive at once while they run one by one."""

from __future__ import annotations

import tracemalloc

import numpy as np

from amalthea import Variable, jit, ops, remat, value_and_grad
from amalthea.engine import backends
from amalthea.engine.passes.schedule import schedule
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.transforms import capture
from tests.arrays import numbers
from tests.backends import every_backend

LAYERS, ROWS, WIDTH = 12, 256, 64
ONE = ROWS * WIDTH * 4  # bytes of one activation
X = numbers(ROWS, WIDTH)


def weights():
    return [Variable(np.eye(WIDTH, dtype="float32") * 0.5) for _ in range(LAYERS)]


def deep(matrices, parts=1):
    """A loss behind a chain of layers, in parts that are computed again in the backward pass if there are several."""

    def part(x, chosen):
        for w in chosen:
            x = ops.tanh(ops.matmul(x, w))
        return x

    def loss(x):
        size = LAYERS // parts
        for start in range(0, LAYERS, size):
            chosen = matrices[start : start + size]
            x = (remat if parts > 1 else lambda f: f)(lambda x, chosen=chosen: part(x, chosen))(x)
        return ops.mean(ops.square(x))

    def step(x):
        value, slopes = value_and_grad(lambda: loss(x), matrices)()
        for w, slope in zip(matrices, slopes):
            w.assign(w.value - 0.1 * slope)
        return value

    return step


def most_alive(graph):
    """The most bytes that are alive at once, inputs and variables apart."""
    uses = {x: 0 for node in graph.nodes for x in node.outputs}
    for x in (*(x for node in graph.nodes for x in node.inputs), *graph.results):
        if x in uses:
            uses[x] += 1
    alive = most = 0
    for node in graph.nodes:
        alive += sum(np.prod(x.type.shape, dtype=int) * 4 for x in node.outputs if uses[x])
        most = max(most, alive)
        for x in node.inputs:
            if x in uses:
                uses[x] -= 1
                alive -= np.prod(x.type.shape, dtype=int) * 4 if uses[x] == 0 else 0
    return most


def graph_of(parts):
    return simplify(capture(deep(weights(), parts), ((X,), {}))[0])


def test_nodes_come_after_what_they_need():
    graph = graph_of(4)
    known = {*graph.inputs, *(x for _, x in graph.reads)}
    for node in graph.nodes:
        assert all(x in known or x.value is not None for x in node.inputs)
        known.update(node.outputs)
    assert all(x in known or x.value is not None for x in graph.results)
    assert len(graph.nodes) == len(set(graph.nodes)) == len(schedule(graph).nodes)


def test_training_holds_each_activation_once_and_hardly_more():
    assert LAYERS * ONE < most_alive(graph_of(1)) < (LAYERS + 4) * ONE


def test_remat_holds_the_ends_of_the_parts_and_one_part():
    parts = 4
    assert most_alive(graph_of(parts)) < (parts + LAYERS // parts + 4) * ONE


def measured(parts):
    """The bytes that NumPy has at once in a compiled step."""
    step = jit(deep(weights(), parts))
    step(X[:1])
    step(X)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        step(X)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_remat_saves_memory_that_is_measured():
    with backends.use_backend("numpy"):
        plain, saving = measured(1), measured(4)
    assert saving < 0.75 * plain


@every_backend
def test_remat_changes_no_number(backend):
    found = []
    for parts in (1, 4):
        with backends.use_backend(backend):
            matrices = weights()
            loss = jit(deep(matrices, parts))(X)
            found.append([np.asarray(loss), *(w.numpy() for w in matrices)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
