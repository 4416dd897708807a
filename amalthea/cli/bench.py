"""Time training and predicting here, in loops by hand, and in Keras 3; needs a checkout, where benchmarks/ is."""

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
    """The command's own module; None where the package alone is installed."""
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
            cure="`git clone` the project, and `make bench` there",
        )
    module.run_with(arguments)
