"""``OrbaxCheckpoint``: numbered checkpoints in a folder, of which the latest are kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

from amalthea.callbacks.callback import Logs
from amalthea.callbacks.model_checkpoint import ModelCheckpoint
from amalthea.checks import optional, positive_int


class OrbaxCheckpoint(ModelCheckpoint):
    """Callback that saves numbered checkpoints in a folder and keeps the latest of them.

    The files are this library's own: ``<step>.keras``, or ``<step>.weights.h5`` with ``save_weights_only``, where the
    step is the number of the epoch, or of the batch if ``save_freq`` is an int. They are whole or not there.

    Args:
        directory: str or path; folder of the checkpoints, made if it does not exist.
        |monitored metric|
        |verbose callbacks|
        save_best_only: bool; whether to save only when the metric is better than ever before. Defaults to False.
        |mode of a monitor|
        save_freq: ``"epoch"``, or int, 1 or more; number of batches between two checkpoints. Defaults to
            ``"epoch"``.
        initial_value_threshold: float or None; value that the metric must beat the first time, read if
            ``save_best_only``. Defaults to None.
        max_to_keep: int from 1, or None; number of checkpoints that are kept. Defaults to 1; None keeps all.
        save_on_background: accepted as in Keras; a checkpoint is always written before training goes on. Defaults to
            True.
        save_weights_only: bool; whether to save the weights without the model. Defaults to False.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> from amalthea.callbacks import OrbaxCheckpoint
        >>> OrbaxCheckpoint("runs/checkpoints", max_to_keep=3).max_to_keep
        3
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ):
        optional(positive_int)(max_to_keep, "max_to_keep", "OrbaxCheckpoint")
        self.directory = os.fspath(directory)
        self.max_to_keep, self.save_on_background = max_to_keep, save_on_background
        number = "{epoch}" if save_freq == "epoch" else "{epoch}-{batch}"
        ending = ".weights.h5" if save_weights_only else ".keras"
        super().__init__(
            os.path.join(self.directory, number + ending), monitor, verbose, save_best_only, save_weights_only, mode,
            save_freq, initial_value_threshold,
        )  # fmt: skip

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        self._drop_old()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self.save_freq != "epoch":
            self._drop_old()

    def _checkpoints(self) -> list[Path]:
        """Returns the paths of the checkpoints that there are, the earliest first."""
        found = [(re.fullmatch(r"(\d+)(?:-(\d+))?(\.keras|\.weights\.h5)", p.name), p) for p in self._files()]
        numbered = [(int(m[1]), int(m[2] or 0), path) for m, path in found if m is not None]
        return [path for _, _, path in sorted(numbered)]

    def _files(self) -> list[Path]:
        folder = Path(self.directory)
        return list(folder.iterdir()) if folder.is_dir() else []

    def _drop_old(self) -> None:
        if self.max_to_keep is not None:
            for path in self._checkpoints()[: -self.max_to_keep]:
                path.unlink()
