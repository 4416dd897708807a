"""Weighted harmonic means of precision and recall."""

from __future__ import annotations

from typing import Any

from amalthea import docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.errors import ArgumentError, NotBuiltError, ShapeError
from amalthea.losses.loss import fit_weight, weighted
from amalthea.metrics.confusion import wrong_if_nan
from amalthea.metrics.metric import WIDE, Metric
from amalthea.metrics.weights import total, weight_of

docstrings.share(
    "average of f scores",
    """
    average: str or None; ``"micro"`` counts all classes together, ``"macro"`` is the mean of the classes' scores,
        ``"weighted"`` weighs this mean by the number of labels of each class, None gives one score for each class.
        Defaults to None.
    """,
)
docstrings.share(
    "threshold of f scores",
    """
    threshold: float in (0, 1] or None; value above which a prediction is positive. Defaults to None, which makes the
        highest prediction of each example positive, of equal ones the first.
    """,
)
docstrings.share(
    "shapes of f scores",
    """
    (batch, classes) for labels (0 or 1) and predictions, (batch,) for sample weights -> (classes,); with ``average``
    -> ()
    """,
)


class FBetaScore(Metric):
    """Weighted harmonic mean of precision and recall, for each class or averaged.

    ``(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)``

    Args:
        |average of f scores|
        beta: float, above 0; weight of recall. Above 1 recall weighs more, below 1 precision. Defaults to 1.
        |threshold of f scores|
        |options of a metric|

    Shapes:
        |shapes of f scores|

    Raises:
        ArgumentError: no average has this name, or ``beta`` or ``threshold`` is out of range.
        ShapeError: labels do not have the shape ``(batch, classes)`` (in ``update_state``).
        NotBuiltError: ``result`` is called before the first ``update_state``.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.FBetaScore(beta=2.0, threshold=0.5)
        >>> m.update_state([[1, 0], [1, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.1, 0.7]])
        >>> [round(float(x), 4) for x in m.result()]  # of the first class, 1 of 2 is found
        [0.5556, 1.0]
    """

    _direction = "up"
    _averages = (None, "micro", "macro", "weighted")
    true_positives: Any = None  # these four are made at the first update
    false_positives: Any
    false_negatives: Any
    intermediate_weights: Any

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        if average not in self._averages:
            raise ArgumentError(f"There is no average {average!r}.", expected=self._averages)
        if beta <= 0:
            raise ArgumentError("beta weighs recall against precision.", expected="above 0", got=beta)
        if threshold is not None and not 0 < threshold <= 1:
            raise ArgumentError("A threshold is a probability.", expected="0 < threshold <= 1, or None", got=threshold)
        self.average, self.beta, self.threshold = average, beta, threshold

    def _build(self, shape: tuple[int | None, ...]) -> None:
        if len(shape) != 2 or shape[1] is None:
            raise ShapeError("An F score needs a known number of classes.", expected="(batch, classes)", got=shape)
        own = () if self.average == "micro" else (shape[1],)
        names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
        for name in names:
            setattr(self, name, self.add_variable(own, name=name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = weight_of(y_pred, sample_weight, WIDE)
        y_true = ops.convert_to_tensor(y_true, dtype=self._computing)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self._computing)
        if self.true_positives is None:
            self._build(y_true.shape)
        chosen = ops.cast(self._chosen(y_true, y_pred), self._computing)
        weight = (
            ops.ones_like(y_true) if weight is None else ops.multiply(ops.ones_like(y_true), fit_weight(weight, y_true))
        )
        axis = None if self.average == "micro" else 0
        labelled = total(weighted(y_true, weight), axis)
        self.true_positives.assign_add(total(weighted(chosen * y_true, weight), axis))  # pyright: ignore[reportOptionalMemberAccess]
        self.false_positives.assign_add(total(weighted(chosen * (1.0 - y_true), weight), axis))
        self.false_negatives.assign_add(total(weighted((1.0 - chosen) * y_true, weight), axis))
        self.intermediate_weights.assign_add(labelled)

    def _chosen(self, y_true: Any, y_pred: Any) -> Any:
        """The predicted classes: the first of the highest, or all above the threshold; NaN is wrong."""
        if self.threshold is not None:
            return wrong_if_nan(y_true, y_pred) > self.threshold
        first = ops.one_hot(ops.argmax(y_pred, axis=-1), y_pred.shape[-1], dtype="bool")
        is_number = ops.logical_not(ops.any(ops.isnan(y_pred), axis=-1, keepdims=True))
        return ops.logical_and(ops.logical_and(first, is_number), ops.abs(y_pred) > 1e-9)

    def result(self) -> Any:
        if self.true_positives is None:
            raise NotBuiltError("An F score has seen no labels yet.", cure="update_state(y_true, y_pred) first")
        right = self.true_positives.value
        precision = ops.divide_no_nan(right, right + self.false_positives.value)
        recall = ops.divide_no_nan(right, right + self.false_negatives.value)
        square = self.beta**2
        score = ops.divide_no_nan(precision * recall * (1.0 + square), precision * square + recall)
        return self._as_result(self._averaged(score))

    def _averaged(self, score: Any) -> Any:
        if self.average != "weighted":
            return ops.mean(score) if self.average == "macro" else score
        weight = self.intermediate_weights.value
        return ops.divide_no_nan(ops.sum(score * weight), ops.sum(weight))


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall, for each class or averaged.

    ``2 * precision * recall / (precision + recall)``: :class:`FBetaScore` with ``beta=1``.

    Args:
        |average of f scores|
        |threshold of f scores|
        |options of a metric|

    Shapes:
        |shapes of f scores|

    Raises:
        ArgumentError: no average has this name, or ``threshold`` is out of range.
        ShapeError: labels do not have the shape ``(batch, classes)`` (in ``update_state``).
        NotBuiltError: ``result`` is called before the first ``update_state``.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.F1Score(threshold=0.5)
        >>> m.update_state([[1, 0], [1, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.1, 0.7]])
        >>> [round(float(x), 4) for x in m.result()]  # of the first class, 1 of 2 is found
        [0.6667, 1.0]
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)
