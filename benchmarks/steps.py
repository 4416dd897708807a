"""``python -m benchmarks.steps``: milliseconds a training step, here and elsewhere, side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks import report
from benchmarks.networks import NETWORKS
from benchmarks.runner import Plan, run
from benchmarks.variants import VARIANTS


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes for each variant")
    parser.add_argument("--turns", type=int, default=5, help="samples from each process")
    parser.add_argument("--threads", type=int, default=2, help="cores, and threads of each library")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual batches make a sample")
    parser.add_argument("--accuracy", action="store_true", help="let every variant follow the accuracy too")
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the other libraries")
    parser.add_argument("--json", metavar="FILE", help="where all samples are written")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    options = vars(arguments(given))
    path, console = options.pop("json"), Console()
    plan = Plan(**options)
    with console.status("starting") as status:
        results = run(plan, status.update)
    report.show(plan, results, console)
    if path:
        report.write(path, plan, results)


if __name__ == "__main__":
    main()
