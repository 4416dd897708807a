"""The machine: its description, and the share of it that a process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def cores() -> list[int]:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def bind(threads: int) -> None:
    """Keep this process, and every thread that it will start, to as many cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores()[:threads])


def environment(threads: int) -> dict[str, str]:
    """What libraries read when they size their thread pools; XLA goes by NPROC and by the cores that are left."""
    count = str(threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC", "TF_NUM_INTRAOP_THREADS")
    eigen = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    flags = f"{os.environ.get('XLA_FLAGS', '')} {eigen}".strip()
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return {**dict.fromkeys(names, count), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", **quiet}


def describe() -> dict[str, Any]:
    """What a reader of the numbers has to know."""
    return {"processor": _processor(), "cores": len(cores()), "system": platform.platform(terse=True), "load": _load()}


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
