"""Variables: named values that training changes, and the storage in which a value lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from amalthea import loading
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir import versions
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import autocast_around, current_trace
from amalthea.engine.ir.tensor import Operators, Tensor, Type
from amalthea.errors import ShapeError, TraceError

if TYPE_CHECKING:
    from amalthea.engine.ir.trace import Trace


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


_cast: Callable[[Any, str], Any]


def install_cast(cast: Callable[[Any, str], Any]) -> None:
    """Let this function cast a value that is read as another dtype. The table of primitives brings it."""
    global _cast
    _cast = cast


def cast(value: Any, dtype: str) -> Any:
    """Return a tensor or array in another dtype."""
    return _cast(value, dtype)


class Variable(Operators):
    """A named value that training changes.

    Args:
        initializer: an array, a number, or a callable ``(shape, dtype) -> array``.
        shape: needed with a callable.
        dtype: a dtype name; ``None`` takes the array's, or float32.
        trainable: whether an optimizer may change it.
        autocast: whether a layer's compute dtype applies when it is read in the layer's call.
        name: shown in ``path`` and in messages.

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
            value = runtime.storage_of(self).read() if trace is None else trace.read(self)
        to = autocast_around()
        if to and self.autocast and to != self.dtype and dtypes.is_float(self.dtype):
            return cast(value, to)
        return value

    def _seen(self, view: versions.View, trace: Trace | None) -> Any:
        """The value in a view: its own, or what stands for it there."""
        variable = view.of(self)
        if trace is not None:
            return trace.read(variable)
        found = view.find(variable)
        return runtime.storage_of(variable).read() if found is None else found

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
            runtime.storage_of(variable).write(value)

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
        return (
            variable.storage.numpy()
            if found is None
            else np.array(found if isinstance(found, np.ndarray) else runtime.to_numpy(found))
        )

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
