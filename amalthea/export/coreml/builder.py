"""Builder of Core ML programs: operators of MIL, its intermediate language, by the builder of coremltools."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import coremltools as ct
import numpy as np
from coremltools.converters.mil import Builder as MilBuilder
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ExportError
from amalthea.export.lowering import Lowering, Value

mb: Any = MilBuilder  # its operators are made when it is imported, unseen by checks of types
SYSTEM = ct.target.iOS17  # and macOS 14: the oldest with the operators that are used
MOST_AXES = 5
TYPES = {"float32": "fp32", "int32": "int32", "bool": "bool"}
_WHOLE = ("int8", "int16", "int64", "uint8", "uint16")
_TO_BOOL = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}


def checked(type: Type) -> Type:
    """Return a type that programs have.

    Raises:
        ExportError: it has too many axes, or a dtype that no operator computes in.
    """
    if type.dtype not in TYPES:
        raise ExportError("Core ML has no such dtype.", got=str(type), expected=", ".join(TYPES))
    if len(type.shape) > MOST_AXES:
        raise ExportError(
            f"Core ML has tensors of at most {MOST_AXES} axes.", got=str(type), cure="format='onnx', which has more"
        )
    return type


_ORDERS = {"range_1d": ["start", "end", "step"]}  # of which coremltools has another


def _inputs_of(operator: str) -> list[str]:
    """Names of an operator's inputs in order."""
    if operator in _ORDERS:
        return _ORDERS[operator]
    return list(next(iter(SSAOpRegistry.core_ops[operator].values())).input_spec.input_types)


class Builder(Lowering):
    """Adds operators to the program that coremltools has open; blocks of branches and loops see outer values."""

    computed_in = MappingProxyType(
        {**dict.fromkeys(("float16", "bfloat16", "float64"), "float32"), **dict.fromkeys(_WHOLE, "int32")}
    )

    def held(self, type: Type) -> Type:
        found = super().held(type)
        checked(found._replace(shape=()))
        return found

    def emit(
        self, operator: str, inputs: Sequence[Value] = (), shape: Any = None, dtype: str | None = None, **options: Any
    ) -> Value:
        """Add an operator with one output, of the inputs' broadcast shape and first dtype unless these are given."""
        shape = tuple(shape) if shape is not None else shapes.broadcast(*(x.shape for x in inputs))
        found = dtype or ("bool" if operator in _TO_BOOL else inputs[0].dtype)
        return self.several(operator, inputs, [Type(shape, found)], **options)[0]

    def several(self, operator: str, inputs: Sequence[Value], types: Sequence[Type], **options: Any) -> list[Value]:
        """Add an operator with outputs of the given types; options are inputs by name."""
        for type in types:
            checked(type)
        names = [n for n in _inputs_of(operator) if n not in options]
        given = dict(zip(names, map(self.variable, inputs)))
        named = {key: self.variable(v) if isinstance(v, Value) else v for key, v in options.items()}
        made = getattr(mb, operator)(**given, **named)
        return [Value(x, t) for x, t in zip(made if isinstance(made, (list, tuple)) else [made], types)]

    def variable(self, value: Value) -> Any:
        """Return what an operator of the builder takes for a value: its variable, or the array of a constant."""
        checked(value.type)
        return value.name if value.array is None else value.array[()]

    def new_constant(self, array: np.ndarray) -> Value:
        array = np.ascontiguousarray(array).reshape(array.shape)
        return Value(None, Type(array.shape, dtypes.standardize(array.dtype)), array)

    def size_of(self, value: Value, axis: int) -> Value:
        sizes = self.emit("shape", [value], (value.rank,), "int32")
        return self.emit("slice_by_index", [sizes], (1,), begin=[axis], end=[axis + 1])

    def combine(self, operator: str, x: Value, y: Value) -> Value:
        return self.emit({"add": "add", "multiply": "mul", "floor_divide": "floor_div"}[operator], [x, y])

    def join(self, sizes: Sequence[Value]) -> Value:
        return self.concatenate(sizes, 0, (len(sizes),))

    def concatenate(self, values: Sequence[Value], axis: int, shape: Any) -> Value:
        if len(values) == 1:
            return values[0]
        variables = [self.variable(v) for v in values]
        return self.emit("concat", [], shape, values[0].dtype, values=variables, axis=axis)

    def reshape(self, x: Value, shape: Sequence[shapes.DimLike]) -> Value:
        if x.array is not None and shapes.is_static(shape):
            return self.constant(x.array.reshape([int(d) for d in shape]))  # type: ignore[arg-type]
        if tuple(shape) == tuple(x.shape):
            return x
        if len(shape) > MOST_AXES:  # the variable keeps its shape; only operators that fold axes take the value
            return Value(x.name, x.type._replace(shape=tuple(shape)), x.array)
        if not shape:
            return self.emit("squeeze", [x], ())
        if x.rank > MOST_AXES:
            x = Value(x.name, x.type._replace(shape=(1,)), x.array)
        symbolic = [i for i, d in enumerate(shape) if not isinstance(d, int)]
        whole = [-1 if [i] == symbolic else d for i, d in enumerate(shape)]
        return self.emit("reshape", [x, self.ints(whole)], shape)

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        if tuple(axes) == tuple(range(x.rank)):
            return x
        if x.array is not None:
            return self.constant(x.array.transpose(axes))
        return self.emit("transpose", [x], [x.shape[a] for a in axes], perm=list(axes))

    def cast(self, x: Value, dtype: str) -> Value:
        dtype = self.computed_in.get(dtype, dtype)
        if x.dtype == dtype:
            return x
        if x.array is not None:
            return self.constant(x.array, dtype)
        return self.several("cast", [x], [Type(x.shape, dtype)], dtype=TYPES[dtype])[0]

    @contextmanager
    def block(self) -> Generator[None]:
        """Within it, operators are in a branch or loop; sizes that are computed there are forgotten behind it."""
        sizes, symbols = dict(self._sizes), dict(self.symbols)
        try:
            yield
        finally:
            self._sizes, self.symbols = sizes, symbols

    def inside(self, write: Callable[..., list[Value]], types: Sequence[Type] = ()) -> Callable[..., Any]:
        """Return a function of variables for a block, from one of values of these types."""

        def build(*variables: Any) -> Any:
            with self.block():
                made = write(*(Value(x, t) for x, t in zip(variables, types)))
                return tuple(self.as_variable(x) for x in made)

        return build

    def as_variable(self, value: Value) -> Any:
        """The variable of a value, where no array may stand for it."""
        return mb.const(val=value.array[()]) if value.array is not None else value.name
