"""Endless generators as epochs of a number of samples or of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amalthea import tree


class Counted:
    """An endless generator as an epoch; it is asked for its first batch after ``on_train_begin``.

    Args:
        generator: iterator of batches.
        samples: int or None; samples of an epoch, as Keras 1 counted.
        steps: int or None; batches of an epoch.
    """

    asked_after_train_begin = True

    def __init__(self, generator: Any, samples: int | None, steps: int | None):
        self.generator, self.samples, self.steps = generator, samples, steps
        self._first: list[Any] = []  # a batch that was looked at before the epoch began

    def __iter__(self) -> Iterator[Any]:
        seen = batches = 0
        while (self.samples is None or seen < self.samples) and (self.steps is None or batches < self.steps):
            batch = self._first.pop() if self._first else next(self.generator)
            seen, batches = seen + _rows(batch), batches + 1
            try:
                yield batch
            except GeneratorExit:
                self._first = [batch] if batches == 1 else []
                raise


def _rows(batch: Any) -> int:
    """The rows of a batch, by its first array."""
    return len(tree.flatten(batch[0] if isinstance(batch, tuple) else batch)[0])


def epochs_of(generator: Any, samples: int | None, steps: int | None) -> Any:
    """The generator, or an epoch of it if a number of samples or batches is given.

    Args:
        generator: iterator of batches, or a data set, which ends by itself.
        samples: int or None.
        steps: int or None.

    Example:
        >>> import numpy as np
        >>> endless = iter(lambda: (np.ones((4, 2)), np.ones(4)), None)
        >>> len(list(epochs_of(endless, samples=10, steps=None)))
        3
    """
    if (samples is None and steps is None) or not hasattr(generator, "__next__"):
        return generator
    return Counted(generator, samples, steps)
