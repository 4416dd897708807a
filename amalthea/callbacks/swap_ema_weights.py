"""``SwapEMAWeights``: evaluate, and save, with the moving average of the weights."""

from __future__ import annotations

from typing import Any

from amalthea.callbacks.callback import Callback, Logs
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError


class SwapEMAWeights(Callback):
    """Callback that evaluates the model with the moving averages of its weights.

    Before evaluation and prediction the weights are swapped with their averages, which the optimizer keeps
    (``use_ema=True``); afterwards they are swapped back.

    Args:
        swap_on_epoch: bool; whether weights and averages are also swapped at the end of each epoch, and back at the
            beginning of the next one, so that a :class:`ModelCheckpoint` later in the list saves the averages.
            Defaults to False.

    Raises:
        ArgumentError: the optimizer does not keep averages (in ``fit``).

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers, optimizers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        >>> model.compile(optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5), "mse")
        >>> x, y, swap = np.ones((4, 1)), np.ones((4, 1)), callbacks.SwapEMAWeights()
        >>> history = model.fit(x, y, epochs=2, validation_data=(x, y), verbose=0, callbacks=[swap])
        >>> history.history["val_loss"]  # the weight is 0.75 then, and its average 0.625
        [0.25, 0.1406]
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._averaged = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._give(averages=False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._give(averages=True)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._give(averages=True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._give(averages=False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._give(averages=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._give(averages=False)

    def _give(self, averages: bool) -> None:
        if averages != self._averaged:
            optimizer = self._optimizer()
            if averages and not getattr(optimizer, "_has_averages", True):
                return  # before the first update
            with at_once():
                for variable in getattr(self.model, "_trained_variables", self.model.trainable_variables):
                    _swap(variable, optimizer._slot("average", variable))
        self._averaged = averages

    def _optimizer(self) -> Any:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ArgumentError(
                "SwapEMAWeights needs an optimizer that keeps averages of the weights.",
                got=repr(optimizer),
                cure="Adam(use_ema=True)",
            )
        return optimizer


def _swap(one: Any, other: Any) -> None:
    value = one.numpy().copy()  # the host's storage may hand out its own array
    one.assign(other.numpy())
    other.assign(value)
