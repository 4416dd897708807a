"""The stand-in for ``tensorflow``, where TensorFlow is not installed."""

import importlib.util

import numpy as np
import pytest

import amalthea
from amalthea.compat import tensorflow as stand_in
from amalthea.engine import backends
from amalthea.errors import ArgumentError
from amalthea.spellings.tf_ops import OPS

is_installed = importlib.util.find_spec("tensorflow") is not None


@pytest.fixture
def tf(keras):
    keras(3)
    if is_installed:
        pytest.skip("TensorFlow is installed")
    return importlib.import_module("tensorflow")


def test_keras_of_tensorflow_is_ours(keras):
    keras(3)
    import tensorflow as tf  # noqa: PLC0415  # of any kind
    from tensorflow import keras as own

    assert tf.keras.layers.Dense is own.layers.Dense is amalthea.layers.Dense


HARMLESS = {
    "set_random_seed": lambda tf: tf.set_random_seed(1),
    "random.set_seed": lambda tf: tf.random.set_seed(1),
    "compat.v1.set_random_seed": lambda tf: tf.compat.v1.set_random_seed(1),
    "ConfigProto": lambda tf: setattr(tf.ConfigProto().gpu_options, "allow_growth", True),
    "GPUOptions": lambda tf: tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))),
    "list_physical_devices": lambda tf: tf.config.experimental.list_physical_devices("GPU") == [] or 1 / 0,
    "set_memory_growth": lambda tf: tf.config.experimental.set_memory_growth(None, True),
    "logging": lambda tf: tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR),
    "get_logger": lambda tf: tf.get_logger().setLevel("ERROR"),
    "device": lambda tf: tf.device("/gpu:0").__enter__(),
    "function": lambda tf: tf.function(lambda x: x)(1),
    "is_gpu_available": lambda tf: tf.test.is_gpu_available() and 1 / 0,
    "set_session": lambda tf: tf.keras.backend.set_session(tf.Session()),
    "get_default_graph": lambda tf: tf.get_default_graph().as_default().__enter__(),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_seeds_and_options_of_devices_are_taken(tf, case):
    HARMLESS[case](tf)


def test_a_seed_gives_the_same_weights(tf):
    def weights():
        tf.random.set_seed(3)
        return amalthea.Sequential([amalthea.layers.Input((3,)), amalthea.layers.Dense(2)]).get_weights()[0]

    assert np.array_equal(weights(), weights())


def test_a_session_runs_nothing(tf):
    with tf.Session() as session, pytest.raises(ArgumentError, match="no TensorFlow session"):
        session.run(None)
    with pytest.raises(ArgumentError, match="no TensorFlow session"):
        tf.keras.backend.set_session(object())


X = np.arange(-3.0, 3.0, dtype="float32").reshape(2, 3)
FUNCTIONS = {
    "reduce_mean": (lambda tf: tf.reduce_mean(X, axis=1), X.mean(1)),
    "reduce_sum with keep_dims": (lambda tf: tf.reduce_sum(X, 1, keep_dims=True), X.sum(1, keepdims=True)),
    "math.reduce_max": (lambda tf: tf.math.reduce_max(X), X.max()),
    "nn.relu": (lambda tf: tf.nn.relu(X, name="r"), X.clip(0)),
    "concat": (lambda tf: tf.concat([X, X], -1), np.concatenate([X, X], -1)),
    "square": (lambda tf: tf.square(X), X * X),
    "clip_by_value": (lambda tf: tf.clip_by_value(X, -1, 1), X.clip(-1, 1)),
    "cast": (lambda tf: tf.cast(X, tf.int32), X.astype("int32")),
    "reshape": (lambda tf: tf.reshape(X, [3, 2]), X.reshape(3, 2)),
    "expand_dims": (lambda tf: tf.expand_dims(X, 1), X[:, None]),
    "constant": (lambda tf: tf.constant([1.0, 2.0]), [1, 2]),
    "zeros": (lambda tf: tf.zeros((2,)), [0, 0]),
    "range": (lambda tf: tf.range(3), [0, 1, 2]),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_functions_compute_as_tensorflows(tf, case):
    ask, expected = FUNCTIONS[case]
    np.testing.assert_allclose(np.asarray(ask(tf)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in OPS if not name.startswith(("__", "compat", "linalg"))])
def test_every_function_of_the_closed_table_is_there(tf, name):
    found = tf
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_functions_work_on_symbolic_tensors_and_in_layers(tf):
    x = tf.keras.Input((3,))
    y = tf.keras.layers.Lambda(lambda t: tf.nn.relu(t) + tf.reduce_sum(t, axis=1, keepdims=True))(x)
    model = tf.keras.Model(x, tf.square(y))
    np.testing.assert_allclose(model.predict(X, verbose=0), (X.clip(0) + X.sum(1, keepdims=True)) ** 2, rtol=1e-6)


REFUSED = {
    "GradientTape": "amalthea.value_and_grad",
    "placeholder": "keras.layers.Input",
    "Variable": "keras.backend.variable",
    "contrib": "pip install amalthea",
    "nn.conv2d": "tf.nn.conv2d is TensorFlow's",
    "compat.v1.placeholder": "keras.layers.Input",
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_names_are_refused_by_name(tf, name):
    with pytest.raises(AttributeError, match=REFUSED[name]) as error:
        found = tf
        for part in name.split("."):
            found = getattr(found, part)
    assert f"tf.{name}" in str(error.value)
    with pytest.raises(ImportError, match="TensorFlow's, which is not installed"):
        exec("from tensorflow import contrib")
    with pytest.raises(ModuleNotFoundError, match="tf.contrib is TensorFlow's"):
        importlib.import_module("tensorflow.contrib.layers")


def test_an_argument_that_a_function_does_not_take_is_refused(tf):
    with pytest.raises(ArgumentError, match="does not take this argument"):
        tf.reduce_sum(X, reduction_indices=1)


def test_the_stand_in_is_no_backend(tf):
    assert stand_in.StandIn.stands_in and "tensorflow" not in backends.installed()
