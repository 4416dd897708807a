"""``Recurrent``, from which layers of one's own were derived in Keras 1 and 2."""

import numpy as np
import pytest

from amalthea.errors import ArgumentError

X = np.arange(24, dtype="float32").reshape(2, 4, 3) / 10


def mean_layer(keras, begin=""):
    """A layer whose output is a share of the input and of the output before, with a factor as a constant."""
    K, Recurrent = keras.backend, keras.layers.Recurrent

    class Mean(Recurrent):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = self.units = output_dim
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.input_spec = [keras.engine.InputSpec(shape=input_shape)]
            self.states = [None]
            if self.stateful:
                self.states = [K.zeros((input_shape[0], self.output_dim))]
            self.W = K.variable(np.full((input_shape[2], self.output_dim), 0.5), name="W")
            self.trainable_weights = [self.W]
            if self.initial_weights is not None:
                self.set_weights(self.initial_weights)

        def get_constants(self, x):
            return [K.variable(np.float32(2.0))]

        def step(self, x, states):
            before, factor = states
            out = K.dot(x, self.W) * factor + 0.5 * before
            return out, [out]

        def get_config(self):
            return {**super().get_config(), "output_dim": self.output_dim}

    def ones(self, x):
        return [K.ones_like(x[:, 0, :1]) + K.zeros((1, self.output_dim))]

    if begin:
        setattr(Mean, begin, ones)
    return Mean


def expected(x, units=2, begin=0.0, mask=None, backwards=False):
    out, found = np.full((len(x), units), begin), []
    for t in range(x.shape[1])[:: -1 if backwards else 1]:
        new = x[:, t].sum(-1, keepdims=True) * np.ones(units) + 0.5 * out
        out = new if mask is None else np.where(mask[:, t, None], new, out)
        found.append(out)
    return np.stack(found, 1)


@pytest.mark.parametrize("era", (1, 2))
@pytest.mark.parametrize("unroll", (False, True))
@pytest.mark.parametrize("backwards", (False, True))
def test_steps_run_over_time(keras, era, unroll, backwards):
    layer = mean_layer(keras(era))(2, return_sequences=True, go_backwards=backwards, unroll=unroll)
    np.testing.assert_allclose(layer(X), expected(X, backwards=backwards), rtol=1e-6)
    layer = mean_layer(keras(era))(2, go_backwards=backwards)
    np.testing.assert_allclose(layer(X), expected(X, backwards=backwards)[:, -1], rtol=1e-6)


@pytest.mark.parametrize("era, begin", [(1, "get_initial_states"), (2, "get_initial_state")])
def test_states_begin_where_the_layer_says(keras, era, begin):
    layer = mean_layer(keras(era), begin)(2)
    np.testing.assert_allclose(layer(X), expected(X, begin=1.0)[:, -1], rtol=1e-6)


@pytest.mark.parametrize("era", (1, 2))
def test_a_model_of_it_trains_saves_its_config_and_masks(keras, era):
    layers, models = keras(era).layers, keras(era).models
    made = mean_layer(keras(era))
    model = models.Sequential()
    model.add(layers.Masking(0.0, input_shape=(4, 3)))
    model.add(made(2, return_sequences=True))
    x = X + 1
    x[1, 2:] = 0
    np.testing.assert_allclose(model.predict(x), expected(x, mask=x.any(-1)), rtol=1e-6)
    model.compile("sgd", "mse")
    before = model.evaluate(x, np.ones((2, 4, 2)), verbose=0)
    for _ in range(3):
        model.train_on_batch(x * 0.1, np.ones((2, 4, 2)))
    assert model.evaluate(x * 0.1, np.ones((2, 4, 2)), verbose=0) < before
    config = model.layers[-1].get_config()
    assert config["output_dim"] == 2 and config["return_sequences"]
    assert made.from_config(config).get_config() == config


@pytest.mark.parametrize("era", (1, 2))
def test_it_can_begin_a_model_and_keep_states(keras, era):
    model = keras(era).models.Sequential()
    model.add(mean_layer(keras(era))(2, stateful=True, batch_input_shape=(2, 4, 3)))
    first, second = model.predict(X, batch_size=2), model.predict(X, batch_size=2)
    whole = expected(np.concatenate([X, X], 1))
    np.testing.assert_allclose([first, second], whole[:, [3, 7]].swapaxes(0, 1), rtol=1e-6)


def test_words_of_a_first_layer(keras):
    model = keras(1).models.Sequential()
    weights = [np.zeros((3, 2), "float32")]
    model.add(mean_layer(keras(1))(2, input_dim=3, input_length=4, weights=weights, consume_less="gpu"))
    assert model.input_shape == (None, 4, 3)
    assert not model.predict(X).any()


def test_a_layer_without_a_step_says_so(keras):
    class Empty(keras(2).layers.Recurrent):
        units = 2

    with pytest.raises(ArgumentError, match="no step"):
        Empty()(X)


def test_a_layer_without_a_size_says_so(keras):
    class Sizeless(keras(1).layers.Recurrent):
        def step(self, x, states):
            return x, [x]

    with pytest.raises(ArgumentError, match="number of units"):
        Sizeless()(X)
