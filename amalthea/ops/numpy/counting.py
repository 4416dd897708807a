"""Ops that find elements among others and count them: search in sorted sequences, bins, histograms, distinct values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import checks
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, DtypeError, ShapeError, TraceError
from amalthea.ops import distinct, searching
from amalthea.ops.base import cast, floating, op, promoted, shape_of, tensor
from amalthea.ops.sorting import order


def _vector(x: Any, name: str) -> None:
    if len(x.shape) != 1:
        raise ShapeError(f"{name} is not a vector.", expected="one axis", got=shapes.show(shape_of(x)))


def _numbers(x: Any) -> list[Any]:
    """Two tensors of one dtype; bools as numbers."""
    pair = [tensor(v) for v in promoted(*x)]
    return [cast(v, "uint8") for v in pair] if dtypes.name_of(pair[0]) == "bool" else pair


@op
def searchsorted(sorted_sequence: TensorLike, values: TensorLike, side: str = "left") -> Any:
    """Returns the int32 indices at which values would be inserted into a sorted sequence to keep its order.

    Args:
        sorted_sequence: TensorLike of one axis, in ascending order, with NaN last.
        values: TensorLike of any shape. Both are promoted to one dtype.
        side: str; ``"left"`` inserts before equal elements, ``"right"`` after them. Defaults to ``"left"``.

    Shapes:
        (n,), any shape -> the shape of the values

    Raises:
        ArgumentError: the side is neither of the two.
        ShapeError: the sequence does not have one axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.searchsorted([10, 20, 30], [20, 25])).tolist()
        [1, 2]
    """
    checks.one_of("left", "right")(side, "side", "ops.searchsorted")
    sequence, wanted = _numbers((sorted_sequence, values))
    _vector(sequence, "The sorted sequence")
    return searching.positions(sequence, wanted, side == "right")


@op
def digitize(x: TensorLike, bins: TensorLike) -> Any:
    """Returns the int32 number of the bin of each element: i where ``bins[i - 1] <= x < bins[i]``.

    Elements below the first bound are in bin 0. Bounds in descending order are allowed if they have a value, and mean
    ``bins[i - 1] > x >= bins[i]``.

    Args:
        |any tensor|
        bins: TensorLike of one axis; the bounds, in ascending order.

    Shapes:
        any shape, (n,) -> the shape of ``x``

    Raises:
        ArgumentError: the bounds are not in order.
        ShapeError: the bounds do not have one axis.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.digitize([0.5, 1.0, 7.0], [1.0, 2.0, 5.0])).tolist()
        [0, 1, 3]
    """
    bounds, values = _numbers((bins, x))
    _vector(bounds, "The list of bounds")
    if isinstance(bounds, Tensor):
        return searching.positions(bounds, values, True)
    known = np.asarray(bounds).astype("float64")
    if not (known[1:] < known[:-1]).any():
        return searching.positions(bounds, values, True)
    if (known[1:] > known[:-1]).any():
        raise ArgumentError("The bounds of bins are not in order.", got=bins, cure="ops.sort(bins)")
    behind = searching.positions(m.flip(bounds, axes=(0,)), values, True)
    return p.subtract(np.int32(len(known)), behind)


@op
def isin(x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False) -> Any:
    """Returns True where an element of ``x1`` is one of the elements of ``x2``.

    Args:
        x1: TensorLike of any shape; the elements to test.
        x2: TensorLike of any shape; the elements to look for. Both are promoted to one dtype.
        assume_unique: bool; accepted for compatibility with Keras and ignored: the result does not depend on it.
        invert: bool; True returns True where an element is not in ``x2``. Defaults to False.

    Shapes:
        any shapes -> the shape of ``x1``

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.isin([[1, 2], [3, 4]], [4, 1])).tolist()
        [[True, False], [False, True]]

    Source: NaN is not in any set, as in NumPy.
    """
    values, others = _numbers((x1, x2))
    n = shapes.size(shape_of(others))
    flat = m.reshape(others, shape=(n,))
    if n == 0:
        found = m.broadcast_to(native(np.asarray(False)), shape=shape_of(values))
    elif isinstance(n, int):
        flat = order(flat, 0)[0]
        at = p.minimum(searching.positions(flat, values, False), np.int32(n - 1))
        found = p.equal(indexing.gather(flat, at, axis=0), values)
    else:
        same = cast(p.equal(m.reshape(values, shape=(*shape_of(values), 1)), flat), "int32")
        found = cast(r.reduce_sum(same, axes=(len(values.shape),)), "bool")
    return p.logical_not(found) if invert else found


@op
def bincount(x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False) -> Any:
    """Counts how often each whole number from 0 occurs.

    Args:
        x: TensorLike of whole numbers from 0, with one axis, or with a batch axis before it. It needs a value: the
            number of counts depends on it.
        weights: TensorLike of the shape of ``x``; each occurrence counts as its weight. Defaults to None, which counts
            each as 1.
        minlength: int from 0; the least number of counts. Defaults to 0.
        sparse: bool; accepted for compatibility with Keras and ignored: the output is always dense. Defaults to False.

    Shapes:
        (n,) -> (max(x) + 1,); (batch, n) -> (batch, max(x) + 1)

    Returns:
        Counts in int32, or sums in the dtype of the weights.

    Raises:
        ArgumentError: a number is negative, or ``minlength`` is not an int from 0.
        DtypeError: ``x`` does not hold whole numbers.
        ShapeError: ``x`` does not have one or two axes, or the weights have another shape.
        TraceError: ``x`` is symbolic.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.bincount([1, 2, 2, 5])).tolist()
        [0, 1, 2, 0, 0, 1]

    Source: negative numbers are refused as in NumPy; Keras 3 counts them as 0 on some backends.
    """
    a, least = tensor(x), checks.non_negative_int(minlength, "minlength", "ops.bincount")
    name = dtypes.name_of(a)
    if not dtypes.is_integer(name) and name != "bool":
        raise DtypeError("Only whole numbers are counted.", expected="integers", got=name, cure="ops.cast(x, 'int32')")
    if isinstance(a, Tensor):
        raise TraceError(
            "How many numbers there are is not known in a trace.", got=a, cure="ops.segment_sum(ops.ones_like(x), x, n)"
        )
    if len(a.shape) not in (1, 2):
        raise ShapeError("Numbers are counted along one axis.", expected="1 or 2 axes", got=shapes.show(shape_of(a)))
    values = np.asarray(a)
    if values.size and values.min() < 0:
        raise ArgumentError("A negative number cannot be counted.", expected="0 or more", got=values.min())
    length = max(int(values.max()) + 1 if values.size else 0, least)
    return _counts(cast(a, "int32"), _weights(a, weights), length)


def _weights(x: Any, weights: Any) -> Any:
    if weights is None:
        return m.broadcast_to(np.int32(1), shape=shape_of(x))
    w = tensor(weights)
    if shape_of(w) != shape_of(x):
        raise ShapeError("Each number has one weight.", expected=shapes.show(shape_of(x)), got=shapes.show(shape_of(w)))
    return cast(w, "int32") if dtypes.name_of(w) == "bool" else w


def _counts(x: Any, weights: Any, length: int) -> Any:
    """Sums of weights by number, along the last axis."""
    *lead, n = shape_of(x)
    batch = shapes.size(lead)
    row = m.iota(shape=(batch, n), axis=0, dtype="int32")
    flat = p.add(p.multiply(row, np.int32(length)), m.reshape(x, shape=(batch, n)))
    zeros = m.broadcast_to(cast(0, dtypes.name_of(weights)), shape=(batch * length,))
    total = batch * n
    summed = indexing.scatter_add(zeros, m.reshape(flat, shape=(total,)), m.reshape(weights, shape=(total,)), axis=0)
    return m.reshape(summed, shape=(*lead, length))


@op
def histogram(x: TensorLike, bins: int = 10, range: Sequence[float] | None = None) -> tuple[Any, Any]:
    """Counts the elements in bins of equal width.

    A bin holds the elements from its lower bound up to, not including, its upper bound; the last bin includes it.

    Args:
        x: TensorLike of one axis.
        bins: int from 1; number of bins. Defaults to 10.
        range: two floats; the bounds of the first and of the last bin. Elements beyond are not counted. Defaults to
            None, the smallest and the largest element.

    Shapes:
        (n,) -> (bins,), (bins + 1,)

    Returns:
        A tuple of the counts and of the bounds of the bins, both of the float dtype of ``x``.

    Raises:
        ArgumentError: ``bins`` is not a positive int, or the range is not two ascending finite numbers.
        ShapeError: ``x`` does not have one axis.

    Example:
        >>> from amalthea import ops
        >>> counts, bounds = ops.histogram([1.0, 2.0, 2.0, 5.0], bins=2)
        >>> ops.convert_to_numpy(counts).tolist(), ops.convert_to_numpy(bounds).tolist()
        ([3.0, 1.0], [1.0, 3.0, 5.0])
    """
    a = floating(x)
    _vector(a, "The input of a histogram")
    name = dtypes.name_of(a)
    checks.positive_int(bins, "bins", "ops.histogram")
    wide = cast(a, dtypes.accumulator(name))
    low, high = _ends(wide, range)
    flat = p.equal(low, high)
    low, high = p.select(flat, p.subtract(low, 0.5), low), p.select(flat, p.add(high, 0.5), high)
    shares = native(np.linspace(0, 1, bins + 1).astype(dtypes.to_numpy(dtypes.name_of(wide))))
    edges = p.add(p.multiply(low, p.subtract(1.0, shares)), p.multiply(high, shares))
    number = p.subtract(searching.positions(edges, wide, True), np.int32(1))
    number = p.select(p.equal(wide, high), np.int32(bins - 1), number)
    counted = p.logical_and(p.less_equal(np.int32(0), number), p.less(number, np.int32(bins)))
    safe = p.select(counted, number, np.int32(0))
    return cast(_counts(safe, cast(counted, "int32"), bins), name), cast(edges, name)


def _ends(x: Any, given: Any) -> tuple[Any, Any]:
    name = dtypes.name_of(x)
    if given is None:
        if shape_of(x)[0] == 0:
            return cast(0.0, name), cast(1.0, name)
        return r.reduce_min(x, axes=(0,)), r.reduce_max(x, axes=(0,))
    checks.several(checks.finite_number)(given, "range", "ops.histogram")
    if len(given) != 2 or given[0] > given[1]:
        raise ArgumentError("A range has a lower and an upper bound.", expected="two ascending numbers", got=given)
    return cast(float(given[0]), name), cast(float(given[1]), name)


@op
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Any:
    """Returns the distinct elements, in ascending order.

    In a compiled function their number is not known, so ``size`` is needed there.

    Args:
        |any tensor|
        sorted: bool; accepted for compatibility with Keras and ignored: the output is always sorted.
        return_index: bool; True also returns the int32 index of the first occurrence of each. Defaults to False.
        return_inverse: bool; True also returns, for each element of ``x``, the int32 index of its value among the
            distinct ones. Defaults to False.
        return_counts: bool; True also returns how often each occurs, in int32. Defaults to False.
        axis: int; the axis whose slices are compared. Defaults to None, which compares the elements of the flattened
            input.
        size: int from 0; number of results: further ones are left out, missing ones are filled. Defaults to None, as
            many as there are.
        fill_value: number; fills missing results. Defaults to None, which repeats the smallest one.

    Shapes:
        any shape -> (n,); (rows, columns) -> (n, columns) with axis=0

    Returns:
        The distinct elements; or a tuple of them and of what else is asked for, in the order of the arguments.

    Raises:
        ArgumentError: ``size`` is negative or not an int.
        TraceError: ``x`` is symbolic and ``size`` is None.

    Example:
        >>> from amalthea import ops
        >>> values, counts = ops.unique([3, 1, 3], return_counts=True)
        >>> ops.convert_to_numpy(values).tolist(), ops.convert_to_numpy(counts).tolist()
        ([1, 3], [1, 2])

    Source: all NaN count as one, as in NumPy.
    """
    a = tensor(x)
    if size is not None:
        checks.non_negative_int(size, "size", "ops.unique")
    elif isinstance(a, Tensor):
        raise TraceError("How many elements differ is not known in a trace.", got=a, cure="ops.unique(x, size=n)")
    found = distinct.values(a, axis, size, fill_value)
    wanted = (True, return_index, return_inverse, return_counts)
    results: Any = tuple(result for result, is_wanted in zip(found, wanted) if is_wanted)
    return results if len(results) > 1 else results[0]
