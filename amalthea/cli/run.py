"""Run a script of Keras 1, 2 or 3 as it is: ``import keras`` means Amalthea in it."""

from __future__ import annotations

import argparse
import importlib.util
import runpy
import sys
from pathlib import Path

from amalthea.compat import eras, importer
from amalthea.errors import ArgumentError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keras", type=int, choices=eras.ERAS, help="the version of Keras; found by its signs if not given")
    parser.add_argument("-m", dest="module", action="store_true", help="the script is the name of a module")
    parser.add_argument("script", help="file, or module after -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the script")


def run(arguments: argparse.Namespace) -> None:
    name = arguments.script
    source = _source(name, arguments.module)
    importer.install(eras.chosen(source, arguments.keras))
    sys.argv = [name, *arguments.arguments]
    if arguments.module:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        return
    sys.path.insert(0, str(Path(name).resolve().parent))
    runpy.run_path(name, run_name="__main__")


def _source(name: str, is_module: bool) -> str:
    found = importlib.util.find_spec(name) if is_module else None
    path = Path(name if not is_module else getattr(found, "origin", None) or "")
    if not path.is_file():
        raise ArgumentError("This script does not exist.", got=name)
    return path.read_text(errors="replace")
