"""Composite primitives: expressible by others, but faster or more accurate in the libraries' own kernels."""

from __future__ import annotations

import numpy as np

from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import add, divide, exp, log, multiply, sqrt, square, subtract
from amalthea.engine.primitives.reductions import reduce_max, reduce_sum
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import ShapeError


def _along(x: Type, *, axis: int) -> Type:
    if not 0 <= axis < len(x.shape):
        raise ShapeError("The input does not have this axis.", expected=f"0 to {len(x.shape) - 1}", got=axis)
    return x


along = Family(_along, lambda primitive: [sample(numbers(3, 4), axis=1), sample(numbers(2, 3, 2, high=30), axis=1)])


@primitive(along, accumulates=True)
def softmax(x, *, axis):
    """Exponentials divided by their sum along an axis, without overflow."""
    if not x.size:
        return x
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@primitive(along, accumulates=True)
def log_softmax(x, *, axis):
    """The logarithm of :func:`softmax`, accurate where softmax underflows."""
    if not x.size:
        return x
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


def _adam_types(value: Type, gradient: Type, momentum: Type, velocity: Type, step_size: Type, **attrs):
    for x in (gradient, momentum, velocity):
        if x != value:
            raise ShapeError("Value, gradient and moments of Adam have different types.", expected=value, got=x)
    if step_size != Type((), value.dtype):
        raise ShapeError("The step size of Adam is not a scalar.", expected=Type((), value.dtype), got=step_size)
    return value, momentum, velocity


def _adam_samples(primitive):
    positive = numbers(2, 3, low=0.5, high=2.0, seed=3)
    inputs = (numbers(2, 3), numbers(2, 3, seed=1), numbers(2, 3, seed=2), positive, np.float64(0.25))
    return [sample(*inputs, beta_1=0.75, beta_2=0.5, epsilon=0.125)]


@primitive(Family(_adam_types, _adam_samples), single=False)
def adam(value, gradient, momentum, velocity, step_size, *, beta_1, beta_2, epsilon):
    """One step of Adam; bias correction is part of the step size. Returns the new value and both moments."""
    new_1, new_2, least = (np.asarray(x, value.dtype) for x in (1 - beta_1, 1 - beta_2, epsilon))
    momentum = momentum + (gradient - momentum) * new_1
    velocity = velocity + (np.square(gradient) - velocity) * new_2
    return value - momentum * step_size / (np.sqrt(velocity) + least), momentum, velocity


def _adam(value, gradient, momentum, velocity, step_size, *, beta_1, beta_2, epsilon):
    momentum = add(momentum, multiply(subtract(gradient, momentum), 1 - beta_1))
    velocity = add(velocity, multiply(subtract(square(gradient), velocity), 1 - beta_2))
    step = divide(multiply(momentum, step_size), add(sqrt(velocity), epsilon))
    return subtract(value, step), momentum, velocity


adam.decomposition = _adam
softmax.decomposition = _softmax
log_softmax.decomposition = _log_softmax
softmax.gradient = _softmax_gradient
softmax.keeps_steps = log_softmax.keeps_steps = lambda x, *, axis: axis >= 2
log_softmax.gradient = lambda g, x, out, *, axis: (
    subtract(g, multiply(exp(out), reduce_sum(g, axes=(axis,), keepdims=True))),
)
