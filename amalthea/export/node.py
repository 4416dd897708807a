"""Packages of npm that execute files for checks: one process of Node, which is asked in lines of JSON."""

from __future__ import annotations

import atexit
import base64
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np

from amalthea.errors import ExportError, MissingLibraryError
from amalthea.export.targets import NODE_MODULES, TARGETS, npm_folder, program_of


def packages_of(name: str) -> Path:
    """Return the folder ``node_modules`` that holds the packages of a target.

    Raises:
        MissingLibraryError: there is none.
    """
    found = npm_folder(name)
    if found is None:
        packages = TARGETS[name].npm
        raise MissingLibraryError(
            f"A check of the format {name!r} needs packages of npm.",
            expected=f"{', '.join(packages)} in the folder of {NODE_MODULES}, or in node_modules here or above",
            cure=f"npm install {' '.join(packages)}",
        )
    return found


class Node:
    """A process of Node that runs a script, which answers each line of JSON with one.

    Args:
        name: str; the target whose packages the script requires.
        script: str; the script. It ends when its input does.
    """

    def __init__(self, name: str, script: str):
        folder = packages_of(name).resolve()
        command = [program_of(name), "--input-type=commonjs", "-e", script]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=folder.parent, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        self._lock = threading.Lock()
        atexit.register(self.close)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of the script.

        Raises:
            ExportError: it answered with ``{"error": text}``, or ended.
        """
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(question) + "\n")  # type: ignore[union-attr]
                self._process.stdin.flush()  # type: ignore[union-attr]
                line = self._process.stdout.readline()  # type: ignore[union-attr]
            except OSError:
                line = ""
        answer = json.loads(line) if line else {"error": "the process ended"}
        if "error" in answer:
            raise ExportError("The runtime in Node cannot execute the file.", got=str(answer["error"])[:1000])
        return answer

    def close(self) -> None:
        """End the process."""
        if self.runs:
            self._process.stdin.close()  # type: ignore[union-attr]
            self._process.wait()


def packed(array: np.ndarray) -> dict[str, Any]:
    """Return an array as JSON."""
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}


def unpacked(found: dict[str, Any]) -> np.ndarray:
    """Return the array of :func:`packed`."""
    data = np.frombuffer(base64.b64decode(found["data"]), found["dtype"])
    return data.reshape(found["shape"]).copy()
