"""Ops that make new arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native, runtime_array
from amalthea.engine.primitives import elementwise, movement
from amalthea.ops.base import cast, op, shape_of, static, tensor, value_of


def _dtype(dtype: Any) -> str:
    return dtypes.standardize(dtype or config.floatx())


@op
def array(x: Any, dtype: Any = None) -> Any:
    """Anything array-like as an array of the backend; floats in ``floatx`` and whole numbers in int32 by default."""
    x = tensor(x)
    return native(x if dtype is None else cast(x, dtypes.standardize(dtype)))


@op
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere."""
    value = value_of(fill_value)
    return movement.broadcast_to(cast(value, _dtype(dtype)), shape=static(shape))


@op
def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros."""
    return full(shape, 0, dtype)


@op
def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones."""
    return full(shape, 1, dtype)


@op
def empty(shape: Any, dtype: Any = None) -> Any:
    """Zeros: memory is never handed out with what was in it before."""
    return full(shape, 0, dtype)


@op
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere, in the shape and dtype of ``x``."""
    x = tensor(x)
    return full(shape_of(x), fill_value, dtype or dtypes.name_of(x))


@op
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape and dtype of ``x``."""
    return full_like(x, 0, dtype)


@op
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones in the shape and dtype of ``x``."""
    return full_like(x, 1, dtype)


@op
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape and dtype of ``x``."""
    return full_like(x, 0, dtype)


@op
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers from ``start`` up to, not including, ``stop``; a stop that is a symbolic dimension is welcome."""
    start, stop = (0, start) if stop is None else (start, stop)
    step = 1 if step is None else step
    if dtype is None:
        floats = any(isinstance(v, float) for v in (start, stop, step))
        dtype = config.floatx() if floats else "int32"
    if all(isinstance(v, (int, float, np.number)) for v in (start, stop, step)):
        return runtime_array(np.arange(start, stop, step), dtypes.standardize(dtype))
    counts = movement.iota(shape=((stop - start) // step,), axis=0, dtype="int32")
    return cast(elementwise.add(elementwise.multiply(counts, step), start), dtypes.standardize(dtype))


@op
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """So many numbers, evenly spaced, in ``dtype`` (that of the bounds, or ``floatx``); whole ones are rounded down."""
    bounds = [value_of(x) for x in (start, stop)]
    name = dtypes.result_type("float", *map(dtypes.name_of, bounds), floatx=config.floatx())
    name = name if dtype is None else dtypes.standardize(dtype)
    wide = [np.asarray(x).astype("float64") for x in bounds]
    made = np.linspace(wide[0], wide[1], num, endpoint, retstep=True, axis=axis)
    values = runtime_array(made[0] if dtypes.is_float(name) else np.floor(made[0]), name)
    return (values, made[1]) if retstep else values


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on a diagonal."""
    return runtime_array(np.eye(N, M, k), _dtype(dtype))


@op
def identity(n: int, dtype: Any = None) -> Any:
    """Ones on the main diagonal of a square."""
    return eye(n, dtype=dtype)


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below a diagonal."""
    return runtime_array(np.tri(N, M, k), _dtype(dtype))


def _triangle(x: Any, k: int, lower: bool) -> Any:
    x = tensor(x)
    rows, columns = shape_of(x)[-2:]
    row = movement.iota(shape=(rows, columns), axis=0, dtype="int32")
    column = movement.iota(shape=(rows, columns), axis=1, dtype="int32")
    if lower:
        keep = elementwise.less_equal(column, elementwise.add(row, k))
    else:
        keep = elementwise.greater_equal(column, elementwise.add(row, k))
    return elementwise.select(keep, x, cast(0, dtypes.name_of(x)))


@op
def tril(x: Any, k: int = 0) -> Any:
    """The elements on and below a diagonal, zeros above."""
    return _triangle(x, k, lower=True)


@op
def triu(x: Any, k: int = 0) -> Any:
    """The elements on and above a diagonal, zeros below."""
    return _triangle(x, k, lower=False)
