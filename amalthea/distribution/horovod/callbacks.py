"""Callbacks by Horovod's names: weights of one process for all, means of metrics, learning rates of large batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.callbacks import Callback, ModelCheckpoint, console
from amalthea.callbacks.callback import Logs
from amalthea.callbacks.learning_rate_scheduler import read_learning_rate
from amalthea.distribution.horovod import processes
from amalthea.distribution.horovod.collectives import broadcast_variables, check_rank
from amalthea.errors import ArgumentError

__all__ = [
    "BestModelCheckpoint",
    "BroadcastGlobalVariablesCallback",
    "LearningRateScheduleCallback",
    "LearningRateWarmupCallback",
    "MetricAverageCallback",
]


class BroadcastGlobalVariablesCallback(Callback):
    """Callback that gives all processes the weights and slots of one, before the first batch.

    Horovod does it after the first batch; here that batch begins alike too.

    Args:
        root_rank: int; the process.
        device: not used.
        local_variables: list of variables that stay each process's own. Defaults to None.

    Raises:
        ArgumentError: there is no such process (in ``fit``).

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.callbacks.BroadcastGlobalVariablesCallback(0).root_rank
        0
    """

    def __init__(self, root_rank: int, device: str = "", local_variables: Any = None):
        super().__init__()
        self.root_rank, self.device = root_rank, device
        self.local_variables = list(local_variables or ())
        self.broadcast_done = False

    def register_local_var(self, var: Any) -> None:
        """Leaves a variable to each process."""
        self.local_variables.append(var)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        check_rank(self.root_rank)
        if self.model.built:
            self._broadcast()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._broadcast()

    def _broadcast(self) -> None:
        if self.broadcast_done:
            return
        left = {id(v) for v in self.local_variables}
        variables = [*self.model.weights, *self.model.optimizer.variables]
        broadcast_variables([v for v in variables if id(v) not in left], self.root_rank)
        self.broadcast_done = True


class MetricAverageCallback(Callback):
    """Callback that replaces the logs of an epoch by their means over all processes.

    It stands before callbacks that read the logs, such as ``ReduceLROnPlateau``.

    Args:
        device: not used.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> logs = {"loss": 0.5}
        >>> hvd.callbacks.MetricAverageCallback().on_epoch_end(0, logs)
        >>> logs
        {'loss': 0.5}
        >>> hvd.shutdown()
    """

    def __init__(self, device: str = ""):
        super().__init__()
        self.device = device

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        among, names = processes.group(), sorted(logs or ())
        if not logs or among.size == 1:
            return
        total = np.asarray(among.all_reduce([np.array([float(logs[n]) for n in names], "float64")])[0])
        logs.update(zip(names, (total / among.size).tolist()))


class LearningRateScheduleCallback(Callback):
    """Callback that sets the learning rate to ``initial_lr * multiplier``, for some epochs.

    Args:
        initial_lr: float. Defaults to None, the rate of the optimizer when ``fit`` begins.
        multiplier: function of the epoch, or float ``m`` that stands for ``m ** (epoch - start_epoch)``.
        start_epoch: int; first epoch, from 0. Defaults to 0.
        end_epoch: int; first epoch that is not set any more. Defaults to None, no end.
        staircase: bool; whether the rate changes with the epoch, rather than with each batch, for which the epoch is a
            fraction. Defaults to True.
        momentum_correction: bool; whether a step at which the rate changes repeats its momentum in the new rate's
            measure: ``momentum * new / old``. Defaults to True.
        steps_per_epoch: int. Defaults to None, the number that ``fit`` tells.

    Raises:
        ArgumentError: there is no multiplier, or (in ``fit``) the number of steps is not known.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers, optimizers
        >>> from amalthea.distribution import horovod as hvd
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile(optimizers.SGD(0.1), "mse")
        >>> tenth = hvd.callbacks.LearningRateScheduleCallback(0.1, multiplier=0.1, start_epoch=1)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[tenth])
        >>> [round(rate, 3) for rate in history.history["lr"]]
        [0.1, 0.1, 0.01]
    """

    def __init__(
        self,
        initial_lr: float | None = None,
        multiplier: float | Callable[[float], float] | None = None,
        start_epoch: int = 0,
        end_epoch: int | None = None,
        staircase: bool = True,
        momentum_correction: bool = True,
        steps_per_epoch: int | None = None,
    ):
        super().__init__()
        if multiplier is None:
            raise ArgumentError("A schedule needs a multiplier.", expected="a float or a function of the epoch")
        self.initial_lr, self.start_epoch, self.end_epoch = initial_lr, start_epoch, end_epoch
        self.staircase, self.momentum_correction = staircase, momentum_correction
        self.steps_per_epoch = steps_per_epoch
        self.multiplier = multiplier if callable(multiplier) else lambda epoch: multiplier ** (epoch - start_epoch)
        self.current_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.initial_lr is None:
            self.initial_lr = read_learning_rate(self.model)
        if not self.staircase and not self.steps_per_epoch:
            self.steps_per_epoch = (self.params or {}).get("steps")
            if not self.steps_per_epoch:
                raise ArgumentError("The number of steps of an epoch is not known.", cure="steps_per_epoch=...")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.current_epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        is_before = self.current_epoch < self.start_epoch
        if is_before or (self.end_epoch is not None and self.current_epoch >= self.end_epoch):
            return
        if not self.staircase:
            self._set(self.current_epoch + batch / float(self.steps_per_epoch or 1))
        elif batch == 0:
            self._set(self.current_epoch)

    def _set(self, epoch: float) -> None:
        old, new = read_learning_rate(self.model), float(self.initial_lr or 0.0) * self.multiplier(epoch)
        optimizer = self.model.optimizer
        optimizer.learning_rate = new
        if self.momentum_correction and getattr(optimizer, "momentum", 0) and old not in (0.0, new):
            for velocity in optimizer._slots.get("momentum", ()):
                velocity.assign(velocity.numpy() * np.float32(new / old))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["lr"] = read_learning_rate(self.model)


class LearningRateWarmupCallback(LearningRateScheduleCallback):
    """Callback that raises the learning rate from ``initial_lr / hvd.size()`` to ``initial_lr``, batch by batch.

    Args:
        initial_lr: float; the rate to arrive at. Defaults to None, the rate of the optimizer when ``fit`` begins.
        warmup_epochs: int, above 0; number of epochs. Defaults to 5.
        momentum_correction: bool; as in :class:`LearningRateScheduleCallback`. Defaults to True.
        steps_per_epoch: int. Defaults to None, the number that ``fit`` tells.
        verbose: 0 or 1; whether the first process says when it is done. Defaults to 0.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.callbacks.LearningRateWarmupCallback(0.1, warmup_epochs=3).end_epoch
        3

    Source: Goyal et al., arXiv 1706.02677, section 2.2.
    """

    def __init__(
        self,
        initial_lr: float | None = None,
        warmup_epochs: int = 5,
        momentum_correction: bool = True,
        steps_per_epoch: int | None = None,
        verbose: int = 0,
    ):
        super().__init__(initial_lr, self._share, 0, warmup_epochs, False, momentum_correction, steps_per_epoch)
        self.warmup_epochs, self.verbose = warmup_epochs, verbose

    def _share(self, epoch: float) -> float:
        """Return the factor; the last batch of the last epoch has all of it."""
        epoch += 1.0 / float(self.steps_per_epoch or 1)
        return (epoch * (processes.size() - 1) / self.warmup_epochs + 1) / processes.size()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if self.verbose and epoch == self.warmup_epochs - 1 and processes.rank() == 0:
            rate = read_learning_rate(self.model)
            console.say(f"\nEpoch {epoch + 1}: finished gradual learning rate warmup to {rate:g}.")


class BestModelCheckpoint(ModelCheckpoint):
    """``ModelCheckpoint`` that keeps the best model; its path is set later, by whoever starts the training.

    Args:
        monitor: str; as in ``ModelCheckpoint``. Defaults to ``"val_loss"``.
        verbose: 0 or 1. Defaults to 0.
        save_weights_only: bool. Defaults to False.
        mode: ``"auto"``, ``"min"`` or ``"max"``. Defaults to ``"auto"``.
        save_freq: ``"epoch"`` or int. Defaults to ``"epoch"``.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> checkpoint = hvd.callbacks.BestModelCheckpoint()
        >>> checkpoint.filepath = "best.keras"
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
    ):
        path = "best.weights.h5" if save_weights_only else "best.keras"
        super().__init__(path, monitor, verbose, True, save_weights_only, mode, save_freq)
