"""Training of one's own, data of every kind, and the options of ``compile`` and ``fit``."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, losses, metrics, ops, optimizers
from amalthea.engine import backends
from amalthea.errors import ArgumentError
from amalthea.training.step_grouping import MOST, StepGrouping
from tests.samples import numbers

every_backend = pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])


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


# ------------------------------------------------------------------------------------ a step of one's own


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


@every_backend
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


@every_backend
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


# ------------------------------------------------------------------------------------------ added losses


class Sparse(layers.Layer):
    def call(self, x):
        self.add_loss(0.5 * ops.mean(ops.square(x)))
        return x


@every_backend
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


# ------------------------------------------------------------------------------------------ kinds of data


class Batches(amalthea.utils.PyDataset):
    def __init__(self, x, y, batch_size=16, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, i):
        rows = slice(i * self.batch_size, (i + 1) * self.batch_size)
        return self.x[rows], self.y[rows]


def endless(x, y, size=16):
    while True:
        for start in range(0, len(x), size):
            yield x[start : start + size], y[start : start + size]


def test_every_kind_of_data_gives_the_same_run():
    x, y = line(60)
    wanted = small()
    wanted.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    for data, options in [
        (Batches(x, y), {"shuffle": False}),
        (endless(x, y), {"steps_per_epoch": 4}),
        ([(x[i : i + 16], y[i : i + 16]) for i in range(0, 60, 16)].__iter__, {}),
    ]:
        model = small()
        if callable(data):
            for _ in range(3):
                model.fit(data(), verbose=0)
        else:
            model.fit(data, epochs=3, verbose=0, **options)
        assert_same_weights(model, wanted)


def test_data_sets_validate_evaluate_and_predict():
    x, y = line(60)
    model = small()
    history = model.fit(x, y, validation_data=Batches(x, y), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    assert model.evaluate(Batches(x, y), verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    np.testing.assert_allclose(model.predict(Batches(x, y), verbose=0), model.predict(x, verbose=0), rtol=1e-5)
    assert model.predict(endless(x, y), steps=2, verbose=0).shape == (32, 1)


def test_a_generator_that_ends_ends_the_run_with_a_warning():
    x, y = line(32)
    model = small()
    with pytest.warns(UserWarning, match="ended before epoch 2"):
        history = model.fit(iter([(x, y)]), epochs=3, verbose=0)
    assert history.epoch == [0]
    assert int(model.optimizer.iterations) == 1


def test_steps_per_epoch_goes_on_where_it_stopped():
    x, y = line(64)
    model = small()
    history = model.fit(x, y, batch_size=16, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0)
    wanted = small()
    wanted.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    assert len(history.epoch) == 4 and int(model.optimizer.iterations) == 8
    assert_same_weights(model, wanted)


# ------------------------------------------------------------------------------------------------ options


def test_averaged_weights_are_what_remains():
    x, y = line()
    model = small(optimizer=optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    plain = small(optimizer=optimizers.SGD(0.1))
    average = None
    for _ in range(4):
        plain.train_on_batch(x, y)
        now = plain.get_weights()
        average = now if average is None else [0.5 * a + 0.5 * b for a, b in zip(average, now)]
    model.fit(x, y, batch_size=64, epochs=4, shuffle=False, verbose=0)
    for found, want in zip(model.get_weights(), average, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_several_steps_in_one_execution_are_the_same_steps():
    x, y = line(60)
    one, several = small(), small(steps_per_execution=3)
    a = one.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"]
    b = several.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(a, b, rtol=1e-5)
    assert_same_weights(one, several)


def test_accumulated_gradients_make_one_update_of_several_batches():
    x, y = line(64)
    whole, parts = small(), small(optimizer=optimizers.SGD(0.01, gradient_accumulation_steps=4))
    whole.fit(x, y, batch_size=64, epochs=3, shuffle=False, verbose=0)
    parts.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    assert_same_weights(whole, parts)


def test_each_output_has_its_loss_weight_and_metric():
    inputs = Input((3,))
    outputs = {"a": layers.Dense(1, name="one")(inputs), "b": layers.Dense(2, name="two")(inputs)}
    model = Model(inputs, outputs)
    model.compile("sgd", {"a": "mse", "b": "mae"}, {"a": 2.0, "b": 0.5}, metrics={"a": ["mae"], "b": ["mse"]})
    x, y = numbers(8, 3), {"a": numbers(8, 1), "b": numbers(8, 2)}
    scores = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    assert set(scores) == {"loss", "a_loss", "b_loss", "a_mae", "b_mse"}
    assert scores["loss"] == pytest.approx(2 * scores["a_loss"] + 0.5 * scores["b_loss"], rel=1e-5)


def test_a_metric_of_the_model_itself_is_reset_each_epoch():
    plain = small()
    model = OwnStep(plain.inputs, plain.outputs[0])
    model.compile("sgd")
    x, y = line()
    curve = model.fit(x, y, epochs=3, verbose=0).history["seen"]
    assert model.metrics[-1] is model.seen and curve[2] < curve[1] < curve[0]


def test_new_rates_are_used_from_the_next_step_on():
    x, y = line()
    model = small()
    model.train_on_batch(x, y)
    before = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.train_on_batch(x, y)
    for found, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)


def test_nothing_is_said_where_nothing_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small().fit(*line(), validation_split=0.25, epochs=2, verbose=0)


# ------------------------------------------------------------------------------- several steps in one execution


class Steps(amalthea.callbacks.Callback):
    """Remembers the steps that it is called with."""

    def __init__(self):
        super().__init__()
        self.begun, self.ended = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append(batch)


def run_in_steps(backend, steps, seen=None):
    x = np.random.default_rng(0).normal(size=(44, 5)).astype("float32")
    y = (x.sum(1) > 0).astype("int32")
    with backends.use_backend(backend):
        amalthea.random.set_random_seed(4)
        parts = [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dropout(0.2), layers.Dense(2, "softmax")]
        model = amalthea.Sequential(parts)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=steps)
        callbacks = [seen] if seen is not None else None
        history = model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=callbacks, validation_data=(x, y))
        return history.history, model.get_weights(), int(model.optimizer.iterations)


@pytest.mark.parametrize("backend", backends.complete())
def test_several_steps_in_one_execution_change_nothing(backend, monkeypatch):
    """11 batches by 4: two whole executions and a rest; in a loop of the backend's wherever there may be one."""
    if backend != "tensorflow":  # it never loops: XLA, which compiles one step alone, draws other numbers for Dropout
        monkeypatch.setattr(type(backends.load(backend)), "prefers_scan", lambda self, graph: True)
    history, weights, count = run_in_steps(backend, 1)
    seen = Steps()
    again, others, as_many = run_in_steps(backend, 4, seen)
    assert count == as_many == 33
    for name in history:
        np.testing.assert_allclose(again[name], history[name], rtol=1e-5, err_msg=name)
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert (seen.begun, seen.ended) == ([0, 4, 8] * 3, [3, 7, 10] * 3)


@pytest.mark.parametrize("loops", [True, False])
def test_an_automatic_number_of_steps_grows_while_steps_are_short_and_a_loop_is_faster(loops):
    grouping = StepGrouping("auto")
    sizes = []
    for _, group, _ in grouping.groups(range(60)):
        sizes.append(len(group))
        grouping.ran(SimpleNamespace(loops=loops), {"loss": np.float32(0)})
    assert sizes[:12] == [1] * 12
    assert sizes[12] == (MOST if loops else 1)
    assert sum(sizes) == 60


@pytest.mark.parametrize("loops", [True, False])
def test_several_steps_are_traced_once(loops, monkeypatch):
    """A step is traced for the loop, or for one at a time; for both only where a shorter group needs the latter."""
    monkeypatch.setattr(type(backends.load("numpy")), "prefers_scan", lambda self, graph: loops)
    traced = []

    class Counted(amalthea.Sequential):
        def train_step(self, data):
            traced.append(data)
            return super().train_step(data)

    with backends.use_backend("numpy"):
        model = Counted([layers.Input((5,)), layers.Dense(1)])
        model.compile("sgd", "mse", steps_per_execution=4)
        model.fit(np.ones((8, 5), "float32"), np.ones((8, 1), "float32"), batch_size=1, verbose=0)
        assert len(traced) == 1
        model.fit(np.ones((9, 5), "float32"), np.ones((9, 1), "float32"), batch_size=1, verbose=0)
    assert len(traced) == (2 if loops else 1)


def test_an_automatic_number_of_steps_changes_nothing():
    history, _, count = run_in_steps("numpy", "auto")
    assert count == 33
    np.testing.assert_allclose(history["loss"], run_in_steps("numpy", 1)[0]["loss"], rtol=1e-6)


@pytest.mark.parametrize("steps", [-1, 2.5, "often", True])
def test_a_wrong_number_of_steps_is_told(steps):
    model = amalthea.Sequential([layers.Input((5,)), layers.Dense(1)])
    with pytest.raises(ArgumentError, match="positive int, or 'auto', or None"):
        model.compile("sgd", "mse", steps_per_execution=steps)
