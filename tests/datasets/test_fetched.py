"""Data sets from the web, on small files in the same form: reading, options, and files that are unsafe or damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import tarfile

import numpy as np
import pytest

from amalthea import config
from amalthea.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    reuters,
    storage,
)
from amalthea.errors import AmaltheaError, ArgumentError, DataError, UnsafeFileError

RNG = np.random.RandomState(7)


def lists(count):
    rows = np.empty(count, object)
    rows[:] = [RNG.randint(1, 20, RNG.randint(1, 9)).tolist() for _ in range(count)]
    return rows


IMDB = {
    "x_train": lists(6),
    "y_train": np.array([0, 1, 0, 1, 1, 0]),
    "x_test": lists(4),
    "y_test": np.array([1, 0, 0, 1]),
}
REUTERS = {"x": lists(10), "y": np.arange(10) % 5}


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A function that makes a file and lets a data set fetch it in place of its own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(storage, "STORAGE", f"{tmp_path.as_uri()}/")
    monkeypatch.setattr(fashion_mnist, "STORAGE", f"{tmp_path.as_uri()}/")

    def serve(module, name, data, attribute="SHA256"):
        (tmp_path / name).write_bytes(data)
        kind = hashlib.sha256 if attribute == "SHA256" else hashlib.md5
        monkeypatch.setattr(module, attribute, kind(data).hexdigest(), raising=False)
        monkeypatch.setattr(module, "ORIGIN", (tmp_path / name).as_uri(), raising=False)

    return serve


def npz(**arrays):
    memory = io.BytesIO()
    np.savez(memory, **arrays)
    return memory.getvalue()


# Answers of Keras 3.15.1 to the same files.
IMDB_ANSWERS = {
    "num_words": (
        {"num_words": 8},
        "1,2,2,2,2,2,4,2,2 1,2,7,2,2,2,2,2,2 1,2,2,2 1,2,2,2,4 1,2,2,7,7,2 1,2,5,4,2",
    ),
    "maxlen": ({"maxlen": 6, "num_words": 99}, "1,13,18,10 1,16,9,20,4 1,20,5,4,20"),
    "dropped": ({"num_words": 8, "skip_top": 4, "oov_char": None}, "4 7  4 7,7 5,4"),
    "plain": (
        {"start_char": None, "index_from": 0, "num_words": 99},
        "7,5,17,8,13,1,12,7 5,4,8,15,9,15,11,9 10,15,7 13,6,17,1 15,10,4,4,9 17,2,1,17",
    ),
}


@pytest.mark.parametrize("name", IMDB_ANSWERS)
def test_reviews_are_numbered_as_in_keras(name, served):
    served(imdb, "imdb.npz", npz(**IMDB))
    options, wanted = IMDB_ANSWERS[name]
    (x_train, y_train), (x_test, _) = imdb.load_data(**options)
    assert " ".join(",".join(map(str, row)) for row in x_train) == wanted
    assert len(x_train) == len(y_train) and len(x_test) <= 4
    assert name == "maxlen" or y_train.tolist() == [1, 0, 1, 0, 1, 0]


def test_news_are_numbered_and_split_as_in_keras(served):
    served(reuters, "reuters.npz", npz(**REUTERS))
    (x_train, y_train), (x_test, y_test) = reuters.load_data(maxlen=6, num_words=99)
    assert x_train.tolist() == [[1, 19], [1, 19, 20, 16], [1, 9, 19]] and y_train.tolist() == [4, 0, 2]
    assert (x_test.tolist(), y_test.tolist()) == ([[1, 16, 13]], [3])


def test_without_num_words_all_words_are_kept(served):
    served(reuters, "reuters.npz", npz(**REUTERS))
    (x_train, _), (x_test, _) = reuters.load_data(index_from=0, start_char=None)
    assert sorted(map(str, [*x_train, *x_test])) == sorted(map(str, REUTERS["x"]))


def test_prices_are_shuffled_and_split_as_in_keras(served):
    served(boston_housing, "boston_housing.npz", npz(x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0)))
    (x_train, y_train), (x_test, y_test) = boston_housing.load_data()
    assert y_train.tolist() == [9, 3, 6, 1, 0, 7, 4, 8] and y_test.tolist() == [2, 5]
    assert x_train[:, 0].tolist() == (2 * y_train).tolist() and x_test.shape == (2, 2)


@pytest.mark.parametrize(
    ("version", "rows", "first"), [("large", 560, [107, 175, 556]), ("small", 480, [568, 505, 59])]
)
def test_california_is_large_or_small(version, rows, first, served):
    served(california_housing, "california_housing.npz", npz(x=np.arange(1400.0).reshape(700, 2), y=np.arange(700.0)))
    (x_train, y_train), _ = california_housing.load_data(version)
    assert x_train.shape == (rows, 2) and y_train[:3].tolist() == first


def tar(files):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return memory.getvalue()


def images(start, rows=2):
    return (np.arange(rows * 3072) + start).astype("uint8").reshape(rows, 3072)


def cifar10_files(**changes):
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    made = {name: pickle.dumps({b"data": images(i), b"labels": [i, i + 1]}, protocol=2) for i, name in enumerate(names)}
    return tar({f"cifar-10-batches-py/{name}": data for name, data in {**made, **changes}.items()})


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cifar_is_read_in_either_data_format(data_format, served):
    served(cifar10, "cifar-10-python.tar.gz", cifar10_files())
    before = config.image_data_format()
    config.set_image_data_format(data_format)
    try:
        (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    finally:
        config.set_image_data_format(before)
    x_train = x_train if data_format == "channels_first" else x_train.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(x_train[:2].reshape(2, -1), images(0))
    assert x_train.dtype == y_train.dtype == "uint8" and y_train.shape == (10, 1) and y_test.ravel().tolist() == [5, 6]
    assert x_test.shape[0] == 2


def test_cifar100_has_two_kinds_of_labels(served):
    batch = {b"data": images(0), b"fine_labels": [7, 99], b"coarse_labels": [1, 19]}
    files = {f"cifar-100-python/{name}": pickle.dumps(batch, protocol=2) for name in ("train", "test")}
    served(cifar100, "cifar-100-python.tar.gz", tar(files))
    assert cifar100.load_data()[0][1].ravel().tolist() == [7, 99]
    assert cifar100.load_data("coarse")[0][1].ravel().tolist() == [1, 19]
    with pytest.raises(ArgumentError, match="label_mode"):
        cifar100.load_data("medium")


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/amalthea-was-here",)


def test_pickles_that_would_run_something_are_refused(served):
    served(cifar10, "cifar-10-python.tar.gz", cifar10_files(data_batch_3=pickle.dumps(Evil())))
    with pytest.raises(UnsafeFileError, match="system"):
        cifar10.load_data()
    rows = np.empty(1, object)
    rows[0] = Evil()
    served(reuters, "reuters.npz", npz(x=rows, y=np.arange(1)))
    with pytest.raises(UnsafeFileError, match="system"):
        reuters.load_data()
    assert not os.path.exists("/tmp/amalthea-was-here")


DAMAGED = {"cut off": pickle.dumps({b"data": images(0)})[:50], "without labels": pickle.dumps({b"data": images(0)})}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_batches_are_errors_of_ours(name, served):
    served(cifar10, "cifar-10-python.tar.gz", cifar10_files(data_batch_2=DAMAGED[name]))
    with pytest.raises(DataError):
        cifar10.load_data()


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return gzip.compress(header + array.tobytes())


def test_fashion_mnist_is_read(served, tmp_path):
    x, y = np.arange(2 * 28 * 28).astype("uint8").reshape(2, 28, 28), np.array([3, 9], "uint8")
    for name, data in zip(fashion_mnist.FILES, (y, x, y[:1], x[:1])):
        (tmp_path / name).write_bytes(idx(data))
    (x_train, y_train), (x_test, _) = fashion_mnist.load_data()
    np.testing.assert_array_equal(x_train, x)
    assert y_train.tolist() == [3, 9] and x_test.shape == (1, 28, 28)


@pytest.mark.parametrize("module", [imdb, reuters])
def test_word_numbers_are_read(module, served):
    name = f"{module.__name__.rsplit('.', 1)[-1]}_word_index.json"
    served(module, name, json.dumps({"the": 1}).encode(), "WORDS_MD5")
    assert module.get_word_index() == {"the": 1}


BAD = {
    "a negative number of words": {"num_words": -1},
    "a negative skip": {"skip_top": -1},
    "no length": {"maxlen": 0},
    "text as a seed": {"seed": "a"},
    "no text so short": {"maxlen": 1},
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options_are_errors_of_ours(case, served):
    served(imdb, "imdb.npz", npz(**IMDB))
    with pytest.raises(AmaltheaError):
        imdb.load_data(**BAD[case])


def test_without_a_network_the_message_is_clear(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(storage, "STORAGE", f"{(tmp_path / 'nowhere').as_uri()}/")
    with pytest.raises(AmaltheaError, match="could not be fetched"):
        boston_housing.load_data()
