"""The walk over a graph that writers of formats share: values of tensors, constants, and sizes with symbols."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.ir.trace import on_host


class Value:
    """A value of the file that is written.

    Args:
        name: how the format refers to it: an index or a text.
        type: shape and dtype.
        array: its elements if it is a constant, else None.
    """

    __slots__ = ("array", "name", "type")

    def __init__(self, name: Any, type: Type, array: np.ndarray | None = None):
        self.name, self.type, self.array = name, type, array

    @property
    def shape(self) -> shapes.Shape:
        return self.type.shape

    @property
    def dtype(self) -> str:
        return self.type.dtype

    @property
    def rank(self) -> int:
        return len(self.type.shape)


class Lowering(ABC):
    """Writes every node of a graph by a table; a format defines its constants and the arithmetic of sizes.

    Args:
        table: lowerings by primitive: functions of this object, the values of the inputs and the attributes.
    """

    size_dtype = "int32"
    computed_in: Mapping[str, str] = MappingProxyType({})  # dtypes that the format computes in another one

    def __init__(self, table: Mapping[Any, Callable[..., Any]]):
        self.table = table
        self.values: dict[Tensor, Value] = {}
        self.symbols: dict[str, Value] = {}
        self._sizes: dict[Any, Value] = {}

    @abstractmethod
    def new_constant(self, array: np.ndarray) -> Value:
        """Store an array in the file."""

    @abstractmethod
    def size_of(self, value: Value, axis: int) -> Value:
        """Compute the size of an axis when the file runs, as a vector of one."""

    @abstractmethod
    def combine(self, operator: str, x: Value, y: Value) -> Value:
        """Compute "add", "multiply" or "floor_divide" of two vectors of one size."""

    @abstractmethod
    def join(self, sizes: Sequence[Value]) -> Value:
        """Concatenate vectors of one size."""

    def held(self, type: Type) -> Type:
        """Return the type that a tensor of the graph has in the file."""
        return type._replace(dtype=self.computed_in.get(type.dtype, type.dtype))

    def constant(self, array: Any, dtype: str | None = None) -> Value:
        """Return a constant; equal small ones are stored once."""
        array = np.asarray(array, dtypes.to_numpy(dtype) if dtype else None)
        name = dtypes.standardize(array.dtype)
        if name in self.computed_in:
            array = array.astype(self.computed_in[name])
        key = (array.dtype.name, array.shape, array.tobytes()) if array.size <= 64 else None
        if key is None:
            return self.new_constant(array)
        if key not in self._sizes:
            self._sizes[key] = self.new_constant(array)
        return self._sizes[key]

    def like(self, number: float, x: Value) -> Value:
        """Return a scalar of the dtype of ``x``."""
        return self.constant(number, x.dtype)

    def ints(self, sizes: Sequence[shapes.DimLike]) -> Value:
        """Return a vector of sizes, computed where they have symbols."""
        if shapes.is_static(sizes):
            return self.constant(np.asarray(sizes, self.size_dtype).reshape(-1))
        return self.join([self._size(d) for d in sizes])

    def _size(self, dim: shapes.DimLike) -> Value:
        if dim not in self._sizes:
            whole = lambda n: self.constant([n], self.size_dtype)  # noqa: E731
            self._sizes[dim] = shapes.computed(dim, whole, self.symbols.__getitem__, self.combine)
        return self._sizes[dim]

    def know_symbols(self, value: Value) -> None:
        """Let the sizes of an input stand for the symbols that are its dimensions."""
        for axis, dim in enumerate(value.shape):
            symbol = shapes.name_of(dim)
            if symbol is not None and symbol not in self.symbols:
                self.symbols[symbol] = self.size_of(value, axis)

    def value(self, tensor: Tensor) -> Value:
        """Return the value of a tensor of the graph."""
        if tensor.value is not None:
            return self.constant(on_host(tensor.value), tensor.dtype)
        return self.values[tensor]

    def _folded(self, node: Node, inputs: Sequence[Value]) -> Value | None:
        """Compute a vector of floats from constants, such as those of a batch normalization, when writing."""
        arrays = [x.array for x in inputs if x.array is not None]
        type = node.outputs[0].type
        short = shapes.is_static(type.shape) and shapes.size(type.shape) in (*type.shape, 1)
        if not (node.primitive.single and short and arrays and len(arrays) == len(inputs) and type.dtype == "float32"):
            return None
        if any(a.dtype != "float32" or a.size not in (*a.shape, 1) for a in arrays):
            return None
        with np.errstate(all="ignore"):
            return self.constant(node.primitive.reference(*arrays, **node.attrs), "float32")

    def add_graph(self, graph: Graph) -> list[Value]:
        """Write every node; return the values of the graph's results."""
        for node in graph.nodes:
            inputs = [self.value(x) for x in node.inputs]
            made: Any = self._folded(node, inputs) or self.table[node.primitive](self, *inputs, **node.attrs)
            for tensor, value in zip(node.outputs, (made,) if node.primitive.single else made):
                self.values[tensor] = Value(value.name, self.held(tensor.type), value.array)
        return [self.value(x) for x in graph.results]
