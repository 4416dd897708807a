"""``BackupAndRestore``: resume a training run after an interruption, bit for bit."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

from amalthea import snapshots, writing
from amalthea.callbacks import console
from amalthea.callbacks.callback import Callback, Logs
from amalthea.callbacks.model_checkpoint import BatchCounter
from amalthea.callbacks.run import Run
from amalthea.distribution.strategies import group_in_use, is_first
from amalthea.errors import ArgumentError, DistributionError, ModelFileError


class BackupAndRestore(Callback):
    """Callback that backs up the run during training, and resumes it after an interruption.

    Run the same script again after its process was killed, at any moment: ``fit`` goes on at the step of the last
    backup, and ends with the same weights, history and tables as a run without interruption, bit for bit.

    A backup is one file. It holds the weights, the state of the optimizer and of the metrics, the epoch and step, the
    order of the data, all random states, and the state of every callback (:meth:`Callback.resume_state`). The file
    before the newest is kept; a damaged file is skipped with a warning. The position in the list of callbacks does
    not matter: this one is called after all others.

    Args:
        backup_dir: str or path; folder for this run alone, made if it does not exist.
        save_freq: ``"epoch"``, or int, 1 or more; number of batches between two backups. Defaults to ``"epoch"``.
        double_checkpoint: bool; whether three files are kept, rather than two. Defaults to False.
        delete_checkpoint: bool; whether the backups are deleted when training ends. Defaults to True.

    Attributes:
        resumed_epoch: the epoch that training goes on with; 0 if there was no backup.

    Raises:
        ArgumentError: ``backup_dir`` is empty, or ``save_freq`` out of range.
        ModelFileError: the backup is of another model (in ``fit``).

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 1)), np.zeros((4, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     backup = callbacks.BackupAndRestore(folder, delete_checkpoint=False)
        ...     _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[backup])
        ...     start = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: print("epoch", epoch))
        ...     _ = model.fit(x, y, epochs=4, verbose=0, callbacks=[backup, start])
        epoch 2
        epoch 3

    Source: Keras keeps the weights and the epoch alone.
    """

    _comes_last = True
    _run: Run

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        if not os.fspath(backup_dir):
            raise ArgumentError("backup_dir is empty.", cure="BackupAndRestore('backup')")
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._resumed_epoch = 0
        self._epoch = 0
        self._counter = BatchCounter(save_freq)
        self._waiting: dict[str, Any] | None = None  # a state within an epoch, until that epoch begins
        self._kept: list[int] = []

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._set_run(Run(model, [self]))

    def _set_run(self, run: Run) -> None:
        """Be told by the list of callbacks where the run keeps its state."""
        self._run = run

    def _has_hook(self, hook: str) -> bool:
        return super()._has_hook(hook) and (hook != "on_train_batch_end" or self.save_freq != "epoch")

    def _wants_batch_end(self, batch: int) -> bool:
        return self._counter.is_due(batch)

    def resume_state(self) -> dict[str, Any]:
        return {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._run.mark()
        self._resumed_epoch, self._waiting = 0, None
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        if is_first():
            writing.remove_abandoned(self.backup_dir)
        state = self._newest()
        self._agree(state)
        if state is None:
            self._back_up(0, 0, {})  # so that a run that is killed in its first epoch begins with the same weights, too
            return
        self._resumed_epoch = state["epoch"]
        if (self.params or {}).get("verbose"):
            console.say(f"Going on at epoch {state['epoch'] + 1}, step {state['step']}, from {self.backup_dir}.")
        if state["step"]:
            self._waiting = state
        else:
            self._run.restore(state)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        if self._waiting is not None and epoch == self._resumed_epoch:
            self._run.restore(self._waiting)
            self._counter.go_on_at(self._waiting["step"])
        self._waiting = None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._back_up(self._epoch, batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._back_up(epoch + 1, 0, logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._resumed_epoch = 0
        if not self.delete_checkpoint or not is_first() or not self.backup_dir.is_dir():
            return
        for number in self._numbers():  # the oldest first, so that whoever is killed here finds the newest
            self._path(number).unlink(missing_ok=True)
        self._kept.clear()
        if not any(self.backup_dir.iterdir()):
            self.backup_dir.rmdir()

    # ----------------------------------------------------------------------------------------- files

    def _path(self, number: int) -> Path:
        return self.backup_dir / f"backup-{number}.zip"

    def _numbers(self) -> list[int]:
        """The numbers of the files, the oldest first."""
        found = (re.fullmatch(r"backup-(\d+)\.zip", path.name) for path in self.backup_dir.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def _newest(self) -> dict[str, Any] | None:
        """The state in the newest file that is whole."""
        self._kept.clear()
        for number in reversed(self._numbers()):
            try:
                state = snapshots.read(self._path(number))
            except ModelFileError as error:
                warnings.warn(f"A backup is passed over. {error}", stacklevel=2)
                continue
            self._kept = [number]
            return state
        return None

    def _agree(self, state: dict[str, Any] | None) -> None:
        """Raise an error if the processes of a group have read different backups; none writes before all have read."""
        group = group_in_use()
        if group is None or group.size == 1:
            return
        own = "none" if state is None else f"epoch {state['epoch']}, step {state['step']}"
        found = [x.decode() for x in group.all_gather_bytes(own.encode())]
        if len(set(found)) > 1:
            raise DistributionError(
                "The ranks have read different backups.",
                expected=f"rank 0: {found[0]}",
                got=", ".join(f"rank {rank}: {x}" for rank, x in enumerate(found) if x != found[0]),
                cure="a backup_dir on a disk that all of them see",
            )

    def _back_up(self, epoch: int, step: int, logs: Logs | None) -> None:
        if not is_first():
            return
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        present = self._numbers()
        number = present[-1] + 1 if present else 1
        snapshots.write(self._path(number), self._run.state(epoch, step, logs or {}))
        self._kept = [*self._kept, number][-3 if self.double_checkpoint else -2 :]
        for old in present:
            if old not in self._kept:
                self._path(old).unlink(missing_ok=True)
