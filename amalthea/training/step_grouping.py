"""The number of batches in one execution: ``steps_per_execution``."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.checks import either, optional, positive_int

LONG_ENOUGH = 0.005  # seconds: what a call costs is lost in what it computes then
MOST = 32
_WARM_UP, _WATCHED = 4, 8


def check(steps_per_execution: Any) -> Any:
    """The value itself, 1 for None; an error for what is neither a positive number nor ``"auto"``."""
    kinds = optional(either(positive_int, "auto"))
    return kinds(steps_per_execution, "steps_per_execution", "compile") or 1


class StepGrouping:
    """Batches, several at a time.

    Args:
        steps: how many; with ``"auto"`` some are watched one by one, and from then on as many are taken together as
            make :data:`LONG_ENOUGH`, where the backend runs them faster so.
    """

    def __init__(self, steps: Any):
        self.is_automatic = steps == "auto"
        self.size = 1 if self.is_automatic else int(steps)
        self.count, self.started = 0, 0.0

    def groups(self, batches: Iterable[Any], step: int = 0) -> Iterator[tuple[int, list[Any], int]]:
        """The first step of each group, its batches, its last step; counted from ``step``."""
        source = iter(batches)
        while group := list(islice(source, self.size)):
            yield step, group, step + len(group) - 1
            step += len(group)

    def ran(self, run: Any, result: Any) -> None:
        """Be told what ran, and what it gave."""
        if not self.is_automatic:
            return
        self.count += 1
        if self.count == _WARM_UP:
            self.started = _when_computed(result)
        elif self.count == _WARM_UP + _WATCHED:
            each = (_when_computed(result) - self.started) / _WATCHED
            self.size = max(1, min(MOST, round(LONG_ENOUGH / each))) if getattr(run, "loops", False) else 1
            self.is_automatic = False


def _when_computed(result: Any) -> float:
    """The time at which the device has computed it."""
    for value in tree.flatten(result):
        np.asarray(value)
    return time.perf_counter()
