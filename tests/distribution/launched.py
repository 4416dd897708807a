"""The launchers, as rows of a table, and how to start the script by one."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from amalthea.engine import backends

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ["-m", "tests.distribution.train"]


def _torchrun(count: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "torch.distributed.run",
        f"--nproc_per_node={count}",
        "--master_port",
        str(free_port()),
    ]


def _mpirun(count: int) -> list[str]:
    return [_program("mpirun"), "--allow-run-as-root", "--oversubscribe", "-np", str(count), sys.executable]


def _horovodrun(count: int) -> list[str]:
    return [_program("horovodrun"), "--gloo", "-np", str(count), sys.executable]


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name


class Launcher(NamedTuple):
    """One way to start processes.

    Args:
        command: function from the number of processes to the command before the script.
        library: str; the library that it needs.
        backends: the backends that it is tried on.
    """

    command: Any
    library: str
    backends: Sequence[str] = ("onnxruntime", "torch", "tensorflow", "jax")


LAUNCHERS = {
    "torchrun": Launcher(_torchrun, "torch"),
    "mpirun": Launcher(_mpirun, "mpi4py"),
    "horovodrun": Launcher(_horovodrun, "horovod"),
}
HERE = [
    (name, backend)
    for name, launcher in LAUNCHERS.items()
    if importlib.util.find_spec(launcher.library) is not None
    for backend in launcher.backends
    if backend in backends.installed()
]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment(backend: str, folder: Path, **more: str) -> dict[str, str]:
    own = {"AMALTHEA_BACKEND": backend, "OMP_NUM_THREADS": "1", "KERAS_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **own, **more}


def launch(
    name: str, backend: str, count: int, folder: Path, limit: float = 180, options: Sequence[str] = (), **more: str
) -> Any:
    """Run the script; return what its ranks told, by rank, and the finished process."""
    command = [*LAUNCHERS[name].command(count), *options, *SCRIPT, str(folder)]
    ran = _run(command, environment(backend, folder, **more), limit)
    return told_in(folder), ran


def run_module(name: str, module: str, count: int, folder: Path) -> Any:
    """Run another module of the tests by a launcher, on NumPy."""
    return _run([*LAUNCHERS[name].command(count), "-m", module], environment("numpy", folder), 180)


def alone(backend: str, folder: Path, **more: str) -> Any:
    """Run the script without a launcher."""
    folder.mkdir(exist_ok=True)
    ran = _run([sys.executable, *SCRIPT, str(folder)], environment(backend, folder, **more), 180)
    assert ran.returncode == 0, ran.stderr
    return told_in(folder)[0]


def _run(command: Sequence[str], env: Mapping[str, str], limit: float) -> Any:
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=limit)


def told_in(folder: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("rank-*.json"))]
