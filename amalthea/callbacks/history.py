"""``History``: what ``fit`` returns."""

from __future__ import annotations

from typing import Any

from amalthea.callbacks.callback import Callback, Logs


class History(Callback):
    """Keeps the logs of every epoch.

    Attributes:
        history: the metric's name to its values, one an epoch.
        epoch: the epochs, from 0.

    >>> seen = History()
    >>> seen.on_train_begin()
    >>> seen.on_epoch_end(0, {"loss": 0.5})
    >>> seen.history
    {'loss': [0.5]}
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
