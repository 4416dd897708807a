"""Communicators: the interface between a group of processes, and the group of one process.

Ranks count from 0. Every method is called by all processes of the group, in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from amalthea.engine.ir.variable import Variable, at_once

TIMEOUT = 300.0  # seconds


def timeout() -> float:
    """Return the seconds after which a rank that does not answer is an error."""
    return float(os.environ.get("AMALTHEA_DISTRIBUTION_TIMEOUT", TIMEOUT))


Parts = tuple[int, tuple[int, ...]]  # an axis, and the size of each rank's part on it


def split(count: int, size: int) -> tuple[int, ...]:
    """Divide a number of rows among ``size`` ranks; the first ranks have one more.

    >>> split(10, 4)
    (3, 3, 2, 2)
    """
    least, more = divmod(count, size)
    return tuple(least + (rank < more) for rank in range(size))


def part_of(counts: Sequence[int], rank: int) -> slice:
    """Return the rows of a rank.

    >>> part_of((3, 3, 2, 2), 2)
    slice(6, 8, None)
    """
    start = sum(counts[:rank])
    return slice(start, start + counts[rank])


class Communicator:
    """A group of processes that exchange arrays. This class is the group of one; libraries have subclasses.

    Attributes:
        rank: int; the number of this process in the group.
        size: int; the number of processes.
        name: str; the library that moves the bytes.
        takes: type; the arrays that it moves without a copy to NumPy.
    """

    rank: int = 0
    size: int = 1
    name = "alone"
    takes: type = np.ndarray
    mesh: Any = None  # devices of one process that share each batch, for a library that divides graphs itself

    @property
    def is_shared(self) -> bool:
        """True if more than one process or device computes each batch."""
        return self.size > 1 or self.mesh is not None

    def all_reduce(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Return the sum over all ranks of each array; the ranks pass the same shapes and dtypes."""
        return arrays

    def all_gather(self, array: Any) -> list[Any]:
        """Return the arrays of all ranks, by rank; the ranks pass the same dtype and shape."""
        return [array]

    def broadcast(self, arrays: Sequence[np.ndarray], root: int = 0) -> list[np.ndarray]:
        """Return the arrays of one rank; the ranks pass the same shapes and dtypes."""
        return [*arrays]

    def barrier(self) -> None:
        """Wait until every process is here."""

    def close(self) -> None:
        """Leave the group."""

    def fail(self, error: BaseException) -> None:
        """Tell the other ranks why this one cannot go on."""

    def exchange(self, arrays: Sequence[Any], gathers: Sequence[Parts | None]) -> list[Any]:
        """Return for each array its sum over all ranks, or with an axis and counts the ranks' parts joined there."""
        sums = iter(self.all_reduce([x for x, how in zip(arrays, gathers) if how is None]))
        return [next(sums) if how is None else self.joined(x, *how) for x, how in zip(arrays, gathers)]

    def joined(self, array: Any, axis: int, counts: Sequence[int]) -> np.ndarray:
        """Return the ranks' parts joined along an axis; parts shorter than the longest travel padded."""
        own, most = np.asarray(array), max(counts)
        padded = own
        if own.shape[axis] < most:
            padded = np.zeros((*own.shape[:axis], most, *own.shape[axis + 1 :]), own.dtype)
            padded[(slice(None),) * axis + (slice(0, own.shape[axis]),)] = own
        parts = map(np.asarray, self.all_gather(padded))
        cut = [x[(slice(None),) * axis + (slice(0, count),)] for x, count in zip(parts, counts)]
        return np.concatenate(cut, axis=axis)

    def all_gather_bytes(self, own: bytes) -> list[bytes]:
        """Return the bytes of all ranks, by rank; they may differ in length."""
        lengths = [int(n[0]) for n in map(np.asarray, self.all_gather(np.array([len(own)], "int64")))]
        padded = np.zeros(max(lengths), "uint8")
        padded[: len(own)] = np.frombuffer(own, "uint8")
        return [np.asarray(x)[:n].tobytes() for x, n in zip(self.all_gather(padded), lengths)]


ALONE = Communicator()


def broadcast_variables(variables: Sequence[Variable], group: Communicator, root: int = 0) -> None:
    """Give variables the values that they have on one rank."""
    values = group.broadcast([np.asarray(v.numpy()) for v in variables], root)
    if group.rank != root:
        with at_once():
            for variable, value in zip(variables, values):
                variable.assign(value)


_process: list[Communicator] = [ALONE]
_of_thread: ContextVar[Communicator | None] = ContextVar("communicator", default=None)


def current() -> Communicator:
    """Return the group that this process, or this thread, belongs to."""
    return _of_thread.get() or _process[0]


def join(group: Communicator) -> None:
    """Make a group the one of this process."""
    _process[0] = group


@contextmanager
def joined(group: Communicator) -> Iterator[Communicator]:
    """Make a group the one of this thread while the block runs."""
    token = _of_thread.set(group)
    try:
        yield group
    finally:
        _of_thread.reset(token)
