"""Show versions, whether they were tested, and the chosen backend: for reports of a problem."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import platform

from amalthea.cli import tested
from amalthea.errors import UnknownNameError

SETTINGS = ("AMALTHEA_BACKEND", "KERAS_BACKEND", "KERAS_HOME", "OMP_NUM_THREADS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no arguments."""


def run(arguments: argparse.Namespace) -> None:
    for name, value in facts().items():
        print(f"{name:<18}{value:<12}{tested.remark(name, value)}".rstrip())


def facts() -> dict[str, str]:
    """Return all facts by name.

    >>> facts()["python"] == platform.python_version()
    True
    """
    return {
        "amalthea": version("amalthea"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "backend": chosen_backend(),
        "devices": devices(),
        **{name: version(name) for name in dict.fromkeys([*tested.BASE, "llvmlite", *backend_libraries()])},
        **{name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def version(library: str) -> str:
    """Return the installed version of a library without importing it; "-" if it is not installed."""
    for name in (library, f"{library}-cpu"):  # TensorFlow is also published as tensorflow-cpu
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return "-"


def backend_libraries() -> list[str]:
    """Return the libraries of all backends."""
    from amalthea.engine import backends

    return [known.library for known in backends.KNOWN.values()]


def devices() -> str:
    """Return the devices of the chosen backend, the one in use first."""
    from amalthea.engine import backends

    try:
        return ", ".join(backends.current().devices())
    except (UnknownNameError, ImportError):
        return "-"


def chosen_backend() -> str:
    """Return the backend's name and the source of the choice, or the error if it cannot be used."""
    from amalthea.engine import backends

    try:
        name, reason = backends.chosen()
        backends.load(name)
    except (UnknownNameError, ImportError) as error:
        return str(error).splitlines()[0]
    return f"{name} (chosen by {reason})"
