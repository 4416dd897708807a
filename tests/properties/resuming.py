"""Runs that are killed: what a child process trains, and where it kills itself.

``finish(scenario, folder, kills)`` starts the script again and again, as a person would, until it ends, and gives all
that is left of it: weights, optimizer, history, tables, checkpoints, and the next numbers of the random generators.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np

import amalthea
from amalthea import Sequential, callbacks, layers, optimizers, writing
from amalthea.data import PyDataset
from tests.arrays import numbers

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["tests.properties.resuming", "amalthea.layers", "amalthea.models", "amalthea.saving", "h5py"]
)

SCENARIOS = {}


def scenario(make):
    SCENARIOS[make.__name__] = make
    return make


def _model(optimizer, *more, metrics=("mae",), **options):
    model = Sequential([layers.Input((4,)), layers.Dense(6, "tanh"), *more, layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=list(metrics), **options)
    return model


def _watching(folder, *more):
    """One callback of each kind that keeps something."""
    return [
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=0.05),
        callbacks.EarlyStopping(patience=2, min_delta=0.01, restore_best_weights=True),
        callbacks.ModelCheckpoint(folder / "best.weights.h5", save_best_only=True, save_weights_only=True),
        callbacks.ModelCheckpoint(folder / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=5),
        *more,
    ]


@scenario
def shuffled_arrays(folder):
    """Dropout, shuffling and all callbacks; a backup an epoch, first in the list."""
    model = _model(optimizers.Adam(0.05), layers.Dropout(0.4))
    backup = callbacks.BackupAndRestore(folder / "backup")
    return model, dict(
        x=numbers(22, 4), y=numbers(22, 1), batch_size=4, epochs=5, validation_split=0.2,
        callbacks=[backup, *_watching(folder)],
    )  # fmt: skip


@scenario
def within_epochs(folder):
    """A schedule, a moving average of the weights, and a backup every third batch, last in the list."""
    rate = optimizers.schedules.ExponentialDecay(0.1, 3, 0.9)
    model = _model(optimizers.SGD(rate, momentum=0.9, use_ema=True), layers.GaussianNoise(0.3))
    backup = callbacks.BackupAndRestore(folder / "backup", save_freq=3)
    watching = [x for x in _watching(folder) if not isinstance(x, callbacks.ReduceLROnPlateau)]
    return model, dict(
        x=numbers(20, 4), y=numbers(20, 1), batch_size=4, epochs=4, validation_split=0.2,
        callbacks=[*watching, callbacks.SwapEMAWeights(swap_on_epoch=True), backup],
    )  # fmt: skip


class Turned(PyDataset):
    """Draws from a generator of its own, and from NumPy's global one; puts its rows in another order after an epoch."""

    def __init__(self):
        super().__init__()
        self.own, self.order = np.random.default_rng(3), list(range(12))
        self.x, self.y = numbers(12, 4), numbers(12, 1)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = self.order[3 * index : 3 * index + 3]
        return self.x[rows] + 0.1 * np.random.normal(size=(3, 4)).astype("float32"), self.y[rows]

    def on_epoch_end(self):
        self.own.shuffle(self.order)


class Counting(callbacks.Callback):
    """A person's own callback, which knows nothing of being resumed."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.seen, self.rng = folder, {"batches": 0, "losses": ()}, np.random.default_rng(1)

    def on_train_batch_end(self, batch, logs=None):
        self.seen["batches"] += 1
        self.seen["losses"] += (logs["loss"] + self.rng.normal(),)

    def on_train_end(self, logs=None):
        (self.folder / "counted.json").write_text(json.dumps([self.seen, logs]))


@scenario
def own_data_and_callback(folder):
    """A data set and a callback of one's own, accumulated gradients, normalization, a rate for each epoch."""
    model = _model(optimizers.RMSprop(0.01, gradient_accumulation_steps=2), layers.BatchNormalization())
    halving = callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.8)
    backup = callbacks.BackupAndRestore(folder / "backup", save_freq=2, double_checkpoint=True)
    return model, dict(
        x=Turned(), epochs=3, callbacks=[Counting(folder), backup, halving, callbacks.CSVLogger(folder / "log.csv")],
    )  # fmt: skip


def _endless():
    for seed in itertools.count():
        yield numbers(4, 4, seed=seed), numbers(4, 1, seed=-seed % 97)


@scenario
def a_generator(folder):
    """A generator, for validation too; several batches in one call; a table that is continued."""
    model = _model("adam", layers.Dropout(0.5), steps_per_execution=2)
    if not (folder / "log.csv").exists():
        (folder / "log.csv").write_text("epoch,loss,mae,val_loss,val_mae\n7,1,1,1,1\n")
    backup = callbacks.BackupAndRestore(folder / "backup", save_freq=2)
    return model, dict(
        x=_endless(), steps_per_epoch=4, epochs=3, validation_data=_endless(), validation_steps=2,
        callbacks=[backup, callbacks.CSVLogger(folder / "log.csv", append=True)],
    )  # fmt: skip


# ---------------------------------------------------------------------------------------- being killed


class Killer(callbacks.Callback):
    """Ends the process at the n-th call of a hook, before or after the other callbacks (by its place in the list)."""

    def __init__(self, hook, count):
        super().__init__()
        self.hook, self.left = hook, count
        for name in ("on_epoch_begin", "on_epoch_end", "on_train_batch_end", "on_train_end"):
            if name == hook:
                setattr(self, name, self._count)

    def has_hook(self, hook):
        return hook == self.hook

    def _count(self, *arguments):
        self.left -= 1
        if self.left < 0:
            die()

    def resume_state(self):
        return {}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_at_call(module, name, count, after):
    original, left = getattr(module, name), [count]

    def call(*arguments, **options):
        left[0] -= 1
        if left[0] < 0 and not after:
            die()
        result = original(*arguments, **options)
        if left[0] < 0:
            die()
        return result

    setattr(module, name, call)


def _kill_within_write(count):
    """After half of the bytes of the n-th piece that is written to a temporary file."""
    original, left = writing._created, [count]

    def created(path, private):
        file = original(path, private)
        write = file.write

        class Dying:
            def __getattr__(self, name):
                return getattr(file, name)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data):
                left[0] -= 1
                if left[0] < 0:
                    write(bytes(data)[: len(data) // 2])
                    file.flush()
                    die()
                return write(data)

        return Dying()

    writing._created = created


def _arm(kill, found):
    kind, count, *where = kill
    if kind.startswith("on_"):
        found.insert(0 if where == ["before"] else len(found), Killer(kind, count))
    elif kind == "write":
        _kill_within_write(count)
    else:
        _kill_at_call(writing.os if kind != "unlink" else Path, kind, count, where == ["after"])


def script(name, folder, kill, seed):
    """The program of the child process."""
    folder = Path(folder)
    if seed is not None:
        amalthea.utils.set_random_seed(seed)
    model, options = SCENARIOS[name](folder)
    options["callbacks"] = list(options["callbacks"])
    if kill is not None:
        _arm(kill, options["callbacks"])
    history = model.fit(**options, verbose=0)
    arrays = {f"w{i}": v.numpy() for i, v in enumerate(model.variables)}
    arrays.update((f"o{i}", v.numpy()) for i, v in enumerate(model.optimizer.variables))
    ends = [float(amalthea.random.uniform(())), amalthea.random.make_default_seed()]
    np.savez(folder / "end.npz", **arrays)
    (folder / "end.json").write_text(json.dumps([history.history, history.epoch, ends]))


def start(name, folder, kill=None, seed=5):
    """Run the script once; its exit code."""
    process = _CONTEXT.Process(target=script, args=(name, str(folder), kill, seed))
    process.start()
    process.join(120)
    return process.exitcode


def finish(name, folder, kills=(), seed=5, then=0):
    """Run the script until it ends, killed once at each of the points in turn; what is left, by name.

    Each further start draws from another seed with ``then=1``: a resumed run must not depend on it.
    """
    folder.mkdir(exist_ok=True)
    codes = [start(name, folder, kill, seed + i * then) for i, kill in enumerate(kills)]
    assert set(codes) <= {-signal.SIGKILL, 0}, codes
    if 0 not in codes:
        assert start(name, folder, None, seed + 9 * then) == 0
    return left(folder), codes


def left(folder):
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue  # what a process was writing when it was killed
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                found.update((f"{path.name}:{key}", arrays[key].tobytes()) for key in arrays)
        elif path.suffix == ".h5":
            import h5py

            with h5py.File(path) as file:
                values = []
                file.visititems(
                    lambda n, x, v=values: v.append((n, np.asarray(x).tobytes())) if hasattr(x, "dtype") else None
                )
            found[path.name] = values
        else:
            found[path.name] = path.read_bytes() if path.is_file() else sorted(os.listdir(path))
    return found
