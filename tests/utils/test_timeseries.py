"""Windows of series against the rule that defines them, and data sets in two parts."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import utils
from amalthea.data import Dataset
from amalthea.errors import AmaltheaError

SERIES = np.arange(20.0)
WINDOWS = {
    "plain": {"sequence_length": 4},
    "stride": {"sequence_length": 3, "sequence_stride": 2},
    "rate": {"sequence_length": 3, "sampling_rate": 3},
    "range": {"sequence_length": 3, "start_index": 4, "end_index": 12},
    "everything": {"sequence_length": 2, "sequence_stride": 3, "sampling_rate": 2, "start_index": 1, "end_index": 19},
    "one step": {"sequence_length": 1},
    "the whole": {"sequence_length": 20},
}


def windows(targets=None, **options):
    return utils.timeseries_dataset_from_array(SERIES, targets, format=None, **options)


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("with_targets", [True, False])
def test_windows_are_the_steps_that_the_definition_takes(name, with_targets):
    o = {"sequence_stride": 1, "sampling_rate": 1, "start_index": 0, "end_index": 20, **WINDOWS[name]}
    span = (o["sequence_length"] - 1) * o["sampling_rate"]
    starts = range(o["start_index"], o["end_index"] - span, o["sequence_stride"])
    wanted = [[SERIES[s + i * o["sampling_rate"]] for i in range(o["sequence_length"])] for s in starts]
    found = list(windows(SERIES * 10 if with_targets else None, batch_size=3, **WINDOWS[name]))
    x = np.concatenate([b[0] if with_targets else b for b in found])
    assert x.tolist() == wanted
    if with_targets:
        assert np.concatenate([b[1] for b in found]).tolist() == [10.0 * s for s in starts]


def test_few_targets_make_few_windows():
    assert len(np.concatenate([y for _, y in windows(SERIES[:5], sequence_length=2)])) == 5


def test_windows_are_shuffled_by_a_seed():
    one, other = ([w.tolist() for w in windows(sequence_length=2, shuffle=True, seed=1, batch_size=None)] for _ in "ab")
    assert one == other and one != sorted(one) and sorted(one) == [[i, i + 1] for i in range(19)]


SPLITS = {
    "left share": ({"left_size": 0.6}, range(6), range(6, 10)),
    "right number": ({"right_size": 3}, range(7), range(7, 10)),
    "both": ({"left_size": 2, "right_size": 3}, range(2), range(7, 10)),
    "shares": ({"left_size": 0.5, "right_size": 0.2}, range(5), range(8, 10)),
    "shuffled as in Keras": ({"left_size": 0.6, "shuffle": True, "seed": 1}, [6, 8, 9, 7, 5, 3], [0, 4, 1, 2]),
}
FORMS = {
    "an array": lambda: np.arange(10),
    "a list": lambda: list(range(10)),
    "a data set": lambda: Dataset.range(10),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SPLITS)
def test_data_are_split_by_numbers_and_shares(name, form):
    options, left, right = SPLITS[name]
    found = utils.split_dataset(FORMS[form](), **options)
    assert [[int(x) for x in part] for part in found] == [list(left), list(right)]


def test_batches_are_split_by_rows():
    left, right = utils.split_dataset(Dataset.range(10).batch(3), left_size=0.5)
    assert [b.tolist() for b in left] == [[0, 1, 2], [3, 4]] and len(right) == 2


def test_pairs_stay_together():
    left, _ = utils.split_dataset((np.arange(4), np.arange(4) * 2), left_size=0.5, shuffle=True, seed=3)
    assert all(y == 2 * x for x, y in left)


BAD = {
    "no length": lambda: windows(sequence_length=0),
    "windows longer than the data": lambda: windows(sequence_length=21),
    "a range beyond the data": lambda: windows(sequence_length=2, end_index=30),
    "a range that is empty": lambda: windows(sequence_length=2, start_index=5, end_index=5),
    "a negative stride": lambda: windows(sequence_length=2, sequence_stride=-1),
    "no targets": lambda: windows(SERIES[:0], sequence_length=2),
    "no size": lambda: utils.split_dataset(np.arange(10)),
    "a share above 1": lambda: utils.split_dataset(np.arange(10), left_size=1.2),
    "nothing to the left": lambda: utils.split_dataset(np.arange(10), left_size=0),
    "more than all": lambda: utils.split_dataset(np.arange(10), left_size=0.9, right_size=0.9),
    "too many": lambda: utils.split_dataset(np.arange(10), left_size=20),
    "nothing to split": lambda: utils.split_dataset(np.arange(0), left_size=0.5),
    "without an end": lambda: utils.split_dataset(Dataset.range(3).repeat(), left_size=1),
    "something else": lambda: utils.split_dataset(3, left_size=1),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()
