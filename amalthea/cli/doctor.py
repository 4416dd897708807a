"""Which versions there are, and which backend is chosen: what to paste into a report of a problem."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform

from amalthea.errors import UnknownNameError

LIBRARIES = ("numpy", "onnx", "onnxruntime", "h5py", "ml_dtypes", "rich", "jax", "torch", "tensorflow", "pytensor")
SETTINGS = ("AMALTHEA_BACKEND", "KERAS_BACKEND", "KERAS_HOME", "OMP_NUM_THREADS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(arguments: argparse.Namespace) -> None:
    for name, value in facts().items():
        print(f"{name:<18}{value}")


def facts() -> dict[str, str]:
    """Every fact by its name.

    >>> facts()["python"] == platform.python_version()
    True
    """
    return {
        "amalthea": version("amalthea"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "backend": chosen_backend(),
        **{name: version(name) for name in LIBRARIES},
        **{name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def version(library: str) -> str:
    """The installed version, read without importing the library."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "-"


def chosen_backend() -> str:
    """The backend's name and what chose it, or why it cannot be used."""
    from amalthea import backends

    try:
        name, reason = backends.chosen()
        backends.load(name)
    except (UnknownNameError, ImportError) as error:
        return str(error).splitlines()[0]
    return f"{name} (chosen by {reason})"
