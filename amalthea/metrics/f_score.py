"""Weighted harmonic means of precision and recall."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.errors import ArgumentError, NotBuiltError, ShapeError
from amalthea.losses.loss import fit_weight
from amalthea.metrics.metric import Metric


class FBetaScore(Metric):
    """``(1 + beta**2) * precision * recall / (beta**2 * precision + recall)``, class by class.

    Shapes: labels (0 or 1) and predictions ``(batch, classes)``.

    Args:
        average: ``"micro"`` counts all classes together, ``"macro"`` takes the mean of the classes' scores,
            ``"weighted"`` weighs it by how often each class is a label, None gives one score a class.
        beta: above 1 recall weighs more, below 1 precision.
        threshold: above which a prediction is positive; None takes the highest of each example.
    """

    averages = (None, "micro", "macro", "weighted")
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
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if average not in self.averages:
            raise ArgumentError(f"There is no average {average!r}.", expected=self.averages)
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
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        if self.true_positives is None:
            self._build(y_true.shape)
        chosen = ops.cast(self._chosen(y_pred), self.dtype)
        weight = ops.ones_like(y_true)
        if sample_weight is not None:
            weight = weight * fit_weight(ops.convert_to_tensor(sample_weight, dtype=self.dtype), y_true)
        axis = None if self.average == "micro" else 0
        self.true_positives.assign_add(ops.sum(chosen * y_true * weight, axis=axis))  # pyright: ignore[reportOptionalMemberAccess]
        self.false_positives.assign_add(ops.sum(chosen * (1.0 - y_true) * weight, axis=axis))
        self.false_negatives.assign_add(ops.sum((1.0 - chosen) * y_true * weight, axis=axis))
        self.intermediate_weights.assign_add(ops.sum(y_true * weight, axis=axis))

    def _chosen(self, y_pred: Any) -> Any:
        if self.threshold is not None:
            return y_pred > self.threshold
        is_highest = y_pred >= ops.max(y_pred, axis=-1, keepdims=True)
        return ops.logical_and(is_highest, ops.abs(y_pred) > 1e-9)

    def result(self) -> Any:
        if self.true_positives is None:
            raise NotBuiltError("An F score has seen no labels yet.", cure="update_state(y_true, y_pred) first")
        right = self.true_positives.value
        precision = ops.divide(right, right + self.false_positives.value + config.epsilon())
        recall = ops.divide(right, right + self.false_negatives.value + config.epsilon())
        square = self.beta**2
        total = precision * square + recall
        score = precision * recall * (1.0 + square) / (total + config.epsilon())
        if self.average != "weighted":
            return ops.mean(score) if self.average == "macro" else score
        weight = self.intermediate_weights.value
        return ops.sum(score * weight / (ops.sum(weight) + config.epsilon()))


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, class by class. (For the arguments, see :class:`FBetaScore`.)"""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)
