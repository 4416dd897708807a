"""Data, and layers that are trained and saved, for the tests of native layers."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential
from amalthea.engine import backends
from amalthea.errors import UnsafeFileError
from tests.arrays import numbers

X = numbers(8, 3)
Y = numbers(8, 2, seed=1)


def host(x):
    return backends.current().to_numpy(x)


def close(found, wanted, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(host(found), wanted, rtol, atol)


def trained(layer, steps=4, x=X, y=Y):
    """The losses of a few steps of plain gradient descent, on the whole batch."""
    model = Sequential([Input(x.shape[1:]), layer])
    model.compile(amalthea.optimizers.SGD(0.1), "mse")
    return model, model.fit(x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0).history["loss"]


def saved_and_loaded(model, path, **options):
    file = str(path / "model.keras")
    model.save(file)
    with pytest.raises(UnsafeFileError):
        amalthea.models.load_model(file)
    return amalthea.models.load_model(file, safe_mode=False, **options)


def saved_linear(tf, path):
    """The folder of a SavedModel with the endpoints ``serve`` and ``learn``, which keeps an average."""

    class Linear(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(tf.ones((3, 2)) / 10, name="kernel")
            self.average = tf.Variable(tf.zeros(2), trainable=False, name="average")

        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def serve(self, x):
            return tf.tanh(x @ self.kernel) + self.average

        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def learn(self, x):
            z = tf.tanh(x @ self.kernel)
            self.average.assign(0.9 * self.average + 0.1 * tf.reduce_mean(z, 0))
            return z

    made = Linear()
    tf.saved_model.save(made, str(path / "saved"), {"other": made.serve.get_concrete_function()})
    return str(path / "saved")
