"""Counts of true and false, positive and negative predictions; precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.errors import ArgumentError
from amalthea.losses.loss import fit_weight, squeeze_or_expand_to_same_rank
from amalthea.metrics.metric import WIDE, Metric
from amalthea.metrics.weights import is_large, weight_of

_LEAST = -1e10  # below every prediction: what is not among the top k
NAMES = ("true_positives", "false_positives", "true_negatives", "false_negatives")


docstrings.share(
    "thresholds of counts",
    """
    thresholds: float, sequence of floats or None; values in [0, 1] above which a prediction is positive. Several give
        as many results. Defaults to None, which means 0.5.
    """,
)
docstrings.share(
    "shapes of counts",
    """
    (batch, ...) for labels, predictions and sample weights -> (); with several thresholds -> (thresholds,)
    """,
)
docstrings.share(
    "options of precision and recall",
    """
    thresholds: float, sequence of floats or None; values in [0, 1] above which a prediction is positive. Several give
        as many results. Defaults to None, which means 0.5 (with ``top_k``: no threshold).
    top_k: int or None; number of highest predictions of each example that may be positive, of equal ones the first.
        Defaults to None, which allows all.
    class_id: int or None; index along the last axis of the only class that counts. Defaults to None, which counts all
        classes together.
    """,
)


def thresholds_of(thresholds: Any, default: float) -> list[float]:
    """One threshold or several as a list."""
    given = [default] if thresholds is None else thresholds
    given = list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given]
    if thresholds is not None and any(t is None or not 0 <= t <= 1 for t in given):
        raise ArgumentError("Thresholds are probabilities.", expected="0 to 1", got=given)
    return [float(t) for t in given]


def prepare(
    y_true: Any, y_pred: Any, weight: Any, dtype: str, top_k: int | None = None, class_id: int | None = None
) -> tuple[Any, Any, Any]:
    """Labels (0 or 1), predictions, and a weight for each, of one shape."""
    weight = weight_of(y_pred, weight, WIDE)
    y_pred = ops.convert_to_tensor(y_pred, dtype=dtype)
    y_true = ops.cast(ops.cast(ops.convert_to_tensor(y_true), "bool"), dtype)
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    y_pred = wrong_if_nan(y_true, y_pred) if top_k is None else _top(y_pred, top_k)
    ones = ops.ones_like(y_pred)
    prepared = y_true, y_pred, ones if weight is None else ops.multiply(ones, fit_weight(weight, y_pred))
    return prepared if class_id is None else tuple(x[..., class_id] for x in prepared)


def wrong_if_nan(y_true: Any, y_pred: Any) -> Any:
    """The predictions, but far on the wrong side of every threshold where they are NaN."""
    return ops.where(ops.isnan(y_pred), (ops.cast(y_true, y_pred.dtype) * 2.0 - 1.0) * _LEAST, y_pred)


def _top(y_pred: Any, k: int) -> Any:
    """The ``k`` highest of each row, of equal ones the first; the others, and NaN, are below every threshold."""
    is_number = ops.logical_not(ops.isnan(y_pred))
    ranked = ops.where(is_number, y_pred, ops.full_like(y_pred, np.inf))
    classes = y_pred.shape[-1]
    least = ops.top_k(ranked, k if classes is None else min(k, classes))[0][..., -1:]
    higher, equal = ops.greater(ranked, least), ops.equal(ranked, least)
    room = k - ops.sum(ops.cast(higher, "int32"), axis=-1, keepdims=True)
    first = ops.less_equal(ops.cumsum(ops.cast(equal, "int32"), axis=-1), room)
    chosen = ops.logical_and(is_number, ops.logical_or(higher, ops.logical_and(equal, first)))
    return ops.where(chosen, ops.maximum(y_pred, _LEAST / 10), ops.full_like(y_pred, _LEAST))


def confusion(thresholds: Sequence[float], y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
    """The four counts at each threshold.

    Shapes: labels, predictions and weights ``(examples, labels)``; each count ``(thresholds, labels)``.

    One comparison and one matrix product for each label give what lies above the thresholds; the rest are
    differences from the totals. The product is in the weights' dtype: float64 where there are weights to add up, or
    more examples than float32 can count.
    """
    weight = ops.cast(weight, WIDE) if is_large(weight) else weight
    positive = ops.multiply(weight, y_true)
    parts = ops.stack([positive, weight - positive], axis=-1)  # (examples, labels, 2)
    limits = ops.cast(np.asarray(thresholds, "float32").reshape(1, -1, 1), y_pred.dtype)
    above = ops.cast(ops.expand_dims(ops.transpose(y_pred), 1) > limits, weight.dtype)
    hits = ops.matmul(above, ops.transpose(parts, (1, 0, 2)))  # (labels, thresholds, 2)
    missed = ops.expand_dims(ops.sum(parts, axis=0), 1) - hits
    counts = (hits[..., 0], hits[..., 1], missed[..., 1], missed[..., 0])
    return {name: ops.transpose(count) for name, count in zip(NAMES, counts)}


def flat(x: Any) -> Any:
    """All examples and labels as examples of one label."""
    return ops.reshape(x, (-1, 1))


class _Counts(Metric):
    """Counts at one or several thresholds, each in a variable of its own."""

    _counted: tuple[str, ...] = ()

    def _start(self, thresholds: Any, default: float = 0.5) -> None:
        self.thresholds = thresholds
        self._thresholds = thresholds_of(thresholds, default)
        self._counts = {name: self._count_variable(name) for name in self._counted}
        vars(self).update(self._counts)

    def _count_variable(self, name: str) -> Any:
        return self.add_variable((len(self._thresholds),), name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        prepared = prepare(y_true, y_pred, sample_weight, self._computing, *self._chosen_labels())
        counts = confusion(self._thresholds, *map(flat, prepared))
        for name, variable in self._counts.items():
            variable.assign_add(ops.reshape(counts[name], variable.shape))

    def _chosen_labels(self) -> tuple[int | None, int | None]:
        """``top_k`` and ``class_id`` of :func:`prepare`."""
        return None, None

    def _one_or_all(self, x: Any) -> Any:
        return self._as_result(x[0] if len(self._thresholds) == 1 else x)


class _Count(_Counts):
    """One of the four counts."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        self._start(thresholds)

    def _count_variable(self, name: str) -> Any:
        self.accumulator = self.add_variable((len(self._thresholds),), name="accumulator")
        return self.accumulator

    def result(self) -> Any:
        return self._one_or_all(self.accumulator.value)


class TruePositives(_Count):
    """Number of labels of 1 that are predicted above the threshold.

    Args:
        |thresholds of counts|
        |options of a metric|

    Shapes:
        |shapes of counts|

    Raises:
        ArgumentError: a threshold is not in [0, 1].

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.TruePositives()
        >>> m.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.1])
        >>> float(m.result())  # 0.8 and 0.7
        2.0
    """

    _direction = "up"
    _counted = ("true_positives",)


class TrueNegatives(_Count):
    """Number of labels of 0 that are predicted at or below the threshold.

    Args:
        |thresholds of counts|
        |options of a metric|

    Shapes:
        |shapes of counts|

    Raises:
        ArgumentError: a threshold is not in [0, 1].

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.TrueNegatives()
        >>> m.update_state([0, 0, 0, 1], [0.9, 0.2, 0.3, 0.1])
        >>> float(m.result())  # 0.2 and 0.3
        2.0
    """

    _direction = "up"
    _counted = ("true_negatives",)


class FalsePositives(_Count):
    """Number of labels of 0 that are predicted above the threshold.

    Args:
        |thresholds of counts|
        |options of a metric|

    Shapes:
        |shapes of counts|

    Raises:
        ArgumentError: a threshold is not in [0, 1].

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.FalsePositives()
        >>> m.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.1])
        >>> float(m.result())  # 0.9
        1.0
    """

    _direction = "down"
    _counted = ("false_positives",)


class FalseNegatives(_Count):
    """Number of labels of 1 that are predicted at or below the threshold.

    Args:
        |thresholds of counts|
        |options of a metric|

    Shapes:
        |shapes of counts|

    Raises:
        ArgumentError: a threshold is not in [0, 1].

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.FalseNegatives()
        >>> m.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.1])
        >>> float(m.result())  # 0.1
        1.0
    """

    _direction = "down"
    _counted = ("false_negatives",)


class _Share(_Counts):
    """True positives as a share of themselves and another count."""

    _direction = "up"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        self.top_k, self.class_id = top_k, class_id
        self._start(thresholds, 0.5 if top_k is None else _LEAST)

    def _chosen_labels(self) -> tuple[int | None, int | None]:
        return self.top_k, self.class_id

    def result(self) -> Any:
        right, wrong = (self._counts[name].value for name in self._counted)
        return self._one_or_all(ops.divide_no_nan(right, right + wrong))


class Precision(_Share):
    """Share of positive predictions whose label is 1: ``tp / (tp + fp)``.

    It is 0 where no prediction is positive.

    Args:
        |options of precision and recall|
        |options of a metric|

    Shapes:
        |shapes of counts|

    Raises:
        ArgumentError: a threshold is not in [0, 1].

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.Precision()
        >>> m.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.1])
        >>> round(float(m.result()), 4)  # 2 of 3
        0.6667
    """

    _counted = ("true_positives", "false_positives")


class Recall(_Share):
    """Share of labels of 1 that are predicted as positive: ``tp / (tp + fn)``.

    It is 0 where no label is 1.

    Args:
        |options of precision and recall|
        |options of a metric|

    Shapes:
        |shapes of counts|

    Raises:
        ArgumentError: a threshold is not in [0, 1].

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.Recall(thresholds=[0.5, 0.75])
        >>> m.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.1])
        >>> [round(float(x), 4) for x in m.result()]  # 2 of 3, 1 of 3
        [0.6667, 0.3333]
    """

    _counted = ("true_positives", "false_negatives")
