"""``SwapEMAWeights``: evaluate, and save, with the moving average of the weights."""

from __future__ import annotations

from typing import Any

from amalthea.callbacks.callback import Callback, Logs
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError


class SwapEMAWeights(Callback):
    """Gives the model the averages of its weights, which the optimizer keeps, for evaluation; then its own back.

    Args:
        swap_on_epoch: give the averages at the end of an epoch already, and take them back at the beginning of the next
            one, so that a checkpoint that comes later in the list saves them.

    Raises:
        ArgumentError: the optimizer keeps no averages.
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
            if averages and not getattr(optimizer, "has_averages", True):
                return  # before the first update
            with at_once():
                for variable in getattr(self.model, "_trained_variables", self.model.trainable_variables):
                    _swap(variable, optimizer.slot("average", variable))
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
