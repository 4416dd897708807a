"""What training and predicting cost here, in loops by hand, and in Keras 3: side by side, in fresh processes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import plot, report
from benchmarks.machine import describe
from benchmarks.measures import MEASURES
from benchmarks.networks import NETWORKS
from benchmarks.runner import Plan, Results, run
from benchmarks.variants import VARIANTS

USUAL = [name for name, network in NETWORKS.items() if network.usual]
LIBRARIES = list(dict.fromkeys(row.library for row in VARIANTS.values()))
DRAWN = ("fit", "train_on_batch", "predict_1", "predict_128")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    chosen = {"nargs": "+", "metavar": "NAME"}
    parser.add_argument("--networks", choices=NETWORKS, default=USUAL, help=", ".join(USUAL), **chosen)
    parser.add_argument("--libraries", choices=LIBRARIES, default=LIBRARIES, help=", ".join(LIBRARIES), **chosen)
    parser.add_argument("--variants", choices=VARIANTS, default=list(VARIANTS), help=", ".join(VARIANTS), **chosen)
    parser.add_argument("--measures", choices=MEASURES, default=list(MEASURES), help=", ".join(MEASURES), **chosen)
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes for each variant (%(default)s)")
    parser.add_argument("--turns", type=int, default=5, help="samples from each process (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="cores, and threads of each library (%(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual calls make a sample")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which an answer is not waited for")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="the Python that has Keras 3")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where samples, tables and drawings are written")
    parser.add_argument("--read", type=Path, nargs="+", metavar="FILE", help="show samples of earlier runs instead")


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add_arguments(parser)
    run_with(parser.parse_args(given))


def run_with(options: argparse.Namespace) -> None:
    """Measure or read, show, and write."""
    console = wide()
    if options.read:
        settings, machine, results = report.read(options.read)
    else:
        plan = plan_of(options)
        results = measure(plan, options.out, console)
        settings, machine = vars(plan), describe()
    report.show(settings, machine, results, console)
    if options.out:
        write(options.out, settings, machine, results)


def wide() -> Console:
    """A terminal that has room for a table, even where it is a file."""
    console = Console()
    return Console(width=max(console.width, 104))


def plan_of(options: argparse.Namespace) -> Plan:
    names = ("networks", "measures", "rounds", "turns", "threads", "scale", "limit", "peers")
    variants = [name for name in options.variants if VARIANTS[name].library in options.libraries]
    return Plan(variants=variants, **{name: getattr(options, name) for name in names})


def measure(plan: Plan, folder: Path | None, console: Console) -> Results:
    def keep(results: Results) -> None:
        if folder:
            report.write(folder / "samples.json", plan, results)

    with console.status("starting") as status:
        return run(plan, status.update if console.is_terminal else log, keep)


def log(line: str) -> None:
    print(time.strftime("%H:%M:%S"), line, file=sys.stderr, flush=True)


def write(folder: Path, settings: dict[str, Any], machine: dict[str, Any], results: Results) -> None:
    """The tables as Markdown, and a drawing for each measure of time."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tables.md").write_text(report.markdown(settings, machine, results))
    captions = [report.machine_line(settings, machine), report.versions_line(results)]
    for name in DRAWN:
        if any(name in measured for rows in results.samples.values() for measured in rows.values()):
            (folder / f"{name}.svg").write_text(plot.draw(results, name, captions))


if __name__ == "__main__":
    main()
