"""The texts of the source and the header: the graph's statements, and all that stands around them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from amalthea.export.c.builder import Builder
from amalthea.export.c.constants import Constants
from amalthea.export.c.control import CONTROL
from amalthea.export.c.loops import LOOPS
from amalthea.export.c.memory import Buffer, planned
from amalthea.export.c.operators import OPERATORS
from amalthea.export.c.text import TYPES, c_type, identifier, quoted, unique
from amalthea.export.c.windows import WINDOWS
from amalthea.export.endpoint import Endpoint
from amalthea.export.folding import folded
from amalthea.export.lowering import Value

LOWERINGS = {**OPERATORS, **LOOPS, **WINDOWS, **CONTROL}
_INNER = re.compile(r"\b(?:in|out|t)\d+\b")  # arrays in generated code, before they get their last names


class Port(NamedTuple):
    """A parameter of the function.

    Args:
        name: str; its identifier.
        title: str; the name of the model's input or output.
        shape: its sizes.
        dtype: str; that of its elements.
        kind: str; ``"input"`` or ``"output"``.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    dtype: str
    kind: str


class Program(NamedTuple):
    """A generated program: the texts of the two files, and the numbers of bytes.

    Args:
        source: str; the text of the ``.c`` file.
        header: str; the text of the ``.h`` file.
        arena: the arrays of intermediate values, each with its offset.
        arena_bytes: int; the memory that they take.
        constant_bytes: int; the memory of weights.
    """

    source: str
    header: str
    arena: list[Buffer]
    arena_bytes: int
    constant_bytes: int


def program(endpoint: Endpoint, stem: str, header: str, narrow: bool = False) -> Program:
    """Return the program of an endpoint.

    Args:
        endpoint: the endpoint; all its sizes are known.
        stem: str; the name of the file without its ending: public names begin with it.
        header: str; the name of the header.
        narrow: bool; whether weights are kept in 8 bits.
    """
    endpoint = folded(endpoint.lowered(LOWERINGS, "c"))
    graph, b = endpoint.graph, Builder(LOWERINGS, Constants(narrow))
    for i, tensor in enumerate(graph.inputs):
        type, shape = b.held(tensor.type), tensor.type.shape
        c_type(type.dtype)
        b.values[tensor] = Value(Buffer(f"in{i}", type.dtype, prod(shape), "input"), type)  # type: ignore[arg-type]
    for variable, tensor in graph.reads:
        b.values[tensor] = b.constant(variable.numpy())
    last_names = _return(b, b.add_graph(graph))
    arena = [x for x in b.buffers if x.kind == "arena" and x.last >= 0]
    bytes = planned(arena)
    ports = _ports(endpoint, b)
    given = {f"{kind[:-3]}{i}": p.name for kind in ("input", "output") for i, p in _numbered(ports, kind)}
    last_names = given | {inner: given[name] for inner, name in last_names.items()}
    function = f"{identifier(stem, 'net')}_{identifier(endpoint.name)}"
    about = _About(function, ports, bytes, b.constants.bytes)
    return Program(_source(about, b, arena, last_names, header), _header(about, header), arena, bytes, about.constants)


def _numbered(ports: Sequence[Port], kind: str) -> Any:
    return enumerate(p for p in ports if p.kind == kind)


def _return(b: Builder, values: Sequence[Value]) -> dict[str, str]:
    """Let each result be computed in the caller's array, or copied there if it is something else too.

    Returns:
        The names of arrays that became the caller's, with their new names.
    """
    renamed = {}
    for i, value in enumerate(values):
        value = b.whole(value)
        if isinstance(value.name, Buffer) and value.name.kind == "arena":
            value.name.kind = "output"
            renamed[value.name.name] = f"out{i}"
        else:
            c_type(value.dtype)
            b.assign(Buffer(f"out{i}", value.dtype, prod(value.shape), "output"), value)  # type: ignore[arg-type]
    return renamed


def _words(b: Builder) -> set[str]:
    """Every identifier of the generated code."""
    texts = [*b.lines, *b.helpers.code.values(), *(c.split("=")[0] for c in b.constants.code)]
    words = {word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text)}
    return words | {"arena", *TYPES.values(), *(x.name for x in b.buffers)}


def _ports(endpoint: Endpoint, b: Builder) -> list[Port]:
    titles = [*endpoint.inputs, *endpoint.outputs]
    tensors = [*endpoint.graph.inputs, *endpoint.graph.outputs]
    kinds = ["input"] * len(endpoint.inputs) + ["output"] * len(endpoint.outputs)
    return [
        Port(name, title, tuple(int(d) for d in x.type.shape), b.held(x.type).dtype, kind)  # type: ignore[arg-type]
        for name, title, x, kind in zip(unique(titles, _words(b), "x"), titles, tensors, kinds)
    ]


class _About(NamedTuple):
    function: str
    ports: list[Port]
    arena: int
    constants: int

    def prototype(self) -> str:
        parameters = [f"{'const ' * (p.kind == 'input')}{c_type(p.dtype)} *{p.name}" for p in self.ports]
        return f"void {self.function}({', '.join(parameters)})"


def _header(about: _About, name: str) -> str:
    prefix = about.function.upper()
    lines = [
        "/* A network as a C function, written by Amalthea.", " *",
        f" * {about.arena} bytes of memory, {about.constants} bytes of constants.",
        f" * Compile: cc -std=c99 -O2 main.c {name[:-2]}.c -lm", " *",
        " * Arrays are in row-major order; outputs do not overlap with inputs. The function keeps nothing between",
        " * calls, but its memory is static: no two calls at the same time.", " */",
        f"#ifndef {prefix}_H", f"#define {prefix}_H", "", "#include <stdint.h>", "",
    ]  # fmt: skip
    for p in about.ports:
        lines.append(f"/* {p.kind} {quoted(p.title)}: {p.dtype} {list(p.shape)} */")
        lines.append(f"#define {prefix}_{p.name.upper()}_SIZE {prod(p.shape)}")
    lines += [
        "", f"#define {prefix}_ARENA_BYTES {about.arena}", f"#define {prefix}_CONSTANT_BYTES {about.constants}", "",
        "#ifdef __cplusplus", 'extern "C"', "#endif", f"{about.prototype()};", "", "#endif", "",
    ]  # fmt: skip
    return "\n".join(lines)


def read_header(text: str) -> tuple[str, list[Port], int, int]:
    """Return what a header says: the function's name, its ports, and the bytes of the arena and of constants."""
    function, parameters = re.findall(r"^void (\w+)\((.*)\);$", text, re.M)[0]
    names = re.findall(r"\*(\w+)", parameters)
    rows = re.findall(r'^/\* (input|output) ("[^"]*"): (\w+) (\[.*?\]) \*/$', text, re.M)
    ports = [
        Port(name, json.loads(title), tuple(json.loads(shape)), dtype, kind)
        for name, (kind, title, dtype, shape) in zip(names, rows)
    ]
    arena, constants = (int(re.findall(rf"_{what}_BYTES (\d+)$", text, re.M)[0]) for what in ("ARENA", "CONSTANT"))
    return function, ports, arena, constants


def _source(about: _About, b: Builder, arena: Sequence[Buffer], last_names: dict[str, str], header: str) -> str:
    lines = [
        f"/* Written by Amalthea: {about.arena} bytes of memory, {about.constants} of constants. See {header}.",
        f" * Compile: cc -std=c99 -O2 -c {header[:-2]}.c */",
        f'#include "{header}"', "", "#include <math.h>", "#include <string.h>", "", *b.constants.code, "",
    ]  # fmt: skip
    if arena:
        lines += [
            "/* Memory of intermediate arrays: those that are never needed together share it. */",
            f"static union {{\n    double d;\n    uint64_t u;\n    uint8_t bytes[{about.arena}];\n}} arena;",
            "#ifdef __GNUC__", "#define SHARED __attribute__((__may_alias__))", "#else", "#define SHARED", "#endif",
            *(f"typedef {c_type(t)} SHARED arena_{t};" for t in sorted({x.dtype for x in arena})), "",
        ]  # fmt: skip
    for code in b.helpers.code.values():
        lines += [code, ""]
    lines += [about.prototype(), "{"]
    lines += [f"    arena_{x.dtype} *const {x.name} = (arena_{x.dtype} *)(arena.bytes + {x.offset});" for x in arena]

    body = [_INNER.sub(lambda found: last_names.get(found.group(), found.group()), line) for line in b.lines]
    words = {word for line in body for word in re.findall(r"\w+", line)}
    body += [f"    (void){p.name};" for p in about.ports if p.name not in words]
    return "\n".join([*lines, *body, "}", ""])
