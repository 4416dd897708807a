"""Batches from anything that Python can iterate: generators, ``tf.data`` data sets, PyTorch's ``DataLoader``."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from amalthea.data.base import Batch, DataAdapter
from amalthea.data.convert import count_rows, to_arrays
from amalthea.data.packing import unpack_x_y_sample_weight
from amalthea.data.weights import check_class_weight, weigh
from amalthea.errors import DataError


def to_batch(item: Any, class_weight: dict[int, float] | None = None, text: bool = False) -> Batch:
    """Converts one item of a data set to a batch of NumPy arrays.

    Args:
        item: ``x``, ``(x, y)`` or ``(x, y, sample_weight)`` of arrays, lists, data frames, or nests of them.
        class_weight: dict from class to weight, which multiplies the sample weights. Defaults to None.
        text: bool; whether ``x`` may hold text. Defaults to False.

    Raises:
        DataError: parts of different lengths, no row, or elements that are not numbers.

    Example:
        >>> from amalthea import data
        >>> data.to_batch(([1.0, 2.0], [0, 1]), class_weight={0: 1.0, 1: 5.0})[2].tolist()
        [1.0, 5.0]
    """
    check_class_weight(class_weight)
    x, y, sample_weight = unpack_x_y_sample_weight(item)
    inputs, labels, weights = to_arrays(x, "x", text), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
    count_rows(inputs, labels, weights)
    y = labels.packed()
    return inputs.packed(), y, weigh(y, weights.packed(), class_weight)


class IterableAdapter(DataAdapter):
    """Batches from an iterable. A generator can be used once; a data set or a loader in every epoch.

    Args:
        iterable: gives ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, a whole batch at a time. With an attribute
            ``is_own_part`` that is true it gives this process's part of each batch.
        class_weight: dict from class to weight. Defaults to None.
        text: bool; whether ``x`` may hold text. Defaults to False.

    Raises:
        DataError: the iterable gives no batch.

    Example:
        >>> from amalthea import data
        >>> batches = data.IterableAdapter([([1.0, 2.0], [0, 1])]).batches()
        >>> [x.tolist() for x, y, _ in batches]
        [[1.0, 2.0]]
    """

    def __init__(self, iterable: Iterable[Any], class_weight: dict[int, float] | None = None, text: bool = False):
        check_class_weight(class_weight)
        self.text = text
        self.iterable, self.is_own_part = iterable, getattr(iterable, "is_own_part", False)
        self.class_weight = class_weight
        self.once = iter(iterable) is iterable if hasattr(iterable, "__next__") else False
        self.steps = _length(iterable)
        self._ended = self._given = 0  # whole passes, and batches in all
        self._waiting: list[Batch] = []  # what `peek` took from an iterable that gives it only once

    def peek(self) -> Batch:
        if self._waiting:
            return self._waiting[0]
        batch = next((to_batch(item, self.class_weight, self.text) for item in self.iterable), None)
        if batch is None:
            raise self._empty()
        if self.once:
            self._waiting.append(batch)
        return batch

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        before = self._given
        while self._waiting:
            self._given += 1
            yield self._waiting.pop()
        for item in self.iterable:
            self._given += 1
            yield to_batch(item, self.class_weight, self.text)
        self._ended += 1
        if self._given == before:
            self._complain(epoch)

    def batches_from(self, epoch: int, step: int) -> Iterator[Batch]:
        return self.batches(epoch) if self.once else super().batches_from(epoch, step)

    def resume_state(self) -> dict[str, Any]:
        return {"ended": self._ended, "given": self._given}

    def resume_from(self, state: dict[str, Any]) -> None:
        """Go past the batches that were given; or, of data that begin anew in each epoch, begin as often, because the
        order may depend on that. The random states are restored afterwards."""
        if self.once:
            for _ in range(state["given"]):
                if self._waiting:
                    self._waiting.pop()
                else:
                    next(iter(self.iterable), None)
        elif not isinstance(self.iterable, (list, tuple)):
            for _ in range(state["ended"]):
                next(iter(self.iterable), None)
        self._ended, self._given = state["ended"], state["given"]

    def _complain(self, epoch: int) -> None:
        if epoch == 0:
            raise self._empty()
        warnings.warn(
            f"The data ended before epoch {epoch + 1}: a generator can be gone through once. "
            "Give steps_per_epoch and a generator that goes on, or a PyDataset.",
            stacklevel=3,
        )

    def _empty(self) -> DataError:
        return DataError("There is no data: not one batch.", got=f"a {type(self.iterable).__name__} that gives nothing")


def _length(iterable: Any) -> int | None:
    try:
        return len(iterable)
    except TypeError:  # it has no length, or (as tf.data says it) one that is not known
        return None


def is_endless(iterable: Any) -> bool:
    """Whether the iterable itself says that it never ends: ``itertools`` that repeat, and ``tf.data``."""
    if isinstance(iterable, (itertools.cycle, itertools.count)):
        return True
    cardinality = getattr(iterable, "cardinality", None)
    return cardinality is not None and int(cardinality()) == -1
