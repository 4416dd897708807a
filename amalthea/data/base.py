"""The protocol that the training loop reads data by."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

from amalthea.errors import ArgumentError

Batch = tuple[Any, Any, Any]
"""``(x, y, sample_weight)``: NumPy arrays, or nested lists, tuples and dicts of them; the last two may be None."""


class DataAdapter(ABC):
    """A source of batches: the protocol between the training loop and all kinds of data.

    A subclass implements :meth:`batches` and :meth:`peek`, and sets these attributes:

    - ``steps``: number of batches in an epoch; None if it is not known.
    - ``batch_size``: rows in each batch but the last; None if it is not known.
    - ``rows``: rows in an epoch; None if it is not known.
    - ``is_one_batch``: whether :meth:`peek` gives the whole epoch.
    - ``is_own_part``: whether the batches are this process's part of those of all processes, instead of whole ones.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, data, layers
        >>> class Ones(data.DataAdapter):
        ...     steps = 3
        ...     def peek(self):
        ...         return np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), None
        ...     def batches(self, epoch=0):
        ...         return iter([self.peek()] * self.steps)
        >>> model = Sequential([layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> round(model.evaluate(Ones(), verbose=0), 2)
        1.0
    """

    steps: int | None = None
    batch_size: int | None = None
    rows: int | None = None
    is_one_batch: bool = False
    is_own_part: bool = False

    @abstractmethod
    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        """The batches of one epoch. ``epoch`` chooses the order, so that a resumed run sees the order it would have.

        The data set's own ``on_epoch_begin`` and ``on_epoch_end`` are called in here, at the two ends.
        """

    def batches_from(self, epoch: int, step: int) -> Iterator[Batch]:
        """The batches of an epoch from a step on, as a run goes on that was interrupted there."""
        return islice(self.batches(epoch), step, None)

    def mark(self) -> None:
        """Called before training where :meth:`resume_state` will be asked: what changes from here on belongs to it."""
        return None

    def resume_state(self) -> dict[str, Any]:
        """State that determines the order of the next batches, as plain data."""
        return {}

    def resume_from(self, state: dict[str, Any]) -> None:
        """Go on as the adapter did whose state this was."""
        return None

    @abstractmethod
    def peek(self) -> Batch:
        """A first batch, to build a model from; it is still part of the epoch that follows."""


class SteppedAdapter(DataAdapter):
    """Epochs of a given number of batches.

    Training goes on where the last epoch stopped, and an epoch that finds the data exhausted begins them again. With
    ``restart``, which validation uses, each epoch begins at the first batch.

    Args:
        adapter: DataAdapter; the batches.
        steps: int, at least 1; batches in an epoch.
        restart: bool; whether each epoch begins the data again. Defaults to False.

    Raises:
        ArgumentError: ``steps`` is not a positive integer.

    Example:
        >>> from amalthea import data
        >>> stepped = data.SteppedAdapter(data.make_adapter([1.0, 2.0, 3.0, 4.0], batch_size=1), steps=2)
        >>> [x.tolist() for epoch in range(3) for x, _, _ in stepped.batches(epoch)]
        [[1.0], [2.0], [3.0], [4.0], [1.0], [2.0]]
    """

    def __init__(self, adapter: DataAdapter, steps: int, restart: bool = False):
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise ArgumentError("The number of steps is a positive integer.", got=repr(steps))
        self.adapter = adapter
        self.steps = steps
        self.batch_size, self.is_own_part = adapter.batch_size, adapter.is_own_part
        self.restart = restart
        self._running: Iterator[Batch] = iter(())
        self._passes = 0  # over the data, that were begun
        self._given: int | None = None  # batches of the pass that goes on, if one does

    def peek(self) -> Batch:
        return self.adapter.peek()

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        if self.restart:
            self._running = self.adapter.batches(epoch)
        return self._steps(0)

    def batches_from(self, epoch: int, step: int) -> Iterator[Batch]:
        return super().batches_from(epoch, step) if self.restart else self._steps(step)

    def mark(self) -> None:
        self.adapter.mark()

    def resume_state(self) -> dict[str, Any]:
        return {"passes": self._passes, "given": self._given, "source": self.adapter.resume_state()}

    def resume_from(self, state: dict[str, Any]) -> None:
        self.adapter.resume_from(state["source"])
        self._passes, self._given = state["passes"], state["given"]
        if self._given is not None:
            self._running = self.adapter.batches_from(self._passes - 1, self._given)

    def _steps(self, first: int) -> Iterator[Batch]:
        for step in range(first, self.steps or 0):
            batch = self._next(may_begin_again=step == 0 and not self.restart)
            if batch is None:
                self._warn(step)
                return
            yield batch

    def _next(self, may_begin_again: bool) -> Batch | None:
        batch = next(self._running, None)
        if batch is None and may_begin_again:
            self._running = self.adapter.batches(self._passes)
            self._passes, self._given = self._passes + 1, None
            batch = next(self._running, None)
        self._given = None if batch is None else (self._given or 0) + 1
        return batch

    def _warn(self, step: int) -> None:
        if step:
            warnings.warn(
                f"The data ended after {step} of {self.steps} batches, so this epoch is shorter. "
                "Give fewer steps, or data that go on (such as dataset.repeat()).",
                stacklevel=3,
            )
