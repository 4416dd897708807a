"""Layers and models of one's own: what they hold, what reaches them, how they are built."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, ops, tree
from tests.arrays import numbers
from tests.samples import Network

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def assert_close(found, wanted):
    for a, b in zip(tree.flatten(found), tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), **CLOSE)


def test_layers_in_lists_and_dicts_are_part_of_a_model():
    model = Network(4)
    model(numbers(2, 4))
    assert len(model.block._layers) == 4
    assert len(model.trainable_weights) == 1 + 2 * 2 + 2 + 2 + 2 + 2
    assert len(model.non_trainable_weights) == 2


def test_layers_may_be_made_at_the_first_call():
    class Late(Model):
        def __init__(self):
            super().__init__()
            self.parts = []

        def call(self, x):
            if not self.parts:
                self.parts.append(layers.Dense(3))
            return self.parts[0](x)

    model = Late()
    model.compile("sgd", "mse")
    x, y = numbers(8, 4), numbers(8, 3)
    first = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert len(model.weights) == 2 and first[-1] < first[0]


def test_the_training_flag_reaches_every_layer_within():
    seen = []

    class Probe(layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    class Around(layers.Layer):
        def __init__(self):
            super().__init__()
            self.probe = Probe()

        def call(self, x):  # knows nothing of training
            return self.probe(x)

    x = Input((2,))
    model = Model(x, Sequential([Around()])(x))
    seen.clear()
    data = numbers(3, 2)
    model(data, training=True)
    model(data, training=False)
    model(data)
    model.predict(data, verbose=0)
    assert [bool(s) for s in seen] == [True, False, False, False]


def test_a_mask_reaches_who_asks_for_it_and_goes_on():
    seen = []

    class Probe(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            seen.append(mask)
            return x

    words = Input((4,), dtype="int32")
    model = Model(words, Probe()(Probe()(layers.Embedding(5, 2, mask_zero=True)(words))))
    seen.clear()
    model(np.array([[1, 2, 0, 0]], "int32"))
    assert [np.asarray(m).tolist() for m in seen] == [[[True, True, False, False]]] * 2


@pytest.mark.parametrize("recurrent", ["LSTM", "GRU", "SimpleRNN"])
def test_longer_padding_changes_nothing_where_it_is_masked(recurrent):
    words = Input((None,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    x = getattr(layers, recurrent)(3, return_sequences=True)(x)
    model = Model(words, getattr(layers, recurrent)(2)(x))
    short = np.array([[3, 4, 5], [6, 7, 0]], "int32")
    longer = np.pad(short, ((0, 0), (0, 5)))
    assert_close(model.predict(longer, verbose=0), model.predict(short, verbose=0))


def test_the_shapes_of_several_inputs_reach_build():
    class Meeting(layers.Layer):
        def build(self, left_shape, right_shape):
            self.w = self.add_weight((left_shape[-1], right_shape[-1]))

        def call(self, left, right):
            return ops.matmul(left, self.w) * right

    found = Meeting()(numbers(2, 3), numbers(2, 5))
    assert found.shape == (2, 5)


def test_a_layer_built_by_hand_is_not_built_again():
    layer = layers.Dense(3)
    layer.build((None, 4))
    kernel = layer.kernel
    layer(numbers(2, 4))
    assert layer.built and layer.kernel is kernel and len(layer.weights) == 2
