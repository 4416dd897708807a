"""``LearningRateScheduler``: a learning rate for each epoch, and how callbacks read and set one."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.callbacks import console
from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import ArgumentError


def read_learning_rate(model: Any) -> float:
    """The learning rate of the model's optimizer as a number."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not hasattr(optimizer, "learning_rate"):
        raise ArgumentError("The optimizer has no learning_rate to set.", got=repr(optimizer))
    rate = optimizer.learning_rate
    return float(np.asarray(rate.numpy() if hasattr(rate, "numpy") else rate))


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch. It stands in the logs as ``learning_rate``.

    Args:
        schedule: a function of the epoch (from 0) and the learning rate so far, or of the epoch alone.
        verbose: 1 says what it sets.

    Raises:
        ArgumentError: the schedule gives no number.

    >>> halving = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = self._scheduled(epoch)
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)):
            raise ArgumentError(
                "The schedule gave no number.", expected="a float", got=repr(rate), cure="return float(rate)"
            )
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            console.say(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.")

    def _scheduled(self, epoch: int) -> Any:
        rate = read_learning_rate(self.model)
        try:
            inspect.signature(self.schedule).bind(epoch, rate)
        except TypeError:  # an older form, a function of the epoch alone
            return self.schedule(epoch)
        except ValueError:  # a function without a signature, written in C
            pass
        return self.schedule(epoch, rate)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = read_learning_rate(self.model)
