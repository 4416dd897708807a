"""Models and layers made again: every argument of clone_model has its effect, and what no file can hold is kept."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, models, ops
from amalthea.errors import ArgumentError
from tests.arrays import numbers


def stronger(layer):
    return layers.Dropout(0.9) if isinstance(layer, layers.Dropout) else type(layer).from_config(layer.get_config())


def inner(mode):
    if mode == "sequential":
        return Sequential([layers.Input((3,)), layers.Dense(3), layers.Dropout(0.1)])
    x = Input((3,))
    return Model(x, layers.Dropout(0.1)(layers.Dense(3)(x)))


def nested(mode):
    x = Input((3,))
    return Model(x, inner(mode)(x))


def rates(model):
    return [x.rate for x in model._flatten_layers() if isinstance(x, layers.Dropout)]


MODES = ["sequential", "functional"]


@pytest.mark.parametrize("mode", MODES)
def test_layers_are_made_by_the_clone_function(mode):
    assert rates(models.clone_model(inner(mode), clone_function=stronger)) == [0.9]
    assert rates(models.clone_model(inner(mode))) == [0.1]


@pytest.mark.parametrize("mode", MODES)
def test_layers_of_nested_models_are_made_by_it_if_asked(mode):
    assert rates(models.clone_model(nested(mode), clone_function=stronger, recursive=True)) == [0.9]
    assert rates(models.clone_model(nested(mode), clone_function=stronger)) == [0.1]


@pytest.mark.parametrize("mode", MODES)
def test_a_copy_begins_at_the_tensors_that_are_given(mode):
    begin = Input((3,), name="begin")
    copy = models.clone_model(inner(mode), input_tensors=begin)
    assert copy.input is begin
    as_given = models.clone_model(inner(mode), input_tensors=[np.ones((5, 3), "float32")])
    assert as_given.input_shape == (None, 3)


def test_a_copy_may_begin_in_the_middle_of_another_model():
    x = Input((4,))
    middle = layers.Dense(3)(x)
    copy = models.clone_model(inner("functional"), input_tensors=middle)
    whole = Model(x, copy.output)
    assert whole.predict(np.ones((2, 4)), verbose=0).shape == (2, 3)


def test_each_layer_is_called_by_the_call_function():
    called = []

    def call(layer, *args, **kwargs):
        called.append(type(layer).__name__)
        return layer(*args, **kwargs) * 2

    source = inner("functional")
    copy = models.clone_model(source, call_function=call)
    copy.set_weights(source.get_weights())
    x = np.ones((2, 3), "float32")
    assert called == ["Dense", "Dropout"]
    np.testing.assert_allclose(copy.predict(x, verbose=0), 4 * source.predict(x, verbose=0), rtol=1e-5)


def test_a_shared_layer_is_copied_once_and_stays_frozen():
    x = Input((3,))
    shared = layers.Dense(3, trainable=False)
    copy = models.clone_model(Model(x, shared(shared(x))))
    assert len(copy.weights) == 2 and not copy.trainable_weights


@pytest.mark.parametrize(
    "options", [{"clone_function": stronger}, {"input_tensors": 1}, {"call_function": len}], ids=lambda o: next(iter(o))
)
def test_a_subclass_refuses_what_it_cannot_do(options):
    class Own(Model):
        def call(self, x):
            return x

    with pytest.raises(ArgumentError, match="clone_model"):
        models.clone_model(Own(), **options)
    with pytest.raises(ArgumentError):
        models.clone_model(inner("sequential"), call_function=len)
    with pytest.raises(ArgumentError):
        models.clone_model(inner("sequential"), unheard_of=1)


LAMBDAS = [
    lambda f: layers.Dense(3, activation=f),
    lambda f: layers.LSTM(3, recurrent_activation=f),
    lambda f: layers.Bidirectional(layers.LSTM(3, recurrent_activation=f)),
    lambda f: layers.Bidirectional(layers.RNN([layers.GRUCell(2, activation=f), layers.GRUCell(3)])),
    lambda f: layers.TimeDistributed(layers.Dense(3, activation=f)),
    lambda f: layers.Lambda(f),
]


@pytest.mark.parametrize("number", range(len(LAMBDAS)))
def test_a_layer_that_holds_a_lambda_is_copied_with_it(number):
    model = Sequential([layers.Input((4, 2)), LAMBDAS[number](lambda x: ops.tanh(x) * 0.5)])
    copy = models.clone_model(model)
    copy.set_weights(model.get_weights())
    x = numbers(2, 4, 2)
    np.testing.assert_allclose(copy.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


def test_layers_of_a_growing_model_have_one_symbolic_output():
    model = Sequential([layers.Input((3,))])
    stack = [layers.Dense(4), layers.Dense(5), layers.Dense(2)]
    for layer in stack:
        model.add(layer)
        model.build()
    assert [layer.output.shape for layer in stack] == [(None, 4), (None, 5), (None, 2)]
    features = Model(model.inputs, stack[0].output)
    assert features.predict(np.ones((2, 3)), verbose=0).shape == (2, 4)
    model.pop()
    model.add(layers.Dense(7))
    assert model.output_shape == (None, 7) and stack[1].output.shape == (None, 5)
    x = np.ones((2, 3), "float32")
    np.testing.assert_allclose(features.predict(x, verbose=0), ops.convert_to_numpy(stack[0](x)), rtol=1e-6)


def test_a_layer_taken_from_a_model_keeps_its_calls_elsewhere():
    shared, x = layers.Dense(4), Input((3,))
    other = Model(x, shared(x))
    model = Sequential([layers.Input((3,)), shared])
    model.pop()
    assert shared.output is other.output
