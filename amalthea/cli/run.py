"""Run a script of Keras 1, 2 or 3 as it is: ``import keras`` means Amalthea in it."""

from __future__ import annotations

import argparse
import importlib.util
import runpy
import sys
import traceback
from pathlib import Path
from types import TracebackType

from amalthea.compat import eras, importer
from amalthea.compat.drift import hints, running
from amalthea.compat.drift.met import MET, Met
from amalthea.errors import ArgumentError

_HELP_OF_KERAS = "version of Keras in whose manner the script runs; found by its signs if not given"

_HELP_OF_DRIFT = "read Python 2, and names that NumPy, SciPy and scikit-learn dropped, too"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keras", type=int, choices=eras.ERAS, help=_HELP_OF_KERAS)
    parser.add_argument("--drift", action="store_true", help=_HELP_OF_DRIFT)
    parser.add_argument("-m", dest="module", action="store_true", help="the script is the name of a module")
    parser.add_argument("script", help="file, or module after -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the script")


def run(arguments: argparse.Namespace) -> int:
    name, path = arguments.script, _path(arguments.script, arguments.module)
    source = path.read_text(encoding="utf-8-sig", errors="replace")
    importer.install(eras.chosen(_readable(source) if arguments.drift else source, arguments.keras))
    sys.argv = [str(path) if arguments.module else name, *arguments.arguments]
    folder = Path.cwd() if arguments.module else path.resolve().parent
    sys.path.insert(0, str(folder))
    if arguments.drift:
        running.install(folder)
    try:
        if arguments.module:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        elif arguments.drift:
            running.run_path(Path(name))
        else:
            runpy.run_path(name, run_name="__main__")
    except Exception as error:
        traceback.print_exception(type(error), error, _from(path, error.__traceback__))
        if not arguments.drift and hints.is_cured(error, source):
            print(f"try: amalthea run --drift {name}", file=sys.stderr)
        return 1
    finally:
        if str(MET):
            print(MET, file=sys.stderr)
    return 0


def _readable(source: str) -> str:
    """The script as Python 3, for the signs of its era; as it is where that fails, which its run will say."""
    try:
        translated = running.read(source, Met())
        return source if translated is None else translated.text
    except SyntaxError:
        return source


def _path(name: str, is_module: bool) -> Path:
    """The file of a script or of a module, of whose package the module ``__main__`` runs."""
    if not is_module:
        found = Path(name)
    else:
        sys.path.insert(0, str(Path.cwd()))
        try:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = importlib.util.find_spec(f"{name}.__main__")
        except ImportError:
            spec = None
        sys.path.pop(0)
        found = Path(spec.origin if spec is not None and spec.origin else "")
    if not found.is_file():
        raise ArgumentError("This script does not exist.", expected="a file, or a module after -m", got=name)
    return found


def _from(path: Path, frames: TracebackType | None) -> TracebackType | None:
    """The frames of the script and what it called; all of them if none is of the script."""
    here = frames
    while here is not None and Path(here.tb_frame.f_code.co_filename).resolve() != path.resolve():
        here = here.tb_next
    return here or (None if frames is None else _last(frames))


def _last(frames: TracebackType) -> TracebackType:
    while frames.tb_next is not None:
        frames = frames.tb_next
    return frames
