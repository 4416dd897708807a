"""``ProgbarLogger``: the progress bar of ``fit``, ``evaluate`` and ``predict``."""

from __future__ import annotations

from typing import Any

from amalthea.callbacks import console
from amalthea.callbacks.callback import Callback, Logs
from amalthea.callbacks.progbar import Progbar

BETWEEN_DRAWINGS = 0.2  # seconds, where a bar can be drawn over
BETWEEN_LINES = 30.0  # seconds, in a file or a pipe


class ProgbarLogger(Callback):
    """Callback that shows the progress and metrics of ``fit``, ``evaluate`` and ``predict``, which add one.

    ``verbose`` comes with the parameters of the run: 0 prints nothing, 1 (and ``"auto"``) a bar, 2 one line for each
    epoch. The bar is drawn a few times a second; only then the metrics are fetched from the device.

    Example:
        >>> from amalthea.callbacks import ProgbarLogger
        >>> progress = ProgbarLogger()
        >>> progress.set_params({"verbose": 2, "epochs": 1, "steps": 10})
        >>> progress._has_hook("on_train_batch_end")  # one line for each epoch needs no call for each batch
        False
    """

    def __init__(self) -> None:
        super().__init__()
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self.seen = 0
        self.progbar: Progbar | None = None
        self._in_fit = False

    def resume_state(self) -> dict[str, Any]:
        return {}  # a resumed run draws anew

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")

    def _has_hook(self, hook: str) -> bool:
        if not hook.endswith("batch_end"):
            return super()._has_hook(hook)
        if hook == "on_test_batch_end" and self._in_fit:
            return False
        return super()._has_hook(hook) and (self.verbose == 1 or (self.verbose == 2 and self.target is None))

    def _wants_batch_end(self, batch: int) -> bool:
        self.seen = batch + 1
        if self.verbose != 1 or self.progbar is None:
            return False
        if self.seen == self.target and console.is_terminal():
            self.progbar.postpone(0)  # a whole bar, before a validation that may take long
        return self.progbar.is_due()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start()
        if self.verbose and self.epochs > 1:
            console.say(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._start()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._show(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._show(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._show(batch, None)  # the logs of prediction are its outputs

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)

    def _start(self) -> None:
        self.seen = 0
        interval = BETWEEN_DRAWINGS if console.is_terminal() else BETWEEN_LINES
        self.progbar = Progbar(self.target, verbose=self.verbose, interval=interval, stateless_metrics=())
        if not console.is_terminal():
            self.progbar.postpone(interval)

    def _show(self, batch: int, logs: Logs | None) -> None:
        self.seen = batch + 1
        if self.progbar is not None:
            self.progbar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        if self.progbar is None:
            return
        self.seen = self.seen or self.target or 0  # without a hook around batches nobody counted
        self.progbar.target = self.seen
        if self.target is None:
            self.target = self.seen  # the next epoch is as long
        self.progbar.update(self.seen, (logs or {}).items(), finalize=True)
        self.progbar = None
