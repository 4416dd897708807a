"""Rows that a process alone has, and folders of files: every row once, the same steps on every rank."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from amalthea import Input, Sequential, data, distribution, layers, utils
from amalthea.data.columns import Columns, as_array
from amalthea.data.sharded_files import dealt
from amalthea.distribution.communicators import threads
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DataError, UnknownNameError

has_arrow = importlib.util.find_spec("pyarrow") is not None
KINDS = ["npz", pytest.param("parquet", marks=pytest.mark.skipif(not has_arrow, reason="pyarrow is not installed"))]
COUNTS = (7, 1, 0, 12, 5)


def rows(count=25):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 4)).astype("float32")
    return x, np.arange(count, dtype="int64") % 3, rng.uniform(0.5, 2, count).astype("float32")


def written(folder, kind, counts=COUNTS):
    starts = np.cumsum([0, *counts])
    for i, (start, stop) in enumerate(zip(starts, starts[1:])):
        x, y, w = (column[start:stop] for column in rows(sum(counts)))
        if kind == "npz":
            np.savez(folder / f"part-{i}.npz", x=x, y=y, sample_weight=w)
            continue
        import pyarrow
        from pyarrow import parquet

        table = {
            "a": x[:, 0],
            "rest": pyarrow.array(x[:, 1:].tolist(), pyarrow.list_(pyarrow.float32())),
            "y": y,
            "w": w,
        }
        parquet.write_table(pyarrow.table(table), folder / f"part-{i}.parquet", row_group_size=4)
    named = {} if kind == "npz" else {"features": ["a", "rest"], "label": "y", "sample_weight": "w"}
    return lambda **given: data.ShardedFiles(folder, **named, **given)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_row_comes_once_in_each_epoch(kind, shuffle, tmp_path):
    files = written(tmp_path, kind)
    x, y, w = rows()

    def run(group):
        feed = files(batch_size=6, shuffle=shuffle, seed=3)
        return feed.steps, [[*feed.batches(epoch)] for epoch in (0, 1, 0)]

    for size in (1, 2, 3):
        ranks = threads.run(run, size)
        assert len({steps for steps, _ in ranks}) == 1
        for epoch in range(3):
            seen = [batch for _, epochs in ranks for batch in epochs[epoch]]
            assert max(len(a) for a, _, _ in seen) == 6 // size
            order = np.argsort(np.concatenate([a[:, 0] for a, _, _ in seen]))
            for i, column in enumerate((x, y, w)):
                found = np.concatenate([batch[i] for batch in seen])[order]
                np.testing.assert_array_equal(found, column[np.argsort(x[:, 0])])
        firsts = [np.concatenate([b[0] for b in epoch]) for epoch in ranks[0][1]]
        np.testing.assert_array_equal(firsts[0], firsts[2])
        assert np.array_equal(firsts[0], firsts[1]) != shuffle


@pytest.mark.skipif(backends.current().name in ("jax", "tensorflow"), reason="ranks are threads")
@pytest.mark.parametrize("size", [2, 7])  # with seven ranks some have no rows at all
def test_a_folder_trains_to_the_losses_of_its_batches(size, tmp_path):
    files = written(tmp_path, "npz")

    def model():
        utils.set_random_seed(0)
        made = Sequential([Input((4,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")])
        made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return made

    models = [model() for _ in range(size + 1)]

    def run(group):
        with distribution.DataParallel().scope():
            return models[group.rank].fit(files(batch_size=14), epochs=2, verbose=0).history

    def batches(group):
        return [*files(batch_size=14).batches()], files(batch_size=14).steps

    parts = threads.run(batches, size)
    whole = []
    for i in range(parts[0][1]):
        there = [own[i] for own, _ in parts if i < len(own)]
        whole.append(tuple(np.concatenate(columns) for columns in zip(*there)))
    again = type("Again", (), {"__iter__": lambda self: iter(whole)})()
    want = models[size].fit(again, epochs=2, verbose=0).history
    for history in threads.run(run, size):
        for name in want:
            np.testing.assert_allclose(history[name], want[name], rtol=1e-5)


def test_rows_are_dealt_out_evenly():
    rng = np.random.default_rng(0)
    for size in (1, 2, 5):
        counts = rng.integers(1, 100, 40).tolist()
        sums = [sum(counts[i] for i in own) for own in dealt(counts, size)]
        assert sum(sums) == sum(counts) and max(sums) - min(sums) <= max(counts)


def test_folders_that_cannot_be_used_are_refused_in_words(tmp_path):
    with pytest.raises(ArgumentError, match="neither"):
        data.ShardedFiles(tmp_path)
    with pytest.raises(ArgumentError, match="no such folder"):
        data.ShardedFiles(tmp_path / "none")
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"'a.npz' has no rows"):
        data.ShardedFiles(tmp_path)
    np.savez(tmp_path / "a.npz", z=np.ones(3))
    with pytest.raises(DataError, match="an array x"):
        data.ShardedFiles(tmp_path)
    np.savez(tmp_path / "a.npz", x=np.ones((0, 3)))
    with pytest.raises(DataError, match="no process has a row"):
        data.ShardedFiles(tmp_path)
    (tmp_path / "b.parquet").write_bytes(b"")
    with pytest.raises(ArgumentError, match="both"):
        data.ShardedFiles(tmp_path)


def test_a_batch_has_a_row_for_each_process():
    def run(group):
        with pytest.raises(ArgumentError, match="Each process needs a row"):
            data.OwnRows([lambda: np.ones(3)], [3], batch_size=1)

    threads.run(run, 2)


@pytest.mark.skipif(not has_arrow, reason="pyarrow is not installed")
def test_columns_become_arrays_or_are_refused(tmp_path):
    import pyarrow

    table = pyarrow.table({"a": [1, 2], "b": [[1.0, 2.0], [3.0, 4.0]], "c": [[1], [2, 3]], "d": [1, None],
                           "e": [[[1, 2]], [[3, 4]]], "f": ["p", "q"], "g": [[1], None]})  # fmt: skip
    x, y, weight = Columns({"left": "a", "right": ["a", "b"]}, "e").batch(table)
    assert x["left"].tolist() == [1, 2] and x["right"].tolist() == [[1, 1, 2], [2, 3, 4]]
    assert y.tolist() == [[[1, 2]], [[3, 4]]] and weight is None
    assert as_array(table.column("f"), "f").tolist() == ["p", "q"]
    assert as_array(table.column("b").slice(1), "b").tolist() == [[3.0, 4.0]]
    assert as_array(pyarrow.array([[1, 2], [3, 4]], pyarrow.list_(pyarrow.int64(), 2)).slice(1), "g").tolist() == [
        [3, 4]
    ]
    for name, words in (("c", "different lengths"), ("d", "Values are missing"), ("g", "Values are missing")):
        with pytest.raises(DataError, match=words):
            as_array(table.column(name), name)
    with pytest.raises(UnknownNameError, match="'z'"):
        Columns(["a", "z"]).check(table.column_names)
    (tmp_path / "p.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read"):
        data.ShardedFiles(tmp_path, features="a")
