"""``EarlyStopping``: stop when a metric no longer improves."""

from __future__ import annotations

from typing import Any

from amalthea.callbacks import console
from amalthea.callbacks.callback import Logs
from amalthea.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Callback that stops training when a metric no longer improves.

    Args:
        |monitored metric|
        min_delta: float, 0 or more; least change that counts as improvement. Defaults to 0.
        patience: int, 0 or more; number of epochs in a row without improvement after which training stops. Defaults
            to 0, which stops at the first one, as 1 does.
        |verbose callbacks|
        |mode of a monitor|
        baseline: float or None; an improvement ends the count only if the metric is also better than this. Defaults to
            None, where any improvement does.
        restore_best_weights: bool; whether the model gets the weights of its best epoch when training ends. Defaults
            to False, which keeps the last weights.
        start_from_epoch: int, 0 or more; number of first epochs that are not watched. Defaults to 0.

    Raises:
        ArgumentError: no mode has this name, or (in ``fit``) ``"auto"`` cannot tell the direction of the metric.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers, optimizers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile(optimizers.SGD(0.0), "mse")  # a learning rate of 0: the loss stays as it is
        >>> stop = callbacks.EarlyStopping("loss", patience=2)
        >>> history = model.fit(np.ones((4, 1)), np.zeros((4, 1)), epochs=10, verbose=0, callbacks=[stop])
        >>> len(history.epoch)
        3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._begin()

    def _begin(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self._watched(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep_weights(epoch)  # so that there is something to restore even if nothing improves
        self.wait += 1
        if self._improves(current, self.best):
            self.best = current
            self._keep_weights(epoch)
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep_weights(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            console.say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                console.say(f"The weights of the best epoch, {self.best_epoch + 1}, are restored.")
            self.model.set_weights(self.best_weights)
