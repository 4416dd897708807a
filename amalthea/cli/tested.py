"""Versions of the libraries that the tests were run with: the only table of them.

``make test-oldest`` installs the oldest versions (``python -m amalthea.cli.tested`` prints them as pip constraints),
and ``amalthea doctor`` compares the installed versions with both ends. The oldest versions are the lower bounds in
``pyproject.toml``.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Tested(NamedTuple):
    """The oldest and the newest version with which all tests pass; the oldest of an optional library may be unknown."""

    oldest: str | None
    newest: str


TESTED = {
    "numpy": Tested("2.2.0", "2.4.6"),
    "onnx": Tested("1.17.0", "1.23.2"),
    "onnxruntime": Tested("1.22.0", "1.32.0"),
    "h5py": Tested("3.11.0", "3.16.0"),
    "ml_dtypes": Tested("0.5.0", "0.6.0"),
    "rich": Tested("13.0.0", "15.0.0"),
    "llvmlite": Tested("0.45.0", "0.50.0"),
    "jax": Tested(None, "0.10.2"),
    "torch": Tested(None, "2.13.0"),
    "tensorflow": Tested(None, "2.21.0"),
    "pytensor": Tested(None, "3.0.7"),
    "openvino": Tested(None, "2026.4.1"),
}
BASE = ("numpy", "onnx", "onnxruntime", "h5py", "ml_dtypes", "rich")


def remark(library: str, version: str) -> str:
    """Compare an installed version with the tested versions, as text.

    >>> remark("numpy", "1.24.0")
    'older than those tested (2.2.0 to 2.4.6)'
    >>> remark("numpy", "2.3.1")
    'tested: 2.2.0 to 2.4.6'
    """
    if library not in TESTED or version == "-":
        return ""
    oldest, newest = TESTED[library]
    span = f"{oldest} to {newest}" if oldest else newest
    if _key(version) > _key(newest):
        return f"newer than those tested ({span})"
    if oldest and _key(version) < _key(oldest):
        return f"older than those tested ({span})"
    return f"tested: {span}"


def _key(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, without a suffix (``2.13.0+cpu``)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def requirements() -> list[str]:
    """Return the oldest versions of the required libraries, as pip constraints."""
    return [f"{name}=={TESTED[name].oldest}" for name in BASE]


if __name__ == "__main__":
    print("\n".join(requirements()))
