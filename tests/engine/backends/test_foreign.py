"""Functions of other libraries on our tensors and variables: on their own backend they work, elsewhere not."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, Variable, layers, ops, use_backend
from amalthea.engine import backends
from amalthea.errors import NoArrayError, TraceError
from tests.arrays import numbers

X = numbers(8, 3)
Y = numbers(8, 1)
LIBRARIES = {"jax": "jax.numpy", "torch": "torch", "tensorflow": "tensorflow", "numpy": "numpy"}
DISPATCHING = ("torch", "tensorflow", "numpy")  # whose protocol hands a call over; JAX's does not
MEAN = {"jax": "mean", "torch": "mean", "tensorflow": "reduce_mean", "numpy": "mean"}


def module(name):
    return pytest.importorskip(LIBRARIES[name])


@pytest.fixture(params=[*LIBRARIES])
def library(request):
    found = module(request.param)
    with use_backend(request.param):
        yield found


@pytest.fixture(params=DISPATCHING)
def dispatching(request):
    found = module(request.param)
    with use_backend(request.param):
        yield found


def mean_of(library, x, axis):
    """The mean by the library in use, whose words differ."""
    name = backends.current().name
    word = "dim" if name == "torch" else "axis"
    return getattr(library, MEAN[name])(x, **{word: axis})


class Exp(layers.Layer):
    """A layer of a user's, with a weight, a state and a loss, in a library's functions."""

    def __init__(self, library, **kwargs):
        super().__init__(**kwargs)
        self.library = library

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x, training=False):
        if training:
            self.calls.assign_add(1.0)
        self.add_loss(0.5 * mean_of(self.library, mean_of(self.library, x, 0), 0))
        return self.library.exp(x) * self.scale


class Count(amalthea.metrics.Metric):
    """A metric of a user's that assigns a variable, and then calls a function of the library."""

    def __init__(self, library, name="count"):
        super().__init__(name=name)
        self.library = library
        self.batches, self.sum = self.add_weight(name="batches"), self.add_weight(name="sum")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.batches.assign_add(1.0)
        self.sum.assign_add(mean_of(self.library, mean_of(self.library, self.library.abs(y_pred), -1), 0))

    def result(self):
        return self.batches.value


class OurExp(Exp):
    """The same by our own ops."""

    def call(self, x, training=False):
        if training:
            self.calls.assign_add(1.0)
        self.add_loss(0.5 * ops.mean(x))
        return ops.exp(x) * self.scale


def trained(kind, library, loss, metric):
    amalthea.random.set_random_seed(3)
    inputs = Input((3,))
    outputs = layers.Dense(1)(kind(library)(layers.Dense(3)(inputs)))
    model = Model(inputs, outputs)
    model.compile("sgd", loss, metrics=[metric])
    history = model.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0).history
    return [*history.values()], [v.numpy() for v in model.variables], model.evaluate(X, Y, verbose=0)


def test_a_users_layer_loss_and_metric_in_the_librarys_functions_train_as_ours_do(library):
    if backends.current().name == "numpy":
        pytest.skip("NumPy has no gradients of its own functions; those of our names are ours")
    loss = lambda t, p: mean_of(library, (t - p) ** 2, -1)  # noqa: E731
    metric = lambda t, p: mean_of(library, library.abs(t - p), -1)  # noqa: E731
    found = trained(Exp, library, loss, metric)
    wanted = trained(OurExp, library, "mse", "mae")
    for a, b in zip(found, wanted):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, 1e-4, 1e-6)
    assert found[1][3] == 4.0  # the state, after four batches


def test_a_users_metric_assigns_its_variables_once_a_batch(library):
    model = Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Count(library)])
    assert model.evaluate(X, Y, batch_size=2, verbose=0, return_dict=True)["count"] == 4.0


def test_an_activation_may_be_a_function_of_the_library(library):
    model = Sequential([layers.Input((3,)), layers.Dense(2, activation=library.tanh)])
    same = Sequential([layers.Input((3,)), layers.Dense(2, activation="tanh")])
    same.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(X, verbose=0), same.predict(X, verbose=0), 1e-5, 1e-6)


def test_a_function_of_the_library_is_part_of_a_functional_model(dispatching):
    inputs = Input((3,))
    model = Model(inputs, dispatching.exp(inputs))
    assert model.output_shape == (None, 3)
    np.testing.assert_allclose(model.predict(X, verbose=0), np.exp(X), 1e-5, 1e-6)


def test_a_function_of_the_library_is_part_of_a_compiled_function(dispatching):
    function = amalthea.jit(amalthea.grad(lambda x: ops.sum(dispatching.exp(x) * x)))
    np.testing.assert_allclose(backends.current().to_numpy(function(X)), np.exp(X) * (1 + X), 1e-4, 1e-5)


def test_options_of_a_librarys_function_stay_python_values(dispatching):
    name = backends.current().name
    outputs = amalthea.jit(lambda x: mean_of(dispatching, x, -1))(X)
    assert backends.current().to_numpy(outputs).shape == (8,), name


def test_a_variable_is_an_argument_of_a_librarys_function(library):
    variable = Variable(X)
    found = library.exp(variable)
    np.testing.assert_allclose(backends.current().to_numpy(found), np.exp(X), 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["torch", "tensorflow", "jax"])
def test_on_another_backend_the_error_names_our_function_and_the_backend(name):
    other = module(name)
    backends.load(name)
    with use_backend("onnxruntime"):
        inputs = Input((3,))
        with pytest.raises(NoArrayError, match=rf"{name}(?s:.)*ops(.exp)?, or set_backend\('{name}'\)"):
            other.exp(inputs)


@pytest.mark.parametrize("name", ["tensorflow", "jax"])
def test_a_layer_of_a_library_that_takes_numpys_arrays_predicts_on_any_backend(name):
    other = module(name)
    with use_backend("onnxruntime"):
        model = Sequential([layers.Input((3,)), layers.Lambda(other.exp)])
        np.testing.assert_allclose(model.predict(X, verbose=0), np.exp(X), 1e-5, 1e-6)


def test_a_librarys_function_without_an_op_of_its_name_is_refused_in_words():
    with use_backend("onnxruntime"), pytest.raises(NoArrayError, match="numpy.i_do_not_know|numpy.spacing"):
        np.spacing(Input((3,)))


def test_python_branches_are_still_refused():
    class Branching(layers.Layer):
        def call(self, x):
            return x if ops.sum(x) > 0 else -x

    for name in ("numpy", "onnxruntime"):
        with use_backend(name), pytest.raises(TraceError, match="cannot branch"):
            Branching()(Input((3,)))


def test_an_error_of_ours_is_not_tried_again():
    calls = []

    class Wrong(layers.Layer):
        def call(self, x):
            calls.append(x)
            return ops.matmul(x, np.ones((5, 5), "float32"))

    with use_backend("numpy"), pytest.raises(ValueError):
        Wrong()(Input((3,)))
    assert len(calls) == 1


def test_the_first_error_is_raised_if_the_native_call_fails_too():
    class Wrong(layers.Layer):
        def call(self, x):
            raise KeyError("no such thing")

    with use_backend("numpy"), pytest.raises(KeyError, match="no such thing"):
        Wrong()(Input((3,)))


@pytest.mark.parametrize("name", [*LIBRARIES])
def test_an_array_of_the_library_on_the_left_leaves_the_operator_to_us(name):
    module(name)
    with use_backend(name):
        array, variable = backends.current().array(X, "float32"), Variable(X + 2)
        function = amalthea.jit(lambda x: (array - x) * variable + array * (variable - array))
        found = backends.current().to_numpy(function(2 * X))
    np.testing.assert_allclose(found, -X * (X + 2) + 2 * X, 1e-5, 1e-5)


def test_torch_finds_parameters_of_a_layer():
    torch = module("torch")
    with use_backend("torch"), torch.enable_grad():
        model = Sequential([layers.Input((3,)), layers.Dense(2), layers.BatchNormalization(), layers.Dense(1)])
        assert [tuple(p.shape) for p in model.parameters()] == [v.shape for v in model.trainable_variables]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        before = [v.numpy() for v in model.trainable_variables]
        (model(torch.from_numpy(X)) ** 2).mean().backward()
        slopes = [p.grad.numpy().copy() for p in model.parameters()]
        optimizer.step()
        for v, b, g in zip(model.trainable_variables, before, slopes, strict=True):
            np.testing.assert_allclose(v.numpy(), b - 0.1 * g, 1e-5, 1e-6)
        model.zero_grad()
        assert all(p.grad is None for p in model.parameters())
        state = model.state_dict()
        for v in model.variables:
            v.assign(v.value * 0 + 7)
        model.load_state_dict(state)
        np.testing.assert_allclose(model.variables[0].numpy(), before[0] - 0.1 * slopes[0], 1e-5, 1e-6)
        with pytest.raises(KeyError, match="unknown"):
            model.load_state_dict({**state, "more": 1})


def test_methods_of_torch_modules_are_missing_on_other_backends():
    with use_backend("numpy"):
        assert not hasattr(layers.Dense(2), "parameters")


# ------------------------------------------------------------------------------------------------- TensorFlow's graphs

MAPPED = {
    "dense": (lambda: layers.Dense(2), numbers(7, 5, 4)),
    "conv": (lambda: layers.Conv2D(2, 3, strides=2), numbers(7, 8, 8, 3)),
    "lstm": (lambda: layers.LSTM(3, return_sequences=True), numbers(7, 5, 4)),
    "flatten": (lambda: layers.Flatten(), numbers(7, 8, 8, 3)),
    "embedding": (lambda: layers.Embedding(9, 4, mask_zero=True), np.arange(35).reshape(7, 5) % 9),
    "resizing": (lambda: layers.Resizing(4, 4), numbers(7, 8, 8, 3)),
    "one hot": (lambda: layers.CategoryEncoding(9, output_mode="one_hot"), np.arange(35).reshape(7, 5) % 9),
    "model": (lambda: Sequential([layers.Rescaling(2.0), layers.Dense(2)]), numbers(7, 3)),
}


@pytest.mark.parametrize("backend", ["onnxruntime", "tensorflow", "torch", "jax"])
@pytest.mark.parametrize("name", [*MAPPED])
def test_a_layer_maps_over_a_tensorflow_data_set(name, backend):
    tf = module("tensorflow")
    pytest.importorskip(backend)
    make, x = MAPPED[name]
    with use_backend(backend):
        layer = make()
        wanted = backends.current().to_numpy(layer(x))
        data = tf.data.Dataset.from_tensor_slices(x).batch(4).map(layer)
        assert tuple(data.element_spec.shape) == (None, *wanted.shape[1:])
        np.testing.assert_allclose(np.concatenate([*data.as_numpy_iterator()]), wanted, 1e-4, 1e-5)


def test_random_layers_draw_anew_for_each_element_of_a_data_set():
    tf = module("tensorflow")
    with use_backend("onnxruntime"):
        layer = layers.RandomTranslation(0.5, 0.5, fill_mode="constant", seed=1)
        images = np.repeat(numbers(1, 6, 6, 1), 6, axis=0)
        found = [*tf.data.Dataset.from_tensor_slices(images).map(lambda x: layer(x, training=True))]
        assert len({np.asarray(x).tobytes() for x in found}) > 1


def test_a_tape_takes_our_variables_eagerly_and_in_a_tf_function():
    tf = module("tensorflow")
    with use_backend("tensorflow"):
        model = Sequential([layers.Input((3,)), layers.Dense(2, "tanh"), layers.Dense(1)])
        optimizer = amalthea.optimizers.SGD(0.1)

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, model.trainable_weights)
            optimizer.apply_gradients(zip(gradients, model.trainable_weights))
            return loss

        objective = lambda: ops.mean((model(X) - Y) ** 2)  # noqa: E731
        for function in (step, tf.function(step)):
            _, wanted = amalthea.value_and_grad(objective, model.trainable_variables)()
            before = [v.numpy() for v in model.trainable_variables]
            function(tf.constant(X), tf.constant(Y))
            for v, b, g in zip(model.trainable_variables, before, wanted, strict=True):
                np.testing.assert_allclose(v.numpy(), b - 0.1 * np.asarray(g), 1e-4, 1e-6)


def test_autograph_leaves_our_code_as_it_is():
    module("tensorflow")
    backends.load("tensorflow")
    conversion = importlib.import_module("tensorflow.python.autograph.impl.conversion")
    assert conversion.is_allowlisted(layers.Dense(2).call)
    assert conversion.is_allowlisted(ops.relu)
