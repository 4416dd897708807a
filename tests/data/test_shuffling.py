"""Order of rows and batches, and batches that workers make ahead of time."""

import threading
import time

import numpy as np
import pytest

from amalthea import data, random
from tests.data.examples import Batches, X, Y


def _order(seed, epoch):
    adapter = data.make_adapter(X, Y, batch_size=3, shuffle=True, seed=seed)
    return np.concatenate([y for _, y, _ in adapter.batches(epoch)]).tolist()


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
        orders.append([y.tolist() for _, y, _ in data.make_adapter(*what, batch_size=1, shuffle=True).batches()])
    assert orders[0] == orders[1] != orders[2]


def test_shuffling_batches_keeps_their_rows_together():
    batches = [y.tolist() for _, y, _ in data.make_adapter(X, Y, batch_size=3, shuffle="batch", seed=0).batches()]
    assert sorted(batches) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert batches != sorted(batches)


def test_batches_without_shuffling_are_views():
    x, y, _ = data.make_adapter(X, Y).peek()
    assert np.shares_memory(x, X) and np.shares_memory(y, Y)
    assert all(np.shares_memory(x, X) for x, _, _ in data.make_adapter(X, Y, batch_size=3).batches())


def test_the_batch_size_is_32_unless_given():
    assert data.make_adapter(np.zeros(100)).steps == 4
    assert data.make_adapter(np.zeros(100)).rows == 100


def test_a_py_dataset_hears_of_epochs_and_may_be_shuffled():
    dataset = Batches()
    adapter = data.make_adapter(dataset, shuffle=True, seed=3)
    firsts = [[int(y[0]) for _, y, _ in adapter.batches(epoch)] for epoch in range(2)]
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
    adapter = data.make_adapter(Numbered(**options, max_queue_size=2))
    assert [int(x[0, 0]) for x, _, _ in adapter.batches()] == [0, 1, 2, 3, 4, 5]


@forks
@ahead
def test_an_error_in_a_batch_made_ahead_comes_at_its_turn_and_ends_the_workers(options):
    dataset = Numbered(**options)
    dataset.broken = 2
    batches = data.make_adapter(dataset).batches()
    assert [int(next(batches)[0][0, 0]) for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="no file for batch 2"):
        next(batches)
    assert not [t for t in threading.enumerate() if t.name.startswith("batches")]


@forks
def test_processes_draw_the_same_random_numbers_again_and_no_batch_those_of_another():
    def drawn(seed, epoch):
        adapter = data.make_adapter(Numbered(workers=2, use_multiprocessing=True), shuffle=True, seed=seed)
        return np.array([y for _, y, _ in adapter.batches(epoch)])

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
        assert len(list(data.make_adapter(dataset).batches())) == 6
        assert dataset.most == expected
