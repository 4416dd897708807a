"""Symbols of ``K``: placeholders, variables that are read later, and the recording of calls on them.

Outside a model's call, ``K.square(K.variable(2.0))`` is a symbolic tensor, as in Keras 1 and 2: ``K.eval`` and
``K.function`` compute it, with the value that the variable has then. Inside a call, and on arrays, functions of ``K``
compute at once, or in the trace that is open.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import config, ops, tree
from amalthea.compat.backend.spellings import respelled
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.engine.ir.variable import Variable
from amalthea.engine.transforms import run_once
from amalthea.errors import ArgumentError, brief
from amalthea.keras_tensor import KerasTensor
from amalthea.layers import calling
from amalthea.models.functional.network import Network
from amalthea.operation import Call, FunctionOperation, Operation, any_remembers, record, remembers


class VariableRead(Operation):
    """Reads a variable when the graph around it runs."""

    def __init__(self, variable: Variable):
        self.name, self._calls, self.variable = variable.name, [], variable

    def call(self) -> Any:
        return self.variable.value


class Constant(Operation):
    """A value that stands in a graph of symbolic tensors."""

    def __init__(self, value: Any):
        self.name, self._calls, self.value = "constant", [], ops.convert_to_tensor(value)

    def call(self) -> Any:
        return self.value


def is_at_top() -> bool:
    """Returns whether neither a trace is open nor a layer called: there, expressions of variables are symbolic."""
    return current_trace() is None and calling.is_outermost()


def as_symbol(x: Any) -> Any:
    """Returns a symbolic tensor with a history: of a variable its reading, of a value a constant."""
    if remembers(x):
        return x
    operation = VariableRead(x) if isinstance(x, Variable) else Constant(x)
    value = x if isinstance(x, Variable) else operation.value
    tensor = Tensor(value.type if isinstance(value, Variable) else KerasTensor(value.shape, value.dtype).type)
    Call(operation, (), {}, tensor)
    return tensor


class BackendVariable(Variable):
    """A variable of ``K``: outside a model's call, Python's operators on it give symbolic tensors."""


def _operator(name: str) -> Callable[..., Any]:
    plain = getattr(Variable, name)

    @functools.wraps(plain)
    def operator(self: Any, *others: Any) -> Any:
        if is_at_top():
            return getattr(as_symbol(self), name)(*[as_symbol(x) if isinstance(x, Variable) else x for x in others])
        return plain(self, *others)

    return operator


for _name in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul neg abs "
    "lt le gt ge getitem"
).split():
    setattr(BackendVariable, f"__{_name}__", _operator(f"__{_name}__"))


def recorded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function one of ``K``: it takes old spellings, and calls on symbolic tensors are recorded."""
    parameters = inspect.signature(function).parameters

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        kwargs = respelled(kwargs, parameters, function.__name__)
        args, kwargs = _with_reads(args, kwargs) if is_at_top() else (args, kwargs)
        if any_remembers(args, kwargs):
            return record(FunctionOperation(public), function, args, kwargs)
        return function(*args, **kwargs)

    return public


def _with_reads(args: Any, kwargs: Any) -> Any:
    """Arguments with readings in place of variables, unless arrays stand beside them."""
    leaves = tree.flatten([list(args), kwargs])
    has_variables = any(isinstance(x, Variable) for x in leaves)
    if not has_variables or any(hasattr(x, "shape") and not isinstance(x, (Variable, Tensor)) for x in leaves):
        return args, kwargs
    return tree.map_structure(lambda x: as_symbol(x) if isinstance(x, Variable) else x, (list(args), kwargs))


# ------------------------------------------------------------------------------------- placeholders, variables


def placeholder(
    shape: Sequence[int | None] | None = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
    ragged: bool = False,
) -> Any:
    """Returns a symbolic tensor whose value ``K.function`` takes.

    Args:
        shape: sequence of int and None; None for sizes that are not known. Defaults to None, which takes ``ndim``.
        ndim: int; number of axes, if there is no ``shape``.
        dtype: DTypeLike; dtype of the elements. Defaults to None, ``floatx``.
        sparse: bool; must be False: tensors are dense.
        name: str; name of the tensor. Defaults to None, no name.
        ragged: bool; must be False: tensors are dense.

    Raises:
        ArgumentError: neither ``shape`` nor ``ndim`` is given, or the tensor would not be dense.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.placeholder(shape=(None, 2))
        >>> K.function([x], [K.sum(x, axis=1)])([[[1.0, 2.0]]])[0].tolist()
        [3.0]
    """
    if shape is None and ndim is None:
        raise ArgumentError("A placeholder needs a shape or a number of axes.", cure="K.placeholder(ndim=2)")
    sizes = (None,) * int(ndim or 0) if shape is None else tuple(shape)
    return KerasTensor(sizes, dtype or config.floatx(), sparse=sparse, ragged=ragged, name=name)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """Returns a variable with this value.

    Args:
        value: array, number or nested list.
        dtype: DTypeLike; dtype of the variable. Defaults to None, ``floatx``.
        name: str; its name. Defaults to None, ``"variable"``.
        constraint: callable; projection that optimizers apply after an update. Defaults to None.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable([1.0, 2.0])
        >>> K.eval(v * 2).tolist()
        [2.0, 4.0]
    """
    value = on_host(value) if hasattr(value, "shape") and not isinstance(value, Variable) else value
    made = BackendVariable(np.asarray(value), dtype=dtypes.standardize(dtype or config.floatx()), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None) -> Any:
    """Returns an array of ``floatx`` or another dtype, broadcast to a shape if one is given.

    Args:
        value: array, number or nested list.
        dtype: DTypeLike; dtype of the array. Defaults to None, ``floatx``.
        shape: sequence of int; shape of the array. Defaults to None, that of the value.
        name: str; accepted as in Keras and not used.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.constant(3, shape=(2,))).tolist()
        [3.0, 3.0]
    """
    array = ops.convert_to_tensor(value, dtype=dtypes.standardize(dtype or config.floatx()))
    return array if shape is None else ops.broadcast_to(array, tuple(shape))


# -------------------------------------------------------------------------------------------------- values


def evaluate(x: Any) -> Any:
    """Returns the value of a symbolic tensor of variables, of a variable or of an array, as a NumPy array."""
    if remembers(x):
        network = Network([], [x])
        (value,) = run_once(lambda: network.run([]), (), {})
        return on_host(value) if hasattr(value, "shape") else np.asarray(value)
    if isinstance(x, Variable):
        return x.numpy()
    if isinstance(x, Tensor):
        return x._concrete()
    return on_host(x) if hasattr(x, "shape") else np.asarray(x)


def get_value(x: Any) -> Any:
    """Returns the value of a variable or of a symbolic tensor of variables, as a NumPy array or scalar.

    Args:
        x: variable, array, symbolic tensor, or number.

    Raises:
        ArgumentError: the tensor depends on a placeholder or an input of a model.

    Example:
        >>> from amalthea.compat import backend as K
        >>> float(K.get_value(K.variable(2.0)))
        2.0
    """
    value = evaluate(x)
    return value[()] if value.ndim == 0 else value


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """Returns the values of several variables.

    Args:
        tensors: sequence of variables, arrays or symbolic tensors.

    Example:
        >>> from amalthea.compat import backend as K
        >>> [float(v) for v in K.batch_get_value([K.variable(1.0), K.variable(2.0)])]
        [1.0, 2.0]
    """
    return [get_value(x) for x in tensors]


def set_value(x: Any, value: Any) -> None:
    """Changes the value of a variable.

    Args:
        x: variable.
        value: array or number of its shape.

    Raises:
        ArgumentError: ``x`` is not a variable.
        ShapeError: the shapes differ.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable(1.0)
        >>> K.set_value(v, 5.0)
        >>> float(K.get_value(v))
        5.0
    """
    if not hasattr(x, "assign"):
        raise ArgumentError("Only a variable can be set.", expected="a variable", got=brief(x), cure="K.variable(...)")
    x.assign(np.asarray(value))


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Changes the values of several variables.

    Args:
        tuples: sequence of pairs of a variable and a value.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable(1.0)
        >>> K.batch_set_value([(v, 2.0)])
        >>> float(K.get_value(v))
        2.0
    """
    for x, value in tuples:
        set_value(x, value)


# ------------------------------------------------------------------------------------------------ questions


def int_shape(x: Any) -> Any:
    """Returns the shape as a tuple of int and None.

    Args:
        x: tensor, variable or array.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.placeholder(shape=(None, 2)))
        (None, 2)
    """
    if isinstance(x, (Tensor, Variable)):
        return shapes.public(x.type.shape)
    return tuple(np.shape(x))


def ndim(x: Any) -> int:
    """Returns the number of axes.

    Args:
        x: tensor, variable or array.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.ndim(K.placeholder(ndim=3))
        3
    """
    return len(int_shape(x))


def dtype(x: Any) -> str:
    """Returns the dtype as a string.

    Args:
        x: tensor, variable or array.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.dtype(K.variable(1.0))
        'float32'
    """
    return dtypes.name_of(x)


def count_params(x: Any) -> int:
    """Returns the number of elements of a variable or array.

    Args:
        x: variable or array.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.count_params(K.zeros((2, 3)))
        6
    """
    return int(np.prod(int_shape(x)))


def is_placeholder(x: Any) -> bool:
    """Returns whether a tensor is a placeholder or an input of a model.

    Args:
        x: any value.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.is_placeholder(K.placeholder(ndim=1)), K.is_placeholder(K.variable(1.0))
        (True, False)
    """
    return remembers(x) and x.history.call.operation._is_start


def is_tensor(x: Any) -> bool:
    """Returns whether a value is a tensor, a variable or an array of the backend.

    Args:
        x: any value.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.is_tensor(K.variable(1.0)), K.is_tensor([1.0])
        (True, False)
    """
    return isinstance(x, (Tensor, Variable)) or (hasattr(x, "shape") and not isinstance(x, (np.ndarray, np.generic)))
