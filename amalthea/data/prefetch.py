"""Batches made ahead of their turn, by threads or processes, and given in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np

_dataset: Any = None  # in a worker process: what it makes batches of


def in_threads(dataset: Any, indices: Iterable[int], workers: int, most: int) -> Iterator[Any]:
    """``dataset[index]`` for each index in turn, up to ``most`` of them begun before they are asked for."""
    yield from _ahead(ThreadPoolExecutor(workers, "batches"), dataset.__getitem__, indices, most)


def in_processes(
    dataset: Any, indices: Iterable[int], workers: int, most: int, seed: tuple[int, ...], first: int = 0
) -> Iterator[Any]:
    """The same by copies of the data set, one in each process, as it is at the first batch of the epoch.

    NumPy's global random numbers begin anew for each batch, from the seed and its position: they do not depend on which
    process comes first, and no two batches have the same. ``first`` is the position of the first of these batches.
    """
    executor = ProcessPoolExecutor(workers, initializer=_receive, initargs=(dataset,))
    yield from _ahead(
        executor, _make, ((index, (*seed, position)) for position, index in enumerate(indices, first)), most
    )


def ahead(call: Callable[[Any], Any], elements: Iterable[Any], workers: int, most: int) -> Iterator[Any]:
    """``call(element)`` for each element in turn, by threads, up to ``most`` of them begun before they are needed."""
    yield from _ahead(ThreadPoolExecutor(workers, "elements"), call, elements, most)


_END = object()


def ahead_of_one(elements: Iterator[Any], most: int) -> Iterator[Any]:
    """The elements of an iterator, up to ``most`` of them taken before they are needed, by one thread."""
    executor = ThreadPoolExecutor(1, "elements")
    waiting: deque[Future[Any]] = deque()
    try:
        while True:
            while len(waiting) <= most:
                waiting.append(executor.submit(next, elements, _END))
            element = waiting.popleft().result()
            if element is _END:
                return
            yield element
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _ahead(executor: Executor, make: Callable[[Any], Any], given: Iterable[Any], most: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    try:
        for one in given:
            waiting.append(executor.submit(make, one))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _receive(dataset: Any) -> None:
    global _dataset
    _dataset = dataset


def _make(task: tuple[int, tuple[int, ...]]) -> Any:
    index, seed = task
    np.random.seed(np.random.SeedSequence(seed).generate_state(4))
    return _dataset[index]
