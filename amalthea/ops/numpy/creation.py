"""Ops that make new arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import checks, config, docstrings
from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native, runtime_array
from amalthea.engine.primitives import elementwise, movement
from amalthea.engine.types import DTypeLike, ShapeLike, TensorLike
from amalthea.errors import ArgumentError
from amalthea.ops.base import cast, op, shape_of, static, tensor, value_of

docstrings.share(
    "bounds of a range",
    """
start: TensorLike; the first bound, or an array of them. It needs a value: symbolic tensors are refused.
stop: TensorLike; the last bound, or an array of them, as ``start``.
num: int from 0; number of elements. Defaults to 50.
endpoint: bool; True includes the last bound. False stops one step before it. Defaults to True.
""",
)
docstrings.share(
    "float range dtype",
    """
dtype: DTypeLike; dtype of the output; a dtype of whole numbers cuts off the fraction. Defaults to None: the float
    dtype of the bounds, ``floatx`` for Python numbers and whole numbers.
""",
)


def _dtype(dtype: Any) -> str:
    return dtypes.standardize(dtype or config.floatx())


@op
def array(x: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Converts a number, list, array or variable to an array of the backend; a symbolic tensor stays symbolic.

    Args:
        |any tensor|
        dtype: DTypeLike; dtype of the output. Defaults to None: arrays keep their dtype, Python floats become
            ``floatx``, Python ints become int32.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: ``x`` holds text or objects.

    Example:
        >>> from amalthea import ops
        >>> x = ops.array([[1, 2], [3, 4]], dtype="float32")
        >>> tuple(x.shape), ops.dtype(x)
        ((2, 2), 'float32')
    """
    a = tensor(x)
    return native(a if dtype is None else cast(a, dtypes.standardize(dtype)))


@op
def full(shape: ShapeLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array with one value in all elements.

    Args:
        shape: ShapeLike; shape of the output.
        fill_value: TensorLike; the value, a number or an array that broadcasts to ``shape``.
        |new dtype|

    Shapes:
        any shape that broadcasts to ``shape`` -> ``shape``

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.full((2, 3), 0.5)).tolist()
        [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """
    return movement.broadcast_to(cast(value_of(fill_value), _dtype(dtype)), shape=static(shape))


@op
def zeros(shape: ShapeLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array of zeros.

    Args:
        shape: ShapeLike; shape of the output.
        |new dtype|

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.zeros((2, 3), dtype="int32")).tolist()
        [[0, 0, 0], [0, 0, 0]]
    """
    return full(shape, 0, dtype)


@op
def ones(shape: ShapeLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array of ones.

    Args:
        shape: ShapeLike; shape of the output.
        |new dtype|

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ones((2, 3), dtype="bool")).tolist()
        [[True, True, True], [True, True, True]]
    """
    return full(shape, 1, dtype)


@op
def empty(shape: ShapeLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array of zeros; the same as :func:`zeros`.

    Args:
        shape: ShapeLike; shape of the output.
        |new dtype|

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.empty((2, 2))).tolist()
        [[0.0, 0.0], [0.0, 0.0]]

    Source: differs from Keras 3, which leaves the elements undefined. Old contents of memory are never shown here.
    """
    return full(shape, 0, dtype)


@op
def full_like(x: TensorLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array with one value in all elements, in the shape of ``x``.

    Args:
        |any tensor|
        fill_value: TensorLike; the value, a number or an array that broadcasts to the shape of ``x``.
        |like dtype|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.full_like([[1, 2], [3, 4]], 7)).tolist()
        [[7, 7], [7, 7]]
    """
    a = tensor(x)
    return full(shape_of(a), fill_value, dtype or dtypes.name_of(a))


@op
def zeros_like(x: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array of zeros in the shape of ``x``.

    Args:
        |any tensor|
        |like dtype|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.zeros_like([[1, 2, 3]])).tolist()
        [[0, 0, 0]]
    """
    return full_like(x, 0, dtype)


@op
def ones_like(x: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array of ones in the shape of ``x``.

    Args:
        |any tensor|
        |like dtype|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.ones_like([[1, 2, 3]], dtype="float32")).tolist()
        [[1.0, 1.0, 1.0]]
    """
    return full_like(x, 1, dtype)


@op
def empty_like(x: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Makes an array of zeros in the shape of ``x``; the same as :func:`zeros_like`.

    Args:
        |any tensor|
        |like dtype|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.empty_like([[1.5, 2.5]])).tolist()
        [[0.0, 0.0]]

    Source: differs from Keras 3, which leaves the elements undefined. Old contents of memory are never shown here.
    """
    return full_like(x, 0, dtype)


@op
def arange(start: Any, stop: Any = None, step: Any = None, dtype: DTypeLike | None = None) -> Any:
    """Makes the numbers ``start, start + step, start + 2 * step, ...`` up to, and without, ``stop``.

    Args:
        start: int or float; the first number. Given alone, it is ``stop``, and the numbers begin at 0.
        stop: int, float or symbolic size of an axis, such as ``ops.shape(x)[0]``; the end, not included. Defaults to
            None; see ``start``.
        step: int or float; the difference of neighbours. Defaults to None, which means 1.
        dtype: DTypeLike; dtype of the output. Defaults to None: ``floatx`` if an argument is a float, else int32.

    Shapes:
        output: (ceil((stop - start) / step),)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arange(4)).tolist(), ops.convert_to_numpy(ops.arange(1, 2, 0.25)).tolist()
        ([0, 1, 2, 3], [1.0, 1.25, 1.5, 1.75])
    """
    start, stop = (0, start) if stop is None else (start, stop)
    step = 1 if step is None else step
    if dtype is None:
        floats = any(isinstance(v, float) for v in (start, stop, step))
        dtype = config.floatx() if floats else "int32"
    if all(isinstance(v, (int, float, np.number)) for v in (start, stop, step)):
        return runtime_array(np.arange(start, stop, step), dtypes.standardize(dtype))
    size = -((start - stop) // step)  # rounded up
    counts = movement.iota(shape=(size,), axis=0, dtype="int32")
    return cast(elementwise.add(elementwise.multiply(counts, step), start), dtypes.standardize(dtype))


@op
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """Makes ``num`` evenly spaced numbers from ``start`` to ``stop``.

    Args:
        start: TensorLike; the first number, or an array of them. It needs a value: symbolic tensors are refused.
        stop: TensorLike; the last number, or an array of them, as ``start``.
        num: int from 0; number of elements. Defaults to 50.
        endpoint: bool; True includes ``stop``. False stops one step before it. Defaults to True.
        retstep: bool; True returns the step too. Defaults to False.
        dtype: DTypeLike; dtype of the output; a dtype of whole numbers rounds down. Defaults to None: the float dtype
            of the bounds, ``floatx`` for Python numbers and whole numbers.
        axis: int; position of the new axis if the bounds are arrays. Defaults to 0, the first.

    Shapes:
        () -> (num,); (a, b) -> (num, a, b)

    Returns:
        The numbers, or a tuple of the numbers and the step if ``retstep`` is True.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.linspace(0, 1, 5)).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    bounds, name = _bounds(start, stop, num, dtype, "linspace")
    made = np.linspace(bounds[0], bounds[1], num, endpoint, retstep=True, axis=axis)
    values = runtime_array(made[0] if dtypes.is_differentiable(name) else np.floor(made[0]), name)
    return (values, made[1]) if retstep else values


def _bounds(start: Any, stop: Any, num: Any, dtype: Any, owner: str) -> tuple[list[Any], str]:
    """The bounds of a range in float64 (complex ones as they are), and the dtype of the range."""
    checks.non_negative_int(num, "num", f"ops.{owner}")
    bounds = [value_of(x) for x in (start, stop)]
    name = dtypes.result_type("float", *map(dtypes.name_of, bounds), floatx=config.floatx())
    name = name if dtype is None else dtypes.standardize(dtype)
    wide = [np.asarray(x) for x in bounds]
    return [x if x.dtype.kind == "c" else x.astype("float64") for x in wide], name


@op
def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """Makes ``num`` numbers from ``base ** start`` to ``base ** stop`` whose logarithms are evenly spaced.

    Args:
        |bounds of a range|
        base: float above 0; base of the powers. Defaults to 10.
        |float range dtype|
        axis: int; position of the new axis if the bounds are arrays. Defaults to 0, the first.

    Shapes:
        () -> (num,); (a, b) -> (num, a, b)

    Raises:
        ArgumentError: ``num`` is not an int from 0, or the base is not positive.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.logspace(0, 3, 4)).tolist()
        [1.0, 10.0, 100.0, 1000.0]
    """
    checks.positive_number(base, "base", "ops.logspace")
    bounds, name = _bounds(start, stop, num, dtype, "logspace")
    return runtime_array(np.logspace(bounds[0], bounds[1], num, endpoint, base=base, axis=axis), name)


@op
def geomspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """Makes ``num`` numbers from ``start`` to ``stop``, each a constant multiple of the one before.

    Args:
        |bounds of a range|
        |float range dtype|
        axis: int; position of the new axis if the bounds are arrays. Defaults to 0, the first.

    Shapes:
        () -> (num,); (a, b) -> (num, a, b)

    Raises:
        ArgumentError: ``num`` is not an int from 0, or a bound is 0.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.geomspace(1, 8, 4)).tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    bounds, name = _bounds(start, stop, num, dtype, "geomspace")
    if any((x == 0).any() for x in bounds):
        raise ArgumentError("A geometric sequence does not reach 0.", expected="bounds other than 0", got=(start, stop))
    if any(((bounds[0] < 0) != (bounds[1] < 0)).ravel()):
        raise ArgumentError("A geometric sequence does not cross 0.", expected="bounds of one sign", got=(start, stop))
    return runtime_array(np.geomspace(bounds[0], bounds[1], num, endpoint, axis=axis), name)


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Any:
    """Makes a matrix with ones on a diagonal and zeros elsewhere.

    Args:
        N: int from 0; number of rows.
        M: int from 0; number of columns. Defaults to None, which means ``N``.
        k: int; the diagonal, counted from the main one: 1 is the one above it, -1 the one below. Defaults to 0.
        |new dtype|

    Shapes:
        output: (N, M)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.eye(2, 3, k=1, dtype="int32")).tolist()
        [[0, 1, 0], [0, 0, 1]]
    """
    return runtime_array(np.eye(N, M, k), _dtype(dtype))


@op
def identity(n: int, dtype: DTypeLike | None = None) -> Any:
    """Makes the identity matrix: ones on the main diagonal of a square, zeros elsewhere.

    Args:
        n: int from 0; number of rows and of columns.
        |new dtype|

    Shapes:
        output: (n, n)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.identity(2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Any:
    """Makes a matrix with ones on and below a diagonal and zeros above.

    Args:
        N: int from 0; number of rows.
        M: int from 0; number of columns. Defaults to None, which means ``N``.
        k: int; the diagonal, counted from the main one: 1 is the one above it, -1 the one below. Defaults to 0.
        |new dtype|

    Shapes:
        output: (N, M)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.tri(3, dtype="int32")).tolist()
        [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
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
def tril(x: TensorLike, k: int = 0) -> Any:
    """Keeps the lower triangle of matrices: elements above a diagonal become 0.

    Args:
        x: TensorLike with at least two axes; the last two are the rows and columns of matrices.
        k: int; the diagonal, counted from the main one: 1 is the one above it, -1 the one below. Defaults to 0.

    Shapes:
        (..., rows, columns) -> (..., rows, columns)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.tril([[1, 2, 3], [4, 5, 6]])).tolist()
        [[1, 0, 0], [4, 5, 0]]
    """
    return _triangle(x, k, lower=True)


@op
def triu(x: TensorLike, k: int = 0) -> Any:
    """Keeps the upper triangle of matrices: elements below a diagonal become 0.

    Args:
        x: TensorLike with at least two axes; the last two are the rows and columns of matrices.
        k: int; the diagonal, counted from the main one: 1 is the one above it, -1 the one below. Defaults to 0.

    Shapes:
        (..., rows, columns) -> (..., rows, columns)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.triu([[1, 2, 3], [4, 5, 6]], k=1)).tolist()
        [[0, 2, 3], [0, 0, 6]]
    """
    return _triangle(x, k, lower=False)
