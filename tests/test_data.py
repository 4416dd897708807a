"""What `fit` feeds on: every kind of data gives the same batches, and what cannot be used is refused in words."""

import itertools
import threading
import time

import numpy as np
import pytest

from amalthea import config, data, random
from amalthea.data import structure
from amalthea.errors import ArgumentError, DataError

ROWS = 10
X = np.arange(ROWS * 3, dtype="float32").reshape(ROWS, 3)
Y = np.arange(ROWS)


class Frame:
    """Stands for a data frame: an array by `to_numpy`, rows by `iloc`."""

    iloc = None

    def __init__(self, array):
        self.array = array

    def to_numpy(self):
        return self.array


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


class Batches(data.PyDataset):
    """The rows above as a data set of four batches, which keeps a diary."""

    def __init__(self, labels=True):  # without super().__init__(), as people forget it
        self.labels = labels
        self.diary = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(3 * index, 3 * index + 3)
        return (X[part], Y[part]) if self.labels else X[part]

    def on_epoch_begin(self):
        self.diary.append("begin")

    def on_epoch_end(self):
        self.diary.append("end")


class Loader:
    """Stands for a DataLoader: a length, and lists of tensors."""

    def __len__(self):
        return 4

    def __iter__(self):
        return iter([[TorchLike(x), TorchLike(y)] for x, y in (Batches()[i] for i in range(4))])


def generator():
    yield from (Batches()[i] for i in range(4))


# Every way to say the same ten rows in batches of three.
KINDS = {
    "arrays": lambda: data.source(X, Y, batch_size=3),
    "lists of numbers": lambda: data.source(X.tolist(), Y.tolist(), batch_size=3),
    "tuple of rows": lambda: data.source(tuple(map(tuple, X.tolist())), tuple(Y.tolist()), batch_size=3),
    "data frames": lambda: data.source(Frame(X), Y, batch_size=3),
    "tensors of another library": lambda: data.source(TorchLike(X), TorchLike(Y), batch_size=3),
    "a sparse matrix": lambda: data.source(Sparse(), Y, batch_size=3),
    "big-endian float64": lambda: data.source(X.astype(">f8"), Y.astype(">i4"), batch_size=3),
    "a PyDataset": lambda: data.source(Batches()),
    "a generator": lambda: data.source(generator()),
    "a loader": lambda: data.source(Loader()),
    "a list's iterator": lambda: data.source(iter([Batches()[i] for i in range(4)])),
    "a source": lambda: data.source(data.source(X, Y, batch_size=3)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_gives_the_same_batches(kind):
    source = KINDS[kind]()
    batches = list(source.batches())
    assert [len(x) for x, _, _ in batches] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y, _ in batches]), Y)
    assert all(w is None for _, _, w in batches)
    assert all(x.dtype == "float32" and y.dtype.isnative for x, y, _ in batches)
    assert source.steps in (4, None)


@pytest.mark.parametrize("kind", KINDS)
def test_peeking_takes_nothing_away(kind):
    source = KINDS[kind]()
    for _ in range(2):
        np.testing.assert_array_equal(source.peek()[0], X[:3])
    assert len(list(source.batches())) == 4


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_per_epoch_goes_on_where_the_last_epoch_stopped(kind, steps):
    source = data.source(KINDS[kind](), steps_per_epoch=steps)
    assert source.steps == steps
    epochs = [[x for x, _, _ in source.batches(epoch)] for epoch in range(4 // steps)]
    assert [len(epoch) for epoch in epochs] == [steps] * (4 // steps)
    np.testing.assert_array_equal(np.concatenate([x for epoch in epochs for x in epoch]), X)


def test_data_begin_again_when_they_are_exhausted_between_two_epochs():
    source = data.source(X, Y, batch_size=5, steps_per_epoch=2)
    assert [[y[0] for _, y, _ in source.batches(epoch)] for epoch in range(3)] == [[0, 5]] * 3


def test_data_that_end_within_an_epoch_make_it_shorter_and_warn():
    source = data.source(X, Y, batch_size=5, steps_per_epoch=3)
    with pytest.warns(UserWarning, match="ended after 2 of 3"):
        assert len(list(source.batches(0))) == 2
    with pytest.warns(UserWarning, match="ended after 2 of 3"):
        assert len(list(source.batches(1))) == 2


def test_a_generator_that_is_exhausted_warns_in_the_next_epoch():
    source = data.source(generator())
    assert len(list(source.batches(0))) == 4
    with pytest.warns(UserWarning, match="once"):
        assert list(source.batches(1)) == []


def test_validation_begins_at_the_beginning_in_every_epoch():
    source = data.validation_source((X, Y), batch_size=2, steps=2)
    assert [[y[0] for _, y, _ in source.batches(epoch)] for epoch in range(2)] == [[0, 2]] * 2
    assert data.validation_source((X, Y, np.ones(ROWS))).peek()[2].shape == (ROWS,)
    assert data.validation_source(Batches()).steps == 4


# ---------------------------------------------------------------------------------------------- nests


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
    source = data.source(NESTS[nest], {"out": Y}, batch_size=4, shuffle=shuffle)
    for x, y, _ in source.batches():
        assert type(x) is type(NESTS[nest])
        if isinstance(x, dict):
            assert list(x) == list(NESTS[nest])
        for leaf, whole in zip(_leaves(x), _leaves(NESTS[nest]), strict=True):
            np.testing.assert_array_equal(leaf, whole[y["out"]])


def _leaves(x):
    return [np.asarray(leaf, "float32") for _, leaf in structure.named_leaves(x, "x")]


# ------------------------------------------------------------------------------------------- the order


def _order(seed, epoch):
    source = data.source(X, Y, batch_size=3, shuffle=True, seed=seed)
    return np.concatenate([y for _, y, _ in source.batches(epoch)]).tolist()


def test_shuffling_is_a_new_permutation_each_epoch_that_the_seed_repeats():
    orders = [_order(7, epoch) for epoch in range(3)]
    assert all(sorted(order) == Y.tolist() for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert [_order(7, epoch) for epoch in (2, 0)] == [orders[2], orders[0]]
    assert _order(8, 0) != orders[0]


@pytest.mark.parametrize("what", [(X, Y), (Batches(),)])
def test_set_random_seed_repeats_the_order(what):
    orders = []
    for seed in (1, 1, 2):
        random.set_random_seed(seed)
        orders.append([y.tolist() for _, y, _ in data.source(*what, batch_size=1, shuffle=True).batches()])
    assert orders[0] == orders[1] != orders[2]


def test_shuffling_batches_keeps_their_rows_together():
    batches = [y.tolist() for _, y, _ in data.source(X, Y, batch_size=3, shuffle="batch", seed=0).batches()]
    assert sorted(batches) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert batches != sorted(batches)


def test_without_shuffling_batches_are_views():
    x, y, _ = data.source(X, Y).peek()
    assert np.share_arena(x, X) and np.share_arena(y, Y)
    assert all(np.share_arena(x, X) for x, _, _ in data.source(X, Y, batch_size=3).batches())


def test_the_batch_size_is_32_unless_given():
    assert data.source(np.zeros(100)).steps == 4
    assert data.source(np.zeros(100)).rows == 100


def test_a_py_dataset_hears_of_epochs_and_may_be_shuffled():
    dataset = Batches()
    source = data.source(dataset, shuffle=True, seed=3)
    firsts = [[int(y[0]) for _, y, _ in source.batches(epoch)] for epoch in range(2)]
    assert dataset.diary == ["begin", "end"] * 2
    assert sorted(firsts[0]) == sorted(firsts[1]) == [0, 3, 6, 9]
    assert firsts[0] != firsts[1]
    assert (dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size) == (1, False, 10)
    assert data.Sequence is data.PyDataset


class Numbered(data.PyDataset):
    """Batches that take longer the earlier they are, with a random number of NumPy's in each."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        time.sleep(0.002 * (6 - index))
        if index == getattr(self, "broken", None):
            raise OSError(f"no file for batch {index}")
        return np.full((2, 1), index, "float32"), np.random.random(2)


AHEAD = {"threads": {"workers": 3}, "processes": {"workers": 2, "use_multiprocessing": True}}
ahead = pytest.mark.parametrize("options", AHEAD.values(), ids=AHEAD)
forks = pytest.mark.filterwarnings("ignore:.*fork")  # libraries with threads warn of it


@forks
@ahead
def test_batches_made_ahead_come_in_order(options):
    source = data.source(Numbered(**options, max_queue_size=2))
    assert [int(x[0, 0]) for x, _, _ in source.batches()] == [0, 1, 2, 3, 4, 5]


@forks
@ahead
def test_an_error_in_a_batch_made_ahead_comes_at_its_turn_and_ends_the_workers(options):
    dataset = Numbered(**options)
    dataset.broken = 2
    batches = data.source(dataset).batches()
    assert [int(next(batches)[0][0, 0]) for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="no file for batch 2"):
        next(batches)
    assert not [t for t in threading.enumerate() if t.name.startswith("batches")]


@forks
def test_processes_draw_the_same_random_numbers_again_and_no_batch_those_of_another():
    def drawn(seed, epoch):
        source = data.source(Numbered(workers=2, use_multiprocessing=True), shuffle=True, seed=seed)
        return np.array([y for _, y, _ in source.batches(epoch)])

    first = drawn(5, 0)
    np.testing.assert_array_equal(first, drawn(5, 0))
    assert len({tuple(y) for y in (*first, *drawn(5, 1))}) == 12


def test_workers_wait_side_by_side():
    class Waiting(Numbered):
        running, most = 0, 0

        def __getitem__(self, index):
            self.running += 1
            self.most = max(self.most, self.running)
            time.sleep(0.02)
            self.running -= 1
            return X[:2], Y[:2]

    for workers, expected in ((1, 1), (3, 3)):
        dataset = Waiting(workers=workers)
        assert len(list(data.source(dataset).batches())) == 6
        assert dataset.most == expected


# ------------------------------------------------------------------------------------------- the dtypes


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
    x, y, w = data.source(X.astype(given), X.astype(given), np.ones(ROWS, given)).peek()
    assert x.dtype == y.dtype == w.dtype == expected


def test_floatx_is_asked_when_the_data_are_given():
    config.set_floatx("float64")
    try:
        assert data.source(X).peek()[0].dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_a_pandas_series_becomes_a_column():
    assert data.source(Frame(X[:, 0])).peek()[0].shape == (ROWS, 1)


# ------------------------------------------------------------------------------------------- the weights


LABELS = {"integers": Y % 3, "a column": (Y % 3)[:, None], "one-hot": np.eye(3)[Y % 3], "floats": (Y % 3) * 1.0}


@pytest.mark.parametrize("labels", LABELS)
def test_class_weight_becomes_sample_weights(labels):
    class_weight = {0: 1.0, 1: 2.0, 2: 5.0}
    expected = np.array([class_weight[c] for c in Y % 3], "float32")
    for weights in (None, np.linspace(0, 1, ROWS)):
        source = data.source(X, LABELS[labels], weights, class_weight=class_weight)
        found = source.peek()[2]
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, expected * (1 if weights is None else weights), rtol=1e-6)


def test_class_weight_works_on_data_sets_too():
    w = np.concatenate([w for _, _, w in data.source(Batches(), class_weight=dict.fromkeys(range(10), 3.0)).batches()])
    assert w.tolist() == [3.0] * ROWS


# ------------------------------------------------------------------------------------------- the split


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


# ------------------------------------------------------------------------------------------- what is refused


class Endless(data.PyDataset):
    def __getitem__(self, index):
        return X[:2], Y[:2]


REFUSED = {
    "lengths": (lambda: data.source(X, Y[:9]), DataError, "x: 10, y: 9"),
    "lengths in a nest": (lambda: data.source({"a": X, "b": X[:4]}), DataError, r"x\['b'\]: 4"),
    "weights' length": (lambda: data.source(X, Y, np.ones(3)), DataError, "sample_weight: 3"),
    "empty": (lambda: data.source(X[:0], Y[:0]), DataError, "no data"),
    "empty list": (lambda: data.source([]), DataError, "no data"),
    "empty generator": (lambda: list(data.source(iter(())).batches()), DataError, "not one batch"),
    "empty data set": (lambda: data.source(Empty()), DataError, "no batch"),
    "batch_size 0": (lambda: data.source(X, batch_size=0), ArgumentError, "positive"),
    "batch_size 2.5": (lambda: data.source(X, batch_size=2.5), ArgumentError, "positive"),
    "shuffle": (lambda: data.source(X, shuffle="rows"), ArgumentError, "'batch'"),
    "steps 0": (lambda: data.source(X, steps_per_epoch=0), ArgumentError, "positive"),
    "y with a data set": (lambda: data.source(Batches(), Y), ArgumentError, "brings its own"),
    "weights with a generator": (lambda: data.source(generator(), None, Y), ArgumentError, "sample_weight was given"),
    "text": (lambda: data.source(np.array(["a", "b"])), DataError, "TextVectorization"),
    "a list of text": (lambda: data.source(["a", "b"]), DataError, "TextVectorization"),
    "objects": (lambda: data.source(np.array([1, "a"], object)), DataError, "astype"),
    "dates": (lambda: data.source(np.array(["2020-01-01"], "datetime64[D]")), DataError, "timedelta64"),
    "complex": (lambda: data.source(X * 1j), DataError, "real and imaginary"),
    "ragged": (lambda: data.source([[1, 2], [3]]), DataError, "pad_sequences"),
    "a number": (lambda: data.source(np.float32(3)), DataError, "single number"),
    "no data": (lambda: data.source(7), DataError, "int"),
    "None": (lambda: data.source(None), DataError, "x is None"),
    "endless": (lambda: data.source(itertools.cycle([X])), ArgumentError, "steps_per_epoch"),
    "endless data set": (lambda: data.source(Endless()), ArgumentError, "steps_per_epoch"),
    "a class without weight": (lambda: data.source(X, Y % 2, class_weight={0: 1.0}), DataError, "1: 1.0"),
    "class weights without y": (lambda: data.source(X, class_weight={0: 1.0}), DataError, "no y"),
    "class weights of two outputs": (lambda: data.source(X, [Y, Y], class_weight={0: 1.0}), DataError, "one output"),
    "class weights in a list": (lambda: data.source(X, Y, class_weight=[1.0]), ArgumentError, "dict"),
    "four parts": (lambda: data.source(iter([(X, Y, Y, Y)])).peek(), DataError, "one to three"),
    "unequal batch": (lambda: data.source(iter([(X, Y[:3])])).peek(), DataError, "y: 3"),
    "split 1": (lambda: data.train_validation_split((X, Y), 1.0), ArgumentError, "less than 1"),
    "split -0.1": (lambda: data.train_validation_split((X, Y), -0.1), ArgumentError, "more than 0"),
    "split to nothing": (lambda: data.train_validation_split((X[:2], Y[:2]), 0.9), ArgumentError, "2 rows"),
    "split of lengths": (lambda: data.train_validation_split((X, Y[:5]), 0.5), DataError, "y: 5"),
}


class Empty(Batches):
    def __len__(self):
        return 0


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_words(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words):
        call()


def test_an_endless_data_set_is_cut_into_epochs():
    source = data.source(Endless(), steps_per_epoch=3)
    assert [len(list(source.batches(epoch))) for epoch in range(2)] == [3, 3]
