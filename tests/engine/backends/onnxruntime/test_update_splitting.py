"""Updates that are split out of the graph, and nodes that stay in the session."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea.engine import backends
from amalthea.engine.backends.onnxruntime.updates import partition
from amalthea.engine.transforms import capture
from tests.engine.backends.onnxruntime.updates import X, Y, made, train


def partition_updates(model):
    """The session's graph of a training step, and what is done after it."""
    data = (X, Y, None)
    model._ensure_built(data)
    with backends.use_backend("onnxruntime"):
        from amalthea.engine.backends.onnxruntime import prepare_graph

        return partition.partition_updates(prepare_graph(capture(model.train_step, ((data,), {}))[0]))


def sizes(model):
    return [len(update.parts) for update in partition_updates(model)[1]]


def test_updates_that_are_alike_are_one():
    assert sizes(made()) == [6]


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Lion", "Nadam", "Adadelta", "Adamax", "AdamW"])
def test_every_optimizer_that_treats_numbers_alone_is_done_in_place(name):
    model = made()
    model.compile(getattr(amalthea.optimizers, name)(0.05), "sparse_categorical_crossentropy")
    graph, found = partition_updates(model)
    assert [len(update.parts) for update in found] == [6]
    assert not any(variable.shape for variable, _ in graph.writes)


def test_a_constraint_of_one_weight_makes_an_update_of_its_own():
    model = made()
    model.layers[0].kernel.constraint = amalthea.constraints.NonNeg()
    assert sorted(sizes(model)) == [1, 5]


def test_a_weight_that_something_else_needs_stays_in_the_session():
    model = made()
    model.layers[0].kernel.constraint = amalthea.constraints.MaxNorm(0.5)  # a sum over the new value
    graph, found = partition_updates(model)
    assert [len(update.parts) for update in found] == [5]
    assert model.layers[0].kernel in [variable for variable, _ in graph.writes]


def test_a_variable_that_the_session_writes_has_no_gradient_in_its_memory():
    """An update is given more than it has variables of its own; that which it only reads is written by the session."""
    weight, read = (amalthea.Variable(np.float32(value)) for value in ([1, 2, 3], [4, 5, 6]))

    def step(x, y):
        weight.assign(weight - x * read * y)
        read.assign(amalthea.ops.flip(read))

    with backends.use_backend("onnxruntime"):
        amalthea.jit(step)(np.float32([1, 0, 2]), np.float32([2, 1, 3]))
    np.testing.assert_array_equal(weight.numpy(), [-7, 2, -33])
    np.testing.assert_array_equal(read.numpy(), [6, 5, 4])


def test_a_variable_that_an_update_only_reads_may_be_written_by_the_session():
    weight, read = (amalthea.Variable(np.float32(value)) for value in ([1, 2, 3], [4, 5, 6]))

    def step(x):
        weight.assign(weight - x * read)
        read.assign(amalthea.ops.flip(read))

    with backends.use_backend("onnxruntime"):
        one = amalthea.jit(step)
        for _ in range(2):
            one(np.float32([1, 0, 2]))
    np.testing.assert_array_equal(weight.numpy(), [-9, 2, -17])
    np.testing.assert_array_equal(read.numpy(), [4, 5, 6])


def test_trainable_weights_alone_have_two_buffers():
    model = made()
    with backends.use_backend("onnxruntime"):
        train(model)
        place = backends.load("onnxruntime").storage_of
        weights = [len(place(v).buffers) for v in model.trainable_variables]
        moments = [len(place(v).buffers) for v in model.optimizer.variables if v.shape]
    assert (set(weights), set(moments)) == ({2}, {1})
