"""Rewrite a script of Keras 1 or 2 to today's spelling: ``amalthea upgrade script.py`` shows the difference."""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import sys
from pathlib import Path

from amalthea import writing
from amalthea.compat import eras
from amalthea.errors import ArgumentError, MissingLibraryError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scripts", nargs="+", metavar="SCRIPT", help="files of Python")
    parser.add_argument("--keras", type=int, choices=eras.ERAS, help="the version that it was written for")
    parser.add_argument("--write", action="store_true", help="write the script, in place of showing the difference")


def run(arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec("libcst") is None:
        raise MissingLibraryError("Scripts are rewritten by libcst.", cure="pip install 'amalthea[upgrade]'")
    for name in arguments.scripts:
        _upgrade(Path(name), arguments.keras, arguments.write)


def _upgrade(path: Path, given: int | None, write: bool) -> None:
    from amalthea.compat.upgrading import upgraded

    if not path.is_file():
        raise ArgumentError("This script does not exist.", expected="a file", got=str(path))
    source = path.read_text()
    made = upgraded(source, eras.chosen(source, given))
    if write:
        writing.write(path, made.source)
    else:
        lines = difflib.unified_diff(
            source.splitlines(keepends=True), made.source.splitlines(keepends=True), str(path), str(path)
        )
        sys.stdout.writelines(lines)
    for note in made.notes:
        print(f"{path}: {note}", file=sys.stderr)
