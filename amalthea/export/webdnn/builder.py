"""Builder of WebDNN's descriptor: variables in one memory, and calls of kernels on them in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ExportError
from amalthea.export.lowering import Lowering, Value


def strides_of(shape: Sequence[Any]) -> list[int]:
    """Distances between neighbours along each axis of a contiguous array."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def spread(shape: Sequence[Any], whole: Sequence[Any]) -> list[int]:
    """Strides of an array of one shape that is read as a larger one, to which it is broadcast."""
    own = [0 if d == 1 else s for d, s in zip(shape, strides_of(shape))]
    return [0] * (len(whole) - len(shape)) + own


class Builder(Lowering):
    """Collects variables, constants and calls; every size is an int."""

    def __init__(self, table: Any):
        super().__init__(table)
        self.calls: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}  # of constants, by the names of their variables
        self.sizes: dict[str, int] = {}  # of other variables
        self._names: dict[int, tuple[str, np.ndarray]] = {}  # by the identity of a constant's array

    def held(self, type: Type) -> Type:
        if dtypes.is_complex(type.dtype) or type.dtype in ("uint32", "uint64"):
            raise ExportError("WebDNN computes in floats of 32 bits alone.", got=str(type))
        return type

    def variable(self, type: Type) -> Value:
        name = f"v{len(self.sizes)}"
        self.sizes[name] = math.prod(type.shape)  # type: ignore[arg-type]
        return Value(name, type)

    def name(self, value: Value) -> str:
        """Return the name of a value's variable; that of a constant is made when a kernel first reads it."""
        if value.array is None:
            return value.name
        found = self._names.get(id(value.array))
        if found is None:
            found = self._names[id(value.array)] = (f"c{len(self.arrays)}", value.array)
            self.arrays[found[0]] = value.array.astype("float32")
        return found[0]

    def call(self, kernel: str, inputs: Sequence[Value], outputs: Sequence[Value], **option: Any) -> None:
        """Add a call of a kernel."""
        names = [[self.name(x) for x in inputs], [x.name for x in outputs]]
        self.calls.append(
            {"entry_func_name": kernel, "inputs": names[0], "outputs": names[1], "weights": [], "call_option": option}
        )

    def emit(self, kernel: str, inputs: Sequence[Value], shape: Sequence[Any], dtype: str, **option: Any) -> Value:
        """Add a call of a kernel with one output."""
        made = self.variable(Type(tuple(shape), dtype))
        self.call(kernel, inputs, [made], **option)
        return made

    def elementwise(self, name: str, inputs: Sequence[Value], dtype: str | None = None) -> Value:
        shape = shapes.broadcast(*(x.shape for x in inputs))
        inputs = [self._narrow(x) for x in inputs]
        strides, sizes = [spread(x.shape, shape) for x in inputs], list(shape)
        sizes, strides = _merged(sizes, strides)
        return self.emit(
            "elementwise", inputs, shape, dtype or inputs[-1].dtype, name=name, sizes=sizes, strides=strides
        )

    def _narrow(self, x: Value) -> Value:
        """A constant of equal elements as one of them: the operators broadcast."""
        if x.array is None or x.array.size < 2 or not (x.array == x.array.flat[0]).all():
            return x
        return self.constant(x.array.flat[0], x.dtype)

    def take(self, x: Value, shape: Sequence[Any], strides: Sequence[int], offset: int = 0) -> Value:
        return self.emit("take", [x], shape, x.dtype, sizes=list(shape), strides=list(strides), offset=offset)

    def place(self, x: Value, into: Value, strides: Sequence[int], offset: int, fill: float | None = None) -> None:
        told = False if fill is None else repr(float(fill)).replace("inf", "Infinity").replace("nan", "NaN")
        self.call("place", [x], [into], sizes=list(x.shape), strides=list(strides), offset=offset, fill=told)

    def new_constant(self, array: np.ndarray) -> Value:
        return Value(None, Type(array.shape, dtypes.standardize(array.dtype)), np.ascontiguousarray(array))

    def reshape(self, x: Value, shape: Sequence[Any]) -> Value:
        """The same elements under another shape: arrays are contiguous."""
        array = None if x.array is None else x.array.reshape(tuple(shape))
        return Value(x.name, x.type._replace(shape=tuple(shape)), array)

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        if x.array is not None:
            return self.constant(x.array.transpose(axes))
        strides = strides_of(x.shape)
        return self.take(x, [x.shape[a] for a in axes], [strides[a] for a in axes])

    def cast(self, x: Value, dtype: str) -> Value:
        if x.array is not None:
            return self.constant(x.array, dtype)
        if dtype == "bool" and x.dtype != "bool":
            return self.elementwise("truth", [x], "bool")
        if "int" in dtype and "float" in x.dtype:
            return self.elementwise("whole", [x], dtype)
        return Value(x.name, x.type._replace(dtype=dtype))

    def size_of(self, value: Value, axis: int) -> Value:
        raise AssertionError("every size is an int")

    def combine(self, operator: str, x: Value, y: Value) -> Value:
        raise AssertionError("every size is an int")

    def join(self, sizes: Sequence[Value]) -> Value:
        raise AssertionError("every size is an int")


def _merged(sizes: list[Any], strides: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Neighbouring axes as one, where the strides of all operands allow it: fewer steps for the kernel."""
    kept: list[int] = []
    rows: list[list[int]] = [[] for _ in strides]
    for axis, size in enumerate(sizes):
        if kept and all(row[-1] == own[axis] * size for row, own in zip(rows, strides)):
            kept[-1] *= size
            for row, own in zip(rows, strides):
                row[-1] = own[axis]
        else:
            kept.append(size)
            for row, own in zip(rows, strides):
                row.append(own[axis])
    return kept, rows
