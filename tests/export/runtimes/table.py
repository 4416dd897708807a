"""Runtimes that execute exported files without Amalthea, and how each is started.

Every runtime executes the networks of ``networks.py`` in a process of its own, and what comes out is compared with
``predict``.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from amalthea import tree
from amalthea.errors import ExportError
from amalthea.export import checking, signatures, targets
from amalthea.export.c.program import read_header
from amalthea.export.endpoint import traced
from tests.export.runtimes import bundle, places
from tests.export.runtimes.networks import NETWORKS, feeds

Starter = Callable[[Sequence[Path]], None]


class Runtime(NamedTuple):
    """A runtime.

    Args:
        title: its name for readers.
        target: the format that it executes.
        start: executes the files of some folders.
        missing: gives the reason why it cannot be started here, or "".
        options: of the export.
        gaps: networks that it cannot execute, with a part of its error.
        close: the largest difference, relative to the largest output.
    """

    title: str
    target: str
    start: Starter
    missing: Callable[[], str]
    options: Mapping[str, Any] = MappingProxyType({})
    gaps: Mapping[str, str] = MappingProxyType({})
    close: float = 2e-5


class Ended(Exception):
    """A program ended with an error."""


def called(command: Sequence[str | Path], **options: Any) -> str:
    """Run a program; what it printed."""
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if ran.returncode:
        raise Ended(f"{Path(command[0]).name} ended with {ran.returncode}: {(ran.stderr or ran.stdout)[-2000:]}")
    return ran.stdout


@functools.cache
def _keras_home() -> str:
    """A folder for the settings that TensorFlow's Keras writes, which would choose the backend of other tests."""
    return tempfile.mkdtemp()


def in_python(runtime: str, program: Callable[[], list[str]] = places.python, path: str = "") -> Starter:
    """The Python program of ``programs/run.py``."""

    def start(folders: Sequence[Path]) -> None:
        settings = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "KERAS_HOME": _keras_home()}
        try:
            called([*program(), runtime, *folders], env=settings)
        except Ended as ended:
            if len(folders) == 1:
                (folders[0] / "error.txt").write_text(str(ended))
                return
            for folder in folders:  # to learn which of them ends the runtime
                start([folder])

    return start


def in_ort_format(folders: Sequence[Path]) -> None:
    """ONNX Runtime's own format for phones, by its converter."""
    for folder in folders:
        called([sys.executable, "-m", "onnxruntime.tools.convert_onnx_models_to_ort", folder / "model.onnx"])
        for file in folder.glob("model*"):
            if file.name != "model.ort":
                file.unlink()
    in_python("onnxruntime")(folders)


@functools.cache
def java_classes() -> str:
    folder = tempfile.mkdtemp()
    called(["javac", "-cp", places.JAR, "-d", folder, *sorted(places.PROGRAMS.glob("*.java"))])
    return f"{places.JAR}{os.pathsep}{folder}"


def on_the_jvm(folders: Sequence[Path]) -> None:
    called(["java", "-cp", java_classes(), "Jvm", *folders])


def in_tensorflow_c(folders: Sequence[Path]) -> None:
    """A C program, linked with the library of TensorFlow's wheel."""
    import tensorflow

    place = Path(tensorflow.__file__).parent
    libraries = [f"-l:{name}" for name in ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")]
    with tempfile.TemporaryDirectory() as folder:
        program, source = Path(folder, "program"), places.PROGRAMS / "tensorflow.c"
        found = ["-I", place / "include", "-L", place, *libraries, f"-Wl,-rpath,{place}"]
        called(["cc", "-std=c99", "-Wall", "-Werror", source, "-o", program, *found])
        called([program, *folders], env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})


def compiled_by(compiler: str, *command: str) -> Starter:
    """The C file with a ``main``, by a compiler; a command before the program runs that of another processor."""

    def start(folders: Sequence[Path]) -> None:
        for folder in folders:
            name, ports, *_ = read_header((folder / "model.h").read_text())
            (folder / "main.c").write_text(_main(name, ports))
            flags = ["-std=c99", "-Wall", "-Werror", "-O1"]
            called([compiler, *flags, folder / "main.c", folder / "model.c", "-lm", "-o", folder / "program"])
            called([*command, folder / "program"], cwd=folder)
            data, found = (folder / "out.bin").read_bytes(), {}
            for p in ports:
                if p.kind == "output":
                    size = int(np.prod(p.shape)) * np.dtype(p.dtype).itemsize
                    found[p.title], data = np.frombuffer(data[:size], p.dtype).reshape(p.shape), data[size:]
            np.savez(folder / "out.npz", **found)

    return start


def _main(name: str, ports: Sequence[Any]) -> str:
    """A program that reads the inputs from a file, calls the network, and writes the outputs to another."""
    types = {"float32": "float"}
    lines = ["#include <stdio.h>", '#include "model.h"']
    for p in ports:
        lines.append(f"static {types.get(p.dtype, f'{p.dtype}_t')} {p.name}[{name.upper()}_{p.name.upper()}_SIZE];")
    lines += [
        "int main(void) {",
        '    FILE *in = fopen("in.bin", "rb"), *out = fopen("out.bin", "wb");',
        "    int ok = 1;",
    ]
    reads = [p.name for p in ports if p.kind == "input"]
    lines += [f"    ok = ok && fread({x}, sizeof {x}, 1, in) == 1;" for x in reads]
    lines.append(f"    {name}({', '.join(p.name for p in ports)});")
    lines += [f"    ok = ok && fwrite({p.name}, sizeof {p.name}, 1, out) == 1;" for p in ports if p.kind == "output"]
    return "\n".join([*lines, "    return fclose(in) || fclose(out) || !ok;", "}", ""])


def _any(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)


def _arm64() -> str:
    return _any(places.qemu("aarch64"), places.files(places.ARM64))


ONE = {"batch_size": 1}
in_micro = in_python("tflite_micro", path=str(places.MICRO))
_MICRO = {"masked LSTM": "BOOL' is not supported by gather", "preprocessing": "SUM"}
_ARM = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"]
RUNTIMES = [
    Runtime("ONNX Runtime", "onnx", in_python("onnxruntime"), lambda: ""),
    Runtime(
        "onnx's reference evaluator", "onnx", in_python("onnx_reference"), lambda: "",
        gaps={"masked LSTM": "input_direction"},
    ),
    Runtime("ONNX Runtime, `.ort` of phones", "onnx", in_ort_format, lambda: ""),
    Runtime("ONNX Runtime Java", "onnx", on_the_jvm, lambda: _any(places.programs("javac"), places.files(places.JAR))),
    Runtime("ONNX Runtime on arm64 (QEMU)", "onnx", in_python("onnxruntime", places.arm64), _arm64),
    Runtime("OpenVINO reads ONNX", "onnx", in_python("openvino"), lambda: places.libraries("openvino")),
    Runtime("LiteRT", "litert", in_python("litert"), lambda: places.libraries("ai_edge_litert")),
    Runtime(
        "LiteRT, compiled model", "litert", in_python("litert_compiled"),
        lambda: places.libraries("ai_edge_litert"), ONE,
    ),
    Runtime(
        "LiteRT, int8", "litert", in_python("litert"), lambda: places.libraries("ai_edge_litert"),
        {**ONE, "dtype": "int8"},
        gaps={"masked LSTM": "cannot quantize"}, close=0.1,
    ),
    Runtime("LiteRT on arm64 (QEMU)", "litert", in_python("litert", places.arm64), _arm64),
    Runtime("`tf.lite`", "litert", in_python("tf_lite"), lambda: places.libraries("tensorflow")),
    Runtime(
        "OpenVINO reads `.tflite`", "litert", in_python("openvino"), lambda: places.libraries("openvino"),
        gaps={"masked LSTM": "DYNAMIC_UPDATE_SLICE"},
    ),
    Runtime("TFLite-Micro", "litert", in_micro, lambda: places.files(places.MICRO), ONE, gaps=_MICRO),
    Runtime(
        "TFLite-Micro, int8", "litert", in_micro, lambda: places.files(places.MICRO), {**ONE, "dtype": "int8"},
        gaps={**_MICRO, "masked LSTM": "cannot quantize", "two inputs, two outputs": "INT8 != FLOAT32"}, close=0.1,
    ),
    Runtime("TensorFlow", "tf_saved_model", in_python("tensorflow"), lambda: places.libraries("tensorflow")),
    Runtime(
        "TensorFlow's C API", "tf_saved_model", in_tensorflow_c,
        lambda: _any(places.libraries("tensorflow"), places.programs("cc")),
    ),
    Runtime("OpenVINO reads SavedModel", "tf_saved_model", in_python("openvino"), lambda: places.libraries("openvino")),
    Runtime("gcc", "c", compiled_by("gcc"), lambda: places.programs("gcc"), ONE),
    Runtime("clang", "c", compiled_by("clang"), lambda: places.programs("clang"), ONE),
    Runtime(
        "gcc for arm64 (QEMU)", "c", compiled_by("aarch64-linux-gnu-gcc", *_ARM),
        lambda: _any(places.programs("aarch64-linux-gnu-gcc"), places.qemu("aarch64")), ONE,
    ),
    Runtime(
        "gcc for 32-bit ARM (QEMU)", "c",
        compiled_by("arm-linux-gnueabihf-gcc", "qemu-arm-static", "-L", "/usr/arm-linux-gnueabihf"),
        lambda: _any(places.programs("arm-linux-gnueabihf-gcc"), places.qemu("arm")), ONE,
    ),
]  # fmt: skip


def missing(runtime: Runtime) -> str:
    """The reason why a runtime cannot be started here, or its files not be written, or ""."""
    writer = targets.TARGETS[runtime.target].writes_with
    return runtime.missing() or (places.libraries(writer) if writer else "")


def put(runtime: Runtime, name: str, folder: Path) -> list[np.ndarray]:
    """Export a network with its inputs into a folder; what the network predicts."""
    model, rows = NETWORKS[name](), runtime.options.get("batch_size") or 3
    given = feeds(model, rows)
    options = dict(runtime.options)
    if options.get("dtype") == "int8":
        options["calibration"] = tree.pack_sequence_as(model.inputs, list(feeds(model, 64).values()))
    model.export(folder / f"model{targets.TARGETS[runtime.target].ending}", runtime.target, verbose=False, **options)
    np.savez(folder / "in.npz", **given)
    bundle.write(folder, "in", given)
    return [
        np.asarray(x)
        for x in tree.flatten(model.predict(tree.pack_sequence_as(model.inputs, [*given.values()]), verbose=0))
    ]


def names_of(model: Any) -> list[str]:
    """Names of the outputs of a file, in the order of the model's."""
    serve = lambda *args: model(*args, training=False)  # noqa: E731
    return traced("serve", serve, signatures.of_model(model), model._output_names()).outputs


def taken(name: str, folder: Path, expected: Sequence[np.ndarray]) -> checking.Checked | str:
    """Compare the outputs that a runtime left in a folder; or its error."""
    if (folder / "error.txt").exists():
        return (folder / "error.txt").read_text()
    if (folder / "out.npz").exists():
        with np.load(folder / "out.npz") as file:
            found = dict(file)
    else:
        found = bundle.read(folder, "out")
    names = names_of(NETWORKS[name]())
    if set(found) != set(names):  # a runtime that numbers outputs, in the order of the alphabet
        found = dict(zip(sorted(names), found.values()))
    return checking.compared(expected, [found[output] for output in names])


@functools.cache
def outcomes(title: str) -> dict[str, checking.Checked | str]:
    """What a runtime gives for every network: a comparison, or its error."""
    (runtime,) = [r for r in RUNTIMES if r.title == title]
    with tempfile.TemporaryDirectory() as root:
        expected, found = {}, {}
        folders = {name: Path(root, str(i)) for i, name in enumerate(NETWORKS)}
        for name, folder in folders.items():
            folder.mkdir()
            try:
                expected[name] = put(runtime, name, folder)
            except ExportError as error:
                found[name] = str(error)
        runtime.start([folders[name] for name in expected])
        return {
            name: taken(name, folders[name], expected[name]) if name in expected else found[name] for name in NETWORKS
        }
