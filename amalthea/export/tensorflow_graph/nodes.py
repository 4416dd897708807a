"""The operators of TensorFlow as methods of a builder, whatever its nodes are written as: messages, or JSON."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.export.lowering import Lowering, Value
from amalthea.export.tensorflow_graph.op_table import OUTPUTS, TO_BOOL, TYPES


def plain(name: str) -> str:
    """Return a name of letters, digits and underscores in lower case, as names of arguments have to be."""
    found = re.sub(r"\W", "_", name.lower(), flags=re.ASCII)
    return found if found[:1].isalpha() else f"x{found}"


def ends(operator: str, count: int) -> list[str]:
    """Return how a function refers to the outputs of a node, behind the node's name."""
    outputs = OUTPUTS[operator]
    if outputs[-1].endswith("*"):
        return [f"{outputs[0][:-1]}:{i}" for i in range(count)]
    return [f"{output}:0" for output in outputs]


def own_types(operator: str, inputs: Sequence[Value]) -> dict[str, str]:
    """Return the attributes that hold the dtypes of an operator's inputs."""
    return {attr: x.dtype for attr, x in zip(TYPES[operator], inputs) if attr != "_"}


class Nodes(Lowering):
    """Collects the nodes of one function; an operator is a method, such as ``b.AddV2``."""

    # Whether loops read sequences from lists, and a row that one appends to a list has to be a result of its step too.
    lists_alone = False

    def __init__(self, table: Any):
        super().__init__(table)
        self.constants: dict[Any, tuple[str, np.ndarray]] = {}  # names by the identity of the array

    @abstractmethod
    def several(self, operator: str, inputs: Sequence[Value], types: Sequence[Type], **attrs: Any) -> list[Value]:
        """Add an operator with outputs of the given types."""

    @abstractmethod
    def stored(self, value: Value) -> str:
        """Add the node of a constant; return how others refer to it."""

    @abstractmethod
    def inner(self, stem: str) -> Any:
        """Return the builder of another function of the same file."""

    @abstractmethod
    def shape_attr(self, shape: Sequence[shapes.DimLike]) -> Any:
        """Return a shape as the value of an attribute."""

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if not operator[:1].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **options: self.emit(operator, inputs, **options)

    def emit(
        self, operator: str, inputs: Sequence[Value], shape: Any = None, dtype: str | None = None, **attrs: Any
    ) -> Value:
        """Add an operator with one output, of the inputs' broadcast shape and first dtype unless these are given."""
        shape = tuple(shape) if shape is not None else shapes.broadcast(*(x.shape for x in inputs))
        found = dtype or ("bool" if operator in TO_BOOL else inputs[0].dtype)
        return self.several(operator, inputs, [Type(shape, found)], **attrs)[0]

    def new_constant(self, array: np.ndarray) -> Value:
        return Value(None, Type(array.shape, dtypes.standardize(array.dtype)), array)

    def reference(self, value: Value, kind: str = "") -> str:
        """Return how a node refers to a value; a constant is made when a node of the kind first reads it."""
        if value.array is None:
            return value.name
        key = (id(value.array), kind)
        if key not in self.constants:
            self.constants[key] = (self.stored(value), value.array)
        return self.constants[key][0]

    def size_of(self, value: Value, axis: int) -> Value:
        sizes = self.Shape(value, shape=(value.rank,), dtype="int32", out_type="int32")
        ends = [self.constant([n], "int32") for n in (axis, axis + 1, 1)]
        return self.StridedSlice(sizes, *ends, shape=(1,))

    def combine(self, operator: str, x: Value, y: Value) -> Value:
        return self.emit({"add": "AddV2", "multiply": "Mul", "floor_divide": "FloorDiv"}[operator], [x, y])

    def join(self, sizes: Sequence[Value]) -> Value:
        return self.concatenate(sizes, 0, (len(sizes),))

    def concatenate(self, values: Sequence[Value], axis: int, shape: Any) -> Value:
        if len(values) == 1:
            return values[0]
        ends = {"N": len(values), "T": values[0].dtype, "Tidx": "int32"}
        return self.ConcatV2(*values, self.constant(axis, "int32"), shape=shape, **ends)

    def reshape(self, x: Value, shape: Sequence[shapes.DimLike]) -> Value:
        if x.array is not None and shapes.is_static(shape):
            return self.constant(x.array.reshape([int(d) for d in shape]))  # type: ignore[arg-type]
        symbolic = [i for i, d in enumerate(shape) if not isinstance(d, int)]
        whole = [-1 if [i] == symbolic and 0 not in shape else d for i, d in enumerate(shape)]
        return self.Reshape(x, self.ints(whole), shape=shape)

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        if tuple(axes) == tuple(range(x.rank)):
            return x
        if x.array is not None:
            return self.constant(x.array.transpose(axes))
        return self.Transpose(x, self.ints(axes), shape=[x.shape[a] for a in axes])

    def cast(self, x: Value, dtype: str) -> Value:
        return x if x.dtype == dtype else self.Cast(x, dtype=dtype, DstT=dtype)
