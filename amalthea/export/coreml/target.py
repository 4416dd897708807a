"""The target: a package with one program, floats of 32 or 16 bits, and open sizes up to a limit."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
from coremltools.converters.mil.mil import Function, Program, get_new_symbol, types

from amalthea import writing
from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import reductions
from amalthea.errors import ExportError, MissingLibraryError
from amalthea.export.coreml.builder import SYSTEM, Builder, mb
from amalthea.export.coreml.control import CONTROL
from amalthea.export.coreml.operators import OPERATORS
from amalthea.export.coreml.options import Image, check_labels, images
from amalthea.export.coreml.quiet import silent
from amalthea.export.coreml.windows import WINDOWS
from amalthea.export.endpoint import Endpoint
from amalthea.export.lowering import Value
from amalthea.export.targets import Options, Runner, Target

LOWERINGS = {**OPERATORS, **WINDOWS, **CONTROL}
LARGEST = 4096  # of an open size: the format wants a limit
NARROW = ("int8", "int16", "uint8", "uint16")
_WRAPPING = (p.add, p.subtract, p.multiply, p.negative, p.power, reductions.reduce_sum, reductions.cumsum)
_PORTS = {"float32": types.fp32, "int32": types.int32}
_PRECISIONS = {"float32": ct.precision.FLOAT32, "float16": ct.precision.FLOAT16}


class _Port:
    """An input of the program: its variable's type, and how callers see it."""

    def __init__(self, name: str, type: Type, image: Image | None, symbols: dict[str, tuple[Any, Any]]):
        self.name, self.image = plain(name), image
        self.type = type._replace(dtype="int32" if type.dtype == "bool" else type.dtype)
        if image is not None:
            n, rows, columns, channels = type.shape
            self.type = type._replace(shape=(n, channels, rows, columns))
        sizes = [d if isinstance(d, int) else _open(d, symbols) for d in self.type.shape]
        self.own = [d if isinstance(d, int) else d[0] for d in sizes]
        self.seen = [d if isinstance(d, int) else d[1] for d in sizes]

    def placeholder(self) -> Any:
        return mb.placeholder(self.own, dtype=_PORTS[self.type.dtype])

    def described(self) -> Any:
        if self.image is not None:
            return ct.ImageType(name=self.name, shape=self.seen, channel_first=True, **self.image._asdict())
        return ct.TensorType(name=self.name, shape=self.seen, dtype=_PORTS[self.type.dtype])


def plain(name: str) -> str:
    """Return a name of letters, digits and underscores, as programs have."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII)
    return found if found[:1].isalpha() or found[:1] == "_" else f"_{found}"


def _open(size: Any, symbols: dict[str, tuple[Any, Any]]) -> tuple[Any, Any]:
    """The symbol of an open size, and its range."""
    name = str(shapes.name_of(size))
    if name not in symbols:
        symbols[name] = (get_new_symbol(), ct.RangeDim(1, LARGEST, default=1))
    return symbols[name]


def _ports(endpoint: Endpoint, builder: Builder, options: Options) -> list[_Port]:
    found, symbols = images(endpoint, options), {}
    ports = []
    for name, tensor in zip(endpoint.inputs, endpoint.graph.inputs):
        _check_input(name, tensor)
        ports.append(_Port(name, builder.held(tensor.type), found.get(name), symbols))
    return ports


def _check_input(name: str, tensor: Tensor) -> None:
    if tensor.dtype in ("int64", "uint32", "uint64"):
        raise ExportError(
            f"Core ML has whole numbers of 32 bits, and the input '{name}' more.",
            got=str(tensor.type),
            cure="Input(..., dtype='int32')",
        )
    if not tensor.shape:
        raise ExportError(f"Core ML has no scalars as inputs, and '{name}' is one.", cure="a shape of (1,)")


def _check_integers(endpoint: Endpoint) -> None:
    """Refuse what wraps around in fewer bits than Core ML computes in."""
    for node in all_nodes(endpoint.graph):
        narrow = [x for x in node.outputs if x.dtype in NARROW]
        if narrow and node.primitive in _WRAPPING or node.primitive is p.cast and narrow and _is_wide(node.inputs[0]):
            raise ExportError(
                "Core ML computes whole numbers in 32 bits alone.", got=str(narrow[0].type), cure="ops.cast(x, 'int32')"
            )


def _is_wide(x: Tensor) -> bool:
    return "int" in x.dtype and x.dtype not in NARROW


def written(endpoint: Endpoint, options: Options) -> Any:
    """Return the model of a lowered endpoint, as coremltools has it."""
    _check_integers(endpoint)
    builder, program = Builder(LOWERINGS), Program()
    ports = _ports(endpoint, builder, options)
    function = Function({port.name: port.placeholder() for port in ports}, opset_version=SYSTEM)
    with function:
        for port, tensor in zip(ports, endpoint.graph.inputs):
            builder.values[tensor] = _received(builder, function.inputs[port.name], port, tensor)
        for variable, tensor in endpoint.graph.reads:
            builder.values[tensor] = builder.constant(variable.numpy())
        outputs = builder.add_graph(endpoint.graph)
        function.set_outputs([_given(builder, x, plain(n)) for x, n in zip(outputs, endpoint.outputs)])
    program.add_function("main", function)
    labels = check_labels(endpoint, options)
    return ct.convert(
        program, source="milinternal", convert_to="mlprogram", minimum_deployment_target=SYSTEM,
        compute_precision=_PRECISIONS[options.dtype], inputs=[port.described() for port in ports],
        skip_model_load=True, classifier_config=ct.ClassifierConfig(labels) if labels else None,
    )  # fmt: skip


def _received(b: Builder, variable: Any, port: _Port, tensor: Tensor) -> Value:
    """The value of an input as the graph has it: truths, and images with channels last."""
    value = Value(variable, port.type)
    b.know_symbols(value)
    if port.image is not None:
        value = b.transpose(value, [0, 2, 3, 1])
    return b.cast(value, tensor.dtype) if tensor.dtype == "bool" else value


def _given(b: Builder, value: Value, name: str) -> Any:
    """The variable of an output under its own name; truths are given as 0 and 1."""
    value = b.cast(value, "int32") if value.dtype == "bool" else value
    if not value.rank:
        value = b.reshape(value, (1,))
    return mb.identity(x=b.as_variable(value), name=name)


class CoreMl(Target):
    """Core ML."""

    name = "coreml"
    dtypes = ("float32", "float16")
    options = ("class_labels", "image_inputs")

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        endpoint = endpoints[0].lowered(LOWERINGS, self.name, first=True)
        with tempfile.TemporaryDirectory() as folder, silent():
            package = Path(folder, "model.mlpackage")
            written(endpoint, options).save(str(package))
            with writing.whole_folder(Path(path)) as whole:
                for file in (f for f in package.rglob("*") if f.is_file()):
                    copy = Path(whole, file.relative_to(package))
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    writing.write(copy, file.read_bytes())

    def runner(self, path: str) -> Runner:
        if sys.platform != "darwin":
            raise MissingLibraryError("Core ML runs files on a Mac alone.", got=sys.platform)
        model = ct.models.MLModel(path)
        names = [x.name for x in model.get_spec().description.output]

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            got = model.predict({plain(name): value for name, value in feeds.items()})
            return {name: np.asarray(got[name]) for name in names}

        return execute


TARGET = CoreMl()
