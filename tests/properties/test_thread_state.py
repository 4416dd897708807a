"""What is made only once, and what a thread sees: evaluations, first calls, names, scopes, losses."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import amalthea
from amalthea import callbacks, configurable, initializers, layers, metrics, ops, saving
from amalthea.custom_objects import custom_object
from amalthea.engine import backends
from tests.backends import every_installed
from tests.properties.threads import PATIENCE, Stop, at_once, started

X, Y = np.zeros((2, 2), "float32"), np.zeros((2, 1), "float32")


def through():
    """A model that gives its input: the mean error of data of one number is that number."""
    model = amalthea.Sequential([layers.Input((1,)), layers.Activation("linear")])
    model.compile("sgd", "mse", metrics=["mae", metrics.RootMeanSquaredError()])
    return model


def of(number):
    return np.full((8, 1), number, "float32"), np.zeros((8, 1), "float32")


class Turns(callbacks.Callback):
    """Lets evaluations go on batch by batch in turn."""

    def __init__(self, barrier):
        super().__init__()
        self.barrier = barrier

    def on_test_batch_end(self, batch, logs=None):
        self.barrier.wait(PATIENCE)


@pytest.mark.parametrize("eagerly", [False, True])
@every_installed
def test_evaluations_in_turn_have_results_of_their_own(backend, eagerly):
    with backends.use_backend(backend):
        model = through()
        model.run_eagerly = eagerly
        turns = threading.Barrier(3)
        numbers = (1.0, 2.0, 5.0)

        def evaluation(number):
            return lambda: model.evaluate(*of(number), batch_size=2, verbose=0, callbacks=[Turns(turns)])

        for _ in range(2):
            found = at_once(*map(evaluation, numbers))
            np.testing.assert_allclose(found, [[n * n, n, n] for n in numbers], rtol=1e-5)
        np.testing.assert_allclose(model.evaluate(*of(3.0), verbose=0), [9, 3, 3], rtol=1e-5)
        assert float(model.metrics[0].result()) == pytest.approx(9)  # alone, it uses the metrics' own variables


def test_an_evaluation_inside_fit_leaves_its_sums_alone():
    model = through()
    seen = []
    look = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.evaluate(*of(7.0), verbose=0))
    )
    history = model.fit(*of(1.0), batch_size=2, verbose=0, callbacks=[look]).history
    assert history["mae"] == [1.0]
    np.testing.assert_allclose(seen, [[49, 7, 7]] * 4, rtol=1e-5)


class Meeting:
    """Lets the threads that come here at the same time go on together; one that is alone, after a while."""

    def __init__(self):
        self.count, self.barrier = 0, threading.Barrier(2)

    def here(self):
        self.count += 1
        try:
            self.barrier.wait(0.2)
        except threading.BrokenBarrierError:
            self.barrier.reset()


def test_a_layer_that_many_threads_call_first_is_built_once():
    meeting = Meeting()

    class Met(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            meeting.here()
            return np.ones(shape, "float32")

    layer = layers.Dense(2, kernel_initializer=Met())
    found = at_once(*[lambda: ops.convert_to_numpy(layer(X + 1))] * 6)
    assert meeting.count == 1
    assert len(layer.weights) == 2
    np.testing.assert_array_equal(found, np.full((6, 2, 2), 2, "float32"))


def test_a_layer_with_given_weights_is_not_called_before_they_are_set():
    stop = Stop()

    class Slow(layers.Dense):
        def set_weights(self, weights):
            stop.here()
            super().set_weights(weights)

    layer = Slow(1, weights=[np.full((2, 1), 3, "float32"), np.zeros(1, "float32")])
    first = started(layer, X + 1)
    assert stop.reached.wait(PATIENCE)
    found = []
    second = started(lambda: found.append(ops.convert_to_numpy(layer(X + 1))))
    second.join(0.2)
    stop.go.set()
    for thread in (first, second):
        thread.join(PATIENCE)
    np.testing.assert_array_equal(found, np.full((1, 2, 1), 6, "float32"))


def test_a_function_that_many_threads_call_first_is_traced_once():
    meeting = Meeting()

    @amalthea.jit
    def double(x):
        meeting.here()
        return ops.add(x, x)

    at_once(*[lambda: double(X)] * 6)
    assert meeting.count == 1


def test_a_function_that_cannot_be_traced_fails_in_every_thread():
    @amalthea.jit
    def broken(x):
        raise KeyError("no")

    def call():
        with pytest.raises(KeyError):
            broken(X)

    at_once(*[call] * 4)


def test_names_are_given_once():
    meeting = Meeting()

    class Stem(str):
        def __hash__(self):
            meeting.here()
            return super().__hash__()

    names = at_once(*[lambda: configurable.auto_name(Stem("threaded_anvil"))] * 2)
    assert len(set(names)) == 2


def test_custom_objects_of_one_thread_are_not_those_of_another():
    stop = Stop()

    def hold():
        with saving.custom_object_scope({"threaded": len}):
            stop.here()

    thread = started(hold)
    assert stop.reached.wait(PATIENCE)
    assert custom_object("threaded") is None
    with saving.custom_object_scope({"threaded": max}):
        stop.go.set()
        thread.join(PATIENCE)
        assert custom_object("threaded") is max


def test_losses_of_a_call_are_those_of_its_thread():
    stop = Stop()

    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            if float(ops.sum(inputs)):
                stop.here()
            return inputs

    layer, found = Adds(), []
    other = started(lambda: (layer(X + 1), found.extend(float(x) for x in layer.losses)))
    assert stop.reached.wait(PATIENCE)
    layer(X)
    stop.go.set()
    other.join(PATIENCE)
    assert found == [4.0]
    assert [float(x) for x in layer.losses] == [0.0]


@every_installed
def test_a_stateless_call_changes_nothing_for_another_thread(backend):
    stop, found = Stop(), []

    class Slow(layers.Layer):
        def build(self, input_shape):
            self.number = self.add_weight((), initializer="ones", name="number")

        def call(self, inputs):
            if threading.current_thread() is not threading.main_thread():
                stop.here()
            return inputs + self.number

    with backends.use_backend(backend):
        layer = Slow()
        layer(X)
        other = started(lambda: found.append(layer.stateless_call([np.float32(5)], [], X)[0]))
        assert stop.reached.wait(PATIENCE)
        seen = float(layer.number)
        stop.go.set()
        other.join(PATIENCE)
        assert seen == 1
        np.testing.assert_array_equal(ops.convert_to_numpy(found[0]), X + 5)
