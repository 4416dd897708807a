"""Variables that ONNX Runtime updates as one vector: whatever else is done to them, they are as they would be alone."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, backends, layers
from amalthea.backends.onnxruntime import stacks
from amalthea.graph.transforms import capture
from tests.samples import numbers

X = numbers(12, 5).astype("float32")
Y = (X.sum(1) > 0).astype("int32")


def made(**options):
    amalthea.random.set_random_seed(3)
    parts = [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dense(4, "relu"), layers.Dense(2, "softmax")]
    model = Sequential(parts)
    model.compile(amalthea.optimizers.Adam(0.05, **options), "sparse_categorical_crossentropy")
    return model


def train(model, steps=3):
    for _ in range(steps):
        model.train_on_batch(X, Y)


def alone(model):
    train(model)


def assigned(model):
    train(model)
    model.layers[0].kernel.assign(model.layers[0].kernel * 0.5)
    train(model)


def partly_written(model):
    """Another executable writes some of the variables, again and again, and leaves the others in the other buffer."""
    halve = amalthea.jit(lambda: model.layers[1].bias.assign(model.layers[1].bias * 0.5))
    for _ in range(3):
        train(model)
        halve()


def frozen_between(model):
    train(model)
    model.layers[0].trainable = False
    train(model)
    model.layers[0].trainable = True
    train(model)


def elsewhere_between(model):
    train(model)
    with backends.use_backend("numpy"):
        train(model)
    train(model)


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


STORIES = (alone, assigned, partly_written, frozen_between, elsewhere_between, shared, predicted_between)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_weights_are_those_of_another_backend(story):
    found = []
    for backend in ("onnxruntime", "numpy"):
        with backends.use_backend(backend):
            model = made()
            story(model)
            state = [*model.weights, *model.optimizer.variables]
            found.append([model.predict(X, verbose=0), *(v.numpy() for v in state)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def nodes_of(model):
    data = (X, Y, None)
    model.ensure_built(data)
    with backends.use_backend("onnxruntime"):
        from amalthea.backends.onnxruntime import prepared

        graph = stacks.stacked(prepared(capture(model.train_step, ((data,), {}))[0]))
    return sum(node.primitive.name == "adam" for node in graph.nodes)


def test_small_variables_have_one_update():
    assert nodes_of(made()) == 1


def test_large_variables_and_those_with_another_rule_have_their_own(monkeypatch):
    monkeypatch.setattr(stacks, "MOST", 25)  # of 30, 6, 24, 4, 8 and 2 numbers
    assert nodes_of(made()) == 2
    monkeypatch.setattr(stacks, "MOST", 4)
    assert nodes_of(made()) == 5


def test_a_weight_that_is_written_otherwise_stays_alone():
    model = made()
    model.layers[0].kernel.constraint = amalthea.constraints.NonNeg()
    assert nodes_of(model) == 2
