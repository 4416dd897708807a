"""The protocol that the training loop reads data by."""

# A user's value may be of another type.
# pyright: reportUnnecessaryIsInstance=false

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from amalthea.errors import ArgumentError

Batch = tuple[Any, Any, Any]
"""``(x, y, sample_weight)``: NumPy arrays, or nested lists, tuples and dicts of them; the last two may be None."""


class Source(ABC):
    """Where batches come from.

    Attributes:
        steps: how many batches an epoch has; None if only its end will tell.
        batch_size: how many rows a batch has, but the last, which may have fewer; None if only the data know.
        rows: how many rows an epoch has; None if unknown.
        is_one_batch: whether :meth:`peek` gives all that an epoch has, and nobody needs to know of its ends.
    """

    steps: int | None = None
    batch_size: int | None = None
    rows: int | None = None
    is_one_batch: bool = False

    @abstractmethod
    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        """The batches of one epoch. ``epoch`` chooses the order, so that a resumed run sees the order it would have.

        The data set's own ``on_epoch_begin`` and ``on_epoch_end`` are called in here, at the two ends.
        """

    @abstractmethod
    def peek(self) -> Batch:
        """A first batch, to build a model from; it is still part of the epoch that follows."""


class SteppedSource(Source):
    """Epochs of a given number of batches.

    Training goes on where the last epoch stopped and begins the data again when they are exhausted; with
    ``restart``, as validation has it, each epoch begins at the beginning.

    Args:
        source: where the batches come from.
        steps: batches in an epoch.
        restart: begin the data again in each epoch.

    Raises:
        ArgumentError: ``steps`` is no positive integer.
    """

    def __init__(self, source: Source, steps: int, restart: bool = False):
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise ArgumentError("The number of steps is a positive integer.", got=repr(steps))
        self.source = source
        self.steps = steps
        self.batch_size = source.batch_size
        self.restart = restart
        self._running: Iterator[Batch] = iter(())
        self._passes = 0

    def peek(self) -> Batch:
        return self.source.peek()

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        if self.restart:
            self._running = self.source.batches(epoch)
        for step in range(self.steps or 0):
            batch = self._next(may_begin_again=step == 0 and not self.restart)
            if batch is None:
                self._warn(step)
                return
            yield batch

    def _next(self, may_begin_again: bool) -> Batch | None:
        batch = next(self._running, None)
        if batch is None and may_begin_again:
            self._running = self.source.batches(self._passes)
            self._passes += 1
            batch = next(self._running, None)
        return batch

    def _warn(self, step: int) -> None:
        if step:
            warnings.warn(
                f"The data ended after {step} of {self.steps} batches, so this epoch is shorter. "
                "Give fewer steps, or data that go on (such as dataset.repeat()).",
                stacklevel=3,
            )
