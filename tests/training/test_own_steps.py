"""Training steps and losses of a user's own."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, losses, metrics, ops, optimizers
from tests.arrays import numbers
from tests.backends import every_base_backend
from tests.training.small import OwnStep, line, small


@every_base_backend
def test_a_step_of_ones_own_does_what_the_plain_one_does(backend):
    with amalthea.use_backend(backend):
        plain = small()
        own = OwnStep(plain.inputs, plain.outputs[0])
        start = plain.get_weights()
        x, y = line()
        wanted = plain.fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"]
        trained = plain.get_weights()
        own.set_weights(start)
        own.compile("sgd")
        found = own.fit(x, y, epochs=2, shuffle=False, verbose=0).history["seen"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    for a, b in zip(own.get_weights(), trained, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Adversaries(Model):
    """Two networks with an optimizer each, as in a generative adversarial network."""

    def __init__(self):
        super().__init__()
        self.maker = Sequential([Input((2,)), layers.Dense(8, "relu"), layers.Dense(3)])
        self.judge = Sequential([Input((3,)), layers.Dense(8, "relu"), layers.Dense(1)])
        self.seeds = amalthea.random.SeedGenerator(3)
        self.maker_loss, self.judge_loss = metrics.Mean(name="maker_loss"), metrics.Mean(name="judge_loss")

    def compile(self, maker_optimizer, judge_optimizer):
        super().compile(optimizer=None)
        self.maker_optimizer, self.judge_optimizer = maker_optimizer, judge_optimizer
        self.entropy = losses.BinaryCrossentropy(from_logits=True)

    def call(self, x):
        return self.judge(x)

    def train_step(self, real):
        real = real[0] if isinstance(real, tuple) else real
        rows = ops.shape(real)[0]
        noise = amalthea.random.normal((rows, 2), seed=self.seeds)
        ones, zeros = ops.ones((rows, 1)), ops.zeros((rows, 1))

        def judged():
            return self.entropy(ones, self.judge(real)) + self.entropy(zeros, self.judge(self.maker(noise)))

        loss, slopes = amalthea.value_and_grad(judged, self.judge.trainable_variables)()
        self.judge_optimizer.apply(slopes, self.judge.trainable_variables)
        self.judge_loss.update_state(loss)
        made, slopes = amalthea.value_and_grad(
            lambda: self.entropy(ones, self.judge(self.maker(noise))), self.maker.trainable_variables
        )()
        self.maker_optimizer.apply(slopes, self.maker.trainable_variables)
        self.maker_loss.update_state(made)
        return {"judge_loss": self.judge_loss.result(), "maker_loss": self.maker_loss.result()}


@every_base_backend
def test_two_networks_train_against_each_other(backend):
    with amalthea.use_backend(backend):
        model = Adversaries()
        model.compile(optimizers.Adam(0.01), optimizers.Adam(0.01))
        before = model.maker.get_weights() + model.judge.get_weights()
        real = numbers(64, 3) * 0.1 + np.float32([2, -1, 0])
        history = model.fit(real, epochs=3, batch_size=16, verbose=0).history
    assert set(history) == {"judge_loss", "maker_loss"}
    assert np.isfinite([history["judge_loss"], history["maker_loss"]]).all()
    assert int(model.maker_optimizer.iterations) == int(model.judge_optimizer.iterations) == 12
    assert all(
        (a != b).any() for a, b in zip(before, model.maker.get_weights() + model.judge.get_weights(), strict=True)
    )


class Sparse(layers.Layer):
    def call(self, x):
        self.add_loss(0.5 * ops.mean(ops.square(x)))
        return x


@every_base_backend
def test_a_loss_added_in_call_is_trained_on(backend):
    x, y = line()
    with amalthea.use_backend(backend):
        inputs = Input((3,))
        model = Model(inputs, Sparse()(layers.Dense(1, kernel_initializer="ones")(inputs)))
        model.compile("sgd", "mse")
        out = x.sum(-1, keepdims=True)
        wanted = np.mean((out - y) ** 2) + 0.5 * np.mean(out**2)
        assert model.evaluate(x, y, batch_size=64, verbose=0) == pytest.approx(wanted, rel=1e-5)
        alone = Model(inputs, model.output)
        alone.compile("sgd")
        curve = alone.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert curve[-1] < 0.5 * curve[0]


def test_an_activity_regularizer_is_a_mean_over_the_batch():
    x, y = line()
    model = Sequential([Input((3,)), layers.Dense(1, kernel_initializer="ones", activity_regularizer="l2")])
    model.compile("sgd", "mse")
    out = x.sum(-1, keepdims=True)
    wanted = np.mean((out - y) ** 2) + 0.01 * np.sum(out**2) / len(x)
    assert model.evaluate(x, y, batch_size=64, verbose=0) == pytest.approx(wanted, rel=1e-5)


def test_losses_do_not_pile_up():
    model = Sequential([Input((3,)), Sparse(), layers.Dense(1, kernel_regularizer="l2")])
    for _ in range(3):
        model(numbers(4, 3))
        assert len(model.losses) == 2
