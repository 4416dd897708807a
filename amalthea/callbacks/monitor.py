"""The base of callbacks that watch a metric: its name, the direction of improvement, and the best value so far."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

from amalthea import docstrings, metrics
from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import ArgumentError, nearest

docstrings.share(
    "monitored metric",
    """
    monitor: str; name of the metric in the logs. Defaults to ``"val_loss"``.
    """,
)
docstrings.share(
    "mode of a monitor",
    """
    mode: str; ``"min"`` if smaller values are better, ``"max"`` if larger ones are. Defaults to ``"auto"``, which
        takes it from the metric of this name.
    """,
)
docstrings.share("verbose callbacks", "verbose: int; 1 prints a line at each action, 0 nothing. Defaults to 0.")


class MonitorCallback(Callback):
    """A callback that compares a metric with the best value so far.

    Args:
        monitor: the metric's name in the logs, such as ``"val_loss"``.
        mode: ``"min"`` or ``"max"``, the better direction; ``"auto"`` asks the model's metric of that name. For a name
            that is not one of its metrics (a training step of your own may give any), it asks the built-in metric that
            the name, or its end after an underscore, is a name of; ``loss`` and ``..._loss`` are better when smaller.
        min_delta: a change smaller than this is not an improvement.

    NaN is never an improvement, and every other value improves on NaN.

    Raises:
        ArgumentError: no mode has this name (Keras warns, and takes ``"auto"``), or ``"auto"`` cannot tell.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0):
        super().__init__()
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None

    def _watched(self, logs: Logs | None) -> float | None:
        """The metric's value, or None and a warning if it is not in the logs."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            cure = nearest(self.monitor, logs) if logs else "fit(..., validation_data=...)"
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which this epoch has not: {cure}.", stacklevel=3
            )
        elif getattr(value, "size", 1) != 1:
            raise ArgumentError(
                f"{type(self).__name__} watches one number, and {self.monitor!r} has {value.size}.",
                cure="a metric with one result, such as F1Score(average='macro')",
            )
        return value

    def _improves(self, value: float, reference: float | None) -> bool:
        """Whether ``value`` is better than ``reference`` by more than ``min_delta``; any number is better than none."""
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        if self._larger_is_better():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _larger_is_better(self) -> bool:
        """Whether a larger value is better."""
        if self.mode == "auto":
            self.mode = self._direction()
        return self.mode == "max"

    def _worst(self) -> float:
        """A value than which every other is better."""
        return -math.inf if self._larger_is_better() else math.inf

    def _direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        is_known, direction = _said_by(self.model, name)
        direction = direction if is_known else _by_convention(name)
        if direction is None:
            raise ArgumentError(
                f"{type(self).__name__} cannot tell whether {self.monitor!r} is better when larger or smaller.",
                cure=f"{type(self).__name__}(monitor={self.monitor!r}, mode='max'), or mode='min'",
            )
        return {"up": "max", "down": "min"}[direction]


def _said_by(model: Any, name: str) -> tuple[bool, str | None]:
    """Whether the model has such a result, and what its metric says."""
    ask = getattr(model, "_direction_of", None)
    if ask is not None:
        return ask(name)
    found = [m for m in getattr(model, "metrics", None) or () if m.name == name]
    return bool(found), getattr(found[0], "_direction", None) if found else None


def _by_convention(name: str) -> str | None:
    """The direction of the built-in metric of that name, or of the part of it after an underscore."""
    if name == "loss" or name.endswith("_loss"):
        return "down"
    parts = re.sub(r"(_\d+)+$", "", name).split("_")
    for start in range(len(parts)):
        metric = metrics.registry.names.get("_".join(parts[start:]))
        if metric is not None:
            return metrics.direction_of(metric)
    return None
