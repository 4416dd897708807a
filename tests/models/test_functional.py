"""The functional API and ``Sequential``: how layers and ops are put together."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, ops, tree
from tests.arrays import numbers
from tests.samples import trained

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def assert_close(found, wanted):
    for a, b in zip(tree.flatten(found), tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), **CLOSE)


def test_layers_and_ops_and_operators_mix():
    x = Input((4,))
    hidden = layers.Dense(4, name="hidden")(x)
    y = ops.concatenate([hidden + x, hidden[:, :1] * 2.0, -x, ops.mean(x, axis=-1, keepdims=True) / 3], axis=-1)
    model = Model(x, [y, x @ ops.ones((4, 2)), 1.0 - x**2])
    data = numbers(3, 4)
    h = np.asarray(model.get_layer("hidden")(data))
    mean = data.mean(-1, keepdims=True) / 3
    wanted = [np.concatenate([h + data, h[:, :1] * 2, -data, mean], -1), data @ np.ones((4, 2)), 1 - data**2]
    assert_close(model.predict(data, verbose=0), wanted)


def test_a_layer_called_twice_has_one_set_of_weights():
    a, b = Input((3,)), Input((3,))
    shared = layers.Dense(2)
    model = Model([a, b], shared(a) - shared(b))
    assert len(model.weights) == 2
    x = numbers(4, 3)
    np.testing.assert_allclose(model.predict([x, x], verbose=0), 0, atol=1e-6)


def test_data_go_in_by_place_by_name_or_in_the_nesting_of_the_inputs():
    a, b = Input((2,), name="z"), Input((3,), name="y")  # in another order than their names
    model = Model({"first": a, "rest": [b]}, {"sum": ops.sum(a, -1), "wide": [layers.Dense(2)(b)]})
    x, y = numbers(4, 2), numbers(4, 3)
    by_nest = model.predict({"first": x, "rest": [y]}, verbose=0)
    assert set(by_nest) == {"sum", "wide"} and isinstance(by_nest["wide"], list)
    np.testing.assert_allclose(by_nest["sum"], x.sum(-1), rtol=1e-5)
    listed = Model([a, b], [ops.sum(a, -1), b * 1.0])
    assert_close(listed.predict([x, y], verbose=0), listed.predict({"z": x, "y": y}, verbose=0))


def test_lengths_may_be_unknown():
    x = Input((None, 8))
    model = Model(x, layers.Dense(2)(layers.GRU(3, return_sequences=True)(x)))
    assert model.output_shape == (None, None, 2)
    for length in (1, 4, 9):
        assert model.predict(numbers(2, length, 8), verbose=0).shape == (2, length, 2)


def test_pictures_of_unknown_sizes():
    x = Input((None, None, 3))
    model = Model(x, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, padding="same")(x)))
    assert model.output_shape == (None, 4)
    for size in (5, 8):
        assert model.predict(numbers(2, size, size + 1, 3), verbose=0).shape == (2, 4)


def test_a_model_is_a_layer():
    inner = Sequential([Input((3,)), layers.Dense(4, "relu"), layers.Dense(3)], name="inner")
    x = Input((3,))
    outer = Model(x, inner(inner(x)) + x)
    data = numbers(5, 3)
    assert_close(outer.predict(data, verbose=0), np.asarray(inner(inner(data))) + data)
    assert outer.get_layer("inner") is inner and len(outer.weights) == 4


def test_a_model_from_inside_another_shares_its_weights():
    model = Sequential([Input((3,)), layers.Dense(4, "relu", name="body"), layers.Dense(1, name="head")])
    body = Model(model.inputs, model.get_layer("body").output)
    body.get_layer("body").kernel.assign(np.ones((3, 4)))
    np.testing.assert_array_equal(model.get_weights()[0], np.ones((3, 4)))
    assert body.predict(numbers(2, 3), verbose=0).shape == (2, 4)


def test_a_subclass_may_be_functional():
    class Doubling(Model):
        def __init__(self):
            x = Input((3,))
            super().__init__(inputs=x, outputs=layers.Dense(2)(x) * 2.0)
            self.extra = "kept"

    model = Doubling()
    assert model.extra == "kept" and model.output_shape == (None, 2)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(numbers(8, 3), numbers(8, 2), verbose=0).history["loss"][0])


# ------------------------------------------------------------------------------------------- Sequential


def test_a_sequential_model_without_a_shape_is_built_by_data():
    model = Sequential([layers.Dense(4, "relu"), layers.Dense(2)])
    assert not model.built
    assert model.predict(numbers(3, 5), verbose=0).shape == (3, 2)
    assert model.built and model.input_shape == (None, 5) and model.count_params() == 34


def test_a_sequential_model_is_built_by_a_shape():
    model = Sequential([layers.Dense(4), layers.Dense(2)])
    model.build((None, 5))
    assert model.output_shape == (None, 2) and len(model.weights) == 4


def test_layers_are_added_and_taken_away():
    model = Sequential([Input((3,))])
    model.add(layers.Dense(4, name="a"))
    model.add(layers.Dense(5, name="b"))
    assert model.output_shape == (None, 5)
    weights = model.layers[0].get_weights()
    assert model.pop().name == "b"
    assert model.output_shape == (None, 4) and [layer.name for layer in model.layers] == ["a"]
    model.add(layers.Dense(2, name="c"))
    assert model.predict(numbers(2, 3), verbose=0).shape == (2, 2)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], weights[0])


def test_a_model_changed_after_training_trains_again():
    model, x, y = trained("sequential")
    model.pop()
    model.add(layers.Dense(1, name="new"))
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(x, numbers(12, 1), verbose=0).history["loss"][0])
    assert model.predict(x, verbose=0).shape == (12, 1)


def test_layers_are_found_by_name_and_place():
    model, _, _ = trained("sequential")
    assert model.get_layer(index=1) is model.get_layer(model.layers[1].name) is model.layers[-1]


class OwnWeight(layers.Layer):
    """A layer whose output is its weight (times a factor, if there is one), whatever it is called on."""

    def __init__(self, factor=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.kept = self.add_weight(shape=(4, 3), initializer="ones")

    def call(self, inputs):
        return self.kept if self.factor is None else self.kept * self.factor


@pytest.mark.parametrize("factor", (None, 1.0))
def test_a_layer_may_return_its_weight(factor):
    x, layer = Input(batch_shape=(4, 1)), OwnWeight(factor)
    model = Model(x, layers.Rescaling(2.0)(layer(x)))
    assert_close(model.predict(np.zeros((4, 1)), verbose=0), np.full((4, 3), 2.0))
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 1)), np.zeros((4, 3)), batch_size=4, verbose=0)
    assert float(np.max(layer.kept.numpy())) < 1


def test_a_layer_may_return_an_array():
    x = Input((3,))
    table = np.arange(6, dtype="float32").reshape(2, 3)

    class Table(layers.Layer):
        def call(self, inputs):
            return table

    model = Model(x, Table()(x) + 1.0)
    assert_close(model.predict(np.zeros((2, 3)), verbose=0), table + 1)
