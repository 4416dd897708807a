"""What the callbacks that watch a metric share: its name, which direction is better, and the best so far."""

from __future__ import annotations

import math
import warnings
from typing import Any

from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import ArgumentError, nearest

# Words in the names of metrics that tell, under mode="auto", which direction is better.
LARGER = ("acc", "auc", "precision", "recall", "f1", "fbeta", "sensitivity", "specificity", "iou", "r2", "dice")
SMALLER = ("loss", "error", "mse", "mae", "mape", "msle", "entropy", "divergence", "hinge", "log_cosh", "perplexity")


class MonitorCallback(Callback):
    """A callback that compares a metric with the best value so far.

    Args:
        monitor: the metric's name in the logs, such as ``"val_loss"``.
        mode: ``"min"`` or ``"max"`` says which is better; ``"auto"`` asks the model's metric of that name, and then the
            name itself.
        min_delta: a change smaller than this is no improvement.

    Raises:
        ArgumentError: there is no such mode (Keras warns, and takes ``"auto"``), or ``"auto"`` cannot tell.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"There is no mode {mode!r}.", expected="'auto', 'min' or 'max'", got=repr(mode))
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None

    def watched(self, logs: Logs | None) -> float | None:
        """The metric's value, or None and a warning if it is not in the logs."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            cure = nearest(self.monitor, logs) if logs else "fit(..., validation_data=...)"
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which this epoch has not: {cure}.", stacklevel=3
            )
        return value

    def improves(self, value: float, reference: float | None) -> bool:
        """Whether ``value`` is better than ``reference`` by more than ``min_delta``; anything is better than None."""
        if reference is None:
            return True
        if self.larger_is_better():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def larger_is_better(self) -> bool:
        """Which direction is better."""
        if self.mode == "auto":
            self.mode = self._direction()
        return self.mode == "max"

    def worst(self) -> float:
        """A value than which every other is better."""
        return -math.inf if self.larger_is_better() else math.inf

    def _direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        said = next((_said_by(m) for m in getattr(self.model, "metrics", None) or () if m.name == name), None)
        if said:
            return said
        if any(word in name for word in SMALLER):
            return "min"
        if any(word in name for word in LARGER):
            return "max"
        raise ArgumentError(
            f"{type(self).__name__} cannot tell whether {self.monitor!r} is better when larger or smaller.",
            cure=f"{type(self).__name__}(monitor={self.monitor!r}, mode='max'), or mode='min'",
        )


def _said_by(metric: Any) -> str | None:
    return {"up": "max", "down": "min"}.get(getattr(metric, "_direction", None) or "")
