"""What every public op is made with: promotion of dtypes, axes made plain, and memory of symbolic calls."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from amalthea import config, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.primitives import elementwise, movement
from amalthea.errors import ArgumentError, DtypeError
from amalthea.operation import FunctionOperation, any_remembers, record

F = TypeVar("F", bound=Callable[..., Any])


def op(function: F) -> F:
    """Make a function public: on a model's symbolic inputs its call is remembered as one step of the model."""

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        if any_remembers(args, kwargs):
            return record(FunctionOperation(public), function, args, kwargs)
        return function(*args, **kwargs)

    docstrings.fill(public)
    return public  # type: ignore[return-value]


def value_of(x: Any) -> Any:
    """A tensor or array; Variables are read, lists become arrays, Python numbers stay."""
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, (list, tuple)):
        return stacked(x)
    if x is None:
        raise ArgumentError("None stands where a tensor is needed.", expected="an array, tensor or number")
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        if getattr(x.dtype, "kind", None) in ("O", "U", "S"):
            raise DtypeError("An array of objects or text cannot be computed with.", got=x.dtype)
        return x
    return x if dtypes.is_python_number(x) else np.asarray(x)


def stacked(values: Sequence[Any]) -> Any:
    """A (nested) list of numbers as an array; one that holds tensors is stacked."""
    if any(isinstance(v, (Tensor, Variable)) or (isinstance(v, (list, tuple)) and _holds_tensor(v)) for v in values):
        rows = [movement.reshape(v, shape=(1, *shape_of(v))) for v in promoted(*values)]
        return movement.concatenate(*rows, axis=0)
    array = np.asarray(values)
    if array.dtype == np.float64:
        return array.astype(dtypes.to_numpy(config.floatx()))
    return array.astype("int32") if array.dtype == np.int64 else array


def _holds_tensor(values: Sequence[Any]) -> bool:
    return any(isinstance(v, (Tensor, Variable)) for v in values)


def cast(x: Any, dtype: str) -> Any:
    """``x`` (a number, array or tensor) in that dtype."""
    if dtypes.is_python_number(x):
        with np.errstate(all="ignore"):  # as arrays are cast: what a dtype cannot hold wraps around
            return np.asarray(x).astype(dtypes.to_numpy(dtype))
    return x if dtypes.name_of(x) == dtype else elementwise.cast(x, dtype=dtype)


def tensor(x: Any) -> Any:
    """Like :func:`value_of`, with Python numbers as arrays too."""
    x = value_of(x)
    return cast(x, dtypes.result_type(type(x).__name__, floatx=config.floatx())) if dtypes.is_python_number(x) else x


def promoted(*xs: Any, least: str | None = None) -> list[Any]:
    """The inputs in the one dtype that holds them all (and ``least``), Python's whole numbers by their value."""
    values = [value_of(x) for x in xs]
    names = [dtypes.name_of(v) for v in values]
    to = dtypes.result_type(*names, *([least] if least else []), floatx=config.floatx())
    if dtypes.is_integer(to) and "int" in names:
        to = dtypes.promote(to, *(dtypes.holding(v, to) for v in values if type(v) is int))
    return [cast(v, to) for v in values]


def floating(x: Any) -> Any:
    """The input as a float: whole numbers and bools in ``floatx``."""
    x = tensor(x)
    return x if dtypes.is_float(dtypes.name_of(x)) else cast(x, config.floatx())


def wide(x: Any) -> Any:
    """A float in the dtype in which its elements are added up."""
    return cast(x, dtypes.accumulator(dtypes.name_of(x)))


def accumulating(function: F) -> F:
    """Compute on floats, in float32 where the first argument is narrower, and round the results once, at the end."""

    @functools.wraps(function)
    def rounded(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = floating(x)
        name = dtypes.name_of(x)
        if dtypes.accumulator(name) == name:
            return function(x, *args, **kwargs)
        result = function(wide(x), *args, **kwargs)
        return tuple(cast(y, name) for y in result) if isinstance(result, tuple) else cast(result, name)

    return rounded  # type: ignore[return-value]


def shape_of(x: Any) -> Any:
    """The full shape as a tuple, symbols included."""
    return x.type.shape if isinstance(x, (Tensor, Variable)) else tuple(x.shape)


def one_axis(axis: Any, rank: int) -> int:
    """A non-negative axis, or an error that says which there are."""
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise ArgumentError(f"There is no axis {axis}.", expected=f"{-rank} to {rank - 1}", got=axis)
    return axis % rank


def all_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes meant: all for None, else each made non-negative."""
    if axis is None:
        return tuple(range(rank))
    if isinstance(axis, (list, tuple)):
        return tuple(one_axis(a, rank) for a in axis)
    return (one_axis(axis, rank),)


def static(shape: Any) -> shapes.Shape:
    """A shape argument as a tuple of ints and symbols."""
    if isinstance(shape, (int, np.integer, shapes.Dim)):
        shape = (shape,)
    return tuple(d if isinstance(d, shapes.Dim) else operator.index(d) for d in shape)


def exported(module: Any) -> dict[str, Callable[..., Any]]:
    """The public functions that a module of ops defines itself."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if callable(thing)
        and not name.startswith("_")
        and thing.__module__ == module.__name__
        and thing.__name__ == name
    }
