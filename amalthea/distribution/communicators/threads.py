"""Ranks that are threads of one process: for tests, and for looking at what processes would do."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine.communicator import Communicator, joined
from amalthea.errors import DistributionError


class Threads(Communicator):
    """A rank of a group of threads; :func:`run` makes them.

    Args:
        rank: int; the number of this thread.
        board: list with a place for each rank, shared by all.
        meeting: threading.Barrier of all ranks.
    """

    name = "threads"

    def __init__(self, rank: int, board: list[Any], meeting: threading.Barrier):
        self.rank, self.size = rank, len(board)
        self.board, self.meeting = board, meeting
        self.bytes_sent = 0

    def all_reduce(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        own = [np.array(x) for x in arrays]
        self.bytes_sent += sum(x.nbytes for x in own)
        return [_sum(xs) for xs in zip(*self._all(own))]

    def all_gather(self, array: Any) -> list[Any]:
        return self._all(np.array(array))

    def broadcast(self, arrays: Sequence[np.ndarray], root: int = 0) -> list[np.ndarray]:
        return [np.array(x) for x in self._all([np.array(x) for x in arrays])[root]]

    def barrier(self) -> None:
        self._meet()

    def _all(self, value: Any) -> list[Any]:
        self.board[self.rank] = value
        self._meet()
        found = list(self.board)
        self._meet()  # nobody writes again before all have read
        return found

    def _meet(self) -> None:
        try:
            self.meeting.wait(timeout=600)
        except threading.BrokenBarrierError:
            raise DistributionError("Another rank has failed.", got=f"rank {self.rank} waits for it") from None


def _sum(parts: Sequence[np.ndarray]) -> np.ndarray:
    total = parts[0].copy()
    for part in parts[1:]:
        total = np.logical_or(total, part) if total.dtype == bool else total + part
    return total.astype(parts[0].dtype, copy=False)


def run(function: Callable[[Communicator], Any], size: int) -> list[Any]:
    """Call a function once for each rank, each in a thread of its own, and return the results by rank.

    Args:
        function: callable; is given the rank's communicator.
        size: int; the number of ranks.

    Raises:
        Exception: the first error of a rank; the others are stopped at their next exchange.

    Example:
        >>> import numpy as np
        >>> from amalthea.distribution.communicators import threads
        >>> threads.run(lambda group: group.all_reduce([np.float32(group.rank)])[0].item(), size=3)
        [3.0, 3.0, 3.0]
    """
    board, meeting = [None] * size, threading.Barrier(size)
    results: list[Any] = [None] * size
    errors: list[BaseException] = []

    def work(rank: int) -> None:
        try:
            with joined(Threads(rank, board, meeting)) as group:
                results[rank] = function(group)
        except BaseException as error:
            errors.append(error)
            meeting.abort()

    workers = [
        threading.Thread(target=contextvars.copy_context().run, args=(work, rank), name=f"rank {rank}")
        for rank in range(size)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise next((e for e in errors if not isinstance(e, DistributionError)), errors[0])
    return results
