"""Versions, whether they were tested, and the chosen backend: what to paste into a report of a problem."""

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
    """There are none."""


def run(arguments: argparse.Namespace) -> None:
    for name, value in facts().items():
        print(f"{name:<18}{value:<12}{tested.remark(name, value)}".rstrip())


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
        "devices": devices(),
        **{name: version(name) for name in dict.fromkeys([*tested.BASE, "llvmlite", *backend_libraries()])},
        **{name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def version(library: str) -> str:
    """The installed version, read without importing the library."""
    for name in (library, f"{library}-cpu"):  # one of them is published in two sizes
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return "-"


def backend_libraries() -> list[str]:
    """What the backends are made of."""
    from amalthea.engine import backends

    return [known.library for known in backends.KNOWN.values()]


def devices() -> str:
    """The devices of the chosen backend, the one in use first."""
    from amalthea.engine import backends

    try:
        return ", ".join(backends.current().devices())
    except (UnknownNameError, ImportError):
        return "-"


def chosen_backend() -> str:
    """The backend's name and what chose it, or why it cannot be used."""
    from amalthea.engine import backends

    try:
        name, reason = backends.chosen()
        backends.load(name)
    except (UnknownNameError, ImportError) as error:
        return str(error).splitlines()[0]
    return f"{name} (chosen by {reason})"
