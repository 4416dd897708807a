"""Tables and matrices of other libraries as data, where these are installed; errors in workers."""

from __future__ import annotations

import importlib
import threading

import numpy as np
import pytest

from amalthea import Sequential, layers, ops, utils
from amalthea.data import PyDataset
from amalthea.errors import DataError
from tests.arrays import numbers

X, Y = numbers(12, 3), numbers(12)


def library(name):
    return pytest.importorskip(name) and importlib.import_module(name)


TABLES = {
    "pandas": lambda: (library("pandas").DataFrame(X, columns=list("abc")), library("pandas").Series(Y)),
    "pandas, nullable": lambda: (library("pandas").DataFrame(X, columns=list("abc")).astype("Float64"), Y),
    "polars": lambda: (library("polars").DataFrame(X), library("polars").Series(Y)),
    "arrow": lambda: (library("pyarrow").table(dict(zip("abc", X.T))), library("pyarrow").array(Y)),
    **{
        f"sparse {kind}": lambda kind=kind: (getattr(library("scipy.sparse"), f"{kind}_matrix")(X), Y)
        for kind in ("csr", "csc", "coo", "lil", "dok", "bsr")
    },
    "sparse array": lambda: (library("scipy.sparse").csr_array(X), Y),
}


def trained(x, y):
    model = Sequential([layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    return model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0).history["loss"]


@pytest.mark.parametrize("kind", TABLES)
def test_tables_train_as_their_arrays_do(kind):
    np.testing.assert_allclose(trained(*TABLES[kind]()), trained(X, Y), rtol=1e-5)


COLUMNS = {
    "pandas": lambda texts: library("pandas").Series(texts),
    "pandas, string": lambda texts: library("pandas").Series(texts, dtype="string"),
    "polars": lambda texts: library("polars").Series(texts),
    "arrow": lambda texts: library("pyarrow").array(texts),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_of_text_are_read(kind):
    layer = layers.StringLookup()
    layer.adapt(COLUMNS[kind](["a", "b", "a"]))
    assert layer.get_vocabulary() == ["[UNK]", "a", "b"]
    assert ops.convert_to_numpy(layer(COLUMNS[kind](["b", "q"]))).tolist() == [2, 0]
    model = Sequential([layer, layers.Embedding(3, 2)])
    assert model.predict(COLUMNS[kind](["b", "q"]), verbose=0).shape[0] == 2


def test_columns_of_other_objects_are_refused_with_a_cure():
    frame = library("pandas").DataFrame({"a": library("pandas").Categorical(["x", "y"])})
    with pytest.raises(DataError, match="astype"):
        trained(frame, np.ones(2))


def test_a_feature_space_reads_a_frame():
    frame = library("pandas").DataFrame({"age": [20.0, 40.0], "city": ["Rome", "Oslo"]})
    space = utils.FeatureSpace({"age": "float_normalized", "city": "string_categorical"})
    space.adapt(frame)
    assert ops.convert_to_numpy(space(frame)).tolist() == [[-1, 0, 1, 0], [1, 0, 0, 1]]


class Failing(PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 3:
            raise KeyError("the fourth batch")
        return X[:2], Y[:2]


@pytest.mark.parametrize("options", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True}], ids=str)
def test_an_error_in_a_worker_names_its_line_and_workers_end(options):
    before = threading.active_count()
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyError, match="fourth") as caught:
        model.fit(Failing(**options), shuffle=False, verbose=0)
    told = "".join(map(str, [caught.getrepr(), caught.value.__cause__ or ""]))
    assert "test_tables.py" in told and "the fourth batch" in told
    assert threading.active_count() == before
