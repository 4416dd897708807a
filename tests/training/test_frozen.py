"""Layers as compile saw them: frozen in a second model, added or frozen later."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, optimizers
from amalthea.engine import backends
from tests.arrays import numbers
from tests.backends import every_backend


def judge_and_maker(**options):
    judge = Sequential(
        [Input((2,)), layers.Dense(3), layers.BatchNormalization(), Sequential([layers.Dense(1)], name="deep")]
    )
    judge.compile(optimizers.SGD(0.1), "mse", **options)
    judge.trainable = False
    maker = Sequential([Input((3,)), layers.Dense(2)])
    z = Input((3,))
    both = Model(z, judge(maker(z)))
    both.compile(optimizers.SGD(0.1), "mse", **options)
    return judge, maker, both


def changed(model, verb, *data):
    before = model.get_weights()
    verb(*data)
    return [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]


@every_backend
@pytest.mark.parametrize("eager", [False, True])
def test_a_discriminator_frozen_in_a_second_model_learns_by_itself(backend, eager):
    with backends.use_backend(backend):
        judge, maker, both = judge_and_maker(run_eagerly=eager)
        x, z, y = numbers(6, 2), numbers(6, 3), np.ones((6, 1), "float32")
        for i in range(2):
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                assert all(changed(judge, judge.train_on_batch, x, y))  # the moving averages too
            assert len(said) == (i == 0) and (i or "compile" in str(said[0].message))
            assert not any(changed(judge, both.train_on_batch, z, y))
            assert all(changed(maker, both.train_on_batch, z, y))
        assert judge.trainable_variables == [] and not judge.layers[-1].layers[0].trainable
        judge.compile(optimizers.SGD(0.1), "mse")
        assert not any(changed(judge, judge.train_on_batch, x, y))


def test_freezing_a_layer_deep_inside_is_said_once_and_counts_from_the_next_compile_on():
    inner = Sequential([layers.Dense(2), layers.Dense(2)])
    model = Sequential([Input((3,)), inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = numbers(4, 3), numbers(4, 1)
    inner.layers[1].trainable = False
    with pytest.warns(UserWarning, match=r"'dense.*compile"):
        assert all(changed(model, model.train_on_batch, x, y)[::2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y, verbose=0)
        inner.layers[1].trainable = True
        model.fit(x, y, verbose=0)
        inner.layers[1].trainable = False
        model.compile("sgd", "mse")
        assert changed(model, model.train_on_batch, x, y)[::2] == [True, False, True]


def test_a_layer_added_after_compile_is_what_it_is():
    model = Sequential([Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.add(layers.Dense(2, trainable=False))
    x, y = numbers(4, 3), numbers(4, 2)
    assert changed(model, model.train_on_batch, x, y)[::2] == [True, False]
