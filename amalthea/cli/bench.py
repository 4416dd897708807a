"""Time training and prediction, next to hand-written loops and Keras 3.

Needs a checkout of the project (benchmarks/).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import amalthea
from amalthea.errors import MissingLibraryError

_HERE = Path(amalthea.__file__).parents[1]


def _benchmarks() -> Any:
    """Return the module benchmarks.__main__; None if only the package is installed."""
    if not (_HERE / "benchmarks" / "__main__.py").exists():
        return None
    if str(_HERE) not in sys.path:
        sys.path.insert(0, str(_HERE))
    return importlib.import_module("benchmarks.__main__")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    module = _benchmarks()
    if module is not None:
        module.add_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    module = _benchmarks()
    if module is None:
        raise MissingLibraryError(
            "The benchmarks are not part of the installed package.",
            cure="`git clone` the project, then `make bench` in it",
        )
    module.run_with(arguments)
