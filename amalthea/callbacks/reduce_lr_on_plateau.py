"""``ReduceLROnPlateau``: a smaller learning rate when a metric no longer improves."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.callbacks import console
from amalthea.callbacks.callback import Logs
from amalthea.callbacks.learning_rate_scheduler import read_learning_rate
from amalthea.callbacks.monitor import MonitorCallback
from amalthea.errors import ArgumentError


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by ``factor`` when the metric has not improved for ``patience`` epochs.

    Args:
        monitor: the metric's name in the logs.
        factor: less than 1.
        patience: epochs without improvement that are let pass.
        verbose: 1 says when it reduces.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        min_delta: a change smaller than this is no improvement.
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: the learning rate never becomes less.
        **kwargs: ``epsilon``, the name of ``min_delta`` in Keras 1.

    Raises:
        ArgumentError: ``factor`` is 1 or more, or an argument is not known.

    >>> ReduceLROnPlateau(factor=0.5, patience=5).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(monitor, mode, kwargs.pop("epsilon", min_delta))
        if kwargs:
            raise ArgumentError("ReduceLROnPlateau has no such argument.", got=", ".join(kwargs))
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._begin()

    def _begin(self) -> None:
        self.wait = 0
        self.cooldown_counter = 0
        self.best = None

    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = read_learning_rate(self.model)
        current = self.watched(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = read_learning_rate(self.model)
        if old <= np.float32(self.min_lr):
            return
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            console.say(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
