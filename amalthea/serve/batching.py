"""Requests that wait together run together.

One thread runs the model. While it is busy, requests gather; when it is free, the oldest and those of equal shapes and
dtypes that wait with it are joined, up to ``max_batch`` rows, padded to a power of two (so that few sizes are ever
compiled), run, and split again::

    request 1: 3 rows ─┐
    request 2: 1 row  ─┼─▶ 6 rows ─▶ 8 rows ─▶ model ─▶ 8 rows ─▶ 3, 1 and 2 rows
    request 3: 2 rows ─┘

If a batch fails, each of its requests runs alone, so that a bad one fails by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np

from amalthea.serve.refusals import RequestError
from amalthea.serve.settings import Settings

Arrays = list[np.ndarray]


class Runner:
    """Runs several requests at once.

    Args:
        function: called with a list of arrays; returns the list of its outputs' arrays.
        max_batch: int; rows that run together at most.
        rows: int or None; the only number of rows that the function takes.
        is_by_row: bool; False runs each request alone and as it is, since its outputs could not be split.
        on_batch: called with the number of rows of each batch, before padding.
    """

    def __init__(
        self,
        function: Callable[[Arrays], Arrays],
        max_batch: int,
        rows: int | None = None,
        is_by_row: bool = True,
        on_batch: Callable[[int], None] = lambda rows: None,
    ):
        self.function, self.max_batch, self.rows, self.is_by_row = function, rows or max_batch, rows, is_by_row
        self.on_batch = on_batch

    def __call__(self, requests: Sequence[Arrays]) -> list[Arrays | Exception]:
        """Return the outputs of each request, or the error that it raised."""
        try:
            if not self.is_by_row:
                return [self._alone(request) for request in requests]
            joined = [x[0] if len(x) == 1 else np.concatenate(x) for x in zip(*requests)]
            outputs = self._in_pieces(joined)
        except Exception as error:
            return [error] if len(requests) == 1 else [self([request])[0] for request in requests]
        ends = np.cumsum([len(request[0]) for request in requests])
        return [[x[end - len(request[0]) : end] for x in outputs] for request, end in zip(requests, ends)]

    def _alone(self, request: Arrays) -> Arrays:
        self.on_batch(len(request[0]) if request[0].ndim else 1)
        return self.function(request)

    def _in_pieces(self, arrays: Arrays) -> Arrays:
        size = self.max_batch
        pieces = [self._padded([x[i : i + size] for x in arrays]) for i in range(0, len(arrays[0]), size)]
        return pieces[0] if len(pieces) == 1 else [np.concatenate(x) for x in zip(*pieces)]

    def _padded(self, arrays: Arrays) -> Arrays:
        rows = len(arrays[0])
        self.on_batch(rows)
        size = self.rows or next(size for size in batch_sizes(self.max_batch) if size >= rows)
        if size > rows:  # the last row again: every row that a model sees is one that a client sent
            arrays = [np.concatenate([x, np.broadcast_to(x[-1:], (size - rows, *x.shape[1:]))]) for x in arrays]
        return [x[:rows] for x in self.function(arrays)]


def batch_sizes(max_batch: int) -> list[int]:
    """Return the numbers of rows that are ever run together.

    >>> batch_sizes(20)
    [1, 2, 4, 8, 16, 20]
    """
    return [*(1 << i for i in range((max_batch - 1).bit_length())), max_batch]


class _Waiting(NamedTuple):
    arrays: Arrays
    rows: int
    future: asyncio.Future[Arrays]
    since: float


class Batcher:
    """The requests to one version of a model.

    Args:
        runner: Runner; what runs them.
        settings: Settings; the limits.
        thread: Executor of one thread.
        on_wait: called with the change in the number of requests that wait.
    """

    def __init__(
        self,
        runner: Callable[[Sequence[Arrays]], list[Arrays | Exception]],
        settings: Settings,
        thread: Any,
        on_wait: Callable[[int], None] = lambda change: None,
    ):
        self._runner, self._settings, self._on_wait = runner, settings, on_wait
        self._thread: Executor = thread
        self._groups: dict[Any, deque[_Waiting]] = {}  # by shapes and dtypes, each with its oldest first
        self._task: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self.waiting = 0

    async def answer(self, arrays: Arrays) -> Arrays:
        """Return the outputs for the arrays of one request.

        Raises:
            RequestError: too many requests wait.
        """
        if self.waiting >= self._settings.queue:
            raise RequestError(429, "Too many requests wait for this model.", cure="send it again in a second")
        loop = asyncio.get_running_loop()
        one = _Waiting(arrays, len(arrays[0]) if arrays[0].ndim else 1, loop.create_future(), loop.time())
        key = tuple((x.shape[1:], x.dtype) for x in arrays)
        self._groups.setdefault(key, deque()).append(one)
        self.waiting += 1
        self._on_wait(1)
        self._arrived.set()
        if self._task is None or self._task.done():  # it ends when nothing waits, so that a retired version just stops
            self._task = loop.create_task(self._work(loop))
        return await one.future

    async def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._groups:
            key = min(self._groups, key=lambda key: self._groups[key][0].since)
            if self._settings.max_delay_ms:
                await self._gather(key, loop)
            taken = self._take(key)
            if not taken:
                continue
            try:
                outcomes = await loop.run_in_executor(self._thread, self._runner, [one.arrays for one in taken])
            except Exception as error:
                outcomes = [error] * len(taken)
            for one, outcome in zip(taken, outcomes):
                _give(one.future, outcome)

    async def _gather(self, key: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until a group fills a batch, or its oldest request has waited as long as it may."""
        group = self._groups[key]
        end = group[0].since + self._settings.max_delay_ms / 1000
        while sum(one.rows for one in group) < self._settings.max_batch and (left := end - loop.time()) > 0:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except asyncio.TimeoutError:
                return

    def _take(self, key: Any) -> list[_Waiting]:
        """Take requests from a group: those of clients who still wait, up to the largest batch."""
        group, taken, rows = self._groups[key], [], 0
        while group and (not rows or rows + group[0].rows <= self._settings.max_batch):
            one = group.popleft()
            self.waiting -= 1
            self._on_wait(-1)
            if not one.future.done():
                taken.append(one)
                rows += one.rows
        if not group:
            del self._groups[key]
        return taken


def _give(future: asyncio.Future[Arrays], outcome: Arrays | Exception) -> None:
    if future.done():  # its client is gone
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
