"""Conversion of data: dtypes, weights of classes, validation splits, packing."""

import numpy as np
import pytest

from amalthea import config, data
from tests.data.examples import ROWS, Batches, Frame, X, Y

DTYPES = [
    ("float64", "float32"),
    ("float16", "float32"),
    ("float32", "float32"),
    ("uint8", "uint8"),
    ("int64", "int64"),
    ("bool", "bool"),
]


@pytest.mark.parametrize(("given", "expected"), DTYPES)
def test_floats_become_floatx_and_integers_stay(given, expected):
    x, y, w = data.make_adapter(X.astype(given), X.astype(given), np.ones(ROWS, given)).peek()
    assert x.dtype == y.dtype == w.dtype == expected


def test_floatx_is_asked_when_the_data_are_given():
    config.set_floatx("float64")
    try:
        assert data.make_adapter(X).peek()[0].dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_a_pandas_series_becomes_a_column():
    assert data.make_adapter(Frame(X[:, 0])).peek()[0].shape == (ROWS, 1)


LABELS = {"integers": Y % 3, "a column": (Y % 3)[:, None], "one-hot": np.eye(3)[Y % 3], "floats": (Y % 3) * 1.0}


@pytest.mark.parametrize("labels", LABELS)
def test_class_weight_becomes_sample_weights(labels):
    class_weight = {0: 1.0, 1: 2.0, 2: 5.0}
    expected = np.array([class_weight[c] for c in Y % 3], "float32")
    for weights in (None, np.linspace(0, 1, ROWS)):
        adapter = data.make_adapter(X, LABELS[labels], weights, class_weight=class_weight)
        found = adapter.peek()[2]
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, expected * (1 if weights is None else weights), rtol=1e-6)


def test_class_weight_works_on_data_sets_too():
    w = np.concatenate(
        [w for _, _, w in data.make_adapter(Batches(), class_weight=dict.fromkeys(range(10), 3.0)).batches()]
    )
    assert w.tolist() == [3.0] * ROWS


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_validation_is_the_last_part_of_the_rows(fraction):
    whole = ({"a": X, "b": X.tolist()}, Y, None)
    (x, y, w), (x_val, y_val, w_val) = data.train_validation_split(whole, fraction)
    assert len(y) == int(ROWS * (1 - fraction)) and w is None and w_val is None
    np.testing.assert_array_equal(np.concatenate([y, y_val]), Y)
    for key in "ab":
        np.testing.assert_array_equal(np.concatenate([x[key], x_val[key]]), X)


@pytest.mark.parametrize("parts", [("x",), ("x", "y"), ("x", "y", "w"), (["a", "b"],)])
def test_unpacking_undoes_packing(parts):
    packed = data.pack_x_y_sample_weight(*parts)
    assert data.unpack_x_y_sample_weight(packed) == (*parts, None, None)[:3]
