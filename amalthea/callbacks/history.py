"""``History``: the metrics of all epochs, returned by ``fit``."""

from __future__ import annotations

from typing import Any

from amalthea.callbacks.callback import Callback, Logs


class History(Callback):
    """Callback that keeps the metrics of each epoch; ``fit`` adds one and returns it.

    Attributes:
        history: dict of the name of a metric to the list of its values, one for each epoch.
        epoch: list of the epochs, from 0.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.zeros((4, 1)), np.ones((4, 1)), epochs=2, verbose=0)
        >>> history.epoch, history.history
        ([0, 1], {'loss': [1.0, 1.0]})
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        model.history = self

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
