"""Metric variables for runs that overlap, such as ``evaluate`` in a callback of ``fit`` or in another thread.

A metric has one set of variables. The first run uses it; a run that begins meanwhile gets substitutes, so each run has
its own results. Substitutes are kept for later runs: the step is compiled once for each set.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from amalthea.engine.ir import versions


class Shares:
    """The sets of metric variables of a model, free or in use."""

    def __init__(self) -> None:
        self.taken = False  # the metrics' own
        self.spare: list[versions.Results] = []
        self.made = 0

    def take(self) -> versions.Results | None:
        """A set for one run; None stands for the metrics' own variables."""
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
    """Give the model's metrics a set of variables that no other run uses, until the block ends."""
    shared: Shares = model._shares
    results = shared.take()
    try:
        with with_sums(model, results):
            yield
    finally:
        shared.give_back(results)


@contextmanager
def with_sums(model: Any, results: versions.Results | None) -> Generator[None]:
    """Let the model's metrics accumulate in a set that was taken."""
    for metric in model.metrics if results is not None else ():
        for variable in metric.variables:
            if variable.start is None:
                variable.start = variable.numpy()
    with versions.with_results(results):
        yield
