"""Classes of a user's that are derived from layers, in the words of Keras 1 and 2."""

import numpy as np
import pytest

X = np.random.RandomState(0).uniform(-1, 1, (3, 5, 4)).astype("float32")


def derived(base, **words):
    """A class with a constructor of its own, as most have."""

    class Own(base):
        def __init__(self, size, extra=1, **kwargs):
            self.extra = extra
            super().__init__(size, **{**words, **kwargs})

    return Own


@pytest.mark.parametrize("era", (1, 2))
def test_defaults_are_those_of_the_era(keras, era):
    layers = keras(era).layers
    assert derived(layers.LSTM)(2).recurrent_activation is layers.LSTM(2).recurrent_activation
    assert not derived(layers.GRU)(2).cell.reset_after

    class Plain(layers.LSTM):
        """Without a constructor of its own."""

    assert Plain(2).recurrent_activation is layers.LSTM(2).recurrent_activation


def test_era_3_has_todays_defaults_and_takes_words_of_old(keras):
    layers = keras(3).layers
    assert derived(layers.LSTM)(2).recurrent_activation is layers.LSTM(2).recurrent_activation
    assert derived(layers.LSTM, inner_activation="relu")(2).recurrent_activation.__name__ == "relu"


WORDS = {
    "LSTM": ({"inner_activation": "relu", "consume_less": "gpu"}, ("recurrent_activation", "relu")),
    "Dense": ({"init": "one", "input_dim": 4}, ("kernel_initializer", "Ones")),
    "Dropout": ({}, ("rate", 0.5)),
    "Embedding": ({"output_dim": 3, "input_length": 5}, ("output_dim", 3)),
}


@pytest.mark.parametrize("name", WORDS)
def test_words_of_keras_1(keras, name):
    words, (attribute, wanted) = WORDS[name]
    layer = derived(getattr(keras(1).layers, name), **words)(
        7 if name == "Embedding" else 0.5 if name == "Dropout" else 2
    )
    found = getattr(layer, attribute)
    assert wanted in (found, getattr(found, "__name__", ""), type(found).__name__)


def test_a_class_under_its_old_name(keras):
    Convolution2D = keras(1).layers.Convolution2D

    class Edges(Convolution2D):
        def __init__(self, count, **kwargs):
            super().__init__(count, 3, 5, border_mode="same", subsample=(2, 2), **kwargs)

        def call(self, x, mask=None):
            return 2 * super().call(x)

    layer = Edges(4, input_shape=(8, 8, 3), dim_ordering="tf")
    assert (layer.kernel_size, layer.padding, layer.strides, layer.nb_filter) == ((3, 5), "same", (2, 2), 4)
    assert isinstance(layer, Convolution2D) and isinstance(layer, keras(1).layers.Layer)
    x = np.ones((1, 8, 8, 3), "float32")
    plain = Convolution2D(4, 3, 5, border_mode="same", subsample=(2, 2), dim_ordering="tf")
    plain.build(x.shape)
    layer.build(x.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), 2 * np.asarray(plain(x)), rtol=1e-5)


@pytest.mark.parametrize("era", (1, 2))
@pytest.mark.parametrize("name", ("LSTM", "GRU", "SimpleRNN"))
@pytest.mark.parametrize("backwards", (False, True))
def test_a_step_that_only_calls_the_layers_own_changes_nothing(keras, era, name, backwards):
    base = getattr(keras(era).layers, name)
    calls = []

    class Own(base):
        def step(self, x, states):
            calls.append(len(states))
            return super().step(x, states)

    own, plain = (cls(3, return_sequences=True, go_backwards=backwards) for cls in (Own, base))
    found = np.asarray(own(X))
    plain(X)
    plain.set_weights(own.get_weights())
    np.testing.assert_allclose(found, plain(X), rtol=1e-5, atol=1e-6)
    assert set(calls) == {4 if name == "LSTM" else 3}  # the states, and two constants


@pytest.mark.parametrize("era", (1, 2))
def test_attention_as_users_wrote_it(keras, era):
    """A step that scales the output by a share of a vector that the layer is given, with a weight of its own."""
    K, layers, models = keras(era).backend, keras(era).layers, keras(era).models

    class AttentionLSTM(layers.LSTM):
        def __init__(self, output_dim, attention, **kwargs):
            self.attention = attention
            super().__init__(output_dim, **kwargs)

        def build(self, input_shape):
            super().build(input_shape)
            self.U_a = self.inner_init((self.output_dim, self.output_dim), name=f"{self.name}_U_a")
            self.trainable_weights += [self.U_a]

        def get_constants(self, x):
            return [*super().get_constants(x), K.constant(self.attention)]

        def step(self, x, states):
            h, [_, c] = super().step(x, states)
            share = K.sigmoid(K.dot(h, self.U_a) * states[4])
            return h * share, [h * share, c]

    model = models.Sequential()
    model.add(AttentionLSTM(3, np.ones((1, 3)), input_shape=(5, 4), name="attention"))
    layer = model.layers[0]
    assert len(layer.trainable_weights) == 4
    found = model.predict(X)
    cell = layer.cell
    kernel, recurrent, bias, share = (v.numpy() for v in (cell.kernel, cell.recurrent_kernel, cell.bias, layer.U_a))
    h = c = np.zeros((3, 3))

    def hard(z):
        return np.clip(0.2 * z + 0.5, 0, 1)

    for t in range(5):
        i, f, n, o = np.split(X[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = hard(f) * c + hard(i) * np.tanh(n)
        h = hard(o) * np.tanh(c)
        h = h / (1 + np.exp(-(h @ share)))
    np.testing.assert_allclose(found, h, rtol=1e-5, atol=1e-6)
    model.compile("adam", "mse")
    model.train_on_batch(X, np.ones((3, 3)))
    assert not np.array_equal(layer.U_a.numpy(), share)


def test_all_is_taken_back(keras):
    from amalthea.compat import importer
    from amalthea.layers import LSTM

    before = LSTM.__init__
    keras(1)
    assert LSTM.__init__ is not before
    importer.uninstall()
    assert LSTM.__init__ is before
    assert "step" not in dir(LSTM)
