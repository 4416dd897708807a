"""Errors from a person's own code, losses that are no number, and labels that may look wrong and are right."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, errors, layers, ops
from tests.training.test_errors import CLASS, ONE_HOT, X, mlp


def test_a_model_goes_on_after_an_error():
    model = mlp(amalthea.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(errors.DataError):
        model.fit(X, CLASS + 1, verbose=0)
    assert np.isfinite(model.fit(X, CLASS, verbose=0).history["loss"][0])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="other exceptions take no notes before Python 3.11")
def test_an_error_in_a_persons_own_call_passes_with_its_place():
    class Faulty(layers.Layer):
        def call(self, x):
            return x.no_such_thing

    with pytest.raises(AttributeError, match="no_such_thing") as caught:
        Faulty(name="mine")(X)
    assert "in layer 'mine' (Faulty)" in caught.value.__notes__


def test_an_error_in_a_property_of_a_layer_is_not_hidden():
    class Faulty(layers.Layer):
        @property
        def half(self):
            return self.whole / 2

    with pytest.raises(AttributeError, match="'whole'"):
        _ = Faulty().half


@pytest.mark.parametrize("base", [layers.Layer, Model])
def test_a_forgotten_super_init_is_named(base):
    class Forgetful(base):
        def __init__(self):
            self.units = 3

        def call(self, x):
            return x

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(X)


def test_a_loss_that_is_no_number_warns_once_an_epoch():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        mlp().fit(X * np.float32(1e38), ONE_HOT, epochs=2, verbose=0)
    assert [str(w.message).split(".")[0] for w in said] == [
        "The loss is inf after epoch 1",
        "The loss is nan after epoch 2",
    ]
    assert "TerminateOnNaN" in str(said[0].message)


def test_terminate_on_nan_raises_if_asked_and_stops_if_not():
    with pytest.raises(errors.NotFiniteError, match="learning rate"):
        mlp().fit(
            X * np.float32(1e38), ONE_HOT, verbose=0, callbacks=[amalthea.callbacks.TerminateOnNaN(raise_error=True)]
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = mlp().fit(
            X * np.float32(1e38), ONE_HOT, epochs=5, verbose=0, callbacks=[amalthea.callbacks.TerminateOnNaN()]
        )
    assert len(history.epoch) <= 1


def test_an_ignored_class_is_no_class_too_many():
    model = mlp(amalthea.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1))
    model.fit(X, np.where(np.arange(20) < 10, CLASS, -1), verbose=0)


def test_a_train_step_of_ones_own_may_take_labels_as_it_likes():
    class Own(Model):
        def train_step(self, data):
            return super().train_step((data[0], ops.one_hot(data[1], 3)))

    x = Input((8,))
    model = Own(x, layers.Dense(3, "softmax")(x))
    model.compile("sgd", "categorical_crossentropy")
    assert np.isfinite(model.fit(X, CLASS, verbose=0).history["loss"][0])
