"""The move to channels first: the same numbers, and transpositions at the ends of a chain alone."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import ops, value_and_grad
from amalthea.engine import backends
from amalthea.engine.passes import channels_first
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import movement
from amalthea.engine.transforms import capture
from amalthea.ops.nn import normalize_batch

X = np.random.default_rng(0).normal(size=(2, 8, 8, 3))
K1, K2 = (np.random.default_rng(seed).normal(size=shape) for seed, shape in ((1, (3, 3, 3, 4)), (2, (3, 3, 4, 4))))
SCALE = np.array([0.5, 1.5, 2.0, 1.0])


def conv(x, kernel, **options):
    return ops.conv(x, kernel, padding="same", **options)


CHAINS = {
    "relu": lambda x, k: conv(ops.relu(conv(x, k)), K2),
    "bias": lambda x, k: conv(conv(x, k) + SCALE, K2),
    "padded": lambda x, k: conv(ops.pad(conv(x, k), ((0, 0), (1, 1), (0, 0), (0, 0))), K2),
    "pooled": lambda x, k: conv(ops.max_pool(conv(x, k), 2), K2),
    "batch normalized": lambda x, k: conv(normalize_batch(conv(x, k), -1, SCALE, SCALE)[0], K2),
    "residual": lambda x, k: conv((y := conv(x, k)) + conv(ops.relu(y), K2), K2),
}


def training(chain):
    return value_and_grad(lambda k, x: ops.mean(ops.square(chain(x, k))))


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_input_and_kernels_alone_are_transposed(chain):
    graph, _ = capture(training(chain), ((K1, X), {}))
    graph = simplify(channels_first.channels_first(simplify(graph)))
    turned = [node.inputs[0] for node in graph.nodes if node.primitive is movement.transpose]
    assert turned == [graph.inputs[1]]


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_channels_first_gives_the_same_results(chain):
    graph, _ = capture(training(chain), ((K1, X), {}))
    moved = channels_first.channels_first(graph)
    with backends.use_backend("numpy"):
        known = backends.load("numpy")
        before, after = (g.run([K1, X], known.execute) for g in (graph, moved))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
