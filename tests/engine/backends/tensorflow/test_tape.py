"""TensorFlow's tape through our layers, and variables that move away and back."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, Variable, layers, ops
from amalthea.engine import backends
from tests.arrays import numbers

tf = pytest.importorskip("tensorflow")


STACKS = {
    "dense": ((5, 6), lambda: [layers.Dense(4, "gelu"), layers.LayerNormalization(), layers.Dense(2)]),
    "images": (
        (2, 7, 8, 3),
        lambda: [
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(2, padding="same"),
            layers.MaxPooling2D(2, padding="same"),
            layers.AveragePooling2D(2, padding="same"),
            layers.Flatten(),
        ],
    ),
    "volumes": ((1, 4, 5, 4, 2), lambda: [layers.Conv3D(2, 2), layers.MaxPooling3D(2, 1), layers.AveragePooling3D(2)]),
    "sequences": ((2, 5, 3), lambda: [layers.LSTM(4, return_sequences=True), layers.GRU(3)]),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_tape_sees_through_eager_layers(name):
    shape, make = STACKS[name]
    x = numbers(*shape)
    model = Sequential([layers.Input(shape[1:]), *make()])

    def loss():
        return ops.sum(ops.square(model(x, training=False)))

    with tf.GradientTape() as tape:
        value = loss()
    variables = model.trainable_variables
    found = tape.gradient(value, [v.storage.variable for v in variables])
    wanted_value, wanted = amalthea.value_and_grad(loss, variables)()
    np.testing.assert_allclose(value, wanted_value, rtol=1e-5)
    for v, got, want in zip(variables, found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=v.path)


def test_a_tape_sees_through_inputs_and_mixes_with_tensorflows_own_functions():
    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.math.exp(ops.multiply(x, 3.0))
    np.testing.assert_allclose(tape.gradient(y, x), 3 * np.exp([[3.0, 6.0]]), rtol=1e-5)
    assert isinstance(ops.tanh(x), tf.Tensor)


def test_a_layer_frozen_and_thawed_is_still_watched():
    layer = layers.Dense(2)
    layer.trainable = False
    layer(np.ones((1, 3), "float32"))
    layer.trainable = True
    with tf.GradientTape() as tape:
        y = layer(np.ones((1, 3), "float32"))
    assert tape.gradient(y, layer.kernel.storage.variable) is not None


@pytest.mark.parametrize("other", ["numpy", *(name for name in ("torch", "jax") if name in backends.installed())])
def test_a_variable_moved_away_and_back_is_found_again(other):
    count = Variable(np.float32(1))
    step = amalthea.jit(lambda x: (count.assign_add(x), count.value)[1])
    assert [float(step(np.float32(1))), float(step(np.float32(1)))] == [2, 3]
    for expected in (14, 26):
        with backends.use_backend(other):
            count.assign(count + 10)
        assert float(step(np.float32(1))) == expected
        assert float(count) == expected
        with backends.use_backend(other):
            assert float(step(np.float32(1))) == expected + 1


def test_a_model_moved_away_and_back_goes_on_where_it_was():
    x = numbers(8, 6)
    y = np.arange(8) % 2

    def losses(route):
        amalthea.random.set_random_seed(1)
        model = Sequential([layers.Input((6,)), layers.Dense(4, "tanh"), layers.Dense(2, "softmax")])
        model.compile(amalthea.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
        found = []
        for name in route:
            with backends.use_backend(name):
                model.reset_metrics()
                found.append(model.train_on_batch(x, y))
        return found

    route = ["tensorflow", "tensorflow", "numpy", "tensorflow", "numpy", "numpy", "tensorflow"]
    np.testing.assert_allclose(losses(route), losses(["numpy"] * len(route)), rtol=1e-4)


def test_the_devices_have_short_names(on_tensorflow):
    assert "cpu:0" in on_tensorflow.devices()
