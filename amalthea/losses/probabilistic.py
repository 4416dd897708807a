"""Losses of probabilities: the cross-entropies, their focal forms, and divergences of distributions.

The three cross-entropies themselves are ops; a fused lowering of softmax and cross-entropy belongs there.
"""

from __future__ import annotations

from typing import Any

from amalthea import config, docstrings, ops
from amalthea.engine.ir.masks import set_mask
from amalthea.engine.types import TensorLike
from amalthea.losses.checks import alike, binary, bits, checked, class_numbers, known_classes, one_hot
from amalthea.losses.loss import as_floats, floats, registry, squeeze_or_expand_to_same_rank

docstrings.share(
    "options of binary cross entropies",
    """
    from_logits: bool; whether predictions are logits, to which a sigmoid still applies. Defaults to False: they are
        probabilities, kept within ``[epsilon(), 1 - epsilon()]``.
    label_smoothing: float in [0, 1]; a label y becomes ``y * (1 - label_smoothing) + label_smoothing / 2``. Defaults
        to 0, no smoothing.
    axis: int; axis over which the mean is taken. Defaults to -1, the last.
    """,
)
docstrings.share(
    "options of categorical cross entropies",
    """
    from_logits: bool; whether predictions are logits, to which a softmax still applies. Defaults to False: they are
        probabilities, divided by their sum and kept within ``[epsilon(), 1 - epsilon()]``.
    label_smoothing: float in [0, 1]; a label y becomes ``y * (1 - label_smoothing) + label_smoothing / classes``.
        Defaults to 0, no smoothing.
    axis: int; axis of the classes. Defaults to -1, the last.
    """,
)
docstrings.share(
    "gamma of focal losses",
    """
    gamma: float, 0 or more; power of ``1 - p``. Larger values lessen the weight of examples that are predicted well;
        0 gives all examples one weight. Defaults to 2.
    """,
)
docstrings.share(
    "alpha of categorical focal losses",
    """
    alpha: float, or list of one float for each class; factor of the loss. Defaults to 0.25.
    """,
)


def _smooth(y_true: Any, smoothing: float, classes: int) -> Any:
    """Labels mixed with the uniform distribution, of weight ``smoothing``. Source: arXiv:1512.00567."""
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
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Computes the cross-entropy between labels 0 and 1 and probabilities of class 1.

    For labels y and probabilities p: ``mean(-(y * log(p) + (1 - y) * log(1 - p)), axis)``.

    Args:
        y_true: tensor; labels from 0 to 1, of the shape of the predictions.
        y_pred: tensor; probabilities of class 1, or logits.
        |options of binary cross entropies|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> values = losses.binary_crossentropy([[0.0], [1.0]], [[0.5], [0.9]])
        >>> np.asarray(values).round(4).tolist()
        [0.6931, 0.1054]
    """
    y, p = as_floats(y_true, y_pred)
    y = _smooth(y, label_smoothing, classes=2)
    return ops.mean(ops.binary_crossentropy(y, p, from_logits=from_logits), axis=axis)


@checked(one_hot)
def categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Computes the cross-entropy between one-hot labels and probabilities of the classes.

    For labels y and probabilities p: ``-sum(y * log(p), axis)``.

    Args:
        y_true: tensor; one-hot labels, or probabilities of the classes.
        y_pred: tensor; probabilities of the classes, or logits, of the shape of the labels.
        |options of categorical cross entropies|

    Shapes:
        (batch, ..., classes) for labels and predictions -> (batch, ...)

    Raises:
        ShapeError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y, p = as_floats(y_true, y_pred)
    y = _smooth(y, label_smoothing, p.shape[axis])
    return ops.categorical_crossentropy(y, p, from_logits=from_logits, axis=axis)


@checked(class_numbers, known_classes)
def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """Computes the cross-entropy between class numbers and probabilities of the classes.

    ``-log(p[label])``; 0 for a label that is not a class.

    Args:
        y_true: tensor; class numbers from 0.
        y_pred: tensor; probabilities of the classes, or logits.
        from_logits: bool; whether predictions are logits, to which a softmax still applies. Defaults to False: they
            are probabilities, divided by their sum and kept within ``[epsilon(), 1 - epsilon()]``.
        ignore_class: int or None; label whose loss is 0. The values carry a mask that leaves it out of means.
            Defaults to None, which counts all labels.
        axis: int; axis of the classes in the predictions. Defaults to -1, the last.

    Shapes:
        (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for predictions -> (batch, ...)

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> values = losses.sparse_categorical_crossentropy([1, 0], [[0.2, 0.8], [0.5, 0.5]])
        >>> np.asarray(values).round(4).tolist()
        [0.2231, 0.6931]
    """
    p = floats(y_pred)
    y: Any = ops.convert_to_tensor(y_true)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y, p, from_logits=from_logits, axis=axis)
    counted = _counted_labels(y, p, ignore_class)
    y = ops.where(ops.reshape(counted, ops.shape(y)), y, ops.zeros_like(y))
    values = ops.sparse_categorical_crossentropy(y, p, from_logits=from_logits, axis=axis)
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
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Computes the binary cross-entropy with smaller weights for examples that are predicted well.

    With p the probability predicted for the right class: ``mean(-((1 - p) ** gamma) * log(p), axis)``.

    Args:
        y_true: tensor; labels from 0 to 1, of the shape of the predictions.
        y_pred: tensor; probabilities of class 1, or logits.
        apply_class_balancing: bool; whether class 1 is weighted by ``alpha`` and class 0 by ``1 - alpha``. Defaults
            to False.
        alpha: float in [0, 1]; weight of class 1, read if ``apply_class_balancing``. Defaults to 0.25.
        |gamma of focal losses|
        |options of binary cross entropies|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.binary_focal_crossentropy([[1.0]], [[0.5]])[0]), 4)  # 0.5 ** 2 * log(2)
        0.1733

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
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Computes the categorical cross-entropy with smaller weights for examples that are predicted well.

    For one-hot labels y and probabilities p: ``-sum(alpha * (1 - p) ** gamma * y * log(p), axis)``.

    Args:
        y_true: tensor; one-hot labels, of the shape of the predictions.
        y_pred: tensor; probabilities of the classes, or logits.
        |alpha of categorical focal losses|
        |gamma of focal losses|
        |options of categorical cross entropies|

    Shapes:
        (batch, ..., classes) for labels and predictions -> (batch, ...)

    Example:
        >>> from amalthea import losses
        >>> values = losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]], alpha=1.0)
        >>> round(float(values[0]), 4)  # 0.5 ** 2 * log(2)
        0.1733

    Source: Lin et al., arXiv:1708.02002.
    """
    labels, predicted = as_floats(y_true, y_pred)
    labels = _smooth(labels, label_smoothing, predicted.shape[axis])
    predicted = ops.softmax(predicted, axis=axis) if from_logits else predicted
    p = _within(_divided_by_sum(predicted, axis))
    entropy = ops.negative(ops.multiply(labels, ops.log(p)))
    focus = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), alpha)
    return ops.sum(ops.multiply(focus, entropy), axis=axis)


@checked(class_numbers, known_classes)
def categorical_generalized_cross_entropy(y_true: TensorLike, y_pred: TensorLike, q: float) -> Any:
    """Computes a loss between class numbers and probabilities that is robust to wrong labels.

    With p the probability predicted for the label: ``(1 - p ** q) / q``.

    Args:
        y_true: tensor; class numbers from 0.
        y_pred: tensor; probabilities of the classes, kept within ``[epsilon(), 1 - epsilon()]``.
        q: float in (0, 1]; robustness. Near 0 the loss is the cross-entropy, at 1 it is ``1 - p``.

    Shapes:
        (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for predictions -> (batch, ...)

    Example:
        >>> from amalthea import losses
        >>> values = losses.categorical_generalized_cross_entropy([1], [[0.36, 0.64]], q=0.5)
        >>> round(float(values[0]), 4)  # (1 - sqrt(0.64)) / 0.5
        0.4

    Source: Zhang and Sabuncu, arXiv:1805.07836, equation 6.
    """
    predicted = floats(y_pred)
    labels: Any = ops.convert_to_tensor(y_true)
    if len(labels.shape) == len(predicted.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    one_hot_labels = ops.one_hot(ops.cast(labels, "int32"), predicted.shape[-1], dtype=predicted.dtype)
    p = ops.sum(ops.multiply(one_hot_labels, _within(predicted)), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


@checked(alike)
def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the Kullback-Leibler divergence of the predicted distribution from the true one, in nats.

    For distributions y (true) and p (predicted): ``sum(y * log(y / p), axis=-1)``. Both are kept within
    ``[epsilon(), 1]``.

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.kl_divergence([[0.5, 0.5]], [[0.9, 0.1]])[0]), 4)
        0.5108
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), axis=-1)


@checked(alike)
def poisson(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the negative log-likelihood of counts under Poisson distributions whose means are predicted.

    For counts y and means p: ``mean(p - y * log(p + epsilon()), axis=-1)``. The constant ``log(y!)`` is left out.

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.poisson([[2.0]], [[2.0]])[0]), 4)  # 2 - 2 * log(2)
        0.6137
    """
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
