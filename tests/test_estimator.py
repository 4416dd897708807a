"""Models as Estimators: where a TensorFlow has them, they train to the model's own numbers; elsewhere it is said."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, estimator, layers, utils
from amalthea.errors import AmaltheaError, ArgumentError, MissingLibraryError, NotBuiltError, NotCompiledError

HAS = importlib.util.find_spec("tensorflow_estimator") is not None
ROWS = 40
X = np.random.default_rng(0).uniform(size=(ROWS, 3)).astype("float32")
Y = X[:, :1] * 2


def one():
    utils.set_random_seed(0)
    net = [layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1, name="b")]
    model = Sequential([Input((3,), name="a"), *net])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def two():
    utils.set_random_seed(0)
    a, b = Input((3,), name="a"), Input((3,), name="c")
    x = layers.Concatenate()([a, b])
    model = Model([a, b], [layers.Dense(1, name="b")(x), layers.Dense(1, name="d")(x)])
    model.compile("sgd", "mse")
    return model


MODELS = {"one": one, "two": two}


def data(name, as_dict=True):
    import tensorflow as tf

    x, y = {"a": X, "c": -X}, {"b": Y, "d": 1 - Y}
    if name == "one":
        x, y = ({"a": X}, Y) if as_dict else (X, Y)
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(12)


def in_arrays(name):
    return (X, Y) if name == "one" else ([X, -X], [Y, 1 - Y])


needs_estimators = pytest.mark.skipif(not HAS, reason="TensorFlow 2.15 is the last one with Estimators")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@needs_estimators
@pytest.mark.parametrize("name", MODELS)
def test_an_estimator_trains_to_the_numbers_of_the_model(name, tmp_path):
    import tensorflow as tf

    model = MODELS[name]()
    made = estimator.model_to_estimator(model, model_dir=str(tmp_path))
    before = model.get_weights()
    made.train(lambda: data(name).repeat(), steps=8)
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))  # it has a copy
    scores = made.evaluate(lambda: data(name))
    got = list(made.predict(lambda: data(name)))
    x, y = in_arrays(name)
    model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)  # 2 epochs of 4 batches
    want, outputs = model.predict(x, verbose=0), model.output_names
    for i, output in enumerate(outputs):
        exact = want[i] if len(outputs) > 1 else want
        np.testing.assert_allclose([row[output] for row in got], exact, rtol=1e-5)
    own = model.evaluate(x, y, verbose=0, return_dict=True)
    assert scores["global_step"] == 8
    for metric in set(own) & set(scores) - {"loss"}:  # an Estimator's loss is the mean over batches
        np.testing.assert_allclose(scores[metric], own[metric], rtol=1e-5)
    again = estimator.model_to_estimator(MODELS[name](), model_dir=str(tmp_path))  # goes on from the checkpoint
    scores, _ = tf.estimator.train_and_evaluate(
        again,
        tf.estimator.TrainSpec(lambda: data(name).repeat(), max_steps=12),
        tf.estimator.EvalSpec(lambda: data(name)),
    )
    model.fit(x, y, batch_size=12, epochs=1, shuffle=False, verbose=0)
    got = list(again.predict(lambda: data(name)))
    want = model.predict(x, verbose=0)
    np.testing.assert_allclose([row["b"] for row in got], want[0] if name == "two" else want, rtol=1e-5)
    assert scores["global_step"] == 12


@needs_estimators
def test_tensors_names_and_files(tmp_path):
    model = one()
    model.save(tmp_path / "m.keras")
    made = estimator.model_to_estimator(keras_model_path=tmp_path / "m.keras", metric_names_map={"mae": "error"})
    made.train(lambda: data("one", as_dict=False), steps=1)
    assert {"loss", "error", "global_step"} == set(made.evaluate(lambda: data("one", as_dict=False)))
    with pytest.raises(ArgumentError, match="input_fn"):
        estimator.model_to_estimator(two()).train(lambda: data("one"), steps=1)


def _not_built():
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


WRONG = {
    "nothing": (lambda: {}, ArgumentError),
    "both": (lambda: {"keras_model": one(), "keras_model_path": "m.keras"}, ArgumentError),
    "not compiled": (lambda: {"keras_model": Sequential([Input((3,)), layers.Dense(1)])}, NotCompiledError),
    "not built": (lambda: {"keras_model": _not_built()}, NotBuiltError),
    "no file": (lambda: {"keras_model_path": "absent.keras"}, AmaltheaError),
}


@pytest.mark.parametrize("name", WRONG)
def test_refusals(name):
    given, error = WRONG[name]
    with pytest.raises(error):
        estimator.model_to_estimator(**given())


@pytest.mark.skipif(HAS, reason="they are installed")
def test_without_estimators_it_is_said():
    with pytest.raises(MissingLibraryError, match="2.15"):
        estimator.model_to_estimator(one())
