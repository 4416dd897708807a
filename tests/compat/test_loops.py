"""Loops over gradients as they were written in 2016: images made by ascent, styles, autoencoders, policies."""

import itertools

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, optimizers, utils
from amalthea.compat import backend as K
from amalthea.errors import AmaltheaError, ArgumentError, TraceError
from tests.arrays import numbers


@pytest.fixture(autouse=True)
def phase_of_its_own():
    yield
    K.clear_session()


def convnet():
    return Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="tanh", name="first"),
            layers.Dropout(0.5),
            layers.MaxPooling2D(),
            layers.Conv2D(3, 2, name="second"),
            layers.BatchNormalization(),
        ]
    )


def central_difference(function, x, index, step=1e-2):
    shift = np.zeros_like(x)
    shift[index] = step
    return (function(x + shift) - function(x - shift)) / (2 * step)


def test_a_filter_is_shown_by_ascent_on_the_image():
    model = convnet()
    loss = K.mean(model.get_layer("second").output[:, :, :, 1])
    slope = K.gradients(loss, model.input)[0]
    slope /= K.sqrt(K.mean(K.square(slope))) + 1e-5
    iterate = K.function([model.input], [loss, slope])
    x = numbers(1, 8, 8, 2).astype("float32")
    losses = []
    for _ in range(4):
        value, gradient = iterate([x])
        losses.append(float(value))
        x = x + 0.1 * gradient
    assert losses == sorted(losses) and losses[-1] > losses[0]


def test_deep_dream_adds_losses_of_layers_to_a_variable():
    model = convnet()
    loss = K.variable(0.0)
    for layer, weight in (("first", 0.2), ("second", 1.5)):
        x = model.get_layer(layer).output
        loss = loss + weight * K.sum(K.square(x[:, 1:-1, 1:-1, :])) / K.prod(K.cast(K.shape(x)[1:], "float32"))
    loss += 0.1 * K.sum(K.pow(K.square(model.input[:, :-1] - model.input[:, 1:]), 1.25)) / 64
    both = K.function([model.input], [loss, *K.gradients(loss, model.input)])
    x = numbers(1, 8, 8, 2).astype("float32")
    slope = both([x])[1]
    wanted = central_difference(lambda x: both([x])[0], x, (0, 3, 4, 1))
    np.testing.assert_allclose(slope[0, 3, 4, 1], wanted, rtol=2e-2)


def test_a_style_is_transferred_by_the_gradient_of_a_sum_of_losses():
    base, style = (K.variable(numbers(1, 6, 6, 2) * scale) for scale in (1.0, 0.5))
    combination = K.placeholder((1, 6, 6, 2))
    x = K.concatenate([base, style, combination], axis=0)
    features = layers.Conv2D(3, 3, activation="tanh")(x)

    def gram(x):
        rows = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
        return K.dot(rows, K.transpose(rows))

    loss = K.variable(0.0)
    loss = loss + 0.025 * K.sum(K.square(features[2] - features[0]))
    loss += K.sum(K.square(gram(features[1]) - gram(features[2]))) / 36.0
    both = K.function([combination], [loss, *K.gradients(loss, combination)])
    x = numbers(1, 6, 6, 2).astype("float32")
    before, slope = both([x])
    wanted = central_difference(lambda x: both([x])[0], x, (0, 2, 3, 0))
    np.testing.assert_allclose(slope[0, 2, 3, 0], wanted, rtol=2e-2)
    K.set_value(base, np.zeros((1, 6, 6, 2)))
    assert both([x])[0] != before  # a variable is read at each run


def variational(how):
    """The autoencoder of 2016, with its loss in three forms."""
    x = Input((6,))
    h = layers.Dense(5, activation="tanh")(x)
    mean, log_variance = layers.Dense(2)(h), layers.Dense(2)(h)

    def sampling(args):
        mean, log_variance = args
        noise = K.random_normal(shape=(K.shape(mean)[0], 2), mean=0.0, stddev=1.0)
        return mean + K.exp(log_variance / 2) * noise

    code = layers.Lambda(sampling, output_shape=(2,))([mean, log_variance])
    output = layers.Dense(6, activation="sigmoid")(code)
    model = Model(x, output)

    def divergence():
        return -0.5 * K.sum(1 + log_variance - K.square(mean) - K.exp(log_variance), axis=-1)

    outside = divergence()
    losses = {
        "computed in the loss": lambda y, p: 6 * K.mean(K.binary_crossentropy(y, p), axis=-1) + divergence(),
        "computed before": lambda y, p: 6 * K.mean(K.binary_crossentropy(y, p), axis=-1) + outside,
    }
    if how in losses:
        model.compile("rmsprop", losses[how])
    else:
        model.add_loss(K.mean(6 * K.mean(K.binary_crossentropy(x, output), axis=-1) + outside))
        model.compile("rmsprop", loss=None)
    return model


@pytest.mark.parametrize("how", ["computed in the loss", "computed before", "add_loss"])
def test_a_variational_autoencoder_trains_on_symbolic_tensors_of_the_model(how):
    utils.set_random_seed(0)
    model = variational(how)
    x = np.round(np.abs(numbers(64, 6)) % 1).astype("float32")
    labels = () if how == "add_loss" else (x,)
    history = model.fit(x, *labels, epochs=40, batch_size=16, verbose=0).history["loss"]
    assert np.all(np.isfinite(history))
    assert np.mean(history[-5:]) < np.mean(history[:5])
    assert np.isfinite(model.evaluate(x, *labels, verbose=0))


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_loss_over_symbolic_tensors_has_the_value_of_its_formula(eagerly):
    x = Input((3,))
    code = layers.Dense(2, name="code")(x)
    model = Model(x, layers.Dense(3)(code))
    model.compile("sgd", lambda y, p: K.sum(K.square(code), axis=-1), metrics=[lambda y, p: K.sum(code)])
    model.run_eagerly = eagerly
    data = numbers(4, 3).astype("float32")
    hidden = data @ model.get_layer("code").get_weights()[0]
    loss, total = model.evaluate(data, data, batch_size=4, verbose=0)
    np.testing.assert_allclose(loss, np.sum(hidden**2, 1).mean(), rtol=1e-4)
    np.testing.assert_allclose(total, hidden.sum(), rtol=1e-4, atol=1e-5)


def test_switches_of_pooling_are_gradients_inside_a_lambda():
    x = Input((4, 4, 1))
    before = layers.Conv2D(2, 1, use_bias=False)(x)
    pooled = layers.MaxPooling2D(2)(before)
    where = layers.Lambda(lambda both: K.gradients(K.sum(both[1]), both[0])[0])([before, pooled])
    model = Model(x, [before, where])
    features, switches = model.predict(numbers(3, 4, 4, 1), verbose=0)
    blocks = features.reshape(3, 2, 2, 2, 2, 2)
    largest = blocks.max((2, 4), keepdims=True)
    np.testing.assert_array_equal(switches.reshape(blocks.shape), (blocks == largest).astype("float32"))


def test_a_penalty_on_the_gradient_trains_a_critic():
    x, between = Input((3,)), Input((3,))
    critic = Sequential([layers.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model = Model([x, between], [critic(x), critic(between)])

    def penalty(y, p):
        slope = K.gradients(p, between)[0]
        return K.square(1 - K.sqrt(K.sum(K.square(slope), axis=1)))

    model.compile(optimizers.Adam(0.01), [lambda y, p: K.mean(y * p), penalty])
    rows, ones = numbers(16, 3).astype("float32"), np.ones((16, 1), "float32")
    history = model.fit([rows, rows * 2], [ones, ones], epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_policy_learns_by_updates_of_an_optimizer_in_a_function():
    policy = Sequential([layers.Input((4,)), layers.Dense(2, activation="softmax")])
    action, reward = K.placeholder(shape=(None, 2)), K.placeholder(shape=(None,))
    chosen = K.sum(action * policy.output, axis=1)
    loss = K.mean(-K.log(chosen) * reward)
    updates = K.optimizer_updates(optimizers.Adam(0.1), loss, policy.trainable_weights)
    train = K.function([policy.input, action, reward], [loss], updates=updates)
    batch = [np.ones((2, 4), "float32"), np.float32([[1, 0], [1, 0]]), np.float32([1.0, 0.5])]
    losses = [float(train(batch)[0]) for _ in range(10)]
    assert losses == sorted(losses, reverse=True)


def test_layers_of_a_trained_model_are_seen_after_more_are_added():
    model = convnet()
    model.add(layers.Flatten())
    model.add(layers.Dense(2))
    model.compile("sgd", "mse")
    x, y = numbers(6, 8, 8, 2).astype("float32"), numbers(6, 2).astype("float32")
    model.fit(x, y, verbose=0)
    whole = K.function([model.layers[0].input, K.learning_phase()], [model.layers[-1].output])
    np.testing.assert_allclose(whole([x, 0])[0], model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    first = K.function([model.input], [model.layers[0].output])([x])[0]
    wanted = Model(model.input, model.layers[0].output).predict(x, verbose=0)
    np.testing.assert_allclose(first, wanted, rtol=1e-4, atol=1e-5)
    halves = K.function([model.layers[3].output], [model.layers[-1].output])
    assert halves([np.zeros((1, 2, 2, 3), "float32")])[0].shape == (1, 2)


def test_a_function_makes_its_updates_alone():
    model = convnet()
    phase = K.function([model.input, K.learning_phase()], [model.output])
    before = [w.copy() for w in model.get_weights()]
    x = numbers(4, 8, 8, 2).astype("float32")
    assert not np.allclose(phase([x, 1])[0], phase([x, 0])[0])
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)
    drawn = [phase([x, 1])[0] for _ in range(2)]
    assert not np.array_equal(*drawn)  # dropout draws anew


def test_updates_are_made_from_the_old_values():
    a, b = K.variable(1.0), K.variable(2.0)
    swap = K.function([], [a, b], updates=[(a, b), K.update(b, a)])
    assert [float(v) for v in swap([])] == [1.0, 2.0]
    assert [float(v) for v in K.batch_get_value([a, b])] == [2.0, 1.0]


def test_gradients_count_every_way_from_a_tensor_to_the_loss():
    x = K.placeholder(shape=(3,))
    y = x * x
    loss = K.sum(y * x)
    values = K.function([x], K.gradients(loss, [x, y]))([np.float32([1, 2, 3])])
    np.testing.assert_allclose(values, [[3, 12, 27], [1, 2, 3]], rtol=1e-6)
    assert K.gradients(loss, [K.variable(1.0), x])[0] is None


def test_the_ctc_cost_is_that_of_all_alignments():
    time, labels = 4, [0, 1, 1]
    scores = np.exp(numbers(1, time, 4))
    p = (scores / scores.sum(-1, keepdims=True)).astype("float32")

    def read(path):
        return [k for k, _ in itertools.groupby(path) if k != 3]

    for count in (1, 2, 3):
        paths = itertools.product(range(4), repeat=time)
        total = sum(np.prod([p[0, t, k] for t, k in enumerate(path)]) for path in paths if read(path) == labels[:count])
        cost = K.eval(
            K.ctc_batch_cost(K.constant([labels]), K.constant(p), K.constant([[time]]), K.constant([[count]]))
        )
        np.testing.assert_allclose(np.exp(-cost), [[total]], rtol=1e-4)


def test_sizes_are_numbers_when_they_are_known_and_found_when_they_are_not():
    x = K.placeholder(shape=(None, 6))
    assert K.shape(x)[1] == 6 and K.int_shape(x) == (None, 6)
    made = [
        K.reshape(x, (K.shape(x)[0], 2, 3)),
        K.ones((K.shape(x)[0], 4)),
        K.random_normal((K.shape(x)[0], K.shape(x)[1] // 2)),
        K.tile(K.expand_dims(x, 1), (1, 3, 1)),
        K.arange(K.shape(x)[0]),
    ]
    assert [K.int_shape(y) for y in made] == [(None, 2, 3), (None, 4), (None, 3), (None, 3, 6), (None,)]
    for rows in (1, 5):
        got = K.function([x], made)([numbers(rows, 6)])
        assert [y.shape for y in got] == [(rows, 2, 3), (rows, 4), (rows, 3), (rows, 3, 6), (rows,)]


REFUSED = {
    "a session": (lambda: K.get_session(), ArgumentError, "TensorFlow session"),
    "a session to set": (lambda: K.set_session(None), ArgumentError, "TensorFlow session"),
    "a value without data": (lambda: K.eval(K.placeholder(ndim=1)), AmaltheaError, "depend on input"),
    "no shape": (lambda: K.placeholder(), ArgumentError, "needs a shape"),
    "a gradient of arrays": (
        lambda: K.gradients(K.constant(1.0), K.constant(1.0)),
        TraceError,
        "differentiates a graph",
    ),
    "an unknown argument": (lambda: K.sum(K.ones((2,)), axes=0), ArgumentError, "does not take `axes`"),
    "two names of one": (lambda: K.expand_dims(K.ones((2,)), axis=0, dim=0), ArgumentError, "twice"),
    "a batch contracted": (lambda: K.batch_dot(K.ones((2, 2)), K.ones((2, 2)), axes=0), ArgumentError, "batch"),
    "sparse tensors": (lambda: K.ctc_label_dense_to_sparse(1, 2), ArgumentError, "sparse"),
    "too few inputs": (lambda: K.function([K.placeholder(ndim=1)], [])([]), ArgumentError, "takes 1 inputs"),
    "an array to set": (lambda: K.set_value(np.ones(2), 1), ArgumentError, "variable"),
    "an array to update": (lambda: K.update(np.ones(2), 1), ArgumentError, "variable"),
    "a phase": (lambda: K.set_learning_phase(2), ArgumentError, "0 or 1"),
    "a pooling": (lambda: K.pool2d(K.ones((1, 2, 2, 1)), 2, pool_mode="sum"), ArgumentError, "pooling"),
    "a name": (lambda: K.batchdot, AttributeError, "batch_dot"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_told_in_words(name):
    call, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        call()


def test_an_input_around_a_tensor_is_that_tensor():
    x = K.placeholder(shape=(None, 3))
    start = Input(tensor=x * 2)
    model = Model(start, layers.Dense(1, kernel_initializer="ones")(start))
    slope = K.function([x], K.gradients(K.sum(model.output), x))
    np.testing.assert_allclose(slope([np.ones((2, 3), "float32")])[0], np.full((2, 3), 2.0))
    np.testing.assert_allclose(model.predict(np.ones((1, 3)), verbose=0), [[3.0]])
