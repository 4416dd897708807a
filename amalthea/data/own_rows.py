"""Batches of rows that one process of several has: the others have theirs, and all make the same number of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from amalthea import snapshots, tree
from amalthea.data.arrays import check_batch_size, epoch_generator
from amalthea.data.base import Batch, DataAdapter
from amalthea.data.iterables import to_batch
from amalthea.engine import communicator
from amalthea.engine.communicator import split
from amalthea.errors import ArgumentError, DataError


class OwnRows(DataAdapter):
    """Batches from the rows of this process, which come in chunks, such as files.

    A batch of ``batch_size`` rows is that of all processes together, of which each gives its part. Processes that have
    fewer rows than others end earlier, and go on without rows until all have ended. Every process of the group makes
    one, at the same time; in a process that is alone they are batches as usual.

    Args:
        chunks: list of functions without arguments, each of which returns ``x``, ``(x, y)`` or
            ``(x, y, sample_weight)``.
        rows: list of int; the number of rows of each chunk.
        batch_size: int; rows in a batch of all processes. Defaults to None, which means 32.
        shuffle: bool; whether each epoch has another order of the chunks, and of the rows in each. Defaults to False.
        seed: int; seed of the orders. Defaults to 0.

    Raises:
        ArgumentError: the batch size is not a positive integer, or below the number of processes.
        DataError: no process has a row.

    Example:
        >>> import numpy as np
        >>> from amalthea import data
        >>> own = data.OwnRows([lambda: np.arange(3.0), lambda: np.arange(3.0, 5.0)], [3, 2], batch_size=2)
        >>> [x.tolist() for x, _, _ in own.batches()], own.steps
        ([[0.0, 1.0], [2.0, 3.0], [4.0]], 3)
    """

    is_own_part = True

    def __init__(
        self,
        chunks: Sequence[Callable[[], Any]],
        rows: Sequence[int],
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 0,
    ):
        check_batch_size(batch_size)
        group = communicator.current()
        whole, self._rank = batch_size or 32, group.rank
        shares = split(whole, group.size)
        if 0 in shares:
            raise ArgumentError(
                "Each process needs a row of every batch.",
                expected=f"batch_size of {group.size} or more for {group.size} processes",
                got=whole,
            )
        self.chunks = [chunk for chunk, count in zip(chunks, rows) if count]
        self.rows, self.batch_size = sum(rows), shares[group.rank]
        self._share = self.batch_size
        counts = [int(np.asarray(n)[0]) for n in group.all_gather(np.array([self.rows], "int64"))]
        if not any(counts):
            raise DataError("There is no data: no process has a row.")
        self.steps = max(-(-count // share) for count, share in zip(counts, shares))
        self.shuffle, self.seed = shuffle, seed
        first = self._first() if self.chunks else None
        self._empty = _without_rows(first) if all(counts) else _of_another(first, group)

    def peek(self) -> Batch:
        return self._first() if self.chunks else self._empty

    def _first(self) -> Batch:
        return _rows_of(to_batch(self.chunks[0](), text=True), slice(0, self.batch_size))

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        if not self.chunks:
            yield self._empty
            return
        waiting, count = [], 0
        for part in self._parts(epoch):
            while part is not None:
                rows = _count(part)
                taken = min(rows, self._share - count)
                waiting.append(_rows_of(part, slice(0, taken)))
                part = _rows_of(part, slice(taken, rows)) if taken < rows else None
                count += taken
                if count == self._share:
                    yield _joined(waiting)
                    waiting, count = [], 0
        if waiting:
            yield _joined(waiting)

    def _parts(self, epoch: int) -> Iterator[Batch]:
        """The chunks in the order of an epoch, as pieces of a batch's size, so that no chunk is copied whole."""
        generator = epoch_generator(self.seed + (self._rank << 32), epoch)
        order = generator.permutation(len(self.chunks)) if self.shuffle else range(len(self.chunks))
        for i in order:
            chunk = to_batch(self.chunks[i](), text=True)
            count = _count(chunk)
            rows = generator.permutation(count) if self.shuffle else None
            for start in range(0, count, self._share):
                part = slice(start, start + self._share)
                yield _rows_of(chunk, part if rows is None else rows[part])

    def resume_state(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def resume_from(self, state: dict[str, Any]) -> None:
        self.seed = state["seed"]


def _count(batch: Batch) -> int:
    return len(tree.flatten(batch[0])[0])


def _rows_of(batch: Batch, rows: Any) -> Batch:
    return tree.map_structure(lambda x: None if x is None else x[rows], batch)


def _without_rows(batch: Any) -> Batch:
    return _rows_of(batch, slice(0, 0))


def _joined(parts: Sequence[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    return tree.map_structure(lambda *xs: None if xs[0] is None else np.concatenate(xs), *parts)


def _of_another(first: Any, group: communicator.Communicator) -> Batch:
    """Return a batch without rows, as a process with rows has it."""
    own = b"" if first is None else snapshots.to_bytes(_without_rows(first))
    found = next(content for content in group.all_gather_bytes(own) if content)
    return snapshots.from_bytes(found)
