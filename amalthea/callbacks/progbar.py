"""``Progbar``: how far a loop has come, how fast it is, and its metrics, on one line."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterable
from typing import Any

from amalthea.callbacks import console
from amalthea.errors import ArgumentError


class Progbar:
    """A progress bar. A terminal redraws it; elsewhere each update is a line of its own.

    Args:
        target: int; number of steps. None if it is not known.
        width: int; characters of the bar. Defaults to 20.
        verbose: int; 0 shows nothing, 1 a bar, 2 one line at the end. Defaults to 1.
        interval: float; least time between two drawings, in seconds. Defaults to 0.05.
        stateful_metrics: names that are shown as they are; all others are averaged over the steps. Defaults to None.
        stateless_metrics: names that are averaged over the steps; all others are shown as they are. Defaults to None.
        unit_name: str; name of a step. Defaults to ``"step"``.

    Raises:
        ArgumentError: both kinds of names are given.

    Example:
        >>> from amalthea import utils
        >>> bar = utils.Progbar(2, verbose=2)
        >>> bar.describe([("loss", 0.25), ("tiny", 1e-5)])
        ' - loss: 0.2500 - tiny: 1.0000e-05'
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError("Progbar takes stateful_metrics or stateless_metrics, not both.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self.finished = False
        self._seen = 0
        self._sums: dict[str, tuple[Any, float]] = {}  # name to the weighted sum, and the weight
        self._start = time.perf_counter()
        self._next_drawing = 0.0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show that ``current`` steps are done.

        Args:
            current: steps done.
            values: pairs of a metric's name and its value in the last step.
            finalize: whether this is the last update; unless given, whether the target is reached.
        """
        last = (self.target is not None and current >= self.target) if finalize is None else finalize
        for name, value in values or ():
            self._note(name, value, max(current - self._seen, 1))
        self._seen = current
        if last or (self.verbose == 1 and self.is_due()):
            self._draw(last)

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show that ``n`` more steps are done."""
        self.update(self._seen + n, values)

    def is_due(self) -> bool:
        """Whether enough time has gone by since the last drawing."""
        return time.perf_counter() >= self._next_drawing

    def postpone(self, seconds: float) -> None:
        """Let so many seconds go by before the next drawing; none, and it is due at once."""
        self._next_drawing = time.perf_counter() + seconds

    def describe(self, values: Iterable[tuple[str, Any]]) -> str:
        """The metrics as they are shown."""
        return "".join(f" - {name}: {_number(value)}" for name, value in values)

    def _note(self, name: str, value: Any, steps: int) -> None:
        averaged = (
            name in self.stateless_metrics
            if self.stateless_metrics is not None
            else name not in (self.stateful_metrics or ())
        )
        if not averaged or not isinstance(value, (int, float)):
            self._sums[name] = (value, 1)
            return
        total, weight = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total + value * steps, weight + steps)

    def _draw(self, last: bool) -> None:
        self.postpone(self.interval)
        self.finished = last
        if self.verbose not in (1, 2) or (self.verbose == 2 and not last):
            return
        if not console.is_terminal():
            console.say(self._line(bar=False))
            return
        line = self._line(bar=self.verbose == 1)
        if not last:  # a line that wraps could not be drawn over
            line = line[: shutil.get_terminal_size().columns - 1]
        console.say(f"\r{line}\x1b[K" if self.verbose == 1 else line, end="\n" if last else "")

    def _line(self, bar: bool) -> str:
        elapsed = time.perf_counter() - self._start
        each = elapsed / self._seen if self._seen else 0.0
        remaining = None if self.finished or self.target is None else each * max(self.target - self._seen, 0)
        total = "Unknown" if self.target is None else str(self.target)
        counted = f"{self._seen:>{len(total) if self.target else 1}}/{total}"
        times = f"{_clock(elapsed if remaining is None else remaining)} {_duration(each)}/{self.unit_name}"
        values = self.describe((name, _mean(*sums)) for name, sums in self._sums.items())
        return (f"{counted} {self._bar()} {times}" if bar else f"{counted} - {times}") + values

    def _bar(self) -> str:
        done, ahead = ("━", "╌") if console.can_show("━╌") else ("=", ".")
        if self.target is None:
            return done * self.width if self.finished else ahead * self.width
        full = min(self.width, self.width * self._seen // max(self.target, 1))
        return done * full + ahead * (self.width - full)


def _mean(total: Any, weight: float) -> Any:
    return total / weight if isinstance(total, (int, float)) else total


def _number(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.4f}" if value == 0 or abs(value) > 1e-3 or not math.isfinite(value) else f"{value:.4e}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _duration(seconds: float) -> str:
    if seconds == 0 or seconds >= 1:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
