"""Variables: named values that training changes, and the storage of a value on a backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np

from amalthea import loading
from amalthea.docstrings import attribute
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir import versions
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import autocast_around, current_trace, named
from amalthea.engine.ir.tensor import Operators, Tensor, Type
from amalthea.errors import DtypeError, ShapeError, TraceError


class Storage(Protocol):
    """The memory of one variable's value. Each backend may have its own class; :class:`HostStorage` is NumPy's."""

    def read(self) -> Any:
        """Return the value for a user, who may keep it."""
        ...

    def write(self, value: Any) -> None:
        """Replace the value."""
        ...

    def peek(self) -> Any:
        """Return the value for use inside the library, in memory that no executable overwrites meanwhile."""
        ...

    def numpy(self) -> np.ndarray:
        """Return a copy of the value as a NumPy array."""
        ...


class HostStorage:
    """Storage in a NumPy array."""

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
    """Set the function that casts a value read as another dtype. The table of primitives calls this."""
    global _cast
    _cast = cast


def cast(value: Any, dtype: str) -> Any:
    """Return a tensor or array in another dtype."""
    return _cast(value, dtype)


def _refuse_complex(value: Any, dtype: str, path: str) -> None:
    """Raise an error for complex numbers as the value of a real variable."""
    name = str(getattr(value, "dtype", "")).rsplit(".", 1)[-1].strip("'<> ")
    if name in dtypes.COMPLEX and not dtypes.is_complex(dtype):
        raise DtypeError(
            f"Complex numbers do not fit the real variable '{path}'.", expected=dtype, got=name, cure="ops.real(value)"
        )


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
        synchronization: str; likewise. Defaults to ``"auto"``.
        name: str; part of ``path`` and of messages. Defaults to None, which means ``"variable"``.
        layout: not used; must be None. Defaults to None.

    Raises:
        ShapeError: a callable is given without a shape.

    Example:
        >>> from amalthea import Variable
        >>> v = Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0])
        >>> v.numpy()
        array([2., 3.], dtype=float32)
    """

    name: str = attribute("The name of the variable within its layer.")
    path: str = attribute("The names of the layers around the variable, and its own, joined by slashes.")
    trainable: bool = attribute("Whether optimizers may change the variable.")
    aggregation: str = attribute("A word of Keras's, kept and without effect.")
    synchronization: str = attribute("A word of Keras's, kept and without effect.")
    regularizer: Any = attribute("The penalty on the value that layers add to the loss, or None.")
    constraint: Any = attribute("The projection that optimizers apply after an update, or None.")
    overwrite_with_gradient: bool = attribute("Whether optimizers assign the gradient in place of an update.")

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
    ):
        start = None  # set while a file is loaded: zeros, to be overwritten
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
        _refuse_complex(value, dtype, name or "variable")
        if start is None:
            value = np.array(value, dtypes.to_numpy(dtype), order="C")
        self.storage: Storage = HostStorage(value)
        self.type = Type(value.shape, dtype)
        self.trainable = trainable
        self.autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.name = name or "variable"
        self.path = named(self.name)
        self.regularizer: Any = None
        self.constraint: Any = None
        self.overwrite_with_gradient = False
        self.start: np.ndarray | None = None  # for variables of metrics: the value at the start of a run

    @property
    def _sources(self) -> tuple[Variable, ...]:
        """The variables with memory behind the value: this one."""
        return (self,)

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

    def _seen(self, view: versions.View, trace: Any) -> Any:
        """Return the value as this view sees it."""
        variable = view.of(self)
        if trace is not None:
            return trace.read(variable)
        found = view.find(variable)
        return runtime.storage_of(variable).read() if found is None else found

    def copy_from_start(self) -> Variable:
        """Return another variable with the same attributes and the starting value."""
        made = Variable.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.storage = HostStorage(np.array(self.start))
        return made

    def assign(self, value: Any) -> Any:
        """Replace the value by one of the same shape, cast to the variable's dtype.

        Raises:
            ShapeError: the shapes differ.
            TraceError: a symbolic tensor is assigned outside a trace.
        """
        trace = current_trace()
        if isinstance(value, Variable):
            value = value.value
        _refuse_complex(value, self.dtype, self.path)
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
            raise TraceError(f"Variable '{self.path}' cannot store a symbolic tensor outside a trace.", got=value.type)
        elif view is None or not view.change(variable, value):
            runtime.storage_of(variable).write(value)

    def assign_add(self, value: Any) -> None:
        self.assign(self + value)

    def assign_sub(self, value: Any) -> None:
        self.assign(self - value)

    def numpy(self) -> np.ndarray:
        """Return a copy of the value as a NumPy array."""
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
        return {**self.__dict__, "storage": HostStorage(self.numpy())}  # a copy starts on the host

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
    """Read a consistent snapshot of these variables until the block ends, whatever other threads write."""
    view = versions.view()
    if threading.active_count() == 1 or current_trace() is not None:
        yield
        return
    known = {v: view.find(v) for v in variables} if view is not None else {}
    with versions.pinned(runtime.hold([v for v in variables if known.get(v) is None])):
        yield


def at_once() -> AbstractContextManager[None]:
    """Make all assignments of the block visible to other threads at its end, atomically; none if the block fails."""
    return versions.at_once(lambda values: runtime.change(values))
