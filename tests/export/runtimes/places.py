"""Where the programs and packages of the runtimes are, and the reason if one is missing.

``python -m tests.export.runtimes.fetch``, which ``make test-targets`` calls, puts them there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
ROOT = Path(os.environ.get("AMALTHEA_RUNTIMES") or HERE.parents[2] / ".runtimes")
JAR, MICRO, ARM64 = ROOT / "onnxruntime.jar", ROOT / "tflite_micro", ROOT / "arm64"
FETCH = "make test-targets fetches it"


def libraries(*names: str) -> str:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return f"{', '.join(missing)} is not installed here" if missing else ""


def programs(*names: str) -> str:
    missing = [name for name in names if shutil.which(name) is None]
    return f"{', '.join(missing)} is not on PATH" if missing else ""


def files(*paths: Path) -> str:
    missing = [path.name for path in paths if not path.exists()]
    return f"{', '.join(missing)}: {FETCH}" if missing else ""


def python() -> list[str]:
    return [sys.executable, str(PROGRAMS / "run.py")]


def arm64() -> list[str]:
    """The program in Debian's Python for arm64, under QEMU."""
    settings = {"PYTHONHOME": ARM64 / "usr", "PYTHONPATH": ARM64 / "wheels", "OMP_NUM_THREADS": 1}
    given = [word for name, value in settings.items() for word in ("-E", f"{name}={value}")]
    qemu = [emulator("aarch64"), "-L", str(ARM64), *given]
    return [*qemu, str(ARM64 / "usr" / "bin" / "python3.11"), str(PROGRAMS / "run.py")]


def emulator(processor: str) -> str:
    return shutil.which(f"qemu-{processor}-static") or shutil.which(f"qemu-{processor}") or f"qemu-{processor}"


def qemu(processor: str) -> str:
    return "" if shutil.which(emulator(processor)) else f"qemu-{processor} is not on PATH: {FETCH}"
