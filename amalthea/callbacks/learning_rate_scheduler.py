"""``LearningRateScheduler``: a learning rate for each epoch, and how callbacks read and set one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.callbacks import console
from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import ArgumentError


def read_learning_rate(model: Any) -> float:
    """Returns the learning rate of the model's optimizer as a number."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not hasattr(optimizer, "learning_rate"):
        raise ArgumentError("The optimizer has no learning_rate to set.", got=repr(optimizer))
    rate = optimizer.learning_rate
    return float(np.asarray(rate.numpy() if hasattr(rate, "numpy") else rate))


class LearningRateScheduler(Callback):
    """Callback that sets the learning rate at the beginning of each epoch, by a function.

    The logs get ``learning_rate``, the rate of the epoch.

    Args:
        schedule: function of the epoch (from 0) and the learning rate so far, or of the epoch alone, that returns the
            learning rate of the epoch as a float.
        |verbose callbacks|

    Raises:
        ArgumentError: the schedule does not return a number, or the optimizer follows a schedule already (in ``fit``).

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers, optimizers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile(optimizers.SGD(0.1), "mse")
        >>> halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[halve])
        >>> [round(rate, 4) for rate in history.history["learning_rate"]]
        [0.1, 0.05, 0.025]
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
