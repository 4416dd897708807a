"""Variables that are updated in place after ONNX Runtime's session, as they would be inside it."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.engine import backends
from amalthea.engine.backends.onnxruntime import executable
from amalthea.engine.backends.onnxruntime.updates import program
from tests.engine.backends.onnxruntime.updates import X, Y, compilable, made, train


def alone(model):
    train(model)


def assigned(model):
    train(model)
    model.layers[0].kernel.assign(model.layers[0].kernel * 0.5)
    train(model)


def partly_written(model):
    """Another executable writes some of the variables, again and again, and leaves the others in the other buffer."""
    turn = amalthea.jit(lambda: model.layers[1].bias.assign(amalthea.ops.flip(model.layers[1].bias)))
    for _ in range(3):
        train(model)
        turn()


def partly_updated(model):
    halve = amalthea.jit(lambda: model.layers[1].bias.assign(model.layers[1].bias * 0.5))
    for _ in range(3):
        train(model)
        halve()


def halved_before(model):
    """Each weight lies in line before it has a second buffer, where its gradient will be put."""
    weights = model.trainable_variables
    amalthea.jit(lambda: [weight.assign(weight * 0.5) for weight in weights] and None)()
    train(model)


def frozen_between(model):
    train(model)
    for trainable in (False, True):
        model.layers[0].trainable = trainable
        model.compile(model.optimizer, model.loss)
        train(model)


def elsewhere_between(model):
    train(model)
    with backends.use_backend("numpy"):
        train(model)
    train(model)


def with_other_batches(model):
    """The executable of another batch size updates the same variables, and puts gradients in the same memory."""
    for _ in range(3):
        train(model, 1)
        model.train_on_batch(X[:5], Y[:5])


def shared(model):
    """Two models that have a layer in common train in turn."""
    other = Sequential([model.layers[0], layers.Dense(2, "softmax")])
    other.compile(amalthea.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    for _ in range(3):
        train(model, 1)
        train(other, 2)


def predicted_between(model):
    for _ in range(3):
        train(model, 1)
        model.predict(X, verbose=0)
        model.evaluate(X, Y, verbose=0)


SCENARIOS = (
    alone,
    assigned,
    partly_written,
    partly_updated,
    halved_before,
    frozen_between,
    elsewhere_between,
    with_other_batches,
    shared,
    predicted_between,
)


def in_pieces(monkeypatch):
    monkeypatch.setattr(executable, "MAX_CONTIGUOUS_ELEMENTS", 5)  # of 30, 6, 24, 4, 8 and 2 numbers
    monkeypatch.setattr(program, "PIECE", 16)
    monkeypatch.setattr(program, "is_multithreaded", lambda size: size > 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


def in_machine_code(monkeypatch, after=100):
    in_pieces(monkeypatch)
    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", after)


MEMORIES = [
    pytest.param(lambda monkeypatch: None, id="in line"),
    pytest.param(in_pieces, id="in pieces, by two threads"),
    pytest.param(in_machine_code, id="in machine code", marks=compilable),
]


@pytest.fixture(params=MEMORIES)
def memory(request, monkeypatch):
    request.param(monkeypatch)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_weights_are_those_of_another_backend(scenario, memory):
    found = []
    for backend in ("onnxruntime", "numpy"):
        with backends.use_backend(backend):
            model = made()
            scenario(model)
            state = [*model.weights, *model.optimizer.variables]
            found.append([model.predict(X, verbose=0), *(v.numpy() for v in state)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_step_leaves_its_inputs_alone():
    """What the session gives may be spent; what the user gave may not."""
    weight, sums = amalthea.Variable(np.ones(3, "float32")), amalthea.Variable(np.zeros(3, "float32"))

    def step(x):
        sums.assign(sums + x * 0.5)
        weight.assign(weight - sums * x)
        return x

    x = np.float32([1, 2, 3])
    with backends.use_backend("onnxruntime"):
        out = amalthea.jit(step)(x)
        np.testing.assert_array_equal(x, [1, 2, 3])
        np.testing.assert_array_equal(out, [1, 2, 3])
        np.testing.assert_array_equal(sums.numpy(), [0.5, 1, 1.5])
        np.testing.assert_array_equal(weight.numpy(), [0.5, -1, -3.5])


def test_an_old_value_is_read_before_it_is_gone():
    one, two = (amalthea.Variable(np.full(3, value, "float32")) for value in (1, 5))

    def step(x):
        old = one.value
        one.assign(x * 2.0)
        two.assign(two - old)

    with backends.use_backend("onnxruntime"):
        amalthea.jit(step)(np.float32([1, 2, 3]))
    np.testing.assert_array_equal(one.numpy(), [2, 4, 6])
    np.testing.assert_array_equal(two.numpy(), [4, 4, 4])


def test_an_empty_variable_is_written_too():
    nothing = amalthea.Variable(np.zeros((0, 3), "float32"))
    with backends.use_backend("onnxruntime"):
        amalthea.jit(lambda: nothing.assign(nothing * 2.0) and None)()
    assert nothing.numpy().shape == (0, 3)
