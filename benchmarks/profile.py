"""``python -m benchmarks.profile NETWORK``: where ONNX Runtime spends our training step, by operator and by node.

Writing the profile costs some microseconds a node: the shares are what counts, and small nodes look too dear.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnxruntime
from rich.console import Console
from rich.table import Table

from benchmarks.machine import bind
from benchmarks.networks import NETWORKS
from benchmarks.variants import VARIANTS
from benchmarks.worker import arguments, begin

VARIANT = VARIANTS["amalthea-onnxruntime"]


@contextmanager
def profiled(folder: str, optimized: str | None) -> Iterator[list[Any]]:
    """Every session that is made meanwhile writes down what it runs; the list has them."""
    from amalthea.engine.backends.onnxruntime import BACKEND

    plain_options, plain_session, sessions = onnxruntime.SessionOptions, BACKEND.session, []

    def options() -> Any:
        made = plain_options()
        made.enable_profiling = True
        made.profile_file_prefix = str(Path(folder, "session"))
        if optimized:
            made.optimized_model_filepath = optimized
        return made

    def session(model: Any, **settings: Any) -> Any:
        sessions.append(plain_session(model, **settings))
        return sessions[-1]

    onnxruntime.SessionOptions, BACKEND.session = options, session
    try:
        yield sessions
    finally:
        onnxruntime.SessionOptions, BACKEND.session = plain_options, plain_session


def events(network: str, steps: int, optimized: str | None) -> list[dict[str, Any]]:
    """One event for each node that ran, in the steps after the first few."""
    with tempfile.TemporaryDirectory() as folder:
        with profiled(folder, optimized) as sessions:
            program = begin(VARIANT, NETWORKS[network], arguments(NETWORKS[network], steps))
            program.fit()
        found = json.loads(Path(sessions[-1].end_profiling()).read_text())
    runs = [e["ts"] for e in found if e["name"] == "model_run"]
    start = sorted(runs)[len(runs) // 4]
    return [e for e in found if e["name"].endswith("_kernel_time") and e["ts"] >= start]


def shapes(given: list[dict[str, list[int]]]) -> str:
    """What the profiler says of types and shapes, shortly."""
    return " ".join(str(shape).replace(" ", "") for entry in given for shape in entry.values())


def tally(found: list[dict[str, Any]], by_node: bool) -> list[tuple[str, float, float]]:
    """Name, microseconds a step, nodes a step; the most expensive first."""
    spent: dict[str, list[float]] = defaultdict(list)
    for event in found:
        facts = event["args"]
        name = facts["op_name"]
        if by_node:
            ends = f"{shapes(facts['input_type_shape'])} -> {shapes(facts['output_type_shape'])}"
            name = f"{facts['node_index']:>4} {name} {ends}"
        spent[name].append(event["dur"])
    first = (found[0]["args"]["node_index"], found[0]["args"]["op_name"])
    steps = sum((e["args"]["node_index"], e["args"]["op_name"]) == first for e in found)
    rows = [(name, sum(times) / steps, len(times) / steps) for name, times in spent.items()]
    return sorted(rows, key=lambda row: -row[1])


def table(rows: list[tuple[str, float, float]], limit: int) -> Table:
    total, made = sum(row[1] for row in rows), Table()
    for heading in ("us", "share", "nodes"):
        made.add_column(heading, justify="right")
    made.add_column("what", overflow="fold")
    for name, spent, count in rows[:limit]:
        made.add_row(f"{spent:.1f}", f"{spent / total:.1%}", f"{count:g}", name)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=15)
    parser.add_argument("--optimized", metavar="FILE", help="where ONNX Runtime writes the graph that it made of ours")
    options = parser.parse_args()
    bind(options.threads)
    os.environ.update(VARIANT.environment)
    found, console = events(options.network, options.steps, options.optimized), Console()
    for by_node in (False, True):
        rows = tally(found, by_node)
        total = sum(row[1] for row in rows)
        console.print(f"{options.network}: {total:.0f} microseconds a step, by {'node' if by_node else 'operator'}")
        console.print(table(rows, options.rows))


if __name__ == "__main__":
    main()
