"""Data on a line, and a small model for them."""

from __future__ import annotations

import numpy as np

import amalthea
from amalthea import Input, Model, Sequential, layers, metrics, ops
from tests.arrays import numbers


def line(rows=64):
    """Rows of a plane, with a little noise."""
    x = numbers(rows, 3)
    return x, (x @ np.float32([[1], [-2], [0.5]]) + 0.01 * numbers(rows, 1, seed=4)).astype("float32")


def small(**options):
    amalthea.utils.set_random_seed(0)
    model = Sequential([Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **options})
    return model


def assert_same_weights(a, b, **close):
    for found, want in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(found, want, **(close or {"rtol": 1e-5, "atol": 1e-6}))


class OwnStep(Model):
    """The plain step, by hand."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = metrics.Mean(name="seen")

    def train_step(self, data):
        x, y = data[:2]

        def objective():
            return ops.mean(ops.square(y - self(x, training=True)))

        loss, gradients = amalthea.value_and_grad(objective, self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.seen.update_state(loss)
        return {"seen": self.seen.result()}
