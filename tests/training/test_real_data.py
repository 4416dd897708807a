"""Training on real data to sensible scores: the whole, end to end, on the default backend."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.datasets import digits
from amalthea.utils import to_categorical

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real data sets is not here")


def rows(name, header=False):
    with open(DATA / name, newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    return lines[1:] if header else lines


def standardized(x, reference):
    return ((x - reference.mean(axis=0)) / (reference.std(axis=0) + 1e-7)).astype("float32")


def split(x, y, share=0.8):
    """Rows in a new order, and the first of them for training."""
    order = np.random.default_rng(0).permutation(len(x))
    cut = int(len(x) * share)
    train, test = order[:cut], order[cut:]
    return standardized(x[train], x[train]), y[train], standardized(x[test], x[train]), y[test]


@pytest.fixture(autouse=True)
def seeded():
    amalthea.random.set_random_seed(7)


def test_a_dense_network_reads_digits():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    model = Sequential(
        [layers.Input((28, 28)), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train / 255, y_train, epochs=8, verbose=0)
    assert model.evaluate(x_test / 255, y_test, verbose=0)[1] > 0.92


@needs_data
@pytest.mark.slow
def test_a_convnet_reads_mnist():
    with np.load(DATA / "mnist.npz") as file:
        x_train, y_train, x_test, y_test = (file[k] for k in ("x_train", "y_train", "x_test", "y_test"))
    model = Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train[:30000, ..., None] / 255.0, y_train[:30000], batch_size=128, epochs=2, verbose=0)
    assert model.evaluate(x_test[..., None] / 255.0, y_test, verbose=0)[1] > 0.97


@needs_data
def test_pima_is_told_apart_better_than_by_the_larger_class():
    table = np.array(rows("pima-indians-diabetes.csv"), "float32")
    x_train, y_train, x_test, y_test = split(table[:, :8], table[:, 8])
    model = Sequential()
    model.add(layers.Dense(12, input_dim=8, activation="relu"))
    model.add(layers.Dense(8, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=60, batch_size=10, verbose=0)
    assert model.evaluate(x_test, y_test, verbose=0)[1] > max(y_test.mean(), 1 - y_test.mean()) + 0.05


@needs_data
def test_housing_is_priced_better_than_by_the_mean():
    table = np.array([" ".join(line).split() for line in rows("housing.csv")], "float32")
    x_train, y_train, x_test, y_test = split(table[:, :13], table[:, 13])
    model = Sequential([layers.Input((13,)), layers.Dense(32, activation="relu"), layers.Dense(1)])
    model.compile(loss="mse", optimizer=amalthea.optimizers.RMSprop(0.01), metrics=["mae"])
    model.fit(x_train, y_train, epochs=80, batch_size=16, verbose=0)
    loss, mae = model.evaluate(x_test, y_test, verbose=0)
    assert loss < 0.3 * y_test.var()
    assert mae < 3.5


@needs_data
def test_iris_is_named():
    lines = rows("iris.csv")
    lines = [line for line in lines if line[0].replace(".", "").isdigit()]
    names = sorted({line[-1] for line in lines})
    x = np.array([line[:4] for line in lines], "float32")
    y = to_categorical([names.index(line[-1]) for line in lines], 3)
    x_train, y_train, x_test, y_test = split(x, y)
    model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=150, batch_size=8, verbose=0)
    assert model.evaluate(x_test, y_test, verbose=0)[1] >= 0.9


@needs_data
def test_airline_passengers_are_foretold_better_than_by_the_month_before():
    series = np.array([line[-1] for line in rows("airline-passengers.csv", header=True)], "float32")
    change = np.diff(np.log(series))  # the share by which each month differs from the one before
    scale = change.std()
    window = 12
    x = np.stack([change[i : i + window] for i in range(len(change) - window)])[..., None] / scale
    y = change[window:] / scale
    cut = 100
    model = Sequential([layers.Input((window, 1)), layers.LSTM(16), layers.Dense(1)])
    model.compile(loss="mse", optimizer=amalthea.optimizers.Adam(0.01))
    model.fit(x[:cut], y[:cut], epochs=120, batch_size=16, verbose=0)
    error = np.mean((model.predict(x[cut:], verbose=0)[:, 0] - y[cut:]) ** 2)
    assert error < 0.5 * np.mean(y[cut:] ** 2)
