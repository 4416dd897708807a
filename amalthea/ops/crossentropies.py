"""Cross-entropies, from logits or probabilities.

If the probabilities come from a softmax or sigmoid of the same trace, the gradient goes straight to its logits:
``p - target`` in place of a chain of quotients. Value and gradient equal those of the chain, the clipping of
probabilities included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import config, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.passes.patterns import input_of
from amalthea.engine.primitives import composite, control, movement, reductions
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops.activations import log_sigmoid
from amalthea.ops.base import cast, floating, one_axis, op, promoted, shape_of
from amalthea.ops.nn import one_hot
from amalthea.ops.numpy.creation import array

docstrings.share(
    "predicted classes",
    """
output: TensorLike; predicted probabilities of the classes along ``axis``, or logits. Probabilities are divided
    by their sum, then clipped to ``epsilon`` and ``1 - epsilon`` of ``config.epsilon()``.
from_logits: bool; True takes ``output`` as logits, whose probabilities are their softmax. Defaults to False.
axis: int; the axis of the classes. Defaults to -1, the last axis.
""",
)


@op
def binary_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool = False) -> Any:
    """Computes the binary cross-entropy of each element: ``-target * log(output) - (1 - target) * log(1 - output)``.

    Args:
        target: TensorLike; true probabilities from 0 to 1, mostly labels 0 and 1.
        output: TensorLike that broadcasts against ``target``; predicted probabilities, or logits. Probabilities are
            clipped to ``epsilon`` and ``1 - epsilon`` of ``config.epsilon()``.
        from_logits: bool; True takes ``output`` as logits, whose probabilities are their sigmoid. Defaults to False.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.binary_crossentropy([1.0, 0.0], [0.9, 0.2])).tolist()
        [0.1054, 0.2231]
        >>> float(ops.binary_crossentropy(1.0, 0.0, from_logits=True))
        0.6931
    """
    true, predicted = promoted(target, output, least=config.floatx())
    return _binary(true, predicted, from_logits)


def _binary(target: Any, output: Any, from_logits: bool) -> Any:
    if from_logits:
        both = p.add(
            p.multiply(target, log_sigmoid(output)),
            p.multiply(p.subtract(1.0, target), log_sigmoid(p.negative(output))),
        )
        return p.negative(both)
    clipped = _clipped(output)
    yes = p.multiply(target, p.log(clipped))
    no = p.multiply(p.subtract(1.0, target), p.log(p.subtract(1.0, clipped)))
    value = p.negative(p.add(yes, no))
    logits = input_of(p.sigmoid, output)
    if logits is None or shape_of(target) != shape_of(output):
        return value
    inside = p.equal(clipped, output)
    return _with_slopes(
        value,
        (logits, lambda g: p.select(inside, p.multiply(g, p.subtract(output, target)), _zero(g))),
        (target, lambda g: p.multiply(g, p.subtract(p.log(p.subtract(1.0, clipped)), p.log(clipped)))),
    )


def _clipped(x: Any) -> Any:
    return p.clip(x, low=config.epsilon(), high=1 - config.epsilon())


def _zero(like: Any) -> np.ndarray:
    return np.zeros((), dtypes.to_numpy(dtypes.name_of(like)))


def _with_slopes(value: Any, *pairs: tuple[Any, Callable[[Any], Any]]) -> Any:
    """The value, with a gradient of its own: one function for each input turns the cotangent into that input's."""
    inputs = [x for x, _ in pairs]
    return control.with_gradient(*inputs, value, count=len(pairs), rule=lambda g: [slope(g) for _, slope in pairs])[0]


def _log_probabilities(output: Any, from_logits: bool, axis: int) -> Any:
    if from_logits:
        return composite.log_softmax(output, axis=axis)
    if input_of(composite.softmax, output, axis=axis) is None:  # which adds up to 1
        total = reductions.reduce_sum(output, axes=(axis,), keepdims=True)
        one = np.ones((), dtypes.to_numpy(dtypes.name_of(output)))
        output = p.divide(output, p.select(p.equal(total, _zero(output)), one, total))  # all may be 0
    return p.log(_clipped(output))


@op
def categorical_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1) -> Any:
    """Computes the cross-entropy of two distributions over classes: ``-sum(target * log(output))`` along an axis.

    Args:
        target: TensorLike of the shape of ``output``; true probabilities, mostly one-hot.
        |predicted classes|

    Shapes:
        (batch, classes), (batch, classes) -> (batch,)

    Raises:
        ShapeError: the shapes of target and output differ.

    Example:
        >>> from amalthea import ops
        >>> target, probabilities = [[0.0, 1.0], [1.0, 0.0]], [[0.1, 0.9], [0.8, 0.2]]
        >>> ops.convert_to_numpy(ops.categorical_crossentropy(target, probabilities)).tolist()
        [0.1054, 0.2231]
    """
    true, predicted = promoted(target, output, least=config.floatx())
    return _categorical(true, predicted, from_logits, axis)


def _categorical(target: Any, output: Any, from_logits: bool, axis: int) -> Any:
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
        counted = p.select(p.equal(_clipped(output), output), target, _zero(target))
        total = reductions.reduce_sum(counted, axes=(axis,), keepdims=True)
        return p.multiply(_column(g, axis), p.subtract(p.multiply(output, total), counted))

    return _with_slopes(value, (logits, slope), (target, lambda g: p.negative(p.multiply(_column(g, axis), logs))))


@op
def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Any:
    """Computes the cross-entropy of class numbers: ``-log(output[target])`` along an axis.

    Args:
        target: TensorLike of whole numbers from 0; the true classes, without the axis of classes or with size 1 at the
            last axis. A number that is not a class gives 0.
        |predicted classes|

    Shapes:
        (batch,), (batch, classes) -> (batch,); (batch, 1), (batch, classes) -> (batch,)

    Example:
        >>> from amalthea import ops
        >>> probabilities = [[0.1, 0.9], [0.8, 0.2]]
        >>> ops.convert_to_numpy(ops.sparse_categorical_crossentropy([1, 0], probabilities)).tolist()
        [0.1054, 0.2231]
    """
    return _sparse(cast(array(target), "int32"), floating(output), from_logits, axis)


def _sparse(target: Any, output: Any, from_logits: bool, axis: int) -> Any:
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
    """Takes the logarithm of the label's probability alone; a label beyond the classes gives 0."""
    own = reductions.reduce_sum(p.select(hot, output, _zero(output)), axes=(axis,))
    clipped = _clipped(own)
    known = p.logical_and(p.greater_equal(target, 0), p.less(target, np.int32(shape_of(output)[axis])))
    value = p.select(known, p.negative(p.log(clipped)), _zero(output))

    def slope(g: Any) -> Any:
        counted = p.select(p.logical_and(known, p.equal(clipped, own)), g, _zero(g))
        one = p.cast(hot, dtype=dtypes.name_of(output))
        return p.multiply(_column(counted, axis), p.subtract(output, one))

    return _with_slopes(value, (logits, slope))


def _column(g: Any, axis: int) -> Any:
    shape = list(shape_of(g))
    return movement.reshape(g, shape=(*shape[:axis], 1, *shape[axis:]))
