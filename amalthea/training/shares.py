"""Sums of metrics for one run alone.

A metric has one set of variables. A run of ``fit`` or ``evaluate`` takes them while nobody else has them; a run that
begins meanwhile, in a callback or in another thread, gets variables of its own that stand in for them. So each gives
its own results. Stand-ins are kept for the next run: a step is compiled once for each.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from amalthea import versions


class Shares:
    """Who has the variables of a model's metrics."""

    def __init__(self) -> None:
        self.taken = False  # the metrics' own
        self.spare: list[versions.Results] = []
        self.made = 0

    def take(self) -> versions.Results | None:
        """Variables for one run; None are the metrics' own."""
        with versions.LOCK:
            if not self.taken:
                self.taken = True
                return None
            if self.spare:
                return self.spare.pop()
            self.made += 1
            return versions.Results(self.made)

    def give_back(self, results: versions.Results | None) -> None:
        with versions.LOCK:
            if results is None:
                self.taken = False
            else:
                self.spare.append(results)


@contextmanager
def of_one_run(model: Any) -> Generator[None, None, None]:
    """Let the metrics of the model keep their sums where no other run does, until the block ends."""
    shared: Shares = model._shares
    results = shared.take()
    try:
        with with_sums(model, results):
            yield
    finally:
        shared.give_back(results)


@contextmanager
def with_sums(model: Any, results: versions.Results | None) -> Generator[None]:
    """Let the metrics of the model keep their sums in variables that were taken."""
    for metric in model.metrics if results is not None else ():
        for variable in metric.variables:
            if variable.start is None:
                variable.start = variable.numpy()
    with versions.with_results(results):
        yield
