"""``ModelCheckpoint``: save the model, or its weights, as it trains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from amalthea.callbacks import console
from amalthea.callbacks.callback import Logs
from amalthea.callbacks.monitor import MonitorCallback
from amalthea.errors import ArgumentError
from amalthea.snapshots import Record


class ModelCheckpoint(MonitorCallback):
    """Callback that saves the model, or its weights, during training.

    Folders of the path are made where they do not exist; a file of this name is overwritten.

    Args:
        filepath: str or path; file to write. It may hold the epoch and the batch (both from 1) and metrics in braces,
            such as ``"{epoch:02d}-{val_loss:.2f}.keras"``. It ends in ``.keras`` or ``.h5``; with
            ``save_weights_only`` in ``.weights.h5``.
        |monitored metric|
        |verbose callbacks|
        save_best_only: bool; whether to save only when the metric is better than ever before. Defaults to False.
        save_weights_only: bool; whether to save the weights without the model. Defaults to False.
        |mode of a monitor|
        save_freq: ``"epoch"``, or int, 1 or more; number of batches between two files. Defaults to ``"epoch"``.
        initial_value_threshold: float or None; value that the metric must beat the first time, read if
            ``save_best_only``. Defaults to None.

    Raises:
        ArgumentError: the ending does not fit, ``save_freq`` is out of range, or (in ``fit``) ``filepath`` names a
            metric that is not in the logs.

    Example:
        >>> from amalthea.callbacks import ModelCheckpoint
        >>> checkpoint = ModelCheckpoint("runs/{epoch:02d}-{val_loss:.2f}.keras")
        >>> checkpoint._path_for(0, None, {"val_loss": 0.123})  # the file after the first epoch
        'runs/01-0.12.keras'
    """

    _writes = True  # of several processes the first calls it

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._check_ending()
        self._epoch = 0
        self._counter = BatchCounter(save_freq)

    def _check_ending(self) -> None:
        endings = (".weights.h5",) if self.save_weights_only else (".keras", ".h5")
        whole = self.save_weights_only or not self.filepath.endswith(".weights.h5")
        if self.filepath.endswith(endings) and whole:
            return
        stem = self.filepath.removesuffix(".h5").removesuffix(".weights").removesuffix(".keras")
        what = "The weights alone are" if self.save_weights_only else "A whole model is"
        raise ArgumentError(
            f"{what} saved to a file with another ending.",
            expected=" or ".join(endings),
            got=self.filepath,
            cure=f"ModelCheckpoint({stem + endings[0]!r}, save_weights_only={self.save_weights_only})",
        )

    def _has_hook(self, hook: str) -> bool:
        return super()._has_hook(hook) and (hook != "on_train_batch_end" or self.save_freq != "epoch")

    def _wants_batch_end(self, batch: int) -> bool:
        return self._counter.is_due(batch)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq != "epoch":
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _path_for(self, epoch: int, batch: int | None, logs: Logs) -> str:
        """Returns the path of the file for an epoch and a batch, both from 0."""
        counters: dict[str, Any] = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1})}
        try:
            return self.filepath.format(**{**logs, **counters})
        except (KeyError, IndexError) as error:
            raise ArgumentError(
                f"The file's name asks for {error}, which is not known here.",
                expected=", ".join([*counters, *logs]),
                got=self.filepath,
            ) from None

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path_for(epoch, batch, logs)
        if self.save_best_only and not self._is_best(epoch, path, logs):
            return
        if self.verbose and not self.save_best_only:
            console.say(f"\nEpoch {epoch + 1}: saving model to {path}")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _is_best(self, epoch: int, path: str, logs: Logs) -> bool:
        current = self._watched(logs)
        if current is None:
            return False
        before, better = self.best, self._improves(current, self.best)
        if better:
            self.best = current
        if self.verbose:
            change = f"improved from {_short(before)} to {_short(current)}, saving model to {path}"
            console.say(f"\nEpoch {epoch + 1}: {self.monitor} {change if better else f'stays at {_short(before)}'}")
        return better


class BatchCounter(Record):
    """Counts batches over the epochs, and tells when there have been ``every`` of them.

    >>> counter = BatchCounter(2)
    >>> [counter.is_due(batch) for batch in (0, 1, 2, 0, 1)]
    [False, True, False, True, False]
    """

    def __init__(self, every: str | int):
        self.every = every
        self._since = 0
        self._last = -1

    def go_on_at(self, batch: int) -> None:
        """Count from this batch on, as if the one before it had been due."""
        self._since, self._last = 0, batch - 1

    def is_due(self, batch: int) -> bool:
        if not isinstance(self.every, int):
            return False
        self._since += batch - self._last if batch > self._last else batch + 1  # several batches may end at once
        self._last = batch
        if self._since < self.every:
            return False
        self._since = 0
        return True


def _short(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.5f}"
