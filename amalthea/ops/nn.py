"""Ops of classification: softmax and its relatives, one-hot codes, the largest elements; and the error function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from amalthea import checks, config, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import composite, indexing, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ShapeError
from amalthea.ops import error_functions
from amalthea.ops.base import (
    accumulating,
    accumulating_pair,
    all_axes,
    cast,
    floating,
    mean_of,
    one_axis,
    op,
    shape_of,
    tensor,
)
from amalthea.ops.normalization import normalize_batch as normalize_batch

docstrings.share(
    "softmax axis",
    """
axis: int or sequence of ints; the axes along which the outputs belong together. Defaults to -1, the last axis.
    None means all axes.
""",
)


@op
def erf(x: TensorLike) -> Any:
    """Computes the error function: ``2 / sqrt(pi)`` times the integral of ``exp(-t ** 2)`` from 0 to ``x``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.erf([-0.5, 0.0, 2.0])).tolist()
        [-0.5205, 0.0, 0.9953]
    """
    return p.erf(floating(x))


@op
@accumulating
def erfc(x: TensorLike) -> Any:
    """Computes the complementary error function ``1 - erf(x)``, accurate also where it is small.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.erfc([-0.5, 0.0, 0.5])).tolist()
        [1.5205, 1.0, 0.4795]
    """
    return error_functions.erfc(x)


@op
@accumulating
def erfinv(x: TensorLike) -> Any:
    """Computes the inverse of the error function: the ``y`` with ``erf(y) = x``. It is NaN beyond -1 and 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.erfinv([-0.5, 0.0, 0.5, 1.0])).tolist()
        [-0.4769, 0.0, 0.4769, inf]
    """
    return error_functions.erfinv(x)


@op
@accumulating_pair
def psnr(x1: TensorLike, x2: TensorLike, max_val: float) -> Any:
    """Computes the peak signal-to-noise ratio of two images, in decibels: ``20 * log10(max_val / rmse)``.

    Args:
        x1, x2: TensorLike of one shape; whole numbers are computed in ``floatx``.
        max_val: float above 0; the largest possible value, such as 1 or 255.

    Shapes:
        any shape, the same shape -> ()

    Raises:
        ArgumentError: ``max_val`` is not a positive number.
        ShapeError: the shapes differ.

    Example:
        >>> from amalthea import ops
        >>> round(float(ops.psnr([0.0, 1.0], [0.1, 0.9], max_val=1.0)), 2)
        20.0

    Source: infinite for equal images.
    """
    checks.positive_number(max_val, "max_val", "ops.psnr")
    s1, s2 = shape_of(x1), shape_of(x2)
    if len(s1) != len(s2) or not all(map(shapes.agree, s1, s2)):
        raise ShapeError("The images differ in shape.", expected=shapes.show(s1), got=shapes.show(s2))
    axes = tuple(range(len(s1)))
    error = mean_of(p.square(p.subtract(x1, x2)), axes, False)
    return p.subtract(20 * math.log10(max_val), p.multiply(p.log(error), 10 / math.log(10)))


@op
def glu(x: TensorLike, axis: int = -1) -> Any:
    """Computes the gated linear unit: the first half along an axis times the sigmoid of the second half.

    Args:
        |elementwise|
        axis: int; the axis to halve. Defaults to -1, the last axis.

    Shapes:
        (batch, 2 * units) -> (batch, units)

    Raises:
        ShapeError: the size of the axis is odd.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.glu([[3.0, 4.0, 0.0, 100.0]])).tolist()
        [[1.5, 4.0]]

    Source: Dauphin et al., arXiv:1612.08083.
    """
    a = floating(x)
    axis = one_axis(axis, len(a.shape))
    n = shape_of(a)[axis]
    if isinstance(n, int) and n % 2:
        raise ShapeError("The axis cannot be halved.", expected="an even size", got=n)
    return p.multiply(movement.part(a, axis, 0, n // 2), p.sigmoid(movement.part(a, axis, n // 2, n)))


def _over_axes(row: Any, x: Any, axis: Any) -> Any:
    x = floating(x)
    axes = all_axes(axis, len(x.shape))
    if len(axes) == 1:
        return row(x, axis=axes[0])
    rest = tuple(i for i in range(len(x.shape)) if i not in axes)
    order, full = rest + axes, shape_of(x)
    lead = tuple(full[i] for i in rest)
    flat = movement.reshape(movement.transpose(x, axes=order), shape=(*lead, shapes.size([full[i] for i in axes])))
    out = movement.reshape(row(flat, axis=len(lead)), shape=tuple(full[i] for i in order))
    return movement.transpose(out, axes=tuple(order.index(i) for i in range(len(order))))


@op
def softmax(x: TensorLike, axis: int | Sequence[int] | None = -1) -> Any:
    """Turns logits into probabilities that add up to 1: ``exp(x) / sum(exp(x))`` along axes.

    Args:
        |elementwise|
        |softmax axis|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.softmax([0.0, 1.0, 2.0])).tolist()
        [0.09, 0.2447, 0.6652]
    """
    return _over_axes(composite.softmax, x, axis)


@op
def log_softmax(x: TensorLike, axis: int | Sequence[int] | None = -1) -> Any:
    """Computes the logarithm of :func:`softmax`: ``x - log(sum(exp(x)))`` along axes, without overflow or underflow.

    Args:
        |elementwise|
        |softmax axis|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.log_softmax([0.0, 1000.0])).tolist()  # log(softmax(x)) would be -inf
        [-1000.0, 0.0]
    """
    return _over_axes(composite.log_softmax, x, axis)


@op
@accumulating
def sparsemax(x: TensorLike, axis: int = -1) -> Any:
    """Computes the probabilities nearest to the logits (their Euclidean projection onto the simplex).

    The result is ``max(x - t, 0)`` with the threshold ``t`` at which it adds up to 1. Unlike a softmax, it has zeros.

    Args:
        |elementwise|
        axis: int; the axis along which the outputs add up to 1. Defaults to -1, the last axis.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sparsemax([0.0, 1.0, 1.5])).tolist()
        [0.0, 0.25, 0.75]

    Source: Martins and Astudillo, arXiv:1602.02068. Differs from Keras 3 on other axes than the last and for equal
    logits, where the outputs of Keras do not add up to 1.
    """
    full = shape_of(x)
    last, axis = len(full) - 1, one_axis(axis, len(full))
    order = tuple(i for i in range(len(full)) if i != axis) + (axis,)
    z = movement.transpose(x, axes=order)
    n, name = shape_of(z)[-1], dtypes.name_of(x)
    ranked, _ = indexing.top_k(z, k=n)
    sums = reductions.cumsum(ranked, axis=last)
    k = cast(movement.iota(shape=(n,), axis=0, dtype="int32"), name)
    inside = p.greater(p.add(p.multiply(ranked, p.add(k, 1.0)), 1.0), sums)
    count = reductions.reduce_sum(cast(inside, name), axes=(last,), keepdims=True)
    top = reductions.reduce_sum(p.select(inside, ranked, cast(0, name)), axes=(last,), keepdims=True)
    out = p.relu(p.subtract(z, p.divide(p.subtract(top, 1.0), count)))
    return movement.transpose(out, axes=tuple(order.index(i) for i in range(len(order))))


@op
def one_hot(
    x: TensorLike, num_classes: int, axis: int = -1, dtype: DTypeLike | None = None, sparse: bool = False
) -> Any:
    """Turns class numbers into vectors with a 1 in the place of the class and 0 elsewhere.

    Args:
        x: TensorLike of whole numbers. A number outside of 0 to ``num_classes - 1`` gives a vector of zeros.
        num_classes: int; number of classes, the length of the vectors.
        axis: int; position of the new axis of classes. Defaults to -1, the last.
        dtype: DTypeLike; dtype of the output. Defaults to None, which means ``floatx`` (float32).
        sparse: bool; accepted for compatibility with Keras and ignored: the output is always dense. Defaults to False.

    Shapes:
        (batch,) -> (batch, num_classes) with axis=-1

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.one_hot([2, 0, -1], num_classes=3)).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    a = tensor(x)
    dtype = dtypes.standardize(dtype or config.floatx())
    axis = one_axis(axis, len(a.shape) + 1)
    shape = shape_of(a)
    wide = movement.reshape(a, shape=(*shape[:axis], 1, *shape[axis:]))
    classes = movement.iota(shape=(num_classes,), axis=0, dtype=dtypes.name_of(a))
    classes = movement.reshape(classes, shape=tuple(num_classes if i == axis else 1 for i in range(len(shape) + 1)))
    return cast(p.equal(wide, classes), dtype)


@op
def multi_hot(
    inputs: TensorLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Any:
    """Turns each row of class numbers into one vector with a 1 at the indices of all its classes and 0 elsewhere.

    Args:
        inputs: TensorLike of whole numbers. Numbers outside of 0 to ``num_classes - 1`` are ignored.
        num_classes: int; number of classes, the length of the vectors.
        axis: int; position of the axis of classes before the labels are combined. Only -1, the default, is of use for
            rows of labels.
        dtype: DTypeLike; dtype of the output. Defaults to None, which means ``floatx`` (float32).
        sparse: bool; accepted for compatibility with Keras and ignored: the output is always dense. Defaults to False.
        **kwargs: ``num_tokens``: int; an older name of ``num_classes``.

    Shapes:
        (batch, labels) -> (batch, num_classes); (labels,) -> (num_classes,)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.multi_hot([[0, 2], [1, 1]], num_classes=3)).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    classes: Any = kwargs.get("num_tokens", num_classes)
    hot = one_hot(inputs, classes, axis=axis, dtype=dtype)
    positions = 1 if len(hot.shape) > 2 else 0  # the axis of the inputs that goes
    return reductions.reduce_max(hot, axes=(positions + (one_axis(axis, len(hot.shape)) <= positions),))


@op
def top_k(x: TensorLike, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """Returns the ``k`` largest elements along the last axis, in descending order, with their int32 indices.

    Args:
        x: TensorLike with at least one axis.
        k: int; number of elements, at most the size of the last axis. Of equal elements the first ones are taken.
        sorted: bool; accepted for compatibility with Keras and ignored: the output is always sorted. Defaults to True.

    Shapes:
        (batch, classes) -> (batch, k), (batch, k)

    Returns:
        A tuple of the elements and their indices.

    Raises:
        ShapeError: the last axis has fewer than ``k`` elements.

    Example:
        >>> from amalthea import ops
        >>> values, indices = ops.top_k([1, 9, 3, 7], k=2)
        >>> ops.convert_to_numpy(values).tolist(), ops.convert_to_numpy(indices).tolist()
        ([9, 7], [1, 3])
    """
    return indexing.top_k(tensor(x), k=k)


@op
def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Any:
    """Returns True where the target class is among the ``k`` largest predictions of its row.

    A target counts if fewer than ``k`` predictions are larger than its own, so equal predictions count in its favour.
    A target whose prediction is NaN does not count.

    Args:
        targets: TensorLike of whole numbers; one class number for each row.
        predictions: TensorLike; a score for each class.
        k: int from 1; number of best classes.

    Shapes:
        (batch,), (batch, classes) -> (batch,)

    Example:
        >>> from amalthea import ops
        >>> scores = [[0.1, 0.6, 0.3], [0.5, 0.4, 0.1]]
        >>> ops.convert_to_numpy(ops.in_top_k([2, 2], scores, k=2)).tolist()
        [True, False]
    """
    classes, scores = cast(tensor(targets), "int32"), tensor(predictions)
    column = movement.reshape(classes, shape=(*shape_of(classes), 1))
    own = indexing.take_along_axis(scores, column, axis=len(scores.shape) - 1)
    above = cast(p.greater(scores, own), "int32")
    within = p.less(reductions.reduce_sum(above, axes=(len(scores.shape) - 1,)), k)
    if not dtypes.is_float(dtypes.name_of(scores)):
        return within
    return p.logical_and(within, movement.reshape(p.equal(own, own), shape=shape_of(classes)))
