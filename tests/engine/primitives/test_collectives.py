"""The exchange between processes: its values and gradients on ranks that are threads, on every backend that has it."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import ops
from amalthea.distribution.communicators import threads
from amalthea.engine import backends, transforms
from amalthea.engine.primitives.collectives import exchange

# TensorFlow's two threads would wait for each other; JAX divides graphs itself.
HERE = [name for name in backends.installed() if name not in ("jax", "tensorflow")]
DTYPES = ["float32", "float64", "float16", "int32", "int8", "bool", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", HERE)
def test_sums_and_joined_parts(backend, dtype):
    if backend != "numpy" and dtype == "float64" or backend in ("openvino", "pytensor") and dtype not in DTYPES[:2]:
        pytest.skip("one dtype of these is enough on the others")

    def run(group):
        with backends.use_backend(backend):
            x = np.full((group.rank + 1, 2), group.rank + 1).astype(dtype)
            y = np.array(group.rank).astype(dtype)
            how = ((0, (1, 2)), None)
            step = transforms.jit(lambda a, b: exchange(a, b, gathers=how, group=group))
            return [ops.convert_to_numpy(v) for v in step(x, y)]

    want = np.array([[1, 1], [2, 2], [2, 2]]).astype(dtype), np.array(1).astype(dtype)
    for found in threads.run(run, 2):
        for got, expected in zip(found, want, strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)


def test_the_gradient_sums_what_every_rank_makes_of_it():
    """Rank r takes (r + 1) times the sum of squares of all: each gets 2 x (1 + 2)."""

    def run(group):
        with backends.use_backend("numpy"):
            x = np.arange(1.0, 3.0) + group.rank

            def loss(v):
                total, joined = exchange(v * v, v, gathers=(None, (0, (2, 2))), group=group)
                return ops.sum(total) * (group.rank + 1.0) + ops.sum(joined)

            return transforms.jit(transforms.grad(loss))(x).tolist()

    assert threads.run(run, 2) == [[2 * 3 * 1.0 + 2, 2 * 3 * 2.0 + 2], [2 * 3 * 2.0 + 2, 2 * 3 * 3.0 + 2]]
