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
    """Callback that multiplies the learning rate by a factor when a metric no longer improves.

    The logs get ``learning_rate``, the rate of the epoch.

    Args:
        |monitored metric|
        factor: float in [0, 1); factor of a reduction. Defaults to 0.1.
        patience: int, 0 or more; number of epochs in a row without improvement before a reduction. Defaults to 10.
        |verbose callbacks|
        |mode of a monitor|
        min_delta: float, 0 or more; least change that counts as improvement. Defaults to 0.0001.
        cooldown: int, 0 or more; number of epochs after a reduction that do not count as epochs without improvement.
            Defaults to 0.
        min_lr: float, 0 or more; least learning rate. Defaults to 0.
        **kwargs: ``epsilon``, the name of ``min_delta`` in Keras 1.

    Raises:
        ArgumentError: ``factor`` is 1 or more, an argument does not exist, or (in ``fit``) ``"auto"`` cannot tell the
            direction of the metric.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers, optimizers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
        >>> model.compile(optimizers.SGD(0.1), "mse")
        >>> reduce = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2)
        >>> history = model.fit(np.zeros((4, 1)), np.ones((4, 1)), epochs=4, verbose=0, callbacks=[reduce])
        >>> [round(rate, 4) for rate in history.history["learning_rate"]]  # a loss of 1 in each epoch
        [0.1, 0.1, 0.1, 0.05]
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
        current = self._watched(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improves(current, self.best):
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
