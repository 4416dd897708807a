"""Cross-entropies, from logits or probabilities.

Where the probabilities are a softmax or sigmoid that the trace has just seen, the gradient goes straight to its
logits: ``p - target`` in place of a chain of quotients. Value and gradient are those of the chain, the clipping of
probabilities included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.passes.patterns import input_of
from amalthea.engine.primitives import composite, control, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.errors import ShapeError
from amalthea.ops.base import cast, floating, one_axis, op, promoted, shape_of
from amalthea.ops.nn import log_sigmoid, one_hot
from amalthea.ops.numpy.creation import array


@op
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Element by element, from probabilities (held off 0 and 1) or logits."""
    target, output = promoted(target, output, least=config.floatx())
    if from_logits:
        both = p.add(
            p.multiply(target, log_sigmoid(output)),
            p.multiply(p.subtract(1.0, target), log_sigmoid(p.negative(output))),
        )
        return p.negative(both)
    held = _held_off(output)
    yes = p.multiply(target, p.log(held))
    no = p.multiply(p.subtract(1.0, target), p.log(p.subtract(1.0, held)))
    value = p.negative(p.add(yes, no))
    logits = input_of(p.sigmoid, output)
    if logits is None or shape_of(target) != shape_of(output):
        return value
    inside = p.equal(held, output)
    return _with_slopes(
        value,
        (logits, lambda g: p.select(inside, p.multiply(g, p.subtract(output, target)), _zero(g))),
        (target, lambda g: p.multiply(g, p.subtract(p.log(p.subtract(1.0, held)), p.log(held)))),
    )


def _held_off(x: Any) -> Any:
    return p.clip(x, low=config.epsilon(), high=1 - config.epsilon())


def _zero(like: Any) -> np.ndarray:
    return np.zeros((), dtypes.to_numpy(dtypes.name_of(like)))


def _with_slopes(value: Any, *pairs: tuple[Any, Callable[[Any], Any]]) -> Any:
    """The value, whose cotangent passes to each input by its own function and to nothing else."""
    inputs = [x for x, _ in pairs]
    return control.with_gradient(*inputs, value, count=len(pairs), rule=lambda g: [slope(g) for _, slope in pairs])[0]


def _log_probabilities(output: Any, from_logits: bool, axis: int) -> Any:
    if from_logits:
        return composite.log_softmax(output, axis=axis)
    if input_of(composite.softmax, output, axis=axis) is None:  # which adds up to 1
        total = reductions.reduce_sum(output, axes=(axis,), keepdims=True)
        one = np.ones((), dtypes.to_numpy(dtypes.name_of(output)))
        output = p.divide(output, p.select(p.equal(total, _zero(output)), one, total))  # all may be 0
    return p.log(_held_off(output))


@op
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """From one-hot (or soft) targets, summed along the axis."""
    target, output = promoted(target, output, least=config.floatx())
    if len(target.shape) != len(output.shape) or not all(map(shapes.agree, shape_of(target), shape_of(output))):
        raise ShapeError(
            "Target and output of a categorical cross-entropy have one shape.",
            expected=shapes.show(shape_of(output)),
            got=shapes.show(shape_of(target)),
            cure="sparse_categorical_crossentropy for whole-number targets",
        )
    axis = one_axis(axis, len(output.shape))
    logs = _log_probabilities(output, from_logits, axis)
    value = p.negative(reductions.reduce_sum(p.multiply(target, logs), axes=(axis,)))
    logits = None if from_logits else input_of(composite.softmax, output, axis=axis)
    if logits is None:
        return value

    def slope(g: Any) -> Any:
        counted = p.select(p.equal(_held_off(output), output), target, _zero(target))
        total = reductions.reduce_sum(counted, axes=(axis,), keepdims=True)
        return p.multiply(_column(g, axis), p.subtract(p.multiply(output, total), counted))

    return _with_slopes(value, (logits, slope), (target, lambda g: p.negative(p.multiply(_column(g, axis), logs))))


@op
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """From whole-number targets, along the axis."""
    target, output = cast(array(target), "int32"), floating(output)
    axis = one_axis(axis, len(output.shape))
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = movement.reshape(target, shape=shape_of(target)[:-1])
    hot = one_hot(target, shape_of(output)[axis], axis=axis, dtype="bool")
    logits = None if from_logits else input_of(composite.softmax, output, axis=axis)
    if logits is None:
        logs = _log_probabilities(output, from_logits, axis)
        return p.negative(reductions.reduce_sum(p.select(hot, logs, _zero(logs)), axes=(axis,)))
    return _of_softmax(logits, output, target, hot, axis)


def _of_softmax(logits: Tensor, output: Any, target: Any, hot: Any, axis: int) -> Any:
    """The logarithm is taken of the one probability that counts; a label beyond the classes counts nothing."""
    own = reductions.reduce_sum(p.select(hot, output, _zero(output)), axes=(axis,))
    held = _held_off(own)
    known = p.logical_and(p.greater_equal(target, 0), p.less(target, np.int32(shape_of(output)[axis])))
    value = p.select(known, p.negative(p.log(held)), _zero(output))

    def slope(g: Any) -> Any:
        counted = p.select(p.logical_and(known, p.equal(held, own)), g, _zero(g))
        one = p.cast(hot, dtype=dtypes.name_of(output))
        return p.multiply(_column(counted, axis), p.subtract(output, one))

    return _with_slopes(value, (logits, slope))


def _column(g: Any, axis: int) -> Any:
    shape = list(shape_of(g))
    return movement.reshape(g, shape=(*shape[:axis], 1, *shape[axis:]))
