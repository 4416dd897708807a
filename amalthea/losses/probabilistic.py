"""Losses of probabilities: the cross-entropies, their focal forms, and divergences of distributions.

The three cross-entropies themselves are ops; a fused lowering of softmax and cross-entropy belongs there.
"""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.engine.ir.masks import set_mask
from amalthea.losses.checks import alike, binary, bits, checked, class_numbers, known_classes, one_hot
from amalthea.losses.loss import as_floats, floats, registry, squeeze_or_expand_to_same_rank


def _smooth(y_true: Any, smoothing: float, classes: int) -> Any:
    """Labels with a share ``smoothing`` of them spread evenly over the classes. Source: arXiv:1512.00567."""
    if not smoothing:
        return y_true
    return ops.add(ops.multiply(y_true, 1.0 - smoothing), smoothing / classes)


def _within(probabilities: Any) -> Any:
    """Away from 0 and 1 by ``epsilon()``, so that logarithms stay finite."""
    return ops.clip(probabilities, config.epsilon(), 1.0 - config.epsilon())


def _divided_by_sum(probabilities: Any, axis: int) -> Any:
    return ops.divide_no_nan(probabilities, ops.sum(probabilities, axis=axis, keepdims=True))


@checked(binary, bits)
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """The mean over ``axis`` of ``-(y * log(p) + (1 - y) * log(1 - p))``.

    Args:
        from_logits: whether the predictions are logits, to which a sigmoid still applies.
        label_smoothing: in [0, 1]: how far labels are drawn towards 0.5.
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, classes=2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


@checked(one_hot)
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-sum(y * log(p), axis)`` for one-hot labels; probabilities are divided by their sum first.

    Args:
        from_logits: whether the predictions are logits, to which a softmax still applies.
        label_smoothing: in [0, 1]: how far labels are drawn towards even ones.
        axis: the axis of the classes.

    >>> import numpy as np
    >>> from amalthea import losses
    >>> float(losses.categorical_crossentropy(np.array([[0, 1]]), np.array([[0.5, 0.5]]))[0].round(4))
    0.6931
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.shape[axis])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@checked(class_numbers, known_classes)
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """``-log(p)`` of the class that the label names.

    Shapes: ``y_true`` is ``y_pred`` without ``axis``, or with size 1 there.

    Args:
        from_logits: whether the predictions are logits, to which a softmax still applies.
        ignore_class: a label whose loss is 0; the values carry a mask that leaves it out.
        axis: the axis of the classes.
    """
    y_pred = floats(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    counted = _counted_labels(y_true, y_pred, ignore_class)
    y_true = ops.where(ops.reshape(counted, ops.shape(y_true)), y_true, ops.zeros_like(y_true))
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    values = ops.where(counted, values, ops.zeros_like(values))
    set_mask(values, counted)
    return values


def _counted_labels(y_true: Any, y_pred: Any, ignore_class: int) -> Any:
    """True where a label is not the ignored class, without a last axis of size 1."""
    counted = ops.not_equal(ops.cast(y_true, "int32"), ignore_class)  # bytes do not hold -1
    has_extra_axis = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1
    return ops.squeeze(counted, axis=-1) if has_extra_axis else counted


@checked(binary, bits)
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Binary cross-entropy times ``(1 - p) ** gamma``, where p is the probability given to the right class.

    Args:
        apply_class_balancing: whether class 1 is weighted by ``alpha`` and class 0 by ``1 - alpha``.

    Source: Lin et al., arXiv:1708.02002, equations 4 and 5.
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, classes=2)
    y_pred = ops.sigmoid(y_pred) if from_logits else y_pred
    entropy = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    right = _within(_of_label(y_true, y_pred))  # a power near 0 has a finite gradient there
    values = ops.multiply(ops.power(ops.subtract(1.0, right), gamma), entropy)
    if apply_class_balancing:
        values = ops.multiply(_of_label(y_true, alpha), values)
    return ops.mean(values, axis=axis)


def _of_label(y_true: Any, p: Any) -> Any:
    """``y * p + (1 - y) * (1 - p)``."""
    return ops.add(ops.multiply(y_true, p), ops.multiply(ops.subtract(1.0, y_true), ops.subtract(1.0, p)))


@checked(one_hot)
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """``-sum(alpha * (1 - p) ** gamma * y * log(p), axis)`` for one-hot labels.

    Source: Lin et al., arXiv:1708.02002.
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.shape[axis])
    y_pred = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = _within(_divided_by_sum(y_pred, axis))
    entropy = ops.negative(ops.multiply(y_true, ops.log(p)))
    focus = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), alpha)
    return ops.sum(ops.multiply(focus, entropy), axis=axis)


@checked(class_numbers, known_classes)
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """``(1 - p ** q) / q`` of the class that the label names: robust to wrong labels.

    Args:
        q: in (0, 1]: near 0 it is the cross-entropy, 1 gives the mean absolute error.

    Source: Zhang and Sabuncu, arXiv:1805.07836, equation 6.
    """
    y_pred = floats(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    one_hot_labels = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    p = ops.sum(ops.multiply(one_hot_labels, _within(y_pred)), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


@checked(alike)
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(y * log(y / p), axis=-1)``, both kept within ``[epsilon(), 1]``."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), axis=-1)


@checked(alike)
def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(p - y * log(p), axis=-1)``: counts under a Poisson distribution of mean p."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))
    logarithm = ops.log(ops.add(y_pred, config.epsilon()))
    return ops.mean(ops.subtract(y_pred, ops.multiply(y_true, logarithm)), axis=-1)


registry.add(binary_crossentropy, "bce", "BCE", module="keras.metrics")
registry.add(binary_focal_crossentropy, module="keras.metrics")
registry.add(categorical_crossentropy, module="keras.metrics")
registry.add(categorical_focal_crossentropy, module="keras.metrics")
registry.add(sparse_categorical_crossentropy, module="keras.metrics")
registry.add(kl_divergence, "kld", "KLD", "kullback_leibler_divergence", module="keras.metrics")
registry.add(poisson, module="keras.metrics")
registry.add(categorical_generalized_cross_entropy)
