"""Sources of data: every kind gives the same batches, and epochs begin and end as they should."""

import itertools

import numpy as np
import pytest

from amalthea import data
from amalthea.data import structure
from amalthea.errors import ArgumentError, DataError
from tests.data.examples import ROWS, Batches, Frame, X, Y


class TorchLike:
    """Stands for a tensor that must leave its gradient and its device before it is an array."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    def cpu(self):
        return self.array

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first")


class Sparse:
    shape = X.shape

    def toarray(self):
        return X


class Loader:
    """Stands for a DataLoader: a length, and lists of tensors."""

    def __len__(self):
        return 4

    def __iter__(self):
        return iter([[TorchLike(x), TorchLike(y)] for x, y in (Batches()[i] for i in range(4))])


def generator():
    yield from (Batches()[i] for i in range(4))


# Every way to say the same ten rows in batches of three.
SCENARIOS = {
    "arrays": lambda: data.make_adapter(X, Y, batch_size=3),
    "lists of numbers": lambda: data.make_adapter(X.tolist(), Y.tolist(), batch_size=3),
    "tuple of rows": lambda: data.make_adapter(tuple(map(tuple, X.tolist())), tuple(Y.tolist()), batch_size=3),
    "data frames": lambda: data.make_adapter(Frame(X), Y, batch_size=3),
    "tensors of another library": lambda: data.make_adapter(TorchLike(X), TorchLike(Y), batch_size=3),
    "a sparse matrix": lambda: data.make_adapter(Sparse(), Y, batch_size=3),
    "big-endian float64": lambda: data.make_adapter(X.astype(">f8"), Y.astype(">i4"), batch_size=3),
    "a PyDataset": lambda: data.make_adapter(Batches()),
    "a generator": lambda: data.make_adapter(generator()),
    "a loader": lambda: data.make_adapter(Loader()),
    "a list's iterator": lambda: data.make_adapter(iter([Batches()[i] for i in range(4)])),
    "an adapter": lambda: data.make_adapter(data.make_adapter(X, Y, batch_size=3)),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_kind_of_data_gives_the_same_batches(scenario):
    adapter = SCENARIOS[scenario]()
    batches = list(adapter.batches())
    assert [len(x) for x, _, _ in batches] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y, _ in batches]), Y)
    assert all(w is None for _, _, w in batches)
    assert all(x.dtype == "float32" and y.dtype.isnative for x, y, _ in batches)
    assert adapter.steps in (4, None)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_peeking_takes_nothing_away(scenario):
    adapter = SCENARIOS[scenario]()
    for _ in range(2):
        np.testing.assert_array_equal(adapter.peek()[0], X[:3])
    assert len(list(adapter.batches())) == 4


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_steps_per_epoch_goes_on_where_the_last_epoch_stopped(scenario, steps):
    adapter = data.make_adapter(SCENARIOS[scenario](), steps_per_epoch=steps)
    assert adapter.steps == steps
    epochs = [[x for x, _, _ in adapter.batches(epoch)] for epoch in range(4 // steps)]
    assert [len(epoch) for epoch in epochs] == [steps] * (4 // steps)
    np.testing.assert_array_equal(np.concatenate([x for epoch in epochs for x in epoch]), X)


def test_data_begin_again_when_they_are_exhausted_between_two_epochs():
    adapter = data.make_adapter(X, Y, batch_size=5, steps_per_epoch=2)
    assert [[y[0] for _, y, _ in adapter.batches(epoch)] for epoch in range(3)] == [[0, 5]] * 3


def test_data_that_end_within_an_epoch_make_it_shorter_and_warn():
    adapter = data.make_adapter(X, Y, batch_size=5, steps_per_epoch=3)
    with pytest.warns(UserWarning, match="ended after 2 of 3"):
        assert len(list(adapter.batches(0))) == 2
    with pytest.warns(UserWarning, match="ended after 2 of 3"):
        assert len(list(adapter.batches(1))) == 2


def test_a_generator_that_is_exhausted_warns_in_the_next_epoch():
    adapter = data.make_adapter(generator())
    assert len(list(adapter.batches(0))) == 4
    with pytest.warns(UserWarning, match="once"):
        assert list(adapter.batches(1)) == []


def test_validation_begins_at_the_beginning_in_every_epoch():
    adapter = data.make_validation_adapter((X, Y), batch_size=2, steps=2)
    assert [[y[0] for _, y, _ in adapter.batches(epoch)] for epoch in range(2)] == [[0, 2]] * 2
    assert data.make_validation_adapter((X, Y, np.ones(ROWS))).peek()[2].shape == (ROWS,)
    assert data.make_validation_adapter(Batches()).steps == 4


NESTS = {
    "list": [X, X + 1],
    "tuple": (X, X + 1),
    "dict": {"b": X, "a": X + 1},
    "dict of tuples": {"b": (X, X), "a": X + 1},
    "dict of lists of numbers": {"b": X.tolist(), "a": X[:, 0].tolist()},
}


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("nest", NESTS)
def test_nests_keep_their_structure_and_their_rows_together(nest, shuffle):
    adapter = data.make_adapter(NESTS[nest], {"out": Y}, batch_size=4, shuffle=shuffle)
    for x, y, _ in adapter.batches():
        assert type(x) is type(NESTS[nest])
        if isinstance(x, dict):
            assert list(x) == list(NESTS[nest])
        for leaf, whole in zip(_leaves(x), _leaves(NESTS[nest]), strict=True):
            np.testing.assert_array_equal(leaf, whole[y["out"]])


def _leaves(x):
    return [np.asarray(leaf, "float32") for _, leaf in structure.Nest(x, "x")]


class Endless(data.PyDataset):
    def __getitem__(self, index):
        return X[:2], Y[:2]


REFUSED = {
    "lengths": (lambda: data.make_adapter(X, Y[:9]), DataError, "x: 10, y: 9"),
    "lengths in a nest": (lambda: data.make_adapter({"a": X, "b": X[:4]}), DataError, r"x\['b'\]: 4"),
    "weights' length": (lambda: data.make_adapter(X, Y, np.ones(3)), DataError, "sample_weight: 3"),
    "empty": (lambda: data.make_adapter(X[:0], Y[:0]), DataError, "no data"),
    "empty list": (lambda: data.make_adapter([]), DataError, "no data"),
    "empty generator": (lambda: list(data.make_adapter(iter(())).batches()), DataError, "not one batch"),
    "empty data set": (lambda: data.make_adapter(Empty()), DataError, "no batch"),
    "batch_size 0": (lambda: data.make_adapter(X, batch_size=0), ArgumentError, "positive"),
    "batch_size 2.5": (lambda: data.make_adapter(X, batch_size=2.5), ArgumentError, "positive"),
    "shuffle": (lambda: data.make_adapter(X, shuffle="rows"), ArgumentError, "'batch'"),
    "steps 0": (lambda: data.make_adapter(X, steps_per_epoch=0), ArgumentError, "positive"),
    "y with a data set": (lambda: data.make_adapter(Batches(), Y), ArgumentError, "brings its own"),
    "weights with a generator": (
        lambda: data.make_adapter(generator(), None, Y),
        ArgumentError,
        "sample_weight was given",
    ),
    "text": (lambda: data.make_adapter(np.array(["a", "b"])), DataError, "TextVectorization"),
    "a list of text": (lambda: data.make_adapter(["a", "b"]), DataError, "TextVectorization"),
    "objects": (lambda: data.make_adapter(np.array([1, "a"], object)), DataError, "astype"),
    "dates": (lambda: data.make_adapter(np.array(["2020-01-01"], "datetime64[D]")), DataError, "timedelta64"),
    "complex": (lambda: data.make_adapter(X * 1j), DataError, "real and imaginary"),
    "ragged": (lambda: data.make_adapter([[1, 2], [3]]), DataError, "pad_sequences"),
    "a number": (lambda: data.make_adapter(np.float32(3)), DataError, "single number"),
    "no data": (lambda: data.make_adapter(7), DataError, "int"),
    "None": (lambda: data.make_adapter(None), DataError, "x is None"),
    "endless": (lambda: data.make_adapter(itertools.cycle([X])), ArgumentError, "steps_per_epoch"),
    "endless data set": (lambda: data.make_adapter(Endless()), ArgumentError, "steps_per_epoch"),
    "a class without weight": (lambda: data.make_adapter(X, Y % 2, class_weight={0: 1.0}), DataError, "1: 1.0"),
    "class weights without y": (lambda: data.make_adapter(X, class_weight={0: 1.0}), DataError, "no y"),
    "class weights of two outputs": (
        lambda: data.make_adapter(X, [Y, Y], class_weight={0: 1.0}),
        DataError,
        "one output",
    ),
    "class weights in a list": (lambda: data.make_adapter(X, Y, class_weight=[1.0]), ArgumentError, "dict"),
    "four parts": (lambda: data.make_adapter(iter([(X, Y, Y, Y)])).peek(), DataError, "one to three"),
    "unequal batch": (lambda: data.make_adapter(iter([(X, Y[:3])])).peek(), DataError, "y: 3"),
    "split 1": (lambda: data.train_validation_split((X, Y), 1.0), ArgumentError, "less than 1"),
    "split -0.1": (lambda: data.train_validation_split((X, Y), -0.1), ArgumentError, "more than 0"),
    "split to nothing": (lambda: data.train_validation_split((X[:2], Y[:2]), 0.9), ArgumentError, "2 rows"),
    "split of lengths": (lambda: data.train_validation_split((X, Y[:5]), 0.5), DataError, "y: 5"),
}


class Empty(Batches):
    def __len__(self):
        return 0


@pytest.mark.parametrize("case", REFUSED)
def test_unusable_data_are_refused_in_words(case):
    call, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        call()


def test_an_endless_data_set_is_cut_into_epochs():
    adapter = data.make_adapter(Endless(), steps_per_epoch=3)
    assert [len(list(adapter.batches(epoch))) for epoch in range(2)] == [3, 3]
