"""What ONNX Runtime computes by faster ways than the straight one: at sizes at which those are taken."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from amalthea import jit
from amalthea.engine import backends
from amalthea.engine.backends.onnx import normalization as lowerings
from amalthea.engine.backends.onnx.builder import Value
from amalthea.engine.backends.onnxruntime import BACKEND
from amalthea.engine.backends.onnxruntime.nchwc import conv, kernel_gradient, layout
from amalthea.engine.primitives import composite, elementwise, normalization
from amalthea.engine.primitives import windows as w
from tests.arrays import integers, numbers


def close(got, want, tolerance=2e-6, magnitude=None):
    """Within a tolerance, relative to the largest number wanted (or to the magnitude of what was added up)."""
    assert np.abs(np.asarray(got) - want).max() <= tolerance * (magnitude or np.abs(want).max())


def compiled(function, *arrays):
    with backends.use_backend("onnxruntime"):
        return [np.asarray(x) for x in jit(function)(*arrays)]


def exact(row, inputs, attrs):
    return row.reference(*(x.astype("float64") for x in inputs), **attrs)


CONVOLUTIONS = {  # input, kernel, strides, padding, dilation
    "same": ((3, 9, 9, 16), (3, 3, 16, 32), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "valid": ((2, 8, 7, 32), (3, 2, 32, 16), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    "strides": ((2, 10, 9, 32), (3, 2, 32, 16), (2, 1), ((1, 0), (0, 1)), (1, 2)),
    "strides along the second axis": ((2, 9, 9, 16), (3, 3, 16, 16), (1, 2), ((1, 1), (1, 1)), (2, 1)),
    "more padding than window": ((1, 4, 4, 16), (2, 2, 16, 16), (1, 1), ((2, 2), (2, 2)), (1, 1)),
    "a row": ((2, 8, 8, 16), (1, 3, 16, 16), (1, 1), ((0, 0), (1, 1)), (1, 1)),
    "few channels": ((2, 8, 8, 3), (3, 3, 3, 16), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "a window of one element": ((3, 7, 8, 32), (1, 1, 32, 16), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    "half a block of channels more": ((16, 5, 6, 24), (3, 2, 24, 16), (1, 1), ((0, 0), (0, 1)), (1, 1)),
    # From here on images come in whole blocks too, and the kernel's gradient is a convolution.
    "images": ((32, 6, 5, 16), (3, 3, 16, 32), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "images, two blocks of channels": ((16, 5, 6, 32), (3, 2, 32, 16), (1, 1), ((0, 0), (0, 1)), (1, 1)),
    "images, strides": ((16, 8, 8, 16), (3, 3, 16, 48), (2, 2), ((0, 1), (0, 1)), (1, 1)),
    "images, strides that leave a row": ((16, 7, 8, 16), (3, 3, 16, 16), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    "images, one axis each": ((16, 7, 9, 16), (4, 1, 16, 16), (1, 3), ((2, 0), (0, 0)), (2, 1)),
    "images, longer strides than window": ((16, 9, 4, 16), (2, 3, 16, 16), (3, 1), ((0, 3), (1, 1)), (1, 1)),
    "images, more padding than window": ((16, 3, 3, 16), (2, 2, 16, 16), (1, 1), ((2, 3), (3, 2)), (1, 1)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_over_blocks_and_their_gradients(name):
    shape, window, strides, padding, dilation = CONVOLUTIONS[name]
    attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": 1, "data_format": "channels_last"}
    x, kernel = numbers(*shape), numbers(*window, seed=1)
    out = exact(w.conv, (x, kernel), attrs)
    g = numbers(*out.shape, seed=2)
    close(BACKEND.run(w.conv, (x, kernel), attrs), out)
    for row, inputs, more in (
        (w.conv_input_gradient, (g, kernel), {"shape": shape}),
        (w.conv_kernel_gradient, (x, g), {"kernel_shape": window}),
    ):
        close(BACKEND.run(row, inputs, {**attrs, **more}), exact(row, inputs, {**attrs, **more}))


@pytest.mark.parametrize("name", [name for name in CONVOLUTIONS if name.startswith("images")])
def test_kernels_change_places_with_batches_where_these_come_in_blocks(name):
    shape, window, strides, padding, dilation = CONVOLUTIONS[name]
    attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": 1}
    x = Value("x", "float32", (shape[0], shape[3], *shape[1:3]))
    g = Value("g", "float32", (shape[0], window[3], 1, 1))
    assert kernel_gradient.is_supported(x, g, window[:2], **attrs) == (layout.block_size() > 0)


def test_a_machine_without_blocks_convolves_too(monkeypatch):
    for room in (conv, kernel_gradient):
        monkeypatch.setattr(room, "block_size", lambda: 0)
    for name in ("same", "images"):
        BACKEND._eager.clear()
        test_convolutions_over_blocks_and_their_gradients(name)
    BACKEND._eager.clear()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_gradient_of_a_relu_is_all_or_nothing(dtype):
    out = np.array([0.0, -0.0, 1e-30, 1.0, 6e4, np.inf], dtype)
    g = np.arange(1, 7).astype(dtype)
    (got,) = compiled(lambda *given: [elementwise.relu_gradient(*given)], g, out)
    np.testing.assert_array_equal(got, np.where(out > 0, g, 0))


@pytest.mark.parametrize(
    ("window", "shape"),
    [((2, 2), (2, 7, 8, 3)), ((3, 2), (1, 9, 5, 2)), ((3,), (2, 7, 3)), ((2, 1, 3), (1, 4, 3, 7, 2))],
)
def test_the_first_of_the_equal_elements_in_a_pool_takes_the_gradient(window, shape):
    x = integers(3, *shape).astype("float32")
    attrs = {"window": window, "strides": window, "padding": ((0, 0),) * len(window), "data_format": "channels_last"}
    out = w.max_pool.reference(x, **attrs)
    g = numbers(*out.shape, seed=2)
    (got,) = compiled(lambda *given: [w.max_pool_gradient(*given, **attrs)], g, x, out)
    np.testing.assert_array_equal(got, w.max_pool_gradient.reference(g, x, out, **attrs))


@pytest.mark.parametrize(
    ("shape", "axis"), [((4, 6, 5, 3), 3), ((8, 3), 1), ((2, 16, 4, 6), 1), ((32, 4, 32, 32), 1), ((10000, 4), 1)]
)
def test_normalizations_in_one_graph_keep_their_moments_apart(shape, axis):
    """The runtime writes moments over the earlier ones that it is given."""
    x, attrs = numbers(*shape) + 2, {"axis": axis, "epsilon": 1e-3}
    scale, offset, g = np.abs(numbers(shape[axis], seed=1)) + 0.5, numbers(shape[axis], seed=2), numbers(*shape, seed=3)
    terms = np.abs(g * x).sum(tuple(a for a in range(len(shape)) if a != axis)).max()  # of the gradients of vectors

    def twice(normalize, gradient, x, scale, offset, g):
        y, *first = normalize(x, scale, offset, **attrs)
        z, *second = normalize(y, scale, offset, **attrs)
        return [z, *gradient(g, y, scale, *second, **attrs), *gradient(g, x, scale, *first, **attrs)]

    rows = normalization.batch_normalize, normalization.batch_normalize_gradient
    want = twice(*(row.reference for row in rows), *(v.astype("float64") for v in (x, scale, offset, g)))
    for got, expected in zip(compiled(lambda *given: twice(*rows, *given), x, scale, offset, g), want):
        close(got, expected, 5e-6) if expected.ndim > 1 else close(got, expected, 2.0**-22, terms)


def test_a_machine_without_the_operator_for_a_gated_sum_normalizes_too(monkeypatch):
    monkeypatch.setattr(lowerings, "has_kernel", lambda name: False)
    test_normalizations_in_one_graph_keep_their_moments_apart((32, 4, 32, 32), 1)


@pytest.mark.parametrize("shape", [(), (40,), (3, 3, 4, 16)])
def test_adam_of_arrays_that_are_not_variables_runs_in_the_session(shape):
    """Numbers that are no variables stay in the session."""
    value, gradient, momentum = (np.asarray(numbers(*shape, seed=seed)) for seed in range(3))
    inputs = (value, gradient, momentum, np.abs(gradient) + 0.5, np.float32(0.25))
    attrs = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    got = compiled(lambda *given: composite.adam(*given, **attrs), *inputs)
    for one, want in zip(got, exact(composite.adam, inputs, attrs)):
        close(one, want, 1e-6)


MEMORY = """
import numpy as np
from pathlib import Path
from amalthea import Sequential, layers

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

model = Sequential([layers.Input((256,)), *(layers.Dense(256, "relu") for _ in range(8)), layers.Dense(2, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
x, y = np.ones((4096, 256), "float32"), np.zeros(4096, "int32")
model.train_on_batch(x[:1], y[:1])
sizes = [held()]
for rows in (4096, 4000):
    model.train_on_batch(x[:rows], y[:rows])
    sizes.append(held())
print(*sizes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_second_batch_size_takes_the_memory_of_the_first():
    """Eight layers hold 34 MB of activations; sessions with arenas of their own held them twice."""
    environment = {**os.environ, "AMALTHEA_BACKEND": "onnxruntime"}
    found = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, env=environment, check=True)
    start, first, second = map(float, found.stdout.split())
    assert first - start > 30
    assert second - first < 0.3 * (first - start)


def test_threads_are_counted_where_a_system_tells_no_affinity(monkeypatch):
    from amalthea.engine.backends.onnxruntime import threads

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads() == 2
