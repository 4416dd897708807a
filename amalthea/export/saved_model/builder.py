"""Builder of TensorFlow functions: nodes between arguments and results, as messages of the format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ExportError
from amalthea.export.lowering import Lowering, Value
from amalthea.export.saved_model.messages import AttrValue, FunctionDef, NodeDef, TensorProto, TensorShapeProto
from amalthea.export.saved_model.op_table import OUTPUTS, TO_BOOL, TYPES
from amalthea.saving.bundle import NUMBERS

KINDS = {**NUMBERS, "string": 7, "resource": 20, "variant": 21}
_TEXT_ATTRS = {"padding", "shared_name"}
_FUNCTION_ATTRS = {"f", "cond", "body", "then_branch", "else_branch"}


def kind(dtype: str) -> int:
    """Return the format's number of a dtype."""
    if dtype not in KINDS:
        raise ExportError("TensorFlow has no such dtype.", got=dtype, expected=", ".join(KINDS))
    return KINDS[dtype]


def shape_message(shape: Sequence[shapes.DimLike]) -> Any:
    """Return a shape, whose symbols are sizes that each call may choose."""
    found = TensorShapeProto()
    for d in shape:
        found.dim.add(size=d if isinstance(d, int) else -1)
    return found


def node(name: str, operator: str, inputs: Sequence[str] = (), **attrs: Any) -> Any:
    """Return a node; an attribute is a bool, number, text or dtype, a list of these, or a message."""
    made = NodeDef(name=name, op=operator, input=inputs)
    for key, value in attrs.items():
        _set(made.attr[key], key, value)
    return made


def _set(attr: Any, key: str, value: Any) -> None:
    if isinstance(value, AttrValue):
        attr.CopyFrom(value)
    elif isinstance(value, (list, tuple)):
        if value and isinstance(value[0], str):
            attr.list.type.extend(kind(v) for v in value)
        elif value and isinstance(value[0], TensorShapeProto):
            attr.list.shape.extend(value)
        else:
            attr.list.i.extend(value)
    elif isinstance(value, TensorProto):
        attr.tensor.CopyFrom(value)
    elif isinstance(value, TensorShapeProto):
        attr.shape.CopyFrom(value)
    elif key in _FUNCTION_ATTRS:
        attr.func.name = value
    elif key in _TEXT_ATTRS:
        attr.s = value.encode()
    elif isinstance(value, str):
        attr.type = kind(value)
    elif isinstance(value, bool):
        attr.b = value
    else:
        attr.i = value


def tensor_message(array: np.ndarray) -> Any:
    """Return the elements of an array."""
    found = TensorProto(dtype=kind(dtypes.standardize(array.dtype)))
    found.tensor_shape.CopyFrom(shape_message(array.shape))
    found.tensor_content = np.ascontiguousarray(array).tobytes()
    return found


def plain(name: str) -> str:
    """Return a name of letters, digits and underscores in lower case, as names of arguments have to be."""
    found = re.sub(r"\W", "_", name.lower(), flags=re.ASCII)
    return found if found[:1].isalpha() else f"x{found}"


class Library:
    """The functions of a file, and names that no other has."""

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self.taken = 0

    def name(self, stem: str) -> str:
        self.taken += 1
        return f"__inference_{plain(stem)}_{self.taken}"


class Builder(Lowering):
    """Collects the nodes of one function; an operator is a method, such as ``b.AddV2``.

    Args:
        table: lowerings by primitive.
        library: functions of the file.
        stem: str; what the function's name begins with.
    """

    def __init__(self, table: Any, library: Library, stem: str):
        super().__init__(table)
        self.library = library
        self.function: Any = FunctionDef()
        self.function.signature.name = library.name(stem)
        self.constants: dict[int, tuple[str, np.ndarray]] = {}  # names by the identity of the array
        self.input_shapes: list[Any] = []
        library.functions.append(self.function)

    @property
    def name(self) -> str:
        return self.function.signature.name

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if not operator[:1].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **options: self.emit(operator, inputs, **options)

    def argument(self, name: str, type: Type, of: Type | None = None) -> Value:
        """Add an argument.

        Args:
            name: a plain name, made unique by a number if another has it.
            type: shape and dtype.
            of: of a resource, the type of the variable.
        """
        there = {a.name for a in self.function.signature.input_arg}
        while name in there:
            name = f"{name}_{len(there)}"
        made = self.function.signature.input_arg.add(name=name, type=kind(type.dtype))
        self.input_shapes.append(shape_message(type.shape))
        if of is not None:
            made.handle_data.add(dtype=kind(of.dtype), shape=shape_message(of.shape))
        return Value(name, type)

    def emit(
        self, operator: str, inputs: Sequence[Value], shape: Any = None, dtype: str | None = None, **attrs: Any
    ) -> Value:
        """Add an operator with one output, of the inputs' broadcast shape and first dtype unless these are given."""
        shape = tuple(shape) if shape is not None else shapes.broadcast(*(x.shape for x in inputs))
        found = dtype or ("bool" if operator in TO_BOOL else inputs[0].dtype)
        return self.several(operator, inputs, [Type(shape, found)], **attrs)[0]

    def several(self, operator: str, inputs: Sequence[Value], types: Sequence[Type], **attrs: Any) -> list[Value]:
        """Add an operator with outputs of the given types."""
        names = [self.reference(x) for x in inputs]
        own = {attr: x.dtype for attr, x in zip(TYPES[operator], inputs) if attr != "_"}
        made = node(f"{plain(operator)}_{len(self.function.node_def)}", operator, names, **{**own, **attrs})
        _set(made.attr["_output_shapes"], "_output_shapes", [shape_message(t.shape) for t in types])
        self.function.node_def.append(made)
        outputs = OUTPUTS[operator]
        if outputs[-1].endswith("*"):
            ends = [f"{outputs[0][:-1]}:{i}" for i in range(len(types))]
        else:
            ends = [f"{output}:0" for output in outputs]
        return [Value(f"{made.name}:{end}", t) for end, t in zip(ends, types)]

    def new_constant(self, array: np.ndarray) -> Value:
        return Value(None, Type(array.shape, dtypes.standardize(array.dtype)), array)

    def reference(self, value: Value) -> str:
        """Return how a node refers to a value; a constant is made when a node first reads it."""
        if value.array is None:
            return value.name
        found = self.constants.get(id(value.array))
        if found is None:
            name = f"const_{len(self.function.node_def)}"
            made = node(name, "Const", dtype=value.dtype, value=tensor_message(value.array))
            self.function.node_def.append(made)
            found = self.constants[id(value.array)] = (f"{name}:output:0", value.array)
        return found[0]

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

    def finish(self, outputs: Sequence[Value], names: Sequence[str] = ()) -> None:
        """Set the function's results; each is the output of a node of its own, as callers of functions expect."""
        signature = self.function.signature
        for i, value in enumerate(outputs):
            name = f"{plain(names[i])}_{i}" if names else f"output_{i}"
            signature.output_arg.add(name=name, type=kind(value.dtype))
            self.function.ret[name] = self.reference(self.Identity(value))
        _set(self.function.attr["_input_shapes"], "_input_shapes", self.input_shapes)
        signature.is_stateful = any(a.type == KINDS["resource"] for a in signature.input_arg)
