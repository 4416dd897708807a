"""What is measured, and how: the table, and the stop watch that a worker holds."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Measure(NamedTuple):
    """One column of the comparison.

    Args:
        title: above the column.
        unit: of its numbers.
        meaning: for the reader of the table.
        sample: a number from a program that is warm, and the seconds that it may take; None for what happens once.
        before: calls that make it warm; a prediction may be compiled once it was called often.
    """

    title: str
    unit: str
    meaning: str
    sample: Callable[[Any, float], float] | None = None
    before: int = 1


def repeated(call: Callable[[], Any], seconds: float) -> float:
    """Milliseconds a call, over as many as fit into the time, and one at least."""
    count, start = 0, time.perf_counter()
    while True:
        call()
        count += 1
        spent = time.perf_counter() - start
        if spent >= seconds:
            return spent * 1000 / count


def epoch(program: Any, seconds: float) -> float:
    """Milliseconds a step; an epoch takes as long as it takes."""
    start = time.perf_counter()
    program.loss = program.fit()
    return (time.perf_counter() - start) * 1000 / program.batches


def saving(program: Any, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return repeated(lambda: program.save(str(Path(folder, "model.keras"))), seconds)


def loading(program: Any, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.keras"))
        program.save(path)
        return repeated(lambda: program.load(path), seconds)


MEASURES = {
    "fit": Measure("fit", "ms", "a step of an epoch over data in a new order", epoch),
    "train_on_batch": Measure(
        "train_on_batch", "ms", "one call, its loss read", lambda p, s: repeated(p.train_on_batch, s)
    ),
    "predict_1": Measure(
        "predict 1", "ms", "one call with one row", lambda p, s: repeated(lambda: p.predict(1), s), 10
    ),
    "predict_128": Measure(
        "predict 128", "ms", "one call with 128 rows", lambda p, s: repeated(lambda: p.predict(128), s), 10
    ),
    "first": Measure("first", "ms", "from the imported library to the first loss: make, trace, compile, run"),
    "peak": Measure("peak", "MB", "the most that the process held, libraries and compiling and all"),
    "own": Measure("own", "MB", "the most while it trained, less what it held when the library was imported"),
    "save": Measure("save", "ms", "model.save, with the optimizer", saving),
    "load": Measure("load", "ms", "load_model, with the optimizer", loading),
}


def held() -> float:
    """Megabytes (10^6 bytes) that this process has in memory now."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return most()


def most() -> float:
    """The most that it has had, since :func:`forget` where the system can forget."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def forget() -> None:
    """Let :func:`most` begin anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return
