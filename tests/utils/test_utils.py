"""Helpers for scripts: labels, sequences, names, custom objects."""

import numpy as np
import pytest

from amalthea import utils
from amalthea.errors import AmaltheaError, ArgumentError, ShapeError
from amalthea.utils import files


@pytest.mark.parametrize("shape", [(5,), (5, 1), (2, 3), (2, 3, 1), ()])
@pytest.mark.parametrize("num_classes", [None, 7])
def test_one_hot_rows_have_their_one_at_the_class(shape, num_classes):
    classes = np.arange(int(np.prod(shape))).reshape(shape) % 5
    rows = utils.to_categorical(classes, num_classes)
    squeezed = classes[..., 0] if classes.ndim > 1 and shape[-1] == 1 else classes
    assert rows.shape == (*squeezed.shape, num_classes or classes.max() + 1)
    np.testing.assert_array_equal(rows.argmax(-1), squeezed)
    np.testing.assert_array_equal(rows.sum(-1), 1)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, -1])
def test_normalized_vectors_have_length_one_or_zero(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[1], x[:, 1] = 0, 0
    lengths = np.linalg.norm(utils.normalize(x, axis, order), order, axis)
    assert all(np.isclose(length, 1, atol=1e-6) or length == 0 for length in lengths)


PADDED = {
    "longest": ([[1], [2, 3]], {}, [[0, 1], [2, 3]]),
    "after": ([[1], [2, 3]], {"padding": "post"}, [[1, 0], [2, 3]]),
    "cut before": ([[1, 2, 3]], {"maxlen": 2}, [[2, 3]]),
    "cut after": ([[1, 2, 3]], {"maxlen": 2, "truncating": "post"}, [[1, 2]]),
    "a value": ([[], [2]], {"value": -1, "maxlen": 2}, [[-1, -1], [-1, 2]]),
    "floats": ([[0.5], []], {"dtype": "float32"}, [[0.5], [0]]),
    "arrays": ((np.array([1]), np.array([2, 3])), {}, [[0, 1], [2, 3]]),
    "steps of several numbers": ([[[1, 2]], [[3, 4], [5, 6]]], {}, [[[0, 0], [1, 2]], [[3, 4], [5, 6]]]),
    "text": ([["a"], ["b", "c"]], {"dtype": object, "value": "-"}, [["-", "a"], ["b", "c"]]),
    "length 0": ([[1, 2]], {"maxlen": 0}, [[]]),
    "none": ([], {}, []),
}


@pytest.mark.parametrize("case", PADDED)
def test_sequences_are_filled_up_and_cut(case):
    sequences, arguments, expected = PADDED[case]
    found = utils.pad_sequences(sequences, **arguments)
    assert found.dtype == np.dtype(arguments.get("dtype", "int32"))
    assert found.tolist() == expected


REFUSED = {
    "a negative class": (lambda: utils.to_categorical([-1, 2]), ArgumentError, "-1 to 2"),
    "too large a class": (lambda: utils.to_categorical([3], 3), ArgumentError, "0 to 2"),
    "an order": (lambda: utils.normalize([1.0], order=0), ArgumentError, "positive"),
    "padding": (lambda: utils.pad_sequences([[1]], padding="left"), ArgumentError, "'pre' or 'post'"),
    "a number for a sequence": (lambda: utils.pad_sequences([1]), ArgumentError, "1 at position 0"),
    "different steps": (lambda: utils.pad_sequences([[[1]], [[1, 2]]]), ShapeError, "different shapes"),
    "text among numbers": (lambda: utils.pad_sequences([[1]], value="-"), ArgumentError, "dtype=object"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_meaningless_arguments_of_utils_are_refused_in_words(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words):
        call()


def test_every_error_is_also_the_builtin_that_fits():
    for kind, builtin in ((files.DownloadError, OSError), (ArgumentError, ValueError)):
        error = kind("It failed.", expected="a", got="b", cure="c")
        assert isinstance(error, builtin) and isinstance(error, AmaltheaError)
        assert str(error) == "It failed.\n  expected: a\n  got:      b\n  try:      c"


def test_custom_objects_are_found_where_they_were_put():
    def double(x):
        return 2 * x

    utils.get_custom_objects()["double"] = double
    try:
        assert utils.get_registered_object("double") is double
    finally:
        del utils.get_custom_objects()["double"]
    assert utils.get_registered_object("double") is None
    with utils.custom_object_scope({"double": double}):
        assert utils.get_registered_object("double") is double


def test_every_public_name_is_there():
    assert all(hasattr(utils, name) for name in utils.__all__)
