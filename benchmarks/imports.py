"""``python -m benchmarks.imports``: what importing Amalthea costs over NumPy, and how large an install is."""

from __future__ import annotations

import argparse
import importlib.metadata as metadata
import subprocess
import sys
from pathlib import Path
from statistics import median

from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

_MODEL = "from amalthea import Sequential, layers; m = Sequential([layers.Input((4,)), layers.Dense(2)])"
STATEMENTS = {
    "numpy alone": "pass",
    "import amalthea": "import amalthea",
    "layers and models": "from amalthea import Sequential, layers",
    "a compiled model": f"{_MODEL}; m.compile('adam', 'mse')",
    "its first step": f"{_MODEL}; m.compile('adam', 'mse'); m.train_on_batch(numpy.zeros((4, 4)), numpy.zeros((4, 2)))",
}
_TIMED = "import time; t = time.perf_counter(); import numpy; {}; print(time.perf_counter() - t)"


def seconds(statement: str) -> float:
    """How long NumPy and then a statement take in a fresh process; starting Python is not counted."""
    command = [sys.executable, "-c", _TIMED.format(statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def samples(rounds: int) -> dict[str, list[float]]:
    """Seconds for each statement, taken in turn; a first round warms the disk and is left out."""
    found: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for number in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            value = seconds(statement)
            if number:
                found[name].append(value)
    return found


def requirements() -> list[str]:
    """The base dependencies, as pyproject.toml has them. (Reading it needs Python 3.11.)"""
    import tomllib

    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())
    return project["project"]["dependencies"]


def closure(wanted: list[str]) -> dict[str, metadata.Distribution]:
    """Everything that an install of these brings, of what is installed here."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        requirement = waiting.pop()
        name = requirement.name.lower().replace("_", "-")
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if name not in found and applies:
            found[name] = metadata.distribution(name)
            waiting += [Requirement(text) for text in found[name].requires or ()]
    return found


def size(distribution: metadata.Distribution) -> float:
    """Megabytes (10^6 bytes) of its files, without compiled Python."""
    paths = (Path(distribution.locate_file(file)) for file in distribution.files or () if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def own_size() -> float:
    files = (Path(__file__).parents[1] / "amalthea").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc") / 1e6


def times_table(found: dict[str, list[float]]) -> Table:
    made = Table("statement", title="Time in a fresh process (milliseconds)", title_justify="left")
    for heading in ("median", "least", "over numpy"):
        made.add_column(heading, justify="right")
    for name, values in found.items():
        over = median(value - base for value, base in zip(values, found["numpy alone"]))
        made.add_row(name, f"{median(values) * 1e3:.0f}", f"{min(values) * 1e3:.0f}", f"{over * 1e3:.0f}")
    return made


def sizes_table() -> Table:
    made = Table("distribution", title="Installed size (megabytes)", title_justify="left", show_footer=True)
    sizes = {name: size(distribution) for name, distribution in closure(requirements()).items()}
    sizes["amalthea"] = own_size()
    made.columns[0].footer = "together"
    made.add_column("MB", footer=f"{sum(sizes.values()):.1f}", justify="right")
    for name, megabytes in sorted(sizes.items(), key=lambda pair: -pair[1]):
        made.add_row(name, f"{megabytes:.1f}")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options, console = parser.parse_args(), Console()
    console.print(times_table(samples(options.rounds)))
    console.print(sizes_table())


if __name__ == "__main__":
    main()
