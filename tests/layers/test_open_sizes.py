"""Sizes that Input leaves open: known when the model runs."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Model, layers, ops
from amalthea.ops import adaptive

POOLS = [n for n in dir(layers) if n.startswith("Adaptive")]
SIZES = {1: (7,), 2: (5, 8), 3: (4, 5, 3)}


def reference(x, sizes, kind, first=1):
    """Window i of n over a size s: from floor(i s / n) to ceil((i + 1) s / n)."""
    for axis, count in enumerate(sizes, first):
        size = x.shape[axis]
        rows = [np.take(x, range(i * size // count, -(-(i + 1) * size // count)), axis=axis) for i in range(count)]
        x = np.stack([getattr(row, kind)(axis=axis) for row in rows], axis=axis)
    return x


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_adaptive_pools_take_sizes_that_are_open(name, data_format):
    rank, kind = int(name[-2]), "max" if "Max" in name else "mean"
    sizes, counts = SIZES[rank], (3, 4, 1)[:rank]
    last = data_format == "channels_last"
    open_shape = (*[None] * rank, 2) if last else (2, *[None] * rank)
    inputs = Input(open_shape)
    layer = getattr(layers, name)(counts, data_format=data_format)
    outputs = layer(inputs)
    assert tuple(outputs.shape) == ((None, *counts, 2) if last else (None, 2, *counts))
    model = Model(inputs, outputs)
    for larger in (0, 2):
        shape = tuple(n + larger for n in sizes)
        x = np.random.default_rng(larger).normal(size=(3, *shape, 2) if last else (3, 2, *shape)).astype("float32")
        want = reference(x.astype("float64"), counts, kind, 1 if last else 2)
        for found in (model.predict(x, verbose=0), layer(x), model(x)):
            np.testing.assert_allclose(ops.convert_to_numpy(found), want, rtol=1e-5, atol=1e-6)


OPEN_WINDOWS = [(adaptive._average, "float32"), (adaptive._average, "float16")]
OPEN_WINDOWS += [(adaptive._maximum, dtype) for dtype in ("float32", "float16", "int32", "uint8")]


@pytest.mark.parametrize(("pool", "dtype"), OPEN_WINDOWS)
def test_windows_of_a_size_that_is_a_symbol_are_those_of_a_size(pool, dtype):
    """The windows of a symbol are computed in the graph; a number of NumPy takes that way too."""
    for size in (2, 3, 7, 8):
        x = np.random.default_rng(size).integers(0, 50, (2, size, 2)).astype(dtype)
        want, found = pool(x, 1, 3, size), pool(x, 1, 3, np.int64(size))
        assert ops.dtype(found) == ops.dtype(want)
        np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(want), rtol=2e-3)
