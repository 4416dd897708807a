"""Ops along an axis of samples: differences, integrals, correlations."""

from __future__ import annotations

from typing import Any

from amalthea import checks
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.engine.primitives import windows as w
from amalthea.engine.primitives.matmul import matmul
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops.base import accumulating, cast, floating, floats, mean_of, one_axis, op, shape_of, tensor


@op
def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Any:
    """Computes differences of neighbours along an axis: ``y[i] = a[i + 1] - a[i]``. Bools are compared.

    Args:
        a: TensorLike with at least one axis. The dtype is kept.
        n: int from 0; the number of times that differences are taken. Defaults to 1.
        axis: int; the axis of the neighbours. Defaults to -1, the last.

    Shapes:
        (..., size) -> (..., max(size - n, 0))

    Raises:
        ArgumentError: ``n`` is negative or not an int, or the axis does not exist.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.diff([1, 4, 9, 16])).tolist()
        [3, 5, 7]
    """
    x = tensor(a)
    axis = one_axis(axis, len(x.shape))
    for _ in range(checks.non_negative_int(n, "n", "ops.diff")):
        size = shape_of(x)[axis]
        if size == 0:
            break
        before, after = m.part(x, axis, 0, size - 1), m.part(x, axis, 1, size)
        is_bool = dtypes.name_of(x) == "bool"
        x = p.logical_not(p.equal(before, after)) if is_bool else p.subtract(after, before)
    return x


@op
@accumulating
def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> Any:
    """Computes the integral of samples along an axis by the trapezoidal rule.

    Args:
        y: TensorLike with at least one axis; the samples. Whole numbers are computed in ``floatx``.
        x: TensorLike; the points of the samples: a vector, or of the shape of ``y``. Defaults to None: the points are
            ``dx`` apart.
        dx: float; distance of the points. Defaults to 1.
        axis: int; the axis of the samples. Defaults to -1, the last.

    Shapes:
        (..., samples) -> (...)

    Raises:
        ArgumentError: the axis does not exist.
        ShapeError: the points do not fit the samples.

    Example:
        >>> from amalthea import ops
        >>> float(ops.trapezoid([1.0, 2.0, 3.0])), float(ops.trapezoid([1.0, 2.0, 3.0], x=[4.0, 6.0, 8.0]))
        (4.0, 8.0)
    """
    rank = len(shape_of(y))
    axis, size = one_axis(axis, rank), shape_of(y)[one_axis(axis, rank)]
    if size == 0:
        return r.reduce_sum(y, axes=(axis,))
    middle = p.multiply(p.add(m.part(y, axis, 1, size), m.part(y, axis, 0, size - 1)), 0.5)
    if x is None:
        steps: Any = cast(dx, dtypes.name_of(y))
    else:
        points = cast(floating(x), dtypes.name_of(y))
        if len(points.shape) == 1:
            points = m.reshape(points, shape=tuple(shape_of(points)[0] if n == axis else 1 for n in range(rank)))
        steps = diff(points, axis=axis)
    return r.reduce_sum(p.multiply(middle, steps), axes=(axis,))


@op
@accumulating
def corrcoef(x: TensorLike) -> Any:
    """Computes the correlation coefficients of variables: covariances divided by standard deviations.

    Args:
        x: TensorLike of one axis, the observations of one variable; or of two axes, whose rows are variables. Whole
            numbers are computed in ``floatx``.

    Shapes:
        (variables, observations) -> (variables, variables); (observations,) -> ()

    Raises:
        ShapeError: the input does not have one or two axes.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]

    Source: NaN for a variable without variance, as in NumPy.
    """
    shape = shape_of(x)
    if len(shape) not in (1, 2):
        raise ShapeError("Variables are the rows of a matrix.", expected="1 or 2 axes", got=shapes.show(shape))
    rows = m.reshape(x, shape=(1, *shape)) if len(shape) == 1 else x
    away = p.subtract(rows, mean_of(rows, (1,), True))
    covariance = matmul(away, away, transpose_y=True)
    spread = p.sqrt(r.reduce_sum(p.square(away), axes=(1,), keepdims=True))
    n = shape_of(rows)[0]
    found = p.clip(p.divide(p.divide(covariance, spread), m.reshape(spread, shape=(1, n))), low=-1.0, high=1.0)
    return m.reshape(found, shape=()) if len(shape) == 1 else found


@op
def correlate(x1: TensorLike, x2: TensorLike, mode: str = "valid") -> Any:
    """Computes the cross-correlation of two vectors: sums over ``n`` of ``x1[n + k] * x2[n]``, for each shift ``k``.

    Args:
        x1, x2: TensorLike of one axis with at least one element; promoted to one float dtype.
        mode: str; ``"valid"`` takes the shifts at which the shorter vector lies within the longer one, ``"full"`` all
            shifts at which they overlap, ``"same"`` those in the middle, as many as the longer one has elements.
            Defaults to ``"valid"``.

    Shapes:
        (n,), (m,) -> (n - m + 1,) for ``"valid"``, (n + m - 1,) for ``"full"``, (n,) for ``"same"``, if n >= m

    Raises:
        ArgumentError: no mode has this name.
        ShapeError: an input does not have one axis, or no elements.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], mode="same")).tolist()
        [2.0, 3.5, 3.0]
    """
    checks.one_of("valid", "same", "full")(mode, "mode", "ops.correlate")
    a, b = floats(x1, x2)
    for x in (a, b):
        if len(x.shape) != 1 or shape_of(x)[0] == 0 or not isinstance(shape_of(x)[0], int):
            raise ShapeError(
                "A correlation is one of two vectors.",
                expected="one axis of known size, at least one element",
                got=shapes.show(shape_of(x)),
            )
    return _correlated(a, b, mode)


def _correlated(a: Any, b: Any, mode: str) -> Any:
    n, k = shape_of(a)[0], shape_of(b)[0]
    if n < k:
        return m.flip(_correlated(b, a, mode), axes=(0,))
    widths = {"valid": (0, 0), "same": (k // 2, k - 1 - k // 2), "full": (k - 1, k - 1)}[mode]
    signal, kernel = m.reshape(a, shape=(1, n, 1)), m.reshape(b, shape=(k, 1, 1))
    out = w.conv(signal, kernel, strides=(1,), padding=(widths,), dilation=(1,), groups=1, data_format="channels_last")
    return m.reshape(out, shape=(shape_of(out)[1],))
