"""Training steps written as Keras's guides write them for one library, and those of models without a call."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, losses, metrics, ops, optimizers, random, use_backend
from tests.arrays import numbers

X, Y = numbers(16, 4), numbers(16, 1)


def network(kind, **options):
    random.set_random_seed(5)
    inputs = Input((4,))
    hidden = layers.BatchNormalization()(layers.Dense(5, "tanh")(inputs))
    model = kind(inputs, layers.Dense(1)(hidden))
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"], **options)
    return model


def run(kind, **options):
    model = network(kind, **options)
    history = model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    return history, [v.numpy() for v in model.variables]


def same(found, wanted):
    assert sorted(found[0]) == sorted(wanted[0])
    for name, values in wanted[0].items():
        np.testing.assert_allclose(found[0][name], values, 1e-4, err_msg=name)
    for a, b in zip(found[1], wanted[1], strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def updated(model, y, y_pred, loss):
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss)
        else:
            metric.update_state(y, y_pred)
    return {metric.name: metric.result() for metric in model.metrics}


def test_a_torch_step_with_backward_trains_as_our_own_does():
    torch = pytest.importorskip("torch")

    class Torch(Model):
        def train_step(self, data):
            x, y = data
            self.zero_grad()
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
            loss.backward()
            weights = self.trainable_weights
            with torch.no_grad():
                self.optimizer.apply([w.value.grad for w in weights], weights)
            return updated(self, y, y_pred, loss)

    with use_backend("torch"), torch.enable_grad():
        same(run(Torch), run(Model))
        same(run(Torch, steps_per_execution=2), run(Model, steps_per_execution=2))


def test_a_tensorflow_step_with_a_tape_trains_as_our_own_does():
    tf = pytest.importorskip("tensorflow")

    class Taped(Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return updated(self, y, y_pred, loss)

    with use_backend("tensorflow"):
        same(run(Taped), run(Model))


def test_a_jax_step_of_state_and_data_trains_as_our_own_does():
    jax = pytest.importorskip("jax")

    class Pure(Model):
        def loss_and_updates(self, trainable, others, x, y):
            y_pred, others = self.stateless_call(trainable, others, x, training=True)
            return self.compute_loss(x, y, y_pred), (y_pred, others)

        def train_step(self, state, data):
            trainable, others, of_optimizer, of_metrics = state
            x, y = data
            gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
            (loss, (y_pred, others)), gradients = gradient(trainable, others, x, y)
            trainable, of_optimizer = self.optimizer.stateless_apply(of_optimizer, gradients, trainable)
            logs, new = {}, []
            for metric in self.metrics:
                own = of_metrics[len(new) : len(new) + len(metric.variables)]
                given = (loss,) if metric.name == "loss" else (y, y_pred)
                own = metric.stateless_update_state(own, *given)
                logs[metric.name] = metric.stateless_result(own)
                new += own
            return logs, (trainable, others, of_optimizer, new)

        def test_step(self, state, data):
            trainable, others, of_metrics = state
            x, y = data
            y_pred, others = self.stateless_call(trainable, others, x, training=False)
            own = self.metrics[0].stateless_update_state(of_metrics[:2], self.compute_loss(x, y, y_pred))
            return {"loss": self.metrics[0].stateless_result(own)}, (trainable, others, own + of_metrics[2:])

        def predict_step(self, state, data):
            return self.stateless_call(*state, data, training=False)

    with use_backend("jax"):
        same(run(Pure), run(Model))
        pure, own = network(Pure), network(Model)
        assert pure.evaluate(X, Y, verbose=0) == pytest.approx(own.evaluate(X, Y, verbose=0)[0], rel=1e-5)
        np.testing.assert_allclose(pure.predict(X, verbose=0), own.predict(X, verbose=0), 1e-5, 1e-6)


class Steps(Sequential):
    """Notes the data that its steps were given."""

    def train_step(self, data):
        self.train_data = data
        return super().train_step(data)

    def test_step(self, data):
        self.test_data = data
        return super().test_step(data)

    def predict_step(self, data):
        self.predict_data = data
        return super().predict_step(data)


WEIGHTS = np.ones(16)
GIVEN = {
    "x and y": ((X, Y), 2),
    "x, y and weights": ((X, Y, WEIGHTS), 3),
}


@pytest.mark.parametrize("name", [*GIVEN])
@pytest.mark.parametrize("eagerly", [False, True])
def test_a_step_is_given_what_fit_was_given(name, eagerly):
    data, parts = GIVEN[name]
    model = Steps([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=eagerly)
    x, y, weight = (*data, None)[:3]
    model.fit(x, y, sample_weight=weight, verbose=0)
    model.evaluate(x, y, sample_weight=weight, verbose=0)
    model.predict(x, verbose=0)
    assert len(model.train_data) == len(model.test_data) == parts
    assert model.predict_data.shape == (16, 4)
    model.train_on_batch(x, y)
    assert len(model.train_data) == 2


def test_a_generator_of_inputs_alone_gives_a_step_inputs_alone():
    class Alone(Steps):
        def train_step(self, data):
            assert not isinstance(data, (tuple, list))
            return super().train_step((data, data[:, :1]))

    model = Alone([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.fit([X[:8], X[8:]] and iter([X[:8], X[8:]]), verbose=0).history["loss"]


class Adversarial(Model):
    """A generator and a discriminator, with a step of its own and no call."""

    def __init__(self):
        super().__init__()
        self.discriminator = Sequential([layers.Dense(6, "relu"), layers.Dense(1)])
        self.generator = Sequential([layers.Input((2,)), layers.Dense(6, "relu"), layers.Dense(4)])
        self.draws = random.SeedGenerator(3)
        self.judged, self.made = metrics.Mean(name="d_loss"), metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.judged, self.made]

    def compile(self, for_discriminator, for_generator, loss):
        super().compile()
        self.for_discriminator, self.for_generator, self.loss_fn = for_discriminator, for_generator, loss

    def train_step(self, real):
        rows = ops.shape(real)[0]
        noise = random.normal((rows, 2), seed=self.draws)
        both = ops.concatenate([self.generator(noise), real], axis=0)
        labels = ops.concatenate([ops.ones((rows, 1)), ops.zeros((rows, 1))], axis=0)
        self.discriminator(both)
        weights = self.discriminator.trainable_weights
        judged, gradients = amalthea.value_and_grad(lambda: self.loss_fn(labels, self.discriminator(both)), weights)()
        self.for_discriminator.apply(gradients, weights)
        fooled = lambda: self.loss_fn(ops.zeros((rows, 1)), self.discriminator(self.generator(noise)))  # noqa: E731
        made, gradients = amalthea.value_and_grad(fooled, self.generator.trainable_weights)()
        self.for_generator.apply(gradients, self.generator.trainable_weights)
        self.judged.update_state(judged)
        self.made.update_state(made)
        return {"d_loss": self.judged.result(), "g_loss": self.made.result()}


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_model_with_a_step_and_no_call_trains(eagerly):
    random.set_random_seed(1)
    model = Adversarial()
    model.compile(optimizers.Adam(0.01), optimizers.Adam(0.01), losses.BinaryCrossentropy(from_logits=True))
    model.run_eagerly = eagerly
    before = [v.numpy() for v in model.generator.trainable_variables]
    history = model.fit(X, epochs=2, batch_size=8, verbose=0).history
    assert sorted(history) == ["d_loss", "g_loss"] and np.isfinite(list(history.values())).all()
    assert all(not np.array_equal(a, v.numpy()) for a, v in zip(before, model.generator.trainable_variables))


def test_a_loss_of_ones_own_may_lack_the_training_argument():
    class Own(Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean((y - y_pred) ** 2)

    def weights(kind):
        random.set_random_seed(2)
        model = kind([layers.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0, shuffle=False)
        return model.get_weights()

    for a, b in zip(weights(Own), weights(Sequential), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-7)


def test_eager_models_are_built_eagerly():
    seen = []

    class Looking(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            seen.append(float(ops.sum(x)))  # no symbolic tensor has a value
            return self.dense(x)

    model = Looking()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert len(seen) >= 2
