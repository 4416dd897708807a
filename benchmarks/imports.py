"""``python -m benchmarks.imports``: what importing Amalthea costs, and how large an install is; beside the others."""

from __future__ import annotations

import argparse
import importlib.metadata as metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
_MODEL = "from amalthea import Sequential, layers; m = Sequential([layers.Input((4,)), layers.Dense(2)])"
_TIMED = "import time; t = time.perf_counter(); import numpy; {}; print(time.perf_counter() - t)"


class Statement(NamedTuple):
    """Something that takes time in a fresh process.

    Args:
        code: what runs, after NumPy's import.
        backend: of Keras 3.
        wanted: what has to be installed for it; none for steps on our own way, which have no size of their own.
    """

    code: str
    backend: str = ""
    wanted: tuple[str, ...] = ()


OURS = {
    "numpy alone": Statement("pass"),
    "import amalthea": Statement("import amalthea"),
    "layers and models": Statement("from amalthea import Sequential, layers"),
    "a compiled model": Statement(f"{_MODEL}; m.compile('adam', 'mse')"),
    "its first step": Statement(
        f"{_MODEL}; m.compile('adam', 'mse'); m.train_on_batch(numpy.zeros((4, 4)), numpy.zeros((4, 2)))"
    ),
}
PEERS = {
    "jax": Statement("import jax.numpy", "", ("jax",)),
    "torch": Statement("import torch", "", ("torch",)),
    "tensorflow": Statement("import tensorflow", "", ("tensorflow-cpu",)),
    "keras on jax": Statement("from keras import Sequential, layers", "jax", ("keras", "jax")),
    "keras on torch": Statement("from keras import Sequential, layers", "torch", ("keras", "torch")),
    "keras on tensorflow": Statement("from keras import Sequential, layers", "tensorflow", ("keras", "tensorflow-cpu")),
}


def answer(python: str, code: str, **environment: str) -> float | None:
    """The number that a fresh process prints; None where something is not installed."""
    own = {"PYTHONPATH": str(ROOT), "AMALTHEA_BACKEND": "onnxruntime", "JAX_PLATFORMS": "cpu", **environment}
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env={**os.environ, **own})
    missing = ("ModuleNotFoundError", "PackageNotFoundError")
    if done.returncode and not any(name in done.stderr for name in missing):
        raise RuntimeError(done.stderr)
    return None if done.returncode else float(done.stdout)


def samples(rounds: int, peers: str) -> dict[str, list[float]]:
    """Seconds for each statement, taken in turn; a first round warms the disk and is left out."""
    found: dict[str, list[float]] = {}
    rows = [(sys.executable, *row) for row in OURS.items()] + [(peers, *row) for row in PEERS.items()]
    for number in range(rounds + 1):
        for python, name, statement in rows:
            value = answer(python, _TIMED.format(statement.code), KERAS_BACKEND=statement.backend)
            if number and value is not None:
                found.setdefault(name, []).append(value)
    return found


def requirements() -> list[str]:
    """The base dependencies, as pyproject.toml has them. (Reading it needs Python 3.11.)"""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
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


def together(wanted: list[str]) -> float:
    """Megabytes of these with all that they need."""
    return sum(size(distribution) for distribution in closure(wanted).values())


def own_sizes() -> dict[str, float]:
    """Megabytes of our base install, by distribution."""
    sizes = {name: size(distribution) for name, distribution in closure(requirements()).items()}
    files = (path for path in (ROOT / "amalthea").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {**sizes, "amalthea": sum(path.stat().st_size for path in files) / 1e6}


def peer_sizes(peers: str) -> dict[str, float]:
    """Megabytes of the others' installs, of those that are there."""
    code = "from benchmarks.imports import together; print(together({!r}))"
    found = {name: answer(peers, code.format(list(row.wanted))) for name, row in PEERS.items()}
    return {name: value for name, value in found.items() if value is not None}


def times_table(found: dict[str, list[float]]) -> Table:
    made = Table("statement", title="Time in a fresh process (milliseconds)", title_justify="left")
    for heading in ("median", "least", "over numpy"):
        made.add_column(heading, justify="right")
    for name, values in found.items():
        over = median(value - base for value, base in zip(values, found["numpy alone"]))
        made.add_row(name, f"{median(values) * 1e3:.0f}", f"{min(values) * 1e3:.0f}", f"{over * 1e3:.0f}")
    return made


def sizes_table(own: dict[str, float], others: dict[str, float]) -> Table:
    made = Table("install", title="Installed size (megabytes)", title_justify="left")
    made.add_column("MB", justify="right")
    for name, megabytes in sorted(own.items(), key=lambda pair: -pair[1]):
        made.add_row(f"  {name}", f"{megabytes:.1f}")
    made.add_row("amalthea with all of these", f"{sum(own.values()):.1f}", end_section=True)
    for name, megabytes in others.items():
        made.add_row(name, f"{megabytes:.1f}")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="the Python that has the others")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where imports.json is written")
    options, console = parser.parse_args(), Console()
    times = samples(options.rounds, options.peers)
    own, others = own_sizes(), peer_sizes(options.peers)
    console.print(times_table(times), sizes_table(own, others))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        whole = {"seconds": times, "own megabytes": own, "others' megabytes": others}
        (options.out / "imports.json").write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
