"""``python -m benchmarks.targets``: time of a call of exported files, beside ONNX Runtime in the same run."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.export import targets
from tests.export.page import PAGE, digits, mobile

NETWORKS = {"digits": digits, "MobileNetV2 0.35": mobile}
BATCHES = (1, 32)
FIRST = "onnx"  # what the others are compared with
MARKS = ("<!-- times -->", "<!-- /times -->")


def calls(name: str, model: Any, x: np.ndarray, folder: str) -> Callable[[], Any]:
    """A call of an exported file on rows, in this process."""
    path = os.path.join(folder, f"model{targets.TARGETS[name].ending}")
    model.export(path, name, verbose=False, batch_size=len(x))
    run = targets.target(name).runner(path)
    feeds = {model.inputs[0].name: x}
    run(feeds)
    return lambda: run(feeds)


def seconds(call: Callable[[], Any], least: float = 0.2) -> float:
    """The mean time of a call, of as many as take a while."""
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < least:
        call()
        count += 1
    return passed / count


def measured(names: list[str], turns: int) -> dict[tuple[str, int], dict[str, float]]:
    """Medians of turns, in which each target is timed once after the other."""
    found = {}
    for title, make in NETWORKS.items():
        for rows in BATCHES:
            with tempfile.TemporaryDirectory() as folder:
                model = make()
                x = np.random.default_rng(0).normal(size=(rows, *model.inputs[0].shape[1:])).astype("float32")
                ways = {name: calls(name, model, x, folder) for name in names}
                times: dict[str, list[float]] = {name: [] for name in names}
                for _ in range(turns):
                    for name, call in ways.items():
                        times[name].append(seconds(call))
            found[title, rows] = {name: median(values) for name, values in times.items()}
    return found


def table(found: dict[tuple[str, int], dict[str, float]]) -> str:
    names = list(next(iter(found.values())))
    rows = [f"| network, rows | {FIRST} | " + " | ".join(n for n in names if n != FIRST) + " |"]
    rows.append("|---|" + "--:|" * len(names))
    for (title, count), times in found.items():
        ratios = [f"{times[n] / times[FIRST]:.2f}" for n in names if n != FIRST]
        rows.append(f"| {title}, {count} | {times[FIRST] * 1000:.2f} ms | {' | '.join(ratios)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="samples of each (%(default)s)")
    parser.add_argument("--write", type=Path, nargs="?", const=PAGE, metavar="FILE", help="put the table into a page")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names = [FIRST, *(name for name in targets.TARGETS if name != FIRST and targets.executed_here(name))]
    made = table(measured(names, options.turns))
    print(made)
    if options.write:
        before, rest = options.write.read_text("utf-8").split(MARKS[0])
        writing.write(options.write, f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{rest.split(MARKS[1])[1]}")


if __name__ == "__main__":
    main()
