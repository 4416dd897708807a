"""Tracing: running Python on tensors to obtain a graph.

A :class:`Trace` records the variables that are read and assigned while it is open. :func:`apply` runs a primitive at
once on concrete arrays, or makes a node if an input is a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import close_trace, current_trace, open_trace
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.ir.variable import Variable, cast
from amalthea.errors import TraceError


class Trace:
    """A scope that records reads and assignments of variables.

    The outermost trace keeps, for every variable, the tensor it was read as and its last value. A trace inside another
    (the body of a loop or branch) reads variables through its parent, and cannot assign.

    Args:
        parent: Trace or None; the trace around this one.
        inside: str; the construct that it belongs to, for messages (``"the body of scan"``).
    """

    def __init__(self, parent: Trace | None = None, inside: str = ""):
        self.parent = parent
        self.inside = inside
        self.reads: dict[Variable, Tensor] = {}
        self.values: dict[Variable, Tensor] = {}
        self.log: list[tuple[Variable, Tensor]] = []  # each assigned variable, with the value before

    def __enter__(self) -> Trace:
        self._token = open_trace(self)
        return self

    def __exit__(self, *_: Any) -> None:
        close_trace(self._token)

    def read(self, variable: Variable) -> Tensor:
        """Return the tensor that is the variable's current value in this trace."""
        if self.parent is not None:
            return self.parent.read(variable)
        if variable not in self.values:
            tensor = Tensor(variable.type, name=variable.path)
            tensor.scope = self
            self.reads[variable] = self.values[variable] = tensor
        return self.values[variable]

    def write(self, variable: Variable, value: Any) -> None:
        """Set the variable's value in this trace.

        Raises:
            TraceError: the trace is inside another one.
        """
        if self.parent is not None:
            raise TraceError(
                f"Variable '{variable.path}' is assigned inside {self.inside}.",
                cure="return the new value from the body, and assign it after the loop or branch",
            )
        self.log.append((variable, self.read(variable)))
        value = as_tensor(value)
        if value.dtype != variable.dtype:
            value = cast(value, variable.dtype)
        self.values[variable] = value

    def mark(self) -> int:
        """Return the number of assignments so far, for :meth:`undo`."""
        return len(self.log) if self.parent is None else self.parent.mark()

    def undo(self, mark: int) -> None:
        """Take back the assignments since :meth:`mark`."""
        if self.parent is not None:
            self.parent.undo(mark)
            return
        for variable, before in reversed(self.log[mark:]):
            self.values[variable] = before
        del self.log[mark:]

    def begin(self, variable: Variable, value: np.ndarray) -> None:
        """Make a variable start with this value at every run of the trace, if it was read."""
        if variable in self.reads:
            self.reads[variable].value = value

    @property
    def writes(self) -> dict[Variable, Tensor]:
        """The variables that were assigned, with their last values."""
        return {v: t for v, t in self.values.items() if t is not self.reads[v]}


def constant(value: Any) -> Tensor:
    """Return a tensor with a known value. An array of a backend is kept as it is, with the backend's own attributes."""
    if isinstance(value, np.generic) or not (hasattr(value, "shape") and hasattr(value, "dtype")):
        value = np.asarray(value)
    return Tensor(type_of(value), value=value)


def on_host(value: Any) -> np.ndarray:
    """Return a concrete array as a NumPy array."""
    return value if isinstance(value, np.ndarray) else runtime.to_numpy(value)


def as_tensor(value: Any) -> Tensor:
    """Return a tensor unchanged, and anything else as a constant."""
    return value if isinstance(value, Tensor) else constant(value)


def type_of(value: Any) -> Type:
    """Return the type of a tensor, variable or concrete array."""
    if isinstance(value, (Tensor, Variable)):
        return value.type
    return Type(tuple(value.shape), dtypes.standardize(value.dtype))


def _operands(inputs: Sequence[Any]) -> list[Any]:
    """Read variables, and give Python numbers the dtype of the last array beside them (float32 without one)."""
    values = [x.value if isinstance(x, Variable) else x for x in inputs]
    if any(map(dtypes.is_python_number, values)):
        beside = [x for x in values if not dtypes.is_python_number(x)]
        to = dtypes.to_numpy(dtypes.name_of(beside[-1]) if beside else "float32")
        values = [np.asarray(x, to) if dtypes.is_python_number(x) else x for x in values]
    return values


def apply(primitive: Any, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Run a primitive on concrete arrays, or make a node if an input is a tensor or a shape is symbolic."""
    values = _operands(inputs)
    if primitive.accumulates and any(dtypes.name_of(x) in dtypes.NARROW for x in values):
        return primitive.in_accumulator(values, attrs)
    symbolic = any(isinstance(x, Tensor) for x in values) or not shapes.is_static(attrs.get("shape") or ())
    if not symbolic:
        return runtime.execute(primitive, values, attrs)
    tensors = [as_tensor(x) for x in values]
    types = primitive.types([t.type for t in tensors], attrs)
    node = Node(primitive, tensors, attrs, types)
    return node.outputs[0] if primitive.single else node.outputs


def trace(function: Callable[..., Any], inputs: Sequence[Tensor], parent: Trace | None = None, inside: str = ""):
    """Run ``function`` on tensors; return its result and the scope in which it ran."""
    with Trace(parent, inside) as scope:
        for tensor in inputs:
            tensor.scope = scope
        return function(*inputs), scope


def runtime_array(value: Any, dtype: str) -> Any:
    """Return a host value as an array of the chosen backend.

    Inside a trace it stays on the host and becomes a constant.
    """
    if current_trace() is not None and isinstance(value, np.ndarray):
        return value.astype(dtypes.to_numpy(dtype), copy=False)
    return runtime.array(value, dtype)


def native(value: Any) -> Any:
    """Outside a trace, return a NumPy array as the chosen backend's array; return anything else unchanged."""
    if isinstance(value, np.ndarray) and current_trace() is None:
        return runtime.array(value, dtypes.standardize(value.dtype))
    return value


def extend(node: Node, primitive: Any, attrs: dict[str, Any]) -> Node:
    """Make a node with the inputs of ``node`` whose first outputs are those of ``node``."""
    types = primitive.types([x.type for x in node.inputs], attrs)
    new = Node(primitive, node.inputs, attrs, types)
    new.extends = node
    return new
