"""``BackupAndRestore``: go on after an interruption."""

from __future__ import annotations

import json
import os
from pathlib import Path

from amalthea.callbacks.callback import Callback, Logs
from amalthea.callbacks.model_checkpoint import BatchCounter, check_save_freq
from amalthea.errors import ArgumentError


class BackupAndRestore(Callback):
    """Keeps a backup of weights, optimizer and epoch while training, and begins from it if there is one.

    Run the same script again after a crash: ``fit`` goes on with the epoch that was not finished. An interruption never
    leaves half a backup behind, for files are written aside and then renamed.

    Args:
        backup_dir: a folder for this run alone.
        save_freq: ``"epoch"``, or a number of batches.
        double_checkpoint: keep the backup before the last as well.
        delete_checkpoint: delete the backup when training has ended.

    Attributes:
        resumed_epoch: the epoch that training goes on with; 0 if there was no backup.

    Raises:
        ArgumentError: ``backup_dir`` is empty or ``save_freq`` unusable.

    >>> BackupAndRestore("backup").resumed_epoch
    0
    """

    WEIGHTS, STATE = "latest.weights.h5", "training_metadata.json"

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
        self.save_freq = check_save_freq(save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.resumed_epoch = 0
        self._epoch = 0
        self._counter = BatchCounter(save_freq)

    def has_hook(self, hook: str) -> bool:
        return super().has_hook(hook) and (hook != "on_train_batch_end" or self.save_freq != "epoch")

    def wants_batch_end(self, batch: int) -> bool:
        return self._counter.is_due(batch)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        weights, state = self.backup_dir / self.WEIGHTS, self.backup_dir / self.STATE
        if weights.exists() and state.exists():
            self.model.load_weights(str(weights))
            self.resumed_epoch = int(json.loads(state.read_text())["epoch"])

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._back_up(self._epoch, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._back_up(epoch + 1, 0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.resumed_epoch = 0
        if not self.delete_checkpoint or not self.backup_dir.is_dir():
            return
        for name in (self.WEIGHTS, self.STATE):
            (self.backup_dir / name).unlink(missing_ok=True)
            (self.backup_dir / f"previous_{name}").unlink(missing_ok=True)
        if not any(self.backup_dir.iterdir()):
            self.backup_dir.rmdir()

    def _back_up(self, epoch: int, batch: int) -> None:
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        names = (self.WEIGHTS, self.STATE)
        new = [self.backup_dir / f"new_{name}" for name in names]
        self.model.save_weights(str(new[0]), overwrite=True)
        new[1].write_text(json.dumps({"epoch": epoch, "batch": batch}))
        for name, path in zip(names, new, strict=True):
            present = self.backup_dir / name
            if self.double_checkpoint and present.exists():
                os.replace(present, self.backup_dir / f"previous_{name}")
            os.replace(path, present)
