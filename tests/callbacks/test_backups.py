"""Backups of a run: the state that is kept, the order of the data, and tables that go on."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from amalthea import callbacks, data, snapshots, writing
from amalthea.callbacks.run import Run
from amalthea.errors import ModelFileError


class Model:
    """A model's public face: variables, and an optimizer and metrics with theirs."""

    def __init__(self, *values):
        self.variables = [Value(v) for v in values]
        self.stop_training = False


class Value:
    path, dtype = "value", "float64"

    def __init__(self, value):
        self.array = np.asarray(value, "float64")
        self.shape = self.array.shape

    def numpy(self):
        return self.array

    def assign(self, value):
        self.array = value


def test_a_backup_of_another_model_is_refused_and_nothing_changes():
    state = Run(Model([1.0], [2.0, 3.0])).state(1, 0, {})
    model = Model([5.0], [6.0])
    with pytest.raises(ModelFileError, match="another model"):
        Run(model).restore(state)
    assert [v.array.tolist() for v in model.variables] == [[5.0], [6.0]]


STATES = {
    "numbers": {"a": 1, "b": -2.5, "c": float("inf"), "d": True, "e": None, "f": "text", "g": 1 << 70},
    "nests": [(1, [2, (3,)]), {1: "a", "b": {2: ()}}],
    "arrays": {
        "x": np.arange(6.0).reshape(2, 3),
        "none": np.zeros((0, 3)),
        "point": np.array(2),
        "bits": np.array([True]),
    },
    "scalars": [np.float32(0.1), np.int64(-3)],
}


@pytest.mark.parametrize("name", STATES)
def test_a_snapshot_is_read_as_it_was_written(name, tmp_path):
    snapshots.write(tmp_path / "state", STATES[name])
    np.testing.assert_equal(snapshots.read(tmp_path / "state"), STATES[name])
    assert repr(snapshots.read(tmp_path / "state")) == repr(STATES[name])


def test_random_generators_go_on(tmp_path):
    for bits in (np.random.PCG64, np.random.Philox, np.random.MT19937, np.random.SFC64):
        generator = np.random.Generator(bits(1))
        generator.normal(size=5)
        snapshots.write(tmp_path / "state", generator)
        assert snapshots.read(tmp_path / "state").normal() == generator.normal()


@pytest.mark.parametrize("value", [object(), {"a": print}, [np.array([object()])], {1, 2}])
def test_values_that_are_not_plain_data_are_not_written(value, tmp_path):
    with pytest.raises(TypeError):
        snapshots.write(tmp_path / "state", value)
    assert not list(tmp_path.iterdir())


class Thing:
    """Attributes that are changed in place, replaced, or not plain data."""

    def __init__(self):
        self.given, self.function, self.array, self.nest = 3, print, np.zeros(3), {"a": [1]}
        self.shared = self.stream = np.random.default_rng(1)


def test_attributes_that_changed_are_kept_and_no_others():
    thing = Thing()
    before = snapshots.digests(thing)
    assert snapshots.changed_attributes(thing, before) == {}
    thing.array[1], thing.new = 1, "new"
    thing.nest["a"].append(2)
    thing.stream.normal()
    changed = snapshots.changed_attributes(thing, before)
    assert changed.keys() == {"array", "nest", "stream", "shared", "new"}
    other = Thing()
    snapshots.set_attributes(other, changed)
    assert other.nest == {"a": [1, 2]} and other.shared is other.stream
    assert other.stream.normal() == thing.stream.normal()


class Batches(data.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return np.full((2, 1), float(index))


class Again:
    """Iterable many times, in another order each time."""

    def __init__(self):
        self.passes = np.random.default_rng(0)

    def __iter__(self):
        return iter([np.full((2, 1), x) for x in self.passes.permutation(5).astype(float)])


SOURCES = {
    "arrays": lambda: data.make_adapter(np.arange(10.0), batch_size=2, shuffle=True),
    "batches": lambda: data.make_adapter(np.arange(10.0), batch_size=2, shuffle="batch"),
    "a data set": lambda: data.make_adapter(Batches(), shuffle=True),
    "a generator": lambda: data.make_adapter((np.full((2, 1), float(i)) for i in range(100)), steps_per_epoch=5),
    "an iterable": lambda: data.make_adapter(Again()),
    "fewer steps": lambda: data.make_adapter(np.arange(10.0), batch_size=2, shuffle=True, steps_per_epoch=3),
    "more steps": lambda: data.make_adapter(Again(), steps_per_epoch=3),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("epoch, step", [(0, 0), (0, 2), (1, 1), (2, 0)])
def test_a_source_goes_on_with_the_batches_to_come(name, epoch, step):
    def rest(adapter, batches):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an epoch that is shorter
            now = [x.ravel().tolist() for x, *_ in batches]
            return now + [x.ravel().tolist() for e in (epoch + 1, epoch + 2) for x, *_ in adapter.batches(e)]

    first, second = SOURCES[name](), SOURCES[name]()
    for adapter in (first, second):
        adapter.peek()
        adapter.mark()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for e in range(epoch):
            list(first.batches(e))
    running = first.batches(epoch)
    list(itertools.islice(running, step))
    state = first.resume_state()
    second.resume_from(state)
    assert rest(second, second.batches_from(epoch, step)) == rest(first, running)


@pytest.fixture
def table():
    """A logger that has written some rows; its file is closed at the end."""
    made = []

    def make(path, **options):
        made.append(_table(path, **options))
        return made[-1]

    yield make
    for logger in made:
        logger._close()


def _table(path, append=False, state=None, rows=()):
    logger = callbacks.CSVLogger(path, append=append)
    logger.on_train_begin()
    if state is not None:
        logger.resume_from(state)
    for epoch in rows:
        logger.on_epoch_end(epoch, {"loss": epoch / 2})
    return logger


@pytest.mark.parametrize("append", [False, True])
def test_a_table_goes_on_after_the_row_that_is_kept(append, table, tmp_path):
    path = tmp_path / "log.csv"
    logger = table(path, append=append, rows=[0, 1])
    state = logger.resume_state()
    logger.on_epoch_end(2, {"loss": 1.0})  # after the last backup
    path.write_bytes(path.read_bytes() + b"3,1.")  # and half of a row
    table(path, append=append, state=state, rows=[2, 3]).on_train_end()
    assert path.read_text() == "epoch,loss,val_loss\n0,0.0,NA\n1,0.5,NA\n2,1.0,NA\n3,1.5,NA\n"


def test_a_table_that_ends_within_a_row_is_continued_on_a_new_line(table, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,0.")
    table(path, append=True, rows=[1]).on_train_end()
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,0.", "1,0.5,NA"]


def test_a_table_that_became_shorter_is_said_to_be(table, tmp_path):
    path = tmp_path / "log.csv"
    state = table(path, rows=[0, 1]).resume_state()
    path.write_text("")
    with pytest.warns(UserWarning, match="fewer rows"):
        table(path, state=state, rows=[2]).on_train_end()
    assert path.read_text() == "epoch,loss,val_loss\n2,1.0,NA\n"


def test_a_row_that_does_not_fit_on_the_disk_leaves_the_rows_before(table, tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    logger = table(path, rows=[0])
    before = path.read_text()

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError):
            logger.on_epoch_end(1, {"loss": 0.5})
    assert path.read_text() == before
    logger.on_epoch_end(1, {"loss": 0.5})
    assert path.read_text() == before + "1,0.5,NA\n"


def test_files_of_killed_processes_are_removed_from_the_folder_of_backups(tmp_path):
    (tmp_path / f".0123{writing.ENDING}").write_text("half")
    callback = callbacks.BackupAndRestore(tmp_path)
    callback.set_model(Model([1.0]))
    callback.on_train_begin()
    assert [path.name for path in tmp_path.iterdir()] == ["backup-1.zip"]
