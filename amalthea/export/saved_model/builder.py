"""Builder of TensorFlow functions: nodes between arguments and results, as messages of the format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ExportError
from amalthea.export.lowering import Value
from amalthea.export.saved_model.messages import AttrValue, FunctionDef, NodeDef, TensorProto, TensorShapeProto
from amalthea.export.tensorflow_graph.nodes import Nodes, ends, own_types, plain
from amalthea.saving.bundle import NUMBERS

KINDS = {**NUMBERS, "string": 7, "resource": 20, "variant": 21}
_TEXT_ATTRS = {"padding", "shared_name", "data_format"}
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


class Library:
    """The functions of a file, and names that no other has."""

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self.taken = 0

    def name(self, stem: str) -> str:
        self.taken += 1
        return f"__inference_{plain(stem)}_{self.taken}"


class Builder(Nodes):
    """Collects the nodes of one function as messages.

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
        self.input_shapes: list[Any] = []
        library.functions.append(self.function)

    @property
    def name(self) -> str:
        return self.function.signature.name

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

    def several(self, operator: str, inputs: Sequence[Value], types: Sequence[Type], **attrs: Any) -> list[Value]:
        names = [self.reference(x) for x in inputs]
        own = own_types(operator, inputs)
        made = node(f"{plain(operator)}_{len(self.function.node_def)}", operator, names, **{**own, **attrs})
        _set(made.attr["_output_shapes"], "_output_shapes", [shape_message(t.shape) for t in types])
        self.function.node_def.append(made)
        return [Value(f"{made.name}:{end}", t) for end, t in zip(ends(operator, len(types)), types)]

    def stored(self, value: Value) -> str:
        name = f"const_{len(self.function.node_def)}"
        array: Any = value.array
        self.function.node_def.append(node(name, "Const", dtype=value.dtype, value=tensor_message(array)))
        return f"{name}:output:0"

    def inner(self, stem: str) -> Builder:
        return Builder(self.table, self.library, stem)

    def shape_attr(self, shape: Sequence[shapes.DimLike]) -> Any:
        return shape_message(shape)

    def finish(self, outputs: Sequence[Value], names: Sequence[str] = ()) -> None:
        """Set the function's results; each is the output of a node of its own, as callers of functions expect."""
        signature = self.function.signature
        for i, value in enumerate(outputs):
            name = f"{plain(names[i])}_{i}" if names else f"output_{i}"
            signature.output_arg.add(name=name, type=kind(value.dtype))
            self.function.ret[name] = self.reference(self.Identity(value))
        _set(self.function.attr["_input_shapes"], "_input_shapes", self.input_shapes)
        signature.is_stateful = any(a.type == KINDS["resource"] for a in signature.input_arg)
