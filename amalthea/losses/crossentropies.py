"""Cross-entropies and divergences as classes; ``probabilistic`` has the functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.dtype_policies import PolicyLike
from amalthea.errors import ArgumentError
from amalthea.losses.loss import LossFunctionWrapper
from amalthea.losses.probabilistic import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)


class _WithOptions(LossFunctionWrapper):
    """A wrapped function whose options are attributes too."""

    from_logits: bool
    label_smoothing: float
    axis: int
    apply_class_balancing: bool
    alpha: float
    gamma: float
    ignore_class: int | None

    def _wrap(
        self, fn: Callable[..., Any], reduction: str | None, name: str | None, dtype: PolicyLike | None, **options: Any
    ) -> None:
        vars(self).update(options)
        LossFunctionWrapper.__init__(self, fn, reduction, name, dtype, **options)


class BinaryCrossentropy(_WithOptions):
    """Cross-entropy between labels 0 and 1 and predicted probabilities of class 1.

    For labels y and probabilities p: ``mean(-(y * log(p) + (1 - y) * log(1 - p)), axis)``.

    Args:
        |options of binary cross entropies|
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: the shapes of labels and predictions do not fit; in ``fit`` also labels outside [0, 1].

    Example:
        >>> from amalthea import losses
        >>> loss = losses.BinaryCrossentropy()
        >>> round(float(loss([[0.0], [1.0]], [[0.5], [0.5]])), 4)  # log(2): no better than a coin
        0.6931
        >>> round(float(loss([[0.0], [1.0]], [[0.1], [0.9]])), 4)
        0.1054
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: PolicyLike | None = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        self._wrap(binary_crossentropy, reduction, name, dtype, **options)


class BinaryFocalCrossentropy(_WithOptions):
    """Binary cross-entropy with smaller weights for examples that are predicted well.

    With p the probability predicted for the right class: ``mean(-((1 - p) ** gamma) * log(p), axis)``.

    Args:
        apply_class_balancing: bool; whether class 1 is weighted by ``alpha`` and class 0 by ``1 - alpha``. Defaults
            to False.
        alpha: float in [0, 1]; weight of class 1, read if ``apply_class_balancing``. Defaults to 0.25.
        |gamma of focal losses|
        |options of binary cross entropies|
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: the shapes of labels and predictions do not fit; in ``fit`` also labels outside [0, 1].

    Example:
        >>> from amalthea import losses
        >>> y, p = [[1.0]], [[0.9]]
        >>> round(float(losses.BinaryCrossentropy()(y, p)), 5)
        0.10536
        >>> round(float(losses.BinaryFocalCrossentropy(gamma=2.0)(y, p)), 5)  # (1 - 0.9) ** 2 times that
        0.00105

    Source: Lin et al., arXiv:1708.02002, equations 4 and 5.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: PolicyLike | None = None,
    ):
        focus = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        self._wrap(binary_focal_crossentropy, reduction, name, dtype, **focus, **options)


class CategoricalCrossentropy(_WithOptions):
    """Cross-entropy between one-hot labels and predicted probabilities of the classes.

    For labels y and probabilities p: ``-sum(y * log(p), axis)``. Use :class:`SparseCategoricalCrossentropy` for
    labels that are class numbers.

    Args:
        |options of categorical cross entropies|
        |options of a loss|

    Shapes:
        (batch, ..., classes) for labels and predictions -> (); with ``reduction="none"`` -> (batch, ...)

    Raises:
        DataError: the labels are class numbers, or do not have the shape of the predictions.

    Example:
        >>> from amalthea import losses
        >>> loss = losses.CategoricalCrossentropy()
        >>> y = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        >>> round(float(loss(y, [[0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])), 4)  # mean of -log(0.8) and -log(0.6)
        0.367
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: PolicyLike | None = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        self._wrap(categorical_crossentropy, reduction, name, dtype, **options)


class CategoricalFocalCrossentropy(_WithOptions):
    """Categorical cross-entropy with smaller weights for examples that are predicted well.

    For labels y and probabilities p: ``-sum(alpha * (1 - p) ** gamma * y * log(p), axis)``.

    Args:
        |alpha of categorical focal losses|
        |gamma of focal losses|
        |options of categorical cross entropies|
        |options of a loss|

    Shapes:
        (batch, ..., classes) for labels and predictions -> (); with ``reduction="none"`` -> (batch, ...)

    Raises:
        DataError: the labels are class numbers, or do not have the shape of the predictions.

    Example:
        >>> from amalthea import losses
        >>> loss = losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0)
        >>> round(float(loss([[0.0, 1.0]], [[0.1, 0.9]])), 5)  # (1 - 0.9) ** 2 * -log(0.9)
        0.00105

    Source: Lin et al., arXiv:1708.02002.
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: PolicyLike | None = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        self._wrap(categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha, gamma=gamma, **options)


class SparseCategoricalCrossentropy(_WithOptions):
    """Cross-entropy between class numbers and predicted probabilities of the classes.

    ``-log(p[label])``. Use :class:`CategoricalCrossentropy` for one-hot labels.

    Args:
        from_logits: bool; whether predictions are logits, to which a softmax still applies. Defaults to False: they
            are probabilities, divided by their sum and kept within ``[epsilon(), 1 - epsilon()]``.
        ignore_class: int or None; label whose examples count neither in the sum nor in the number of values.
            Defaults to None, which counts all.
        axis: int; axis of the classes in the predictions. Defaults to -1, the last.
        |options of a loss|

    Shapes:
        (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for predictions -> (); with
        ``reduction="none"`` -> (batch, ...)

    Raises:
        DataError: the labels look one-hot, or do not have the shape of the predictions without the axis of the
            classes; in ``fit`` also class numbers that are negative, fractions, or ``classes`` and above.

    Example:
        >>> from amalthea import losses
        >>> p = [[0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]
        >>> round(float(losses.SparseCategoricalCrossentropy()([1, 2], p)), 4)  # mean of -log(0.8) and -log(0.6)
        0.367
        >>> round(float(losses.SparseCategoricalCrossentropy(ignore_class=-1)([1, -1], p)), 4)  # -log(0.8)
        0.2231
    """

    _keeps_integer_labels = True
    _only_in_config_if_set = ("dtype", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: PolicyLike | None = None,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        self._wrap(sparse_categorical_crossentropy, reduction, name, dtype, **options)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Loss between class numbers and probabilities that is robust to wrong labels.

    With p the probability predicted for the label: ``(1 - p ** q) / q``.

    Args:
        q: float in (0, 1]; robustness. Near 0 the loss is the cross-entropy, at 1 it is ``1 - p``. Defaults to 0.5.
        |options of a loss|

    Shapes:
        (batch,) or (batch, 1) for labels, (batch, classes) for predictions -> (); with ``reduction="none"`` ->
        (batch,)

    Raises:
        ArgumentError: ``q`` is not in (0, 1].
        DataError: the labels do not have the shape of the predictions without the axis of the classes; in ``fit``
            also class numbers that do not exist.

    Example:
        >>> from amalthea import losses
        >>> loss = losses.CategoricalGeneralizedCrossEntropy(q=0.5)
        >>> round(float(loss([1], [[0.36, 0.64]])), 4)  # (1 - sqrt(0.64)) / 0.5
        0.4

    Source: Zhang and Sabuncu, arXiv:1805.07836, equation 6.
    """

    _keeps_integer_labels = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: PolicyLike | None = None,
    ):
        if not 0 < q <= 1:
            raise ArgumentError("q is a power of probabilities.", expected="0 < q <= 1", got=q)
        self.q = q
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class KLDivergence(LossFunctionWrapper):
    """Kullback-Leibler divergence of the predicted distribution from the true one, in nats.

    For distributions y (true) and p (predicted): ``sum(y * log(y / p), axis=-1)``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.KLDivergence()([[0.5, 0.5]], [[0.9, 0.1]])), 4)
        0.5108
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """Negative log-likelihood of counts under Poisson distributions whose means are predicted.

    For counts y and means p: ``mean(p - y * log(p + epsilon()), axis=-1)``. The constant ``log(y!)`` is left out.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.Poisson()([[2.0]], [[2.0]])), 4)  # 2 - 2 * log(2)
        0.6137
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(poisson, reduction, name, dtype)
