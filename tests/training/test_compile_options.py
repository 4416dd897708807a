"""Options of compile: averages, accumulation, several outputs, several steps in one execution."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, layers, optimizers
from amalthea.engine import backends
from amalthea.errors import ArgumentError
from amalthea.training.step_grouping import MOST, StepGrouping
from tests.arrays import numbers
from tests.backends import every_backend
from tests.training.small import OwnStep, assert_same_weights, line, small


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


def test_a_correct_run_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small().fit(*line(), validation_split=0.25, epochs=2, verbose=0)


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
    x = numbers(44, 5)
    y = (x.sum(1) > 0).astype("int32")
    with backends.use_backend(backend):
        amalthea.random.set_random_seed(4)
        parts = [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dropout(0.2), layers.Dense(2, "softmax")]
        model = amalthea.Sequential(parts)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=steps)
        callbacks = [seen] if seen is not None else None
        history = model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=callbacks, validation_data=(x, y))
        return history.history, model.get_weights(), int(model.optimizer.iterations)


@every_backend
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
