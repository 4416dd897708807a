"""What stands between convolutions on ONNX Runtime: it stays in blocks of channels, and is what it would be outside."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper

import amalthea
from amalthea import jit, layers, ops
from amalthea.engine import backends
from amalthea.engine.backends.onnxruntime import BACKEND
from amalthea.engine.backends.onnxruntime.nchwc import conv as nchwc_conv
from amalthea.engine.backends.onnxruntime.nchwc import elementwise, kernel_gradient, layout
from amalthea.engine.primitives import elementwise as e
from amalthea.engine.primitives import normalization as n
from amalthea.engine.primitives import reductions as r
from amalthea.engine.primitives import windows as w
from tests.arrays import integers, numbers

NORM = {"axis": 3, "epsilon": 1e-3}
needs_blocks = pytest.mark.skipif(not layout.block_size(), reason="this build has no blocks of channels")


def conv(x, kernel, stride=1):
    """From blocks of channels, or into them."""
    pads = ((1, 1), (1, 1)) if kernel.shape[0] == 3 else ((0, 0), (0, 0))
    attrs = {"strides": (stride, stride), "padding": pads, "dilation": (1, 1), "groups": 1}
    return w.conv(x, kernel, data_format="channels_last", **attrs)


def pool(x):
    return w.max_pool(x, window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)), data_format="channels_last")


def by_channels(primitive, x, vector):
    return primitive(ops.reshape(vector, (1, 1, 1, -1)), x)


def offset(x, vector):
    return by_channels(e.add, x, vector)


def twice_moved(x, a, b):
    """What a normalization does at last, and some more."""
    return offset(by_channels(e.multiply, by_channels(e.multiply, offset(x, b), a), a), b)


def of_one(z):
    """A kernel for windows of one element."""
    return ops.reshape(z[0, :8, :4], (1, 1, 32, 32)) * 0.2


def normalized(x, scale, shift):
    return n.batch_normalize(x, scale, shift, **NORM)


def normalized_gradient(g, x, scale, shift):
    _, mean, variance = normalized(x, scale, shift)
    return n.batch_normalize_gradient(g, x, scale, mean, variance, **NORM)


SCENARIOS = {  # of two images that come from convolutions, a third that does not, and two vectors
    "a relu": lambda x, y, z, a, b: e.relu(x),
    "a relu's gradient": lambda x, y, z, a, b: e.relu_gradient(x, y),
    "a relu's gradient, from without": lambda x, y, z, a, b: e.relu_gradient(z, y),
    "an elu": lambda x, y, z, a, b: e.maximum(x, e.exp(e.minimum(x, y)) - y),
    "a swish": lambda x, y, z, a, b: e.multiply(x, e.sigmoid(x)),
    "a sum": lambda x, y, z, a, b: e.add(x, y),
    "a sum with one from without": lambda x, y, z, a, b: e.add(z, x),
    "an offset": lambda x, y, z, a, b: offset(x, a),
    "a factor": lambda x, y, z, a, b: by_channels(e.multiply, x, a),
    "an offset, factors and an offset": lambda x, y, z, a, b: twice_moved(x, a, b),
    "an offset to a relu": lambda x, y, z, a, b: offset(e.relu(offset(x, a)), b),
    "an offset and a relu": lambda x, y, z, a, b: e.relu(offset(x, a)),
    "a normalization": lambda x, y, z, a, b: normalized(x, a, b),
    "a normalization and a relu": lambda x, y, z, a, b: e.relu(normalized(x, a, b)[0]),
    "a normalization's gradient": lambda x, y, z, a, b: normalized_gradient(x, y, a, b),
    "its gradient, from without": lambda x, y, z, a, b: normalized_gradient(z, y, a, b),
    "sums of images": lambda x, y, z, a, b: r.reduce_sum(x, axes=(1, 2)),
    "sums of all images": lambda x, y, z, a, b: r.reduce_sum(x, axes=(0, 1, 2)),
    "a pool and an offset": lambda x, y, z, a, b: offset(pool(x), a),
    "windows of one element": lambda x, y, z, a, b: conv(x, of_one(z)),
    "the same with strides": lambda x, y, z, a, b: conv(x, of_one(z), 2),
}


def computed(scenario, backend, images, vectors, kernel):
    def function(x, y, z, a, b, kernel):
        out = SCENARIOS[scenario](conv(x, kernel), conv(y, kernel), z, a, b)
        return list(out) if isinstance(out, (tuple, list)) else [out]

    with backends.use_backend(backend):
        return [np.asarray(x) for x in jit(function)(*images, *vectors, kernel)]


def given(channels=32, size=8):
    images = [numbers(3, size, size, channels, seed=seed) + 0.5 for seed in range(3)]
    return images, [numbers(32, seed=3), numbers(32, seed=4)], numbers(3, 3, channels, 32, seed=5) / 9


def models(monkeypatch):
    """The ONNX models that are made from here on."""
    made, plain = [], BACKEND.session
    monkeypatch.setattr(BACKEND, "session", lambda model, **given: (made.append(model), plain(model, **given))[1])
    return made


def assert_like_numpy(scenario, values):
    exact = computed(
        scenario, "numpy", *([x.astype("float64") for x in part] for part in values[:2]), values[2].astype("float64")
    )
    for ours, wanted in zip(computed(scenario, "onnxruntime", *values), exact, strict=True):
        assert ours.shape == wanted.shape
        assert np.abs(ours - wanted).max() <= 4e-6 * max(np.abs(wanted).max(), 1)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_results_between_convolutions_are_those_of_numpy(scenario):
    assert_like_numpy(scenario, given())


@needs_blocks
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_values_between_convolutions_stay_in_blocks(scenario, monkeypatch):
    """Out of them come results alone; into them go what is given, and nothing twice."""
    made = models(monkeypatch)
    results = computed(scenario, "onnxruntime", *given())
    (model,) = made
    names = [node.op_type for node in model.graph.node]
    assert all(node.domain for node in model.graph.node if node.op_type == "Conv")
    assert names.count("ReorderOutput") == sum(x.ndim == 4 for x in results)
    assert names.count("ReorderInput") <= 3


@needs_blocks
@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS if "and a relu" in scenario])
def test_a_relu_is_fused_with_the_op_before_it(scenario, monkeypatch):
    made = models(monkeypatch)
    computed(scenario, "onnxruntime", *given())
    assert "Relu" not in [node.op_type for node in made[0].graph.node]


@needs_blocks
@pytest.mark.parametrize("longest, rows", [(64, 8), (63, 4), (17, 2), (1, 1)])
def test_long_images_are_pooled_some_rows_at_a_time(longest, rows, monkeypatch):
    monkeypatch.setattr(elementwise, "LONGEST", longest)
    made = models(monkeypatch)
    for scenario in ("sums of images", "sums of all images", "a normalization", "a normalization's gradient"):
        assert_like_numpy(scenario, given())
    for model in made:
        vectors = [numpy_helper.to_array(x).tolist() for x in model.graph.initializer if list(x.dims) == [4]]
        assert [3 * 32 * 8 // rows // layout.block_size(), layout.block_size(), rows, 8] in vectors


def test_machines_without_blocks_do_the_same(monkeypatch):
    for room in (nchwc_conv, kernel_gradient):
        monkeypatch.setattr(room, "block_size", lambda: 0)
    for scenario in SCENARIOS:
        assert_like_numpy(scenario, given())


def residual(filters, x, strides):
    """Two convolutions and a way around them."""
    more = {"padding": "same", "use_bias": False}
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, strides=strides, **more)(x)))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, **more)(y))
    if strides > 1:
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, strides=strides, **more)(x))
    return layers.ReLU()(layers.Add()([x, y]))


def network():
    amalthea.random.set_random_seed(1)
    inputs = layers.Input((8, 8, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(16, 3, padding="same", activation="relu")(inputs))
    x = residual(32, residual(16, x, 1), 2)
    out = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = amalthea.Model(inputs, out)
    model.compile(amalthea.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("rows", [16, 10])  # a block of images, and not
def test_a_residual_network_learns_what_it_learns_elsewhere(rows):
    x, y = numbers(rows, 8, 8, 3), integers(3, rows)
    found = []
    for backend in ("onnxruntime", "numpy"):
        with backends.use_backend(backend):
            model = network()
            losses = [model.train_on_batch(x, y)[0] for _ in range(2)]
            found.append([losses, model.predict(x, verbose=0), *(v.numpy() for v in model.weights)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-4)


def test_a_convolution_within_a_loop(monkeypatch):
    """What is moved out of blocks and not read is left out of subgraphs too."""
    kernel, x = numbers(3, 3, 16, 16) / 12, numbers(2, 4, 4, 16, seed=1)

    def function(x, kernel):
        return ops.fori_loop(0, 3, lambda i, x: e.relu(conv(x, kernel)), x)

    made = models(monkeypatch)
    found = []
    for backend in ("onnxruntime", "numpy"):
        with backends.use_backend(backend):
            found.append(np.asarray(jit(function)(x, kernel)))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)
    (loop,) = [node for node in made[0].graph.node if any(part.HasField("g") for part in node.attribute)]
    names = [node.op_type for part in loop.attribute if part.HasField("g") for node in part.g.node]
    assert names.count("ReorderOutput") == (layout.block_size() > 0)
