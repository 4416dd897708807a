"""Primitives that others could say, kept whole because libraries do them faster or more exactly."""

# pyright: reportUnknownLambdaType=false
from __future__ import annotations

import numpy as np

from amalthea.errors import ShapeError
from amalthea.primitives.elementwise import divide, exp, log, multiply, subtract
from amalthea.primitives.reducing import reduce_max, reduce_sum
from amalthea.primitives.table import Family, numbers, primitive, sample
from amalthea.tensor import Type


def _along(x: Type, *, axis: int) -> Type:
    if not 0 <= axis < len(x.shape):
        raise ShapeError("The axis is not one of the input's.", expected=f"0 to {len(x.shape) - 1}", got=axis)
    return x


along = Family(_along, lambda row: [sample(numbers(3, 4), axis=1), sample(numbers(2, 3, 2, high=30), axis=1)])


@primitive(along)
def softmax(x, *, axis):
    """Exponentials divided by their sum along an axis, without overflow."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@primitive(along)
def log_softmax(x, *, axis):
    """The logarithm of :func:`softmax`, exact where that underflows."""
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _softmax(x, *, axis):
    e = exp(subtract(x, reduce_max(x, axes=(axis,), keepdims=True)))
    return divide(e, reduce_sum(e, axes=(axis,), keepdims=True))


def _log_softmax(x, *, axis):
    shifted = subtract(x, reduce_max(x, axes=(axis,), keepdims=True))
    return subtract(shifted, log(reduce_sum(exp(shifted), axes=(axis,), keepdims=True)))


def _softmax_gradient(g, x, out, *, axis):
    weighted = multiply(g, out)
    return (subtract(weighted, multiply(out, reduce_sum(weighted, axes=(axis,), keepdims=True))),)


softmax.decomposition = _softmax
log_softmax.decomposition = _log_softmax
softmax.gradient = _softmax_gradient
log_softmax.gradient = lambda g, x, out, *, axis: (
    subtract(g, multiply(exp(out), reduce_sum(g, axes=(axis,), keepdims=True))),
)
