"""Old datasets, utils and estimators."""

import h5py
import numpy as np
import pytest

from amalthea import Sequential, datasets, layers
from amalthea.compat import datasets as old_datasets
from amalthea.compat import images, utils
from amalthea.errors import AmaltheaError, ArgumentError
from tests.arrays import numbers


def test_data_sets_take_the_arguments_of_keras_1(monkeypatch):
    seen = []

    def load_data(path="imdb.npz", num_words=None, skip_top=0, **kwargs):
        seen.append((path, num_words, skip_top, kwargs))

    load = old_datasets.respelled(load_data)
    load(path="imdb_full.pkl", nb_words=100, skip_top=5)
    load("mine.npz", 7)
    load("mnist.pkl.gz")
    assert seen == [("imdb.npz", 100, 5, {}), ("mine.npz", 7, 0, {}), ("imdb.npz", None, 0, {})]
    with pytest.raises(ArgumentError, match="does not take these arguments"):
        old_datasets.respelled(datasets.mnist.load_data)(nb=3)
    assert set(old_datasets.MODULES) <= set(dir(datasets)) and callable(old_datasets.reuters.get_word_index)


def test_class_numbers_become_rows():
    np.testing.assert_array_equal(utils.to_categorical([[1], [0]]), [[0, 1], [1, 0]])
    assert utils.to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    assert utils.modules(1)["np_utils"].to_categorical(np.zeros((2, 3), int), nb_classes=4).shape == (6, 4)
    assert utils.to_categorical([], 3).shape == (0, 3)
    with pytest.raises(ArgumentError, match="not a class"):
        utils.to_categorical([0, 5], 3)


LENGTHS = [(10, 3, "valid", 2, 1, 4), (10, 3, "same", 2, 1, 5), (10, 3, "full", 1, 1, 12), (10, 3, "valid", 1, 2, 6)]


@pytest.mark.parametrize(("size", "window", "mode", "stride", "dilation", "wanted"), LENGTHS)
def test_sizes_of_convolutions(size, window, mode, stride, dilation, wanted):
    assert utils.conv_output_length(size, window, mode, stride, dilation) == wanted
    assert utils.conv_output_length(None, window, mode, stride) is None


def test_kernels_of_theano_are_mirrored_in_a_model():
    model = Sequential(
        [
            layers.Input((5, 5, 1)),
            layers.Conv2D(2, (2, 3)),
            layers.Conv2DTranspose(1, 2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    before = model.get_weights()
    utils.convert_all_kernels_in_model(model)
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(new, old[::-1, ::-1] if old.ndim == 4 else old)
    first = numbers(3, 2, 4, 4)
    np.testing.assert_array_equal(utils.convert_kernel(first, "th"), first[:, :, ::-1, ::-1])


def test_slices_of_arrays_and_lists():
    a = np.arange(5)
    assert utils.slice_X(a, 1, 3).tolist() == [1, 2]
    assert [None if x is None else x.tolist() for x in utils.slice_arrays([a, None, a], [0, 4])] == [
        [0, 4],
        None,
        [0, 4],
    ]


def test_bytecode_in_data_is_refused():
    for function in (utils.func_load, utils.MODULES["generic_utils"].func_dump):
        with pytest.raises(AmaltheaError, match="carries code"):
            function("code")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(40.0).reshape(20, 2)
        file["y"] = np.arange(20.0)
    return path


KEYS = {
    "int": 3,
    "negative": -1,
    "slice": slice(2, 5),
    "open slice": slice(None),
    "step": slice(0, 8, 3),
    "list": [4, 0, 4],
    "array": np.array([9, 1]),
    "none": [],
    "mask": np.arange(10) % 2 == 0,
}


@pytest.mark.parametrize("name", KEYS)
def test_rows_of_a_file_are_those_of_an_array(file, name):
    rows = utils.HDF5Matrix(file, "x", 5, 15)
    array = np.arange(40.0).reshape(20, 2)[5:15]
    key = np.array(KEYS[name], int) if name == "none" else KEYS[name]
    np.testing.assert_array_equal(rows[key], array[key])
    assert rows.shape == (10, 2) and rows.dtype == np.float64 and len(rows) == 10 and rows.ndim == 2


def test_a_model_trains_on_rows_of_a_file(file):
    x = utils.HDF5Matrix(file, "x", 0, 16, normalizer=lambda rows: rows / 40)
    y = utils.HDF5Matrix(file, "y", 0, 16)
    models = []
    for data in ((x, y), (np.asarray(x), np.asarray(y))):
        model = Sequential([layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        model.fit(*data, batch_size=4, epochs=2, shuffle=False, verbose=0)
        models.append(model.get_weights())
    for a, b in zip(*models):
        np.testing.assert_allclose(a, b, rtol=1e-6)


FILES = {
    "a name": lambda path: utils.HDF5Matrix(path, "z"),
    "rows": lambda path: utils.HDF5Matrix(path, "x", 0, 99),
    "a file": lambda path: utils.HDF5Matrix(path.with_name("none.h5"), "x"),
    "another file": lambda path: utils.HDF5Matrix(__file__, "x"),
}


@pytest.mark.parametrize("name", FILES)
def test_rows_that_are_not_there_are_told(file, name):
    with pytest.raises(ArgumentError):
        FILES[name](file)


def test_images_of_keras_1_are_read_and_listed(tmp_path):
    pytest.importorskip("PIL")
    images.save_img(tmp_path / "a.png", numbers(4, 6, 3))
    images.save_img(tmp_path / "b.jpg", numbers(4, 6, 3))
    assert [p.rsplit(".")[-1] for p in images.list_pictures(tmp_path)] == ["png", "jpg"]
    assert len(images.list_pictures(tmp_path, ext="png|bmp")) == 1
    loaded = images.load_img(tmp_path / "a.png", True, target_size=(2, 3))
    assert images.img_to_array(loaded, dim_ordering="th").shape == (1, 2, 3)
    assert images.load_img(tmp_path / "a.png", "rgba").mode == "RGBA"
