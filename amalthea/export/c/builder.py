"""The builder of a C function: values that are arrays or expressions of elements, and the loops that compute them.

An elementwise operation makes no loop: its value is an expression of its inputs' elements. A loop is written where a
value is needed as an array: several operations read it, or a matrix product does. So a chain of elementwise operations,
transpositions, slices and the like is one loop, and its intermediate values take no memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.export.c.constants import Constants
from amalthea.export.c.memory import Buffer
from amalthea.export.c.scalars import Helpers
from amalthea.export.c.text import c_type, number
from amalthea.export.lowering import Lowering, Value

DEEPEST = 24  # operations in an expression; a longer chain is computed in parts
_SMALL = 64  # elements of what is computed while exporting, if its inputs are constants

Index = Sequence[str]


class Lazy:
    """A value that is an expression of other values' elements.

    Args:
        at: function from an index, a text for each axis, to the expression of the element.
        flat: function from a position in row-major order, or None if only ``at`` is known.
        depth: number of operations; 0 for a view, which costs nothing to read again.
    """

    __slots__ = ("at", "depth", "flat")

    def __init__(self, at: Callable[[Index], str], flat: Callable[[str], str] | None = None, depth: int = 0):
        self.at, self.flat, self.depth = at, flat, depth


def times(index: str, stride: int) -> str:
    """Return the text of an index times a stride.

    >>> times("i0", 4), times("i0 - 1", 4), times("2", 4), times("i0", 1)
    ('i0 * 4', '(i0 - 1) * 4', '8', 'i0')
    """
    if stride == 1:
        return index
    if index.isdigit():
        return str(int(index) * stride)
    return f"{index} * {stride}" if re.fullmatch(r"\w+", index) else f"({index}) * {stride}"


def linear(shape: Sequence[Any], index: Index) -> str:
    """Return the position of an element in row-major order.

    >>> linear((2, 3, 1, 4), ["i0", "0", "i2", "i3 + 1"])
    'i0 * 12 + i3 + 1'
    """
    terms = [times(i, prod(shape[a + 1 :])) for a, i in enumerate(index) if shape[a] != 1 and i != "0"]
    return " + ".join(terms) or "0"


class Builder(Lowering):
    """Collects the statements of a function; ``position`` numbers them, for the lifetimes of arrays."""

    size_dtype = "int64"
    computed_in = MappingProxyType({"float16": "float32", "bfloat16": "float32"})

    def __init__(self, table: Any, constants: Constants):
        super().__init__(table)
        self.constants, self.helpers = constants, Helpers()
        self.lines: list[str] = []
        self.buffers: list[Buffer] = []
        self.level, self.position, self.counters = 1, 0, 0
        self.reads: list[tuple[Buffer, str]] = []

    # ------------------------------------------------------------------------------------------ statements
    def line(self, text: str) -> None:
        self.lines.append("    " * self.level + text)

    @contextmanager
    def block(self, head: str, tail: str = "") -> Generator[None, None, None]:
        """Lines in braces."""
        self.line(f"{head} {{".lstrip())
        self.level += 1
        yield
        self.level -= 1
        self.line("}" + tail)

    @contextmanager
    def repeated(self, head: str) -> Generator[None, None, None]:
        """A loop of many statements: an array of before that it touches is needed until it ends."""
        self.position += 1
        begin = self.position
        with self.block(head):
            yield
        self.position += 1
        for buffer in self.buffers:
            if buffer.first < begin <= buffer.last:
                buffer.last = self.position

    @contextmanager
    def loops(self, shape: Sequence[Any], letter: str = "i") -> Generator[list[str], None, None]:
        """Nested loops over a shape; gives the index."""
        index, start = [], self.level
        for axis, size in enumerate(shape):
            if size == 1:
                index.append("0")
                continue
            name = f"{letter}{axis}"
            self.line(f"for (long {name} = 0; {name} < {size}; {name}++) {{")
            self.level += 1
            index.append(name)
        yield index
        while self.level > start:
            self.level -= 1
            self.line("}")

    def counter(self, letter: str) -> str:
        """A variable's name that no other has."""
        self.counters += 1
        return f"{letter}_{self.counters}"

    # ---------------------------------------------------------------------------------------------- values
    def buffer(self, type: Type) -> Buffer:
        """Make an array in the arena."""
        c_type(type.dtype)
        made = Buffer(f"t{len(self.buffers)}", type.dtype, prod(type.shape))  # type: ignore[arg-type]
        self.buffers.append(made)
        return made

    def element(self, buffer: Buffer, index: str) -> str:
        """Return the expression of an element, and note that it is read or written now."""
        buffer.note(self.position)
        self.reads.append((buffer, index))
        return f"{buffer.name}[{index}]"

    def source(self, value: Value) -> Lazy:
        """Return the expression of a value's elements."""
        if isinstance(value.name, Lazy):
            return value.name
        if value.array is not None:
            return self._constant_source(value)
        shape, buffer = value.shape, value.name
        return Lazy(lambda index: self.element(buffer, linear(shape, index)), lambda i: self.element(buffer, i))

    def _constant_source(self, value: Value) -> Lazy:
        array = value.array
        assert array is not None
        if array.size and (array.size == 1 or array.tobytes() == array.reshape(-1)[:1].tobytes() * array.size):
            text = number(array.reshape(-1)[0], value.dtype)
            text = f"({text})" if text.startswith("-") else text
            return Lazy(lambda index: text, lambda i: text)
        stored = self.constants.stored
        shape = value.shape
        if self.constants.is_narrow(array):
            return Lazy(lambda index: stored(array).narrow(linear(shape, index), linear(shape[-1:], index[-1:])))
        return Lazy(
            lambda index: f"{stored(array).name}[{linear(shape, index)}]", lambda i: f"{stored(array).name}[{i}]"
        )

    def new_constant(self, array: np.ndarray) -> Value:
        return Value(None, Type(array.shape, dtypes.standardize(array.dtype)), array)

    def is_view(self, value: Value) -> bool:
        """Whether an element costs nothing but its address."""
        return not isinstance(value.name, Lazy) or value.name.depth == 0

    def view(self, value: Value) -> Value:
        """Return the value, computed to an array unless its elements are those of one."""
        return value if self.is_view(value) else self.whole(value)

    def whole(self, value: Value) -> Value:
        """Return the value as an array, or as a constant."""
        if not isinstance(value.name, Lazy):
            return value
        made = self.buffer(value.type)
        self.assign(made, value)
        return Value(made, value.type)

    def lazy(self, type: Type, at: Any, flat: Any = None, depth: int = 1) -> Value:
        return Value(Lazy(at, flat, depth), type)

    def depth(self, *values: Value) -> int:
        return sum(v.name.depth for v in values if isinstance(v.name, Lazy))

    def assign(self, target: Buffer, value: Value, place: Callable[[Index], str] | None = None) -> None:
        """Write a value's elements to an array: to their own positions, or to where ``place`` says."""
        size: Any = prod(value.shape)
        self.position += 1
        target.note(self.position)
        if not size:
            return
        if place is None and isinstance(value.name, Buffer):
            value.name.note(self.position)
            self.line(f"memcpy({target.name}, {value.name.name}, {target.bytes});")
            return
        source, fresh = self.source(value), target.first == self.position and place is None
        self.reads = []
        if source.flat is not None and place is None:
            with self.loops([size], "i"):
                written = "0" if size == 1 else "i0"
                self.line(f"{target.name}[{written}] = {source.flat(written)};")
        else:
            with self.loops(value.shape) as index:
                written = linear(value.shape, index) if place is None else place(index)
                self.line(f"{target.name}[{written}] = {source.at(index)};")
        if fresh:
            self._share(target, written)

    def _share(self, target: Buffer, written: str) -> None:
        """Let an array take the bytes of one whose elements are read only where those of the same place are written."""
        elsewhere = {buffer for buffer, index in self.reads if index != written}
        for buffer, _ in self.reads:
            if buffer.kind == "arena" and buffer not in elsewhere and buffer.bytes == target.bytes:
                target.over = buffer
                return

    # ---------------------------------------------------------------------------------------------- graphs
    def add_graph(self, graph: Graph) -> list[Value]:
        uses = Counter(x for node in graph.nodes for x in node.inputs)
        uses.update(graph.results)
        for node in graph.nodes:
            inputs = [self.value(x) for x in node.inputs]
            made = self._folded(node, inputs)
            if made is None:
                made = self.table[node.primitive](self, *inputs, **node.attrs)
                made = [made] if node.primitive.single else made
            for tensor, value in zip(node.outputs, made):
                value = Value(value.name, self.held(tensor.type), value.array)
                if isinstance(value.name, Lazy) and value.name.depth > (0 if uses[tensor] != 1 else DEEPEST):
                    value = self.whole(value) if uses[tensor] else value
                self.values[tensor] = value
        return [self.value(x) for x in graph.results]

    def _folded(self, node: Any, inputs: Sequence[Value]) -> list[Value] | None:
        """The outputs of a node whose inputs are constants, if they are not much larger."""
        arrays = [x.array for x in inputs]
        if not arrays or any(a is None for a in arrays) or any(isinstance(v, Graph) for v in node.attrs.values()):
            return None
        sizes = [prod(x.type.shape) for x in node.outputs]
        if sum(sizes) > max(_SMALL, sum(a.size for a in arrays)):  # type: ignore[union-attr]
            return None
        with np.errstate(all="ignore"):
            found = node.primitive.reference(*arrays, **node.attrs)
        found = [found] if node.primitive.single else list(found)
        types = [self.held(x.type) for x in node.outputs]
        return [
            Value(None, t, np.ascontiguousarray(a, dtypes.to_numpy(t.dtype)).reshape(t.shape))
            for t, a in zip(types, found)
        ]

    # All sizes are known, so no size is computed.
    def size_of(self, value: Value, axis: int) -> Value:
        return self.constant([value.shape[axis]], self.size_dtype)

    def combine(self, operator: str, x: Value, y: Value) -> Value:
        raise NotImplementedError

    def join(self, sizes: Sequence[Value]) -> Value:
        raise NotImplementedError
