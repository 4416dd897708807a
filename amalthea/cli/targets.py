"""List the formats of ``Model.export``, their runtimes, and which of them are installed."""

from __future__ import annotations

import argparse
import importlib.util
import shutil

from rich.console import Console
from rich.table import Table

from amalthea.export.targets import TARGETS, npm_folder, runs_here

SYSTEMS = {"darwin": "macOS"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no arguments."""


def run(arguments: argparse.Namespace) -> None:
    table = Table("format", "path", "what it is", "written here", "executed here")
    for name, known in TARGETS.items():
        written = _there(known.writes_with, known.extra)
        executed = _there(known.runs_with, known.checks_with or known.extra)
        if not runs_here(known):
            executed = f"on {SYSTEMS.get(known.system, known.system)}"
        if known.program and shutil.which(known.program) is None:
            executed = f"needs the program {known.program}"
        elif known.npm and npm_folder(name) is None:
            executed = f"npm install {' '.join(known.npm)}"
        table.add_row(name, known.ending or "a folder", known.line, written, executed)
    Console().print(table)


def _there(library: str, extra: str) -> str:
    if not library or importlib.util.find_spec(library) is not None:
        return "yes"
    return f"pip install amalthea\\[{extra}]"
