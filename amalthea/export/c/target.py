"""The target: a source file and a header, written together; a runner that compiles them with the system's compiler."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ExportError
from amalthea.export.c.program import Port, program, read_header
from amalthea.export.endpoint import Endpoint
from amalthea.export.targets import Options, Runner, Target, program_of

FLAGS = ("-std=c99", "-Wall", "-Werror", "-shared", "-fPIC")


class C(Target):
    """C99."""

    name = "c"
    dtypes = ("float32", "int8")
    calibrated = ()  # weights alone are integers
    has_symbols = False
    optimization = "-O2"

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        header = header_of(path)
        if os.path.realpath(header) == os.path.realpath(path):
            raise ArgumentError("The header, which is written beside the file, has this path.", got=path, cure="net.c")
        if os.path.isdir(header):
            raise ArgumentError("There is a folder of the header's name, and the header is a file.", got=header)
        stem = os.path.splitext(os.path.basename(path))[0]
        made = program(endpoints[0], stem, os.path.basename(header), narrow=options.dtype == "int8")
        with writing.whole_file(header) as first, writing.whole_file(path) as second:
            first.write(made.header.encode())
            second.write(made.source.encode())

    def files(self, path: str) -> list[str]:
        return [path, header_of(path)]

    def report(self, path: str) -> str:
        _, _, arena, constants = _described(path)
        return f"{arena} bytes of memory, {constants} bytes of constants; declared in '{header_of(path)}'"

    def runner(self, path: str) -> Runner:
        name, ports, _, _ = _described(path)
        inputs, outputs = ([p for p in ports if p.kind == kind] for kind in ("input", "output"))
        function = getattr(self._library(path), name)
        function.restype, function.argtypes = None, [ctypes.c_void_p] * len(ports)

        def once(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
            results = [np.empty(p.shape, dtypes.to_numpy(p.dtype)) for p in outputs]
            function(*(a.ctypes.data for a in (*arrays, *results)))
            return results

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            arrays = [np.ascontiguousarray(feeds[p.title], dtypes.to_numpy(p.dtype)) for p in inputs]
            arrays = [a.reshape(np.shape(feeds[p.title])) for a, p in zip(arrays, inputs)]
            if all(a.shape == p.shape for a, p in zip(arrays, inputs)):
                results = once(arrays)
            else:
                _check_rows(arrays, inputs)
                rows = [once([np.ascontiguousarray(a[i : i + 1]) for a in arrays]) for i in range(len(arrays[0]))]
                results = [np.concatenate(parts) for parts in zip(*rows)]
            return dict(zip((p.title for p in outputs), results))

        return execute

    def _library(self, path: str) -> Any:
        """Compile the file, and load it."""
        compiler = program_of(self.name)
        with tempfile.TemporaryDirectory() as folder:
            library = os.path.join(folder, "library.so")
            command = [compiler, *FLAGS, self.optimization, "-x", "c", os.path.abspath(path), "-lm", "-o", library]
            ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
            if ran.returncode:
                raise ExportError("The C compiler refused the file.", got=ran.stderr[:1000])
            return ctypes.CDLL(library)


def header_of(path: str) -> str:
    """Return the path of the header beside a source file; its name is safe between the quotes of an ``#include``."""
    stem = os.path.splitext(os.path.basename(path))[0]
    name = "".join(c if c.isascii() and c.isalnum() or c in "._-" else "_" for c in stem)
    return os.path.join(os.path.dirname(path), f"{name}.h")


def _described(path: str) -> tuple[str, list[Port], int, int]:
    with open(header_of(path), encoding="utf-8") as file:
        return read_header(file.read())


def _check_rows(arrays: Sequence[np.ndarray], inputs: Sequence[Port]) -> None:
    """Raise an error unless a file of one row can be called for each row of the arrays."""
    rows = {a.shape[:1] for a in arrays}
    fit = all(p.shape[:1] == (1,) and a.shape[1:] == p.shape[1:] and a.size for a, p in zip(arrays, inputs))
    if len(rows) != 1 or not fit:
        raise ArgumentError(
            "The inputs do not have the sizes of the file.",
            expected=", ".join(f"{p.title}: {p.shape}" for p in inputs),
            got=", ".join(str(a.shape) for a in arrays),
            cure="export with batch_size= of as many rows",
        )


TARGET = C()
