"""The registry of export targets, and what each has to do.

A target is a module of this package with a ``TARGET``: an object of a subclass of :class:`Target`. A row of
:data:`TARGETS` makes it known; the module is imported only when the target is used.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, ExportError, MissingLibraryError, UnknownNameError, nearest
from amalthea.export.endpoint import Endpoint

NODE_MODULES = "AMALTHEA_NODE_MODULES"  # names a folder node_modules
Runner = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


class Known(NamedTuple):
    """A row of the table of targets.

    Args:
        module: str; the target's module in this package.
        ending: str; how a path ends that means this format; a folder has "".
        line: str; what the format is, and which runtimes execute it.
        writes_with: str; the library that the writer imports, "" for none but what is always installed.
        runs_with: str; the library that executes the file for a check.
        extra: str; the extra of this package that installs both.
        program: str; the program of the system that executes the file, or compiles it, for a check.
        checks_with: str; the extra that installs ``runs_with``, if it is another.
        system: str; the only system that executes the file, as ``sys.platform`` names it, "" for any.
        npm: packages of npm that the program needs for a check.
        of_layers: bool; whether it holds models of layers that it has, and no other computation.
        executes: bool; whether the file holds a computation, and not weights alone.
    """

    module: str
    ending: str
    line: str
    writes_with: str = ""
    runs_with: str = ""
    extra: str = ""
    program: str = ""
    checks_with: str = ""
    system: str = ""
    npm: Sequence[str] = ()
    of_layers: bool = False
    executes: bool = True


_LITERT = "ai_edge_litert"
TARGETS = {
    "onnx": Known("onnx", ".onnx", "ONNX, for runtimes on servers, phones, in browsers, on the JVM", "", "onnxruntime"),
    "litert": Known(
        "litert", ".tflite", "LiteRT, for phones and small devices", "ai_edge_litert", "ai_edge_litert", "litert"
    ),
    "openvino": Known("openvino", ".xml", "OpenVINO IR, for Intel's processors", "openvino", "openvino", "openvino"),
    "c": Known("c", ".c", "C99 without a library, for microcontrollers and any program", program="cc"),
    "tf_saved_model": Known(
        "saved_model",
        "",
        "TensorFlow SavedModel, for servers, the JVM, C",
        "tensorboard",
        "tensorflow",
        "tensorboard",
        checks_with="tensorflow",
    ),
    "coreml": Known(
        "coreml", ".mlpackage", "Core ML, for Apple's devices", "coremltools", "coremltools", "coreml", system="darwin"
    ),
    "tfjs": Known(
        "tfjs",
        "",
        "TensorFlow.js, for browsers and Node",
        program="node",
        npm=("@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm"),
    ),
    "kerasjs": Known(
        "kerasjs",
        ".bin",
        "Keras.js 1.0, for browsers, of its own layers",
        program="node",
        npm=("keras-js",),
        of_layers=True,
    ),
    "webdnn": Known("webdnn", "", "WebDNN 1.2, for browsers, of fixed sizes", program="node", npm=("webdnn",)),
    "executorch": Known(
        "executorch", ".pte", "ExecuTorch, PyTorch's runtime of phones", "executorch", "executorch", "executorch"
    ),
    "safetensors": Known("safetensors", ".safetensors", "weights by name, for PyTorch and hubs", executes=False),
}
ALIASES = {
    "saved_model": "tf_saved_model", "tflite": "litert", "tensorflowjs": "tfjs", "tensorflow.js": "tfjs",
    "tf.js": "tfjs",
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Precision and version of an export.

    Args:
        dtype: str; ``"float32"``, ``"float16"`` or ``"int8"``, of weights or computations.
        calibration: list of dicts of arrays by input name, or None; typical inputs, which int8 needs.
        opset: int or None; version of the format, where it has several.
        variables: dict of lists of Variable by name, for formats that keep variables: more than the graphs read.
        class_labels: list of str or None; names of the classes, for formats that answer with one.
        image_inputs: names of inputs that are images; or dict of name to dict of ``scale``, ``bias`` and ``color``.
        model: Model or None; the model whose call the one endpoint is, for formats that have layers.
    """

    dtype: str = "float32"
    calibration: Sequence[Mapping[str, np.ndarray]] | None = None
    opset: int | None = None
    variables: Mapping[str, Sequence[Variable]] = field(default_factory=dict)
    class_labels: Sequence[str] | None = None
    image_inputs: Any = None
    model: Any = None


class Target:
    """The base class of targets; a subclass sets the attributes and defines :meth:`write` and :meth:`runner`."""

    name = ""
    dtypes: Sequence[str] = ("float32",)
    calibrated: Sequence[str] = ("int8",)  # dtypes that need typical inputs
    has_symbols = True  # whether sizes may be left to each call
    many = False  # whether a file holds several endpoints
    options: Sequence[str] = ()  # the format's own: fields of Options

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        """Write the file or folder at ``path``, which does not exist, or is replaced as a whole.

        Raises:
            ExportError: an endpoint has a computation or a type that the format cannot say; nothing is written.
        """
        raise NotImplementedError

    def files(self, path: str) -> list[str]:
        """Return every path that :meth:`write` makes or replaces."""
        return [path]

    def report(self, path: str) -> str:
        """Return a line on a written file for its user, or ""."""
        return ""

    def runner(self, path: str) -> Runner:
        """Return a function from named inputs to named outputs that executes a written file."""
        raise NotImplementedError


def chosen(format: str | None, path: str) -> str:
    """Return the name of a target, from a format or from the ending of a path.

    Raises:
        UnknownNameError: the format is unknown.
        ArgumentError: the path's ending means no format.

    >>> chosen(None, "model.onnx")
    'onnx'
    """
    if format is not None:
        name = ALIASES.get(format, format)
        if name not in TARGETS:
            raise UnknownNameError("The export format is unknown.", got=repr(format), cure=nearest(format, TARGETS))
        return name
    ending = os.path.splitext(path)[1]
    for name, known in TARGETS.items():
        if known.ending == ending:
            return name
    endings = ", ".join(f"{known.ending or 'a folder'} ({name})" for name, known in TARGETS.items())
    raise ArgumentError(
        "The ending of the path does not tell the format.", expected=endings, got=path, cure="format='onnx'"
    )


def target(name: str) -> Target:
    """Return a target.

    Raises:
        MissingLibraryError: a library that its writer needs is not installed.
    """
    known = TARGETS[name]
    if known.writes_with and importlib.util.find_spec(known.writes_with) is None:
        raise MissingLibraryError(
            f"The format {name!r} needs {known.writes_with}, which is not installed.",
            cure=f"pip install amalthea[{known.extra}]",
        )
    return importlib.import_module(f"amalthea.export.{known.module}").TARGET


def executed_here(name: str) -> bool:
    """Whether a target's files can be written and executed here: its libraries and program are installed."""
    known = TARGETS[name]
    if not known.executes:
        return False
    libraries = [x for x in (known.writes_with, known.runs_with) if x]
    there = all(importlib.util.find_spec(x) is not None for x in libraries)
    if not there or not runs_here(known) or (known.program and shutil.which(known.program) is None):
        return False
    return not known.npm or npm_folder(name) is not None


def runs_here(known: Known) -> bool:
    """Whether this system is one that executes a target's files."""
    return known.system in ("", sys.platform)


def npm_folder(name: str) -> Path | None:
    """Return the folder ``node_modules`` that holds the packages of a target: the named one, or one here or above."""
    given, here = os.environ.get(NODE_MODULES), Path.cwd()
    folders = [Path(given)] if given else [folder / "node_modules" for folder in (here, *here.parents)]
    packages = TARGETS[name].npm
    return next((f for f in folders if all((f / p / "package.json").is_file() for p in packages)), None)


def check_path(name: str, path: str) -> None:
    """Raise an error if a target's file cannot be written there."""
    if os.path.isdir(path) and TARGETS[name].ending:
        raise ArgumentError("There is a folder of that name, and the format is a file.", got=path)
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ArgumentError("The folder to write to does not exist.", got=folder, cure=f"os.makedirs({folder!r})")


def check_options(target: Target, endpoints: Sequence[Endpoint], options: Options) -> None:
    """Raise an error if a target cannot do what is asked, before anything is written."""
    if options.dtype not in target.dtypes:
        raise ArgumentError(
            f"The format {target.name!r} has no such dtype.", expected=", ".join(target.dtypes), got=options.dtype
        )
    if options.dtype in target.calibrated and not options.calibration:
        raise ArgumentError("Integers of 8 bits need typical inputs.", cure="calibration=x_train[:200]")
    if len(endpoints) != 1 and not target.many:
        raise ExportError(f"The format {target.name!r} holds one endpoint.", got=", ".join(e.name for e in endpoints))
    for key in ("class_labels", "image_inputs"):
        if getattr(options, key) is not None and key not in target.options:
            raise ArgumentError(f"The format {target.name!r} has no {key}.", cure="format='coreml'")
    symbolic = any(d is None for e in endpoints for x in e.graph.inputs for d in x.shape)
    if symbolic and not target.has_symbols:
        raise ExportError(
            f"The format {target.name!r} needs all sizes of inputs.",
            got=", ".join(str(x.type) for e in endpoints for x in e.graph.inputs),
            cure="batch_size=1, or input_signature= with every size",
        )


def runtime_of(name: str) -> Any:
    """Import the library that executes a target's files.

    Raises:
        MissingLibraryError: it is not installed.
    """
    known = TARGETS[name]
    try:
        return importlib.import_module(known.runs_with)
    except ImportError as error:
        raise MissingLibraryError(
            f"A check of the format {name!r} needs {known.runs_with}.",
            cure=f"pip install amalthea[{known.checks_with or known.extra}]",
        ) from error


def program_of(name: str) -> str:
    """Return the path of the program that a check of a target needs.

    Raises:
        MissingLibraryError: it is not installed.
    """
    program = TARGETS[name].program
    found = shutil.which(program)
    if found is None:
        raise MissingLibraryError(
            f"A check of the format {name!r} needs the program {program!r}.",
            cure=f"install one, and put {program} on PATH",
        )
    return found
