"""Shapes as values, and what is made from a shape: zeros, ranges, reshaped and random tensors.

``K.shape(x)`` is a tuple. A size that is known is an int. The size of an axis such as the batch, of a symbolic tensor
of a model, is a symbolic number: functions of ``K`` take it in a shape, and it becomes an int when the model runs.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from amalthea import config, ops, random
from amalthea.compat.backend.symbols import BackendVariable, is_at_top, recorded
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, brief
from amalthea.operation import Operation, record, remembers


class Size(Operation):
    """The size of one axis of a tensor, when the graph around it runs."""

    def __init__(self, axis: int):
        self.name, self._calls, self.axis = "size", [], axis

    def call(self, x: Any) -> Any:
        return ops.shape(x)[self.axis]

    def type(self, x: Any) -> Any:
        return ops.zeros((), "int32") + ops.cast(ops.sum(ops.cast(x, "float32")) * 0, "int32")


def shape(x: Any) -> tuple[Any, ...]:
    """Returns the shape of a tensor: an int for a size that is known.

    Args:
        x: tensor, variable or array.

    Shapes: any shape -> one number for each axis.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.placeholder(shape=(None, 3))
        >>> K.shape(x)[1]
        3
        >>> K.function([x], [K.zeros((K.shape(x)[0], 2))])([[[1.0, 2.0, 3.0]]])[0].tolist()
        [[0.0, 0.0]]
    """
    if not remembers(x):
        found = x.type.shape if isinstance(x, (Tensor, Variable)) else np.shape(x)
        return tuple(found)
    sizes = x.type.shape
    return tuple(d if isinstance(d, int) else _symbolic_size(x, i) for i, d in enumerate(sizes))


def _symbolic_size(x: Tensor, axis: int) -> Tensor:
    operation = Size(axis)
    return record(operation, operation.type, (x,), {})


def _sized(given: Any) -> tuple[Any, ...]:
    """A shape of ints and symbols: a size that is a tensor becomes a symbol that is not known."""
    if isinstance(given, Tensor):
        count = given.type.shape[0] if given.type.shape else 1
        given = (None,) * count if isinstance(count, int) else (None,)
    sizes = tuple(given) if isinstance(given, (list, tuple, np.ndarray)) or np.ndim(given) else (given,)
    return tuple(_size(d) for d in sizes)


def _size(d: Any) -> Any:
    if d is None or (isinstance(d, Tensor) and d.value is None):
        return shapes.Dim.fresh()
    if isinstance(d, (shapes.Dim, int)):
        return d
    return int(np.asarray(d.value if isinstance(d, Tensor) else d))


@recorded
def reshape(x: Any, shape: Any) -> Any:
    """Returns the elements in another shape.

    Args:
        x: tensor.
        shape: sequence of int; -1 for the size that follows from the others. May hold sizes of ``K.shape``.

    Shapes: any shape -> ``shape``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.reshape(K.placeholder(shape=(None, 4)), (-1, 2, 2)))
        (None, 2, 2)
    """
    sizes = list(shape) if isinstance(shape, (list, tuple, np.ndarray)) else [shape]
    open_sizes = [i for i, d in enumerate(sizes) if isinstance(d, Tensor) and d.value is None]
    if len(open_sizes) == 1 and -1 not in [d for d in sizes if isinstance(d, int)]:
        sizes[open_sizes[0]] = -1  # in a graph for types alone
    elif open_sizes:
        return ops.broadcast_to(
            ops.sum(x) * 0, _sized([None if i in open_sizes or d == -1 else d for i, d in enumerate(sizes)])
        )
    return ops.reshape(x, _sized(sizes))


@recorded
def flatten(x: Any) -> Any:
    """Returns all elements along one axis.

    Args:
        x: tensor.

    Shapes: any shape -> (elements,)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.flatten(K.zeros((2, 2)))).shape
        (4,)
    """
    return ops.reshape(x, (-1,))


@recorded
def batch_flatten(x: Any) -> Any:
    """Returns the elements of each row along one axis.

    Args:
        x: tensor.

    Shapes: (batch, ...) -> (batch, elements)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.batch_flatten(K.placeholder(shape=(None, 2, 3))))
        (None, 6)
    """
    full = ops.shape(x)
    rest = full[1:]
    known = all(isinstance(d, (int, shapes.Dim)) for d in rest)
    return ops.reshape(x, (full[0], shapes.size(rest)) if known else (full[0], -1))


@recorded
def slice(x: Any, start: Any, size: Any) -> Any:  # noqa: A001
    """Returns a block of a tensor.

    Args:
        x: tensor.
        start: sequence of int; where the block begins along each axis.
        size: sequence of int; its size along each axis; -1 for all that is left.

    Shapes: any shape -> ``size``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.slice(K.variable([1.0, 2.0, 3.0]), [1], [2])).tolist()
        [2.0, 3.0]
    """
    index = tuple(
        builtins.slice(b, None if n == -1 else b + n) for b, n in zip(_sized(start), _sized(size), strict=True)
    )
    return ops.convert_to_tensor(x)[index]


# ---------------------------------------------------------------------------------------- made from a shape


def _filled(shape: Any, dtype: Any, value: float) -> Any:
    return ops.full(_sized(shape), value, dtype=dtypes.standardize(dtype or config.floatx()))


@recorded
def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a variable of zeros; a tensor inside a model's call, or for a size that is not known.

    Args:
        shape: sequence of int; may hold sizes of ``K.shape``.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        name: str; name of the variable. Defaults to None.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.get_value(K.zeros((2,))).tolist()
        [0.0, 0.0]
    """
    return _start(shape, dtype, name, 0.0)


@recorded
def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a variable of ones; a tensor inside a model's call, or for a size that is not known.

    Args:
        shape: sequence of int; may hold sizes of ``K.shape``.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        name: str; name of the variable. Defaults to None.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.get_value(K.ones((2,))).tolist()
        [1.0, 1.0]
    """
    return _start(shape, dtype, name, 1.0)


def _start(shape: Any, dtype: Any, name: Any, value: float) -> Any:
    filled = _filled(shape, dtype, value)
    if isinstance(filled, Tensor) or not is_at_top():
        return filled
    return BackendVariable(on_host(filled), name=name)


@recorded
def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a variable that holds the identity matrix.

    Args:
        size: int, or a pair of them; rows and columns.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        name: str; name of the variable. Defaults to None.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.get_value(K.eye(2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = size if isinstance(size, (list, tuple)) else (size, size)
    return BackendVariable(np.eye(rows, columns), dtype=dtypes.standardize(dtype or config.floatx()), name=name)


@recorded
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """Returns numbers at equal distances.

    Args:
        start: int; first number; without ``stop`` the end, and the range begins at 0.
        stop: int; end, not included. Defaults to None.
        step: int; distance. Defaults to 1.
        dtype: DTypeLike. Defaults to ``"int32"``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.arange(3)).tolist()
        [0, 1, 2]
    """
    if stop is None:
        start, stop = 0, start
    if isinstance(stop, Tensor) and stop.value is None:  # in a graph for types alone
        return ops.zeros(_sized([None]), dtype=dtype)
    return ops.arange(start, stop, step, dtype=dtype)


# --------------------------------------------------------------------------------------------- random numbers


@recorded
def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws numbers from the normal distribution, others at each run.

    Args:
        shape: sequence of int; may hold sizes of ``K.shape``.
        mean: float or tensor. Defaults to 0.
        stddev: float or tensor. Defaults to 1.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        seed: int; the same int draws the same numbers. Defaults to None.

    Shapes: ``shape``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.random_normal((2, 3))).shape
        (2, 3)
    """
    return random.normal(_sized(shape), mean, stddev, dtype=dtype, seed=seed)


@recorded
def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws numbers from the normal distribution within two standard deviations.

    Args:
        shape: sequence of int; may hold sizes of ``K.shape``.
        mean: float or tensor. Defaults to 0.
        stddev: float or tensor. Defaults to 1.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        seed: int; the same int draws the same numbers. Defaults to None.

    Shapes: ``shape``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> bool(abs(K.eval(K.truncated_normal((100,)))).max() <= 2)
        True
    """
    return random.truncated_normal(_sized(shape), mean, stddev, dtype=dtype, seed=seed)


@recorded
def random_uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws numbers from the uniform distribution.

    Args:
        shape: sequence of int; may hold sizes of ``K.shape``.
        minval: float or tensor; lower bound. Defaults to 0.
        maxval: float or tensor; upper bound. Defaults to 1.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        seed: int; the same int draws the same numbers. Defaults to None.

    Shapes: ``shape``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> bool(K.eval(K.random_uniform((100,), 2.0, 3.0)).min() >= 2)
        True
    """
    return random.uniform(_sized(shape), minval, maxval, dtype=dtype, seed=seed)


@recorded
def random_binomial(shape: Any, p: Any = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws 1 with a probability, and 0 otherwise.

    Args:
        shape: sequence of int; may hold sizes of ``K.shape``.
        p: float from 0 to 1; probability of 1. Defaults to 0.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        seed: int; the same int draws the same numbers. Defaults to None.

    Shapes: ``shape``.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.random_binomial((3,), p=1.0)).tolist()
        [1.0, 1.0, 1.0]
    """
    drawn = random.uniform(_sized(shape), seed=seed)
    return ops.cast(ops.less(drawn, p), dtypes.standardize(dtype or config.floatx()))


random_bernoulli = random_binomial


def random_normal_variable(
    shape: Any, mean: Any, scale: Any, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Any:
    """Returns a variable with numbers drawn from the normal distribution.

    Args:
        shape: sequence of int.
        mean: float.
        scale: float; standard deviation.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        name: str; name of the variable. Defaults to None.
        seed: int; the same int draws the same numbers. Defaults to None.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.random_normal_variable((2, 3), 0.0, 1.0))
        (2, 3)
    """
    return BackendVariable(on_host(random.normal(shape, mean, scale, dtype=dtype, seed=seed)), name=name)


def random_uniform_variable(
    shape: Any, low: Any, high: Any, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Any:
    """Returns a variable with numbers drawn from the uniform distribution.

    Args:
        shape: sequence of int.
        low: float; lower bound.
        high: float; upper bound.
        dtype: DTypeLike. Defaults to None, ``floatx``.
        name: str; name of the variable. Defaults to None.
        seed: int; the same int draws the same numbers. Defaults to None.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.random_uniform_variable((2, 3), 0.0, 1.0))
        (2, 3)
    """
    return BackendVariable(on_host(random.uniform(shape, low, high, dtype=dtype, seed=seed)), name=name)


@recorded
def dropout(x: Any, level: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    """Sets elements to zero at random, and scales the others up.

    Args:
        x: tensor.
        level: float from 0 to 1; share of zeros.
        noise_shape: sequence of int; shape of the decisions, which broadcasts to ``x``. Defaults to None, as ``x``.
        seed: int; the same int draws the same numbers. Defaults to None.

    Shapes: any shape -> the same.

    Raises:
        ArgumentError: ``level`` is not from 0 to 1.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.dropout(K.variable([1.0, 2.0]), 0.0)).tolist()
        [1.0, 2.0]
    """
    if isinstance(level, (int, float)) and not 0 <= level < 1:
        raise ArgumentError("Dropout takes a share of elements.", expected="0 <= level < 1", got=brief(level))
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)
