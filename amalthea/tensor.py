"""Types, tensors, variables, and how Python is traced into a graph.

A :class:`Tensor` is a symbolic value: it knows its type and the :class:`Node` that makes it. There is no list of
nodes to append to: a graph is whatever its outputs reach, so what nothing uses is never part of it. A
:class:`Trace` only remembers which variables were read and assigned while it was open.
"""

from __future__ import annotations

import contextvars
import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from amalthea import dtypes, loading, shapes, versions
from amalthea.errors import ShapeError, TraceError


class Type(NamedTuple):
    """The shape and dtype of a value."""

    shape: shapes.Shape
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Node:
    """One application of a primitive: ``outputs = primitive(*inputs, **attrs)``."""

    __slots__ = ("attrs", "inputs", "outputs", "primitive", "scope")

    def __init__(self, primitive: Any, inputs: Sequence[Tensor], attrs: dict[str, Any], types: Sequence[Type]):
        self.primitive = primitive
        self.inputs = tuple(inputs)
        self.attrs = attrs
        self.scope = current_trace()
        self.outputs = tuple(Tensor(t, self, i) for i, t in enumerate(types))

    def add_outputs(self, types: Sequence[Type]) -> tuple[Tensor, ...]:
        """Let the node give more values than it gave so far (a loop asked to keep what its gradient needs)."""
        start = len(self.outputs)
        new = tuple(Tensor(t, self, start + i) for i, t in enumerate(types))
        self.outputs += new
        return new


class Operators:
    """Python's operators on values. ``ops`` puts them in; here they are told to those who read and do not run."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...
        def __getitem__(self, key: Any) -> Any: ...


class Tensor(Operators):
    """A symbolic value. ``value`` is set for a constant, ``node`` for a computed one, neither for an input."""

    __slots__ = ("__weakref__", "_keras_mask", "dtype", "history", "index", "name", "node", "scope", "type", "value")
    __array_ufunc__ = None  # so that `array + tensor` asks the tensor

    def __init__(self, type: Type, node: Node | None = None, index: int = 0, value: Any = None, name: str = ""):
        self.type = type
        self.dtype = type.dtype
        self.node = node
        self.index = index
        self.value = value
        self.name = name
        self.scope = node.scope if node else current_trace()
        self.history: Any = None
        self._keras_mask: Any = None

    def __getstate__(self) -> Any:
        kept = {name: getattr(self, name) for name in Tensor.__slots__ if name not in ("__weakref__", "scope")}
        return None, {**kept, "scope": None}  # a copy belongs to no trace

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, with ``None`` for every dimension that is not known."""
        return shapes.public(self.type.shape)

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    def __repr__(self) -> str:
        return f"<Tensor {self.name or 'of'} {self.type}>"

    def __len__(self) -> int:
        if not self.type.shape or isinstance(self.type.shape[0], shapes.Dim):
            raise TraceError("The length of this tensor is not known.", got=self.type, cure="ops.shape(x)[0]")
        return self.type.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))  # type: ignore[index]

    def _concrete(self, *_: Any, **__: Any) -> Any:
        raise TraceError(
            "A symbolic tensor has no value yet, so Python cannot branch on it or turn it into a number.",
            expected="a concrete array",
            got=self.type,
            cure="ops.cond(p, f, g), ops.where(p, a, b), or compile(..., run_eagerly=True)",
        )

    __bool__ = __int__ = __float__ = __index__ = __array__ = numpy = _concrete


class Storage(Protocol):
    """Where a variable's value lives. A backend may bring its own; the host's is below."""

    def read(self) -> Any: ...

    def write(self, value: Any) -> None: ...

    def peek(self) -> Any:
        """The value for a moment's work of the library's own: nobody changes it, and nobody else is to hold it."""
        ...

    def numpy(self) -> np.ndarray: ...


class HostStorage:
    """A value that lives in a NumPy array."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray):
        self.array = array

    def read(self) -> np.ndarray:
        return self.array

    peek = read

    def write(self, value: Any) -> None:
        self.array = value

    def numpy(self) -> np.ndarray:
        return np.array(self.array)


class Runtime(Protocol):
    """What the chosen backend does with concrete values; ``backends`` installs one here."""

    def execute(self, primitive: Any, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any: ...

    def place(self, variable: Variable) -> Storage: ...

    def hold(self, variables: Sequence[Variable]) -> dict[Variable, Any]:
        """The values of variables at one moment. Nobody changes them afterwards."""
        ...

    def change(self, values: dict[Variable, Any]) -> None:
        """New values, for all of these variables in one moment."""
        ...

    def array(self, value: Any, dtype: str) -> Any: ...

    def to_numpy(self, value: Any) -> np.ndarray: ...

    def compile(self, graph: Any) -> Any: ...

    def loops_steps(self, graph: Any) -> bool: ...

    def outline(self, function: Any, types: Any) -> Any: ...

    def native_gradient(self, function: Any, inputs: Any, cotangents: Any, wanted: Any) -> Sequence[Any]: ...

    @property
    def place_name(self) -> str:
        """Backend and device: what is compiled for one is not for another."""
        ...


class _Later:
    """Stands for the runtime until something computes, and loads it then."""

    def __getattr__(self, name: str) -> Any:
        importlib.import_module("amalthea.backends")
        return getattr(runtime, name)


runtime: Runtime = _Later()  # type: ignore[assignment]


def install_runtime(new: Runtime) -> None:
    global runtime
    runtime = new


class Variable(Operators):
    """A named tensor that training can change.

    Args:
        initializer: array, number or nested list, the first value; or callable ``(shape, dtype) -> array``.
        shape: sequence of ints; needed with a callable, ignored otherwise. Defaults to None.
        dtype: str; dtype of the value. Defaults to None: the dtype of the array (float32 for float64), or float32 with
            a callable.
        trainable: bool; True lets optimizers change it. Defaults to True.
        autocast: bool; True converts a float value to the compute dtype of a layer that reads it in its call. Defaults
            to True.
        aggregation: str; accepted for compatibility with Keras and kept as an attribute. Defaults to ``"none"``.
        name: str; part of ``path`` and of messages. Defaults to None, which means ``"variable"``.

    Raises:
        ShapeError: a callable is given without a shape.

    Example:
        >>> from amalthea import Variable
        >>> v = Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0])
        >>> v.numpy()
        array([2., 3.], dtype=float32)
    """

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        name: str | None = None,
    ):
        start = None  # zeros that a file is about to be read into
        if callable(initializer):
            if shape is None:
                raise ShapeError(
                    "A variable made by an initializer needs a shape.", cure="Variable(init, shape=(2, 3))"
                )
            dtype, shape = dtypes.standardize(dtype or "float32"), tuple(shape)
            start = loading.start(self, initializer, shape, dtypes.to_numpy(dtype), name)
            value = np.asarray(initializer(shape, dtype=dtype)) if start is None else start
        else:
            value = np.asarray(initializer)
            if dtype is None:
                dtype = "float32" if value.dtype == np.float64 else value.dtype
            dtype = dtypes.standardize(dtype)
        if start is None:
            value = np.array(value, dtypes.to_numpy(dtype), order="C")
        self.storage: Storage = HostStorage(value)
        self.type = Type(value.shape, dtype)
        self.trainable = trainable
        self.autocast = autocast
        self.aggregation = aggregation
        self.name = name or "variable"
        self.path = self.name
        self.regularizer: Any = None
        self.constraint: Any = None
        self.overwrite_with_gradient = False
        self.start: np.ndarray | None = None  # of a metric's variable: where the sums of a run begin

    shape = property(lambda self: self.type.shape)
    dtype = property(lambda self: self.type.dtype)
    ndim = property(lambda self: len(self.type.shape))

    @property
    def value(self) -> Any:
        """The value: an array, or a tensor inside a trace."""
        trace = current_trace()
        view = versions.view()
        if view is not None:
            value = self._seen(view, trace)
        else:
            value = runtime.place(self).read() if trace is None else trace.read(self)
        to = _autocast.get()
        if to and self.autocast and to != self.dtype and dtypes.is_float(self.dtype):
            return runtime_cast(value, to)
        return value

    def _seen(self, view: versions.View, trace: Trace | None) -> Any:
        """The value in a view: its own, or what stands for it there."""
        variable = view.of(self)
        if trace is not None:
            return trace.read(variable)
        found = view.find(variable)
        return runtime.place(variable).read() if found is None else found

    def twin(self) -> Variable:
        """Another variable with all that this one has, and the value with which it began."""
        made = Variable.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.storage = HostStorage(np.array(self.start))
        return made

    def assign(self, value: Any) -> Any:
        """Give it a new value of the same shape; the dtype is the variable's own."""
        trace = current_trace()
        if isinstance(value, Variable):
            value = value.value
        if not isinstance(value, Tensor):
            value = runtime.array(value, self.dtype)
        shape = value.type.shape if isinstance(value, Tensor) else tuple(value.shape)
        if shape != self.shape:
            raise ShapeError(
                f"The new value does not fit variable '{self.path}'.",
                expected=shapes.show(self.shape),
                got=shapes.show(shape),
            )
        view = versions.view()
        variable: Variable = self if view is None else view.of(self)
        if trace is not None:
            trace.write(variable, value)
        elif isinstance(value, Tensor):
            raise TraceError(f"Variable '{self.path}' cannot keep a symbolic tensor outside a trace.", got=value.type)
        elif view is None or not view.change(variable, value):
            runtime.place(variable).write(value)

    def assign_add(self, value: Any) -> None:
        self.assign(self + value)  # type: ignore[operator]

    def assign_sub(self, value: Any) -> None:
        self.assign(self - value)  # type: ignore[operator]

    def numpy(self) -> np.ndarray:
        """A copy of the value as a NumPy array."""
        view = versions.view()
        if view is None:
            return self.storage.numpy()
        variable: Variable = view.of(self)
        found = view.find(variable)
        return variable.storage.numpy() if found is None else np.array(on_host(found))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "storage": HostStorage(self.numpy())}  # a copy lives on the host at first

    def __float__(self) -> float:
        return float(self.__array__())

    def __int__(self) -> int:
        return int(self.__array__())

    __index__ = __int__

    def __bool__(self) -> bool:
        return bool(self.__array__())

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if current_trace() is not None:
            return self.value._concrete()
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    __array_ufunc__ = None

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


@contextmanager
def one_version(variables: Sequence[Variable]) -> Iterator[None]:
    """See the values that these variables have now, together, until the block ends, whatever other threads do."""
    view = versions.view()
    if threading.active_count() == 1 or current_trace() is not None:
        yield
        return
    known = {v: view.find(v) for v in variables} if view is not None else {}
    with versions.pinned(runtime.hold([v for v in variables if known.get(v) is None])):
        yield


def at_once() -> AbstractContextManager[None]:
    """Let other threads see all assignments of the block together, when it ends; if it fails, none is made."""
    return versions.at_once(lambda values: runtime.change(values))


def runtime_cast(value: Any, dtype: str) -> Any:
    from amalthea.primitives import elementwise  # the one place where reading a variable computes something

    return elementwise.cast(value, dtype=dtype)


# ------------------------------------------------------------------------------------------------ tracing

_current: contextvars.ContextVar[Trace | None] = contextvars.ContextVar("trace", default=None)
_autocast: contextvars.ContextVar[str | None] = contextvars.ContextVar("autocast", default=None)


def current_trace() -> Trace | None:
    return _current.get()


class Trace:
    """A scope in which what is done to tensors is recorded.

    The outermost one keeps, for every variable, the tensor it was read as and the last value it was given. One
    opened inside another (the body of a loop or branch) reads variables through its parent, and may not assign.
    """

    def __init__(self, parent: Trace | None = None, inside: str = ""):
        self.parent = parent
        self.inside = inside
        self.reads: dict[Variable, Tensor] = {}
        self.values: dict[Variable, Tensor] = {}

    def __enter__(self) -> Trace:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _current.reset(self._token)

    def read(self, variable: Variable) -> Tensor:
        if self.parent is not None:
            return self.parent.read(variable)
        if variable not in self.values:
            tensor = Tensor(variable.type, name=variable.path)
            tensor.scope = self
            self.reads[variable] = self.values[variable] = tensor
        return self.values[variable]

    def write(self, variable: Variable, value: Any) -> None:
        if self.parent is not None:
            raise TraceError(
                f"Variable '{variable.path}' is assigned inside {self.inside}.",
                cure="return the new value from the body, and assign it after the loop or branch",
            )
        self.read(variable)
        value = as_tensor(value)
        if value.dtype != variable.dtype:
            value = runtime_cast(value, variable.dtype)
        self.values[variable] = value

    def begin(self, variable: Variable, value: np.ndarray) -> None:
        """Let the variable begin with this value whenever the trace is run, if it was read."""
        if variable in self.reads:
            self.reads[variable].value = value

    @property
    def writes(self) -> dict[Variable, Tensor]:
        return {v: t for v, t in self.values.items() if t is not self.reads[v]}


def autocast_around() -> str | None:
    """The dtype that floating variables are read as now."""
    return _autocast.get()


@contextmanager
def autocast(dtype: str | None):
    """Read floating variables as ``dtype`` while this is open (``None``: as they are)."""
    token = _autocast.set(dtype)
    try:
        yield
    finally:
        _autocast.reset(token)


def constant(value: Any) -> Tensor:
    """A tensor of known value. A library's own array stays what it is, and keeps what that library knows of it."""
    if isinstance(value, np.generic) or not (hasattr(value, "shape") and hasattr(value, "dtype")):
        value = np.asarray(value)
    return Tensor(type_of(value), value=value)


def on_host(value: Any) -> np.ndarray:
    """A concrete array as NumPy's."""
    return value if isinstance(value, np.ndarray) else runtime.to_numpy(value)


def as_tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else constant(value)


def type_of(value: Any) -> Type:
    """The type of a tensor, variable or concrete array."""
    if isinstance(value, (Tensor, Variable)):
        return value.type
    return Type(tuple(value.shape), dtypes.standardize(value.dtype))


def _operands(inputs: Sequence[Any]) -> list[Any]:
    """Variables read, and Python numbers given the dtype of the (last) array beside them."""
    values = [x.value if isinstance(x, Variable) else x for x in inputs]
    if any(map(dtypes.is_python_number, values)):
        beside = [x for x in values if not dtypes.is_python_number(x)]
        to = dtypes.to_numpy(dtypes.name_of(beside[-1]) if beside else "float32")
        values = [np.asarray(x, to) if dtypes.is_python_number(x) else x for x in values]
    return values


def apply(primitive: Any, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Run a primitive: at once on arrays, or as a new node if any input is a tensor (or a shape is symbolic)."""
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
    """Run ``function`` on tensors; gives what it returned and the scope it ran in."""
    with Trace(parent, inside) as scope:
        for tensor in inputs:
            tensor.scope = scope
        return function(*inputs), scope


def runtime_array(value: Any, dtype: str) -> Any:
    """A host value as an array of the chosen backend; in a trace it stays on the host, and becomes a constant."""
    if current_trace() is not None and isinstance(value, np.ndarray):
        return value.astype(dtypes.to_numpy(dtype), copy=False)
    return runtime.array(value, dtype)


def native(value: Any) -> Any:
    """A concrete NumPy array as the chosen backend's own, outside a trace; anything else as it is."""
    if isinstance(value, np.ndarray) and current_trace() is None:
        return runtime.array(value, dtypes.standardize(value.dtype))
    return value
