"""Data that cannot be meant: labels, weights of classes, values that are not finite, shapes."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, losses, ops
from amalthea.errors import ArgumentError, DataError
from tests.arrays import numbers
from tests.training.heads import Own


def steps(units, activation, loss):
    model = Sequential([Input((2, units)), layers.Activation(activation)])
    model.compile("sgd", loss)
    return model


WEIGHTS = {0: 1.0, 1: 5.0, 2: 3.0}
CLASSES = np.array([[1, 1], [1, 2]])
STEPS = {
    "class numbers": (3, "sparse_categorical_crossentropy", CLASSES, CLASSES),
    "class numbers that look one-hot": (2, "sparse_categorical_crossentropy", np.eye(2, dtype=int), np.eye(2)),
    "a column of them": (3, "sparse_categorical_crossentropy", CLASSES[..., None], CLASSES),
    "one-hot": (3, "categorical_crossentropy", np.eye(3)[CLASSES], CLASSES),
}


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("weight", [None, [2.0, 0.5], [[2.0, 1.0], [0.5, 1.0]]])
def test_each_step_counts_by_the_weight_of_its_class(case, weight):
    units, loss, labels, classes = STEPS[case]
    model = steps(units, "softmax", loss)
    x = numbers(2, 2, units)
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    own = -np.log(np.take_along_axis(p, classes.astype(int)[..., None], -1))[..., 0]
    rows = np.ones((2, 1)) if weight is None else np.reshape(weight, (2, -1))
    wanted = np.mean(own * np.vectorize(WEIGHTS.get)(classes) * rows)
    given = None if weight is None else np.float32(weight)
    run = {"sample_weight": given, "class_weight": WEIGHTS}
    assert model.fit(x, labels, verbose=0, **run).history["loss"][0] == pytest.approx(wanted, rel=1e-5)
    assert model.train_on_batch(x, labels, **run) == pytest.approx(wanted, rel=1e-5)


def test_class_weights_of_labels_that_are_no_classes_are_refused():
    model = steps(3, "sigmoid", "binary_crossentropy")
    with pytest.raises(DataError, match="one-hot"):
        model.fit(np.zeros((2, 2, 3)), np.ones((2, 2, 3)), class_weight=WEIGHTS, verbose=0)
    model = Sequential([Input((2,)), layers.Reshape((2, 1)), layers.Activation("sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    y = np.array([[0, 1], [1, 0]])  # steps, by the model's output
    assert model.fit(np.zeros((2, 2)), y, class_weight=WEIGHTS, verbose=0).history["loss"][0] == pytest.approx(
        np.log(2) * 3, rel=1e-5
    )


def classifier(loss, units=3):
    model = Sequential([Input((2,)), layers.Dense(units, "softmax" if units > 1 else "sigmoid")])
    model.compile("sgd", loss)
    return model


def subclassed(loss, units=3):
    model = Own(units)
    model.compile("sgd", loss)
    return model


X = numbers(40, 2)
GOOD = np.arange(40) % 2
BAD_LABELS = {
    # name: loss, units, a label that cannot be meant, what the error says to do
    "1 and 2": ("binary_crossentropy", 1, 2, "y"),
    "-1 and 1": ("binary_crossentropy", 1, -1, r"\(y \+ 1\) / 2"),
    "focal": (losses.BinaryFocalCrossentropy(), 1, 7, "sparse"),
    "hinge": ("hinge", 1, 2, "y"),
    "squared hinge": ("squared_hinge", 1, -3, "y"),
    "too large": ("sparse_categorical_crossentropy", 3, 3, "4 units"),
    "negative": ("sparse_categorical_crossentropy", 3, -1, "begin at 0"),
    "NaN": ("mse", 1, np.nan, "nan_to_num"),
    "infinity": ("binary_crossentropy", 1, np.inf, "nan_to_num"),
    "NaN among classes": ("sparse_categorical_crossentropy", 3, np.nan, "nan_to_num"),
}


@pytest.mark.parametrize("make", [classifier, subclassed])
@pytest.mark.parametrize("case", BAD_LABELS)
def test_a_label_that_cannot_be_meant_is_found_wherever_it_stands(case, make):
    """In the last batch of arrays, in a later batch of a generator, in validation data, in evaluate, in one batch."""
    loss, units, label, cure = BAD_LABELS[case]
    bad = GOOD.astype("float32" if isinstance(label, float) else "int64")
    bad[-1] = label

    def batches():
        yield from ((X[i : i + 8], bad[i : i + 8]) for i in range(0, 40, 8))

    ways = {
        "fit": lambda m: m.fit(X, bad, batch_size=8, shuffle=False, verbose=0),
        "validation": lambda m: m.fit(X, GOOD, validation_data=(X, bad), verbose=0),
        "evaluate": lambda m: m.evaluate(X, bad, verbose=0),
        "train_on_batch": lambda m: m.train_on_batch(X, bad),
        "test_on_batch": lambda m: m.test_on_batch(X, bad),
    }
    for name, way in ways.items():
        model = make(loss, units)
        model(X[:2])
        before = model.get_weights()
        with pytest.raises(DataError, match=cure):
            way(model)
        assert all(map(np.array_equal, before, model.get_weights())), name
    for way in ("fit", "evaluate") if case in ("1 and 2", "too large") else ():
        with pytest.raises(DataError, match=cure):
            getattr(make(loss, units), way)(batches(), verbose=0)


def test_labels_one_and_two_are_told_to_begin_at_zero():
    with pytest.raises(DataError, match="y - 1"):
        classifier("binary_crossentropy", 1).fit(X, GOOD + 1, verbose=0)


def test_soft_labels_and_labels_of_a_loss_of_ones_own_are_free():
    classifier("binary_crossentropy", 1).fit(X, GOOD * 0.9 + 0.05, verbose=0)
    odd = np.where(GOOD == 1, np.nan, -7.0).astype("float32")
    model = classifier(lambda y, p: ops.where(ops.isnan(y), 0.0, ops.mean(p, axis=-1)), 1)
    model.fit(X, odd, verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("nest", [False, True])
def test_inputs_that_are_not_finite_are_refused_before_training(value, nest):
    bad = X.copy()
    bad[17, 1] = value
    inputs = {"a": Input((2,), name="a"), "b": Input((2,), name="b")} if nest else Input((2,))
    joined = layers.Concatenate()([inputs["a"], inputs["b"]]) if nest else inputs
    model = Model(inputs, layers.Dense(1)(joined))
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(DataError, match="row 17"):
        model.fit({"a": X, "b": bad} if nest else bad, GOOD, verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))
    with pytest.raises(DataError, match="row 17"):
        model.evaluate({"a": X, "b": bad} if nest else bad, GOOD, verbose=0)


def test_a_model_that_replaces_missing_values_may_be_given_nan():
    bad = X.copy()
    bad[3] = np.nan
    model = Sequential([Input((2,)), layers.Lambda(lambda x: ops.where(ops.isnan(x), 0.0, x)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(bad, GOOD, verbose=0).history["loss"][0])


def test_large_numbers_are_finite():
    model = Sequential([Input((2,)), layers.Rescaling(1e-37), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.full((40, 2), 2e37, "float32"), GOOD, verbose=0)  # their sum is infinite


@pytest.mark.parametrize("part", ["x", "y"])
def test_complex_numbers_are_refused(part):
    x, y = (X + 1j, GOOD) if part == "x" else (X, GOOD + 1j)
    for verb in (classifier("mse", 1).fit, classifier("mse", 1).evaluate):
        with pytest.raises(DataError, match=f"{part} does not hold numbers"):
            verb(x, y, verbose=0)


def test_rows_that_do_not_fit_the_batches_of_the_input_are_told_before_training():
    model = Sequential([Input(batch_shape=(16, 2)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X[:32], GOOD[:32], verbose=0)  # by 16, unless told otherwise
    assert model.predict(X[:32], verbose=0).shape == (32, 1)
    before = model.get_weights()
    for verb, options in ((model.fit, {}), (model.evaluate, {}), (model.fit, {"batch_size": 8})):
        with pytest.raises(ArgumentError, match=r"x\[:32\]"):
            verb(X, GOOD, verbose=0, **options)
    with pytest.raises(ArgumentError, match="16 rows"):
        model.fit(X[:32], GOOD[:32], validation_data=(X[:3], GOOD[:3]), verbose=0)
    with pytest.raises(ArgumentError, match="batch_shape"):
        model.predict(X[:3], verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))
