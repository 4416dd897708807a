"""``PyDataset``: a data set of your own, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any

from amalthea import random, snapshots
from amalthea.data.arrays import epoch_generator
from amalthea.data.base import Batch, DataAdapter
from amalthea.data.iterables import to_batch
from amalthea.data.prefetch import in_processes, in_threads
from amalthea.data.weights import check_class_weight
from amalthea.errors import DataError


class PyDataset:
    """A data set of your own: ``__getitem__(index)`` gives a batch, and ``__len__`` the number of batches.

    A batch is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. Without ``__len__`` the data set is endless, and ``fit``
    needs ``steps_per_epoch``.

    Args:
        workers: int; threads that make batches ahead. Defaults to 1: the loop makes each batch when it needs it.
        use_multiprocessing: bool; whether processes with copies of the data set do it instead. Defaults to False.
        max_queue_size: int; number of batches that are made ahead. Defaults to 10.

    Example:
        >>> import numpy as np
        >>> from amalthea import data
        >>> class Squares(data.PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         x = np.arange(3.0) + 3 * index
        ...         return x, x**2
        >>> Squares().num_batches
        2
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    # A subclass may have forgotten `super().__init__()`, so each falls back on its default.
    @property
    def workers(self) -> int:
        return getattr(self, "_workers", 1)

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        return getattr(self, "_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        return getattr(self, "_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch; None if the data set is endless."""
        return len(self) if hasattr(self, "__len__") else None  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(self, index) that gives a batch.")

    def on_epoch_begin(self) -> None:
        """Called before the first batch of each epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of each epoch."""


Sequence = PyDataset


class PyDatasetAdapter(DataAdapter):
    """The batches of a :class:`PyDataset`, or of any object with ``__getitem__``, ``__len__`` and ``on_epoch_end``.

    Args:
        dataset: the data set.
        shuffle: bool; whether each epoch has a new order of the batches. Defaults to False.
        class_weight: dict from class to weight. Defaults to None.
        seed: int; seed of the orders. Defaults to None, which draws from the stream that ``set_random_seed`` starts.
        text: bool; whether ``x`` may hold text. Defaults to False.

    Example:
        >>> import numpy as np
        >>> from amalthea import data
        >>> class Two(data.PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return np.full(3, index)
        >>> [x.tolist() for x, _, _ in data.PyDatasetAdapter(Two()).batches()]
        [[0, 0, 0], [1, 1, 1]]
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool | str = False,
        class_weight: dict[int, float] | None = None,
        seed: int | None = None,
        text: bool = False,
    ):
        check_class_weight(class_weight)
        self.text = text
        self.dataset = dataset
        self.class_weight = class_weight
        self._seed = random.make_default_seed() if shuffle and seed is None else seed
        self._shuffle = shuffle
        self._before: dict[str, str] = {}
        self.steps = self._count()
        if self.steps == 0:
            raise DataError("The data set has no batch: its __len__ is 0.", got=type(dataset).__name__)

    def _count(self) -> int | None:
        return self.dataset.num_batches if hasattr(self.dataset, "num_batches") else len(self.dataset)

    def peek(self) -> Batch:
        unchanged = getattr(self.dataset, "_unchanged", nullcontext)
        with unchanged():
            return to_batch(self.dataset[0], self.class_weight, self.text)

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        return self.batches_from(epoch, 0)

    def batches_from(self, epoch: int, step: int) -> Iterator[Batch]:
        if not step and hasattr(self.dataset, "on_epoch_begin"):
            self.dataset.on_epoch_begin()
        for item in self._items(epoch, step):
            yield to_batch(item, self.class_weight, self.text)
        self.dataset.on_epoch_end()
        self.steps = self._count()  # `on_epoch_end` may change how many there are

    def mark(self) -> None:
        self._before = snapshots.digests(self.dataset)

    def resume_state(self) -> dict[str, Any]:
        """The seed, and what the data set says of itself: ``resume_state()``, or its attributes that have changed."""
        own = getattr(self.dataset, "resume_state", None)
        return {
            "seed": self._seed,
            "dataset": own() if own else snapshots.changed_attributes(self.dataset, self._before),
        }

    def resume_from(self, state: dict[str, Any]) -> None:
        own = getattr(self.dataset, "resume_from", None)
        own(state["dataset"]) if own else snapshots.set_attributes(self.dataset, state["dataset"])
        self._seed, self.steps = state["seed"], self._count()

    def _items(self, epoch: int, first: int) -> Iterator[Any]:
        """The batches of the data set in the given order, made ahead if it has workers."""
        order, most = islice(self._order(epoch), first, None), getattr(self.dataset, "max_queue_size", 10)
        workers, processes = getattr(self.dataset, "workers", 1), getattr(self.dataset, "use_multiprocessing", False)
        if processes and workers > 0:
            return in_processes(self.dataset, order, workers, most, (self._seed or 0, epoch), first)
        return in_threads(self.dataset, order, workers, most) if workers > 1 else map(self.dataset.__getitem__, order)

    def _order(self, epoch: int) -> Iterator[int]:
        if self.steps is None:
            return _count_up()
        if not self._shuffle:
            return iter(range(self.steps))
        return map(int, epoch_generator(self._seed, epoch).permutation(self.steps))


def _count_up() -> Iterator[int]:
    index = 0
    while True:
        yield index
        index += 1
