"""Ops of neural networks: activations, softmax, one-hot codes, normalisation, and losses on plain tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import composite, indexing, movement, normalization, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import accumulating, all_axes, cast, floating, one_axis, op, shape_of, tensor
from amalthea.ops.numpy.reductions import mean_of


def _counted(x: Any) -> Any:
    """Truth values as 0 and 1, in int32; anything else as it is."""
    x = tensor(x)
    return cast(x, "int32") if dtypes.name_of(x) == "bool" else x


def _scalar(x: Any, value: float) -> Any:
    return cast(value, dtypes.name_of(x))


@op
def relu(x: Any) -> Any:
    """max(x, 0)."""
    return p.relu(_counted(x))


@op
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return p.sigmoid(floating(x))


@op
def softplus(x: Any) -> Any:
    """log(1 + exp(x))."""
    return p.softplus(floating(x))


@op
def erf(x: Any) -> Any:
    """The error function."""
    return p.erf(floating(x))


@op
def relu6(x: Any) -> Any:
    """x held between 0 and 6."""
    return p.clip(_counted(x), low=0, high=6)


@op
def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    x = floating(x)
    return p.divide(x, p.add(p.absolute(x), 1.0))


@op
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), without overflow."""
    return p.negative(p.softplus(p.negative(floating(x))))


@op
def silu(x: Any) -> Any:
    """x * sigmoid(x)."""
    x = floating(x)
    return p.multiply(x, p.sigmoid(x))


@op
def swish(x: Any) -> Any:
    """The same as :func:`silu`."""
    return silu(x)


@op
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha * (exp(x) - 1) below."""
    x = floating(x)
    above = p.greater(x, 0.0)
    return p.select(above, x, p.multiply(p.expm1(p.select(above, 0.0, x)), alpha))


@op
def selu(x: Any) -> Any:
    """The scaled :func:`elu` that keeps mean and variance (Klambauer et al., 2017)."""
    return p.multiply(elu(x, 1.6732632423543772), 1.0507009873554805)


@op
def celu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha * (exp(x / alpha) - 1) below."""
    x = floating(x)
    above = p.greater(x, 0.0)
    return p.select(above, x, p.multiply(p.expm1(p.divide(p.select(above, 0.0, x), alpha)), alpha))


@op
def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the normal distribution function of x, or its approximation by tanh (Hendrycks and Gimpel, 2016)."""
    x = floating(x)
    if not approximate:
        return p.multiply(p.multiply(x, 0.5), p.add(p.erf(p.multiply(x, math.sqrt(0.5))), 1.0))
    cubic = p.multiply(p.add(x, p.multiply(p.multiply(p.square(x), x), 0.044715)), math.sqrt(2 / math.pi))
    return p.multiply(p.multiply(x, 0.5), p.add(p.tanh(cubic), 1.0))


@op
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x above 0, ``negative_slope * x`` below."""
    x = floating(x)
    return p.select(p.greater(x, 0.0), x, p.multiply(x, negative_slope))


@op
def hard_sigmoid(x: Any) -> Any:
    """x / 6 + 0.5, held between 0 and 1."""
    x = floating(x)
    return p.minimum(p.maximum(p.add(p.multiply(x, 1 / 6), 0.5), 0.0), 1.0)


@op
def hard_silu(x: Any) -> Any:
    """x * hard_sigmoid(x)."""
    x = floating(x)
    return p.multiply(x, hard_sigmoid(x))


@op
def hard_swish(x: Any) -> Any:
    """The same as :func:`hard_silu`."""
    return hard_silu(x)


@op
def hard_tanh(x: Any) -> Any:
    """x held between -1 and 1."""
    x = _counted(x)
    return p.clip(x, low=0 if dtypes.name_of(x).startswith("uint") else -1, high=1)


@op
def tanh_shrink(x: Any) -> Any:
    """x - tanh(x)."""
    x = floating(x)
    return p.subtract(x, p.tanh(x))


@op
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by the threshold, and 0 within it."""
    x = floating(x)
    return p.multiply(p.sign(x), p.relu(p.subtract(p.absolute(x), threshold)))


@op
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x, and 0 within the threshold."""
    x = floating(x)
    return p.select(p.greater(p.absolute(x), threshold), x, _scalar(x, 0))


@op
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x above the threshold, ``default_value`` elsewhere."""
    x = floating(x)
    return p.select(p.greater(x, threshold), x, _scalar(x, default_value))


@op
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x * x + b)) / 2."""
    x = floating(x)
    return p.multiply(p.add(x, p.sqrt(p.add(p.square(x), float(b)))), 0.5)


@op
def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1, and (x + 1)^2 / 4 between."""
    x = floating(x)
    bend = p.multiply(p.square(p.add(x, 1.0)), 0.25)
    return p.select(p.less_equal(x, -1.0), _scalar(x, 0), p.select(p.less(x, 1.0), bend, x))


@op
def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, 1 from 1, and (x + 1) / 2 between."""
    x = floating(x)
    return p.minimum(p.maximum(p.multiply(p.add(x, 1.0), 0.5), 0.0), 1.0)


@op
def glu(x: Any, axis: int = -1) -> Any:
    """The first half along the axis times the sigmoid of the second."""
    x = floating(x)
    axis = one_axis(axis, len(x.shape))
    n = shape_of(x)[axis]
    if isinstance(n, int) and n % 2:
        raise ShapeError("The axis cannot be halved.", expected="an even size", got=n)
    return p.multiply(movement.part(x, axis, 0, n // 2), p.sigmoid(movement.part(x, axis, n // 2, n)))


@op
@accumulating
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The nearest point of the simplex: a softmax with exact zeros (Martins and Astudillo, 2016)."""
    axis = one_axis(axis, len(x.shape))
    order = tuple(i for i in range(len(x.shape)) if i != axis) + (axis,)
    z = movement.transpose(x, axes=order)
    n = shape_of(z)[-1]
    ranked, _ = indexing.top_k(z, k=n)
    sums = reductions.cumsum(ranked, axis=len(order) - 1)
    k = cast(movement.iota(shape=(n,), axis=0, dtype="int32"), dtypes.name_of(x))
    inside = p.greater(p.add(p.multiply(ranked, p.add(k, 1.0)), 1.0), sums)
    count = reductions.reduce_sum(cast(inside, dtypes.name_of(x)), axes=(len(order) - 1,), keepdims=True)
    top = reductions.reduce_sum(p.select(inside, ranked, _scalar(x, 0)), axes=(len(order) - 1,), keepdims=True)
    out = p.relu(p.subtract(z, p.divide(p.subtract(top, 1.0), count)))
    return movement.transpose(out, axes=tuple(order.index(i) for i in range(len(order))))


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
def softmax(x: Any, axis: Any = -1) -> Any:
    """Exponentials divided by their sum along the axis (or axes; all for None)."""
    return _over_axes(composite.softmax, x, axis)


@op
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of :func:`softmax`, exact where that underflows."""
    return _over_axes(composite.log_softmax, x, axis)


@op
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """For each whole number a vector with a 1 in that place, and no 1 if the number is no class."""
    x = tensor(x)
    dtype = dtypes.standardize(dtype or config.floatx())
    axis = one_axis(axis, len(x.shape) + 1)
    shape = shape_of(x)
    wide = movement.reshape(x, shape=(*shape[:axis], 1, *shape[axis:]))
    classes = movement.iota(shape=(num_classes,), axis=0, dtype=dtypes.name_of(x))
    classes = movement.reshape(classes, shape=tuple(num_classes if i == axis else 1 for i in range(len(shape) + 1)))
    return cast(p.equal(wide, classes), dtype)


@op
def multi_hot(
    inputs: Any, num_classes: Any = None, axis: int = -1, dtype: Any = None, sparse: bool = False, **kwargs: Any
) -> Any:
    """For each row of whole numbers one vector with a 1 in all of their places."""
    num_classes = kwargs.get("num_tokens", num_classes)
    hot = one_hot(inputs, num_classes, axis=axis, dtype=dtype)
    rank = len(tensor(inputs).shape)
    return reductions.reduce_max(hot, axes=(1 if rank > 1 else 0,))


@op
@accumulating
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Any, Any]:
    """Mean and variance over the axes. Half precision is averaged in float32."""
    over = all_axes(axes, len(x.shape))
    mean = mean_of(x, over, True)
    variance = mean_of(p.square(p.subtract(x, mean)), over, bool(keepdims))
    return (mean if keepdims else movement.reshape(mean, shape=shape_of(variance))), variance


@op
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``, with vectors along one axis."""
    x = floating(x)
    axis, name = one_axis(axis, len(x.shape)), dtypes.name_of(x)
    shape = tuple(d if i == axis else 1 for i, d in enumerate(shape_of(x)))

    def along(v: Any) -> Any:
        return movement.reshape(cast(tensor(v), name), shape=shape)

    factor = p.rsqrt(p.add(along(variance), epsilon))
    factor = factor if scale is None else p.multiply(factor, along(scale))
    shift = p.negative(p.multiply(along(mean), factor))
    shift = shift if offset is None else p.add(shift, along(offset))
    return p.add(p.multiply(x, factor), shift)


def normalize_batch(x: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3) -> Any:
    """:func:`batch_normalization` by the moments of the batch itself; these come along: ``(y, mean, variance)``."""
    x = floating(x)
    axis = one_axis(axis, len(x.shape))
    scale, offset = _scale_and_offset(x, scale, offset, shape_of(x)[axis : axis + 1])
    return normalization.batch_normalize(x, scale, offset, axis=axis, epsilon=float(epsilon))


def _scale_and_offset(x: Any, scale: Any, offset: Any, shape: Any) -> list[Any]:
    """Both in the dtype of x and in that shape; ones and zeros where there are none."""
    name = dtypes.name_of(x)
    given = [(np.ones, scale), (np.zeros, offset)]
    return [
        native(make(shape, dtypes.to_numpy(name)))
        if v is None
        else movement.reshape(cast(tensor(v), name), shape=shape)
        for make, v in given
    ]


@op
@accumulating
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None, **kwargs: Any
) -> Any:
    """``(x - mean) / sqrt(variance + epsilon) * gamma + beta``, with moments over the axes."""
    unknown = kwargs.keys() - {"rms_scaling"}
    if unknown:
        raise ArgumentError(f"layer_normalization has no argument {min(unknown)!r}.", got=", ".join(sorted(unknown)))
    if kwargs.get("rms_scaling"):
        return rms_normalization(x, gamma, axis, epsilon)
    over, rank, epsilon = all_axes(axis, len(x.shape)), len(x.shape), float(epsilon or config.epsilon())
    if sorted(over) == list(range(rank - len(over), rank)) and over:
        first = rank - len(over)
        scale, offset = _scale_and_offset(x, gamma, beta, shape_of(x)[first:])
        return normalization.layer_normalize(x, scale, offset, axis=first, epsilon=epsilon)[0]
    shape = tuple(d if i in over else 1 for i, d in enumerate(shape_of(x)))
    mean, variance = moments(x, over, keepdims=True)
    out = p.multiply(p.subtract(x, mean), p.rsqrt(p.add(variance, epsilon)))
    for value, row in ((gamma, p.multiply), (beta, p.add)):
        if value is not None:
            out = row(out, movement.reshape(cast(tensor(value), dtypes.name_of(x)), shape=shape))
    return out


@op
@accumulating
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    """x divided by the root of its mean square over the axes, times the scale."""
    over = all_axes(axis, len(x.shape))
    square = mean_of(p.square(x), over, True)
    out = p.multiply(x, p.rsqrt(p.add(square, epsilon or config.epsilon())))
    return out if scale is None else p.multiply(out, cast(tensor(scale), dtypes.name_of(x)))


@op
@accumulating
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: Any = None) -> Any:
    """x divided by its norm along the axis. A zero vector stays one, with the gradient 1 / epsilon."""
    over = all_axes(axis, len(x.shape))
    if order == 2:
        norm = p.sqrt(reductions.reduce_sum(p.square(x), axes=over, keepdims=True))
    else:
        total = reductions.reduce_sum(p.power(p.absolute(x), float(order)), axes=over, keepdims=True)
        norm = p.power(total, 1.0 / order)
    return p.divide(x, p.maximum(norm, float(epsilon or config.epsilon())))


@op
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """The k largest along the last axis in falling order, and where they stand."""
    return indexing.top_k(tensor(x), k=k)


@op
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """True where the target's prediction is among the k largest of its row; ties count."""
    targets, predictions = cast(tensor(targets), "int32"), tensor(predictions)
    column = movement.reshape(targets, shape=(*shape_of(targets), 1))
    own = indexing.take_along_axis(predictions, column, axis=len(predictions.shape) - 1)
    above = cast(p.greater(predictions, own), "int32")
    return p.less(reductions.reduce_sum(above, axes=(len(predictions.shape) - 1,)), k)
