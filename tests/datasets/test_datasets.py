"""Data sets: the digits of the package, and MNIST from the web."""

import hashlib

import numpy as np
import pytest

from amalthea.datasets import digits, mnist


def test_the_digits_are_those_of_mnist():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, x_test.shape) == ((12_000, 28, 28), (2_000, 28, 28))
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == "uint8"
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_train).min() > 1000 and x_train.max() == 255


@pytest.mark.slow
def test_the_digits_file_can_be_made_again(tmp_path):
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    whole = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez(tmp_path / "mnist.npz", **{name: np.concatenate([part, part[:9]]) for name, part in whole.items()})
    digits.make_file(tmp_path / "mnist.npz", tmp_path / "digits.npz")
    with np.load(tmp_path / "digits.npz") as again:
        assert all((again[name] == part).all() for name, part in whole.items())
    assert (tmp_path / "digits.npz").stat().st_size < 2.5e6


def test_mnist_is_fetched_and_read(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    parts = {"x_train": (6, 28, 28), "y_train": (6,), "x_test": (2, 28, 28), "y_test": (2,)}
    parts = {name: rng.integers(0, 9, shape, "uint8") for name, shape in parts.items()}
    np.savez(tmp_path / "small.npz", **parts)
    monkeypatch.setattr(mnist, "ORIGIN", (tmp_path / "small.npz").as_uri())
    monkeypatch.setattr(mnist, "SHA256", hashlib.sha256((tmp_path / "small.npz").read_bytes()).hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for name, found in {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}.items():
        np.testing.assert_array_equal(found, parts[name])
