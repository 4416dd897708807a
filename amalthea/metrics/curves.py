"""Areas under curves, and points on them, over many thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.errors import ArgumentError, NotBuiltError
from amalthea.metrics.confusion import NAMES, confusion, flat, prepare, thresholds_of
from amalthea.metrics.metric import WIDE, Metric
from amalthea.metrics.weights import weight_of

docstrings.share(
    "options of points on curves",
    """
    num_thresholds: int, 1 or more; number of thresholds, evenly spaced from 0 to 1. Defaults to 200.
    class_id: int or None; index along the last axis of the only class that counts. Defaults to None, which counts all
        classes together.
    """,
)


def even_thresholds(count: int) -> list[float]:
    """``count`` thresholds from below 0 to above 1, the inner ones evenly spaced."""
    inner = [(i + 1) / (count - 1) for i in range(count - 2)]
    return [-config.epsilon(), *inner, 1.0 + config.epsilon()]


class _OverThresholds(Metric):
    """The four counts at many thresholds."""

    _direction = "up"
    _thresholds: list[float]

    def _add_counts(self, *labels: int) -> None:
        for name in NAMES:
            setattr(self, name, self.add_variable((len(self._thresholds), *labels), name=name))

    def _counts(self) -> tuple[Any, Any, Any, Any]:
        return tuple(getattr(self, name).value for name in NAMES)

    def _add(self, *prepared: Any) -> None:
        for name, count in confusion(self._thresholds, *prepared).items():
            variable = getattr(self, name)
            variable.assign_add(ops.reshape(count, variable.shape))


class AUC(_OverThresholds):
    """Area under the ROC or precision-recall curve, approximated at a fixed number of thresholds.

    At each threshold the metric counts true and false positives and negatives; these give one point of the curve. The
    area is the sum of the pieces between neighbouring points.

    Args:
        num_thresholds: int, above 1; number of thresholds, evenly spaced from 0 to 1. More of them come nearer to the
            exact area. Defaults to 200.
        curve: ``"ROC"`` (true positive rate by false positive rate), ``"PR"`` (precision by recall) or ``"PRGAIN"``
            (precision gain by recall gain). Defaults to ``"ROC"``.
        summation_method: height of a piece between two points: ``"interpolation"`` (their mean; for PR the exact
            integral), ``"minoring"`` (the smaller) or ``"majoring"`` (the larger). Defaults to ``"interpolation"``.
        |options of a metric|
        thresholds: sequence of floats in [0, 1] or None; thresholds in place of evenly spaced ones. Two beyond 0 and
            1 are added. Defaults to None.
        multi_label: bool; whether each label has a curve of its own, and the result is the mean of their areas.
            Defaults to False, one curve for all labels and examples.
        num_labels: int or None; number of labels with ``multi_label``. Defaults to None, which takes it from the
            first update.
        label_weights: sequence of floats or None; weights of that mean. Without ``multi_label`` they multiply the
            sample weights of the labels. Defaults to None, equal weights.
        from_logits: bool; whether predictions are logits, to which a sigmoid still applies. Defaults to False.

    Shapes:
        (batch, ...) for labels and predictions, with ``multi_label`` (batch, labels); (batch,) for sample weights
        -> ()

    Raises:
        ArgumentError: ``curve``, ``summation_method`` or a threshold is not a known one, or there are too few.
        NotBuiltError: ``result`` is called before the number of labels is known.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.AUC(num_thresholds=3)  # below 0, 0.5, above 1
        >>> m.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
        >>> float(m.result())
        0.75

    Source: Davis and Goadrich, ICML 2006 (PR); Flach and Kull, NeurIPS 2015 (PRGAIN).
    """

    _only_in_config_if_set = ("thresholds",)
    _known_curves = ("ROC", "PR", "PRGAIN")
    _known_methods = ("interpolation", "minoring", "majoring")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: PolicyLike | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        self.curve, self.summation_method = curve.upper(), summation_method.lower()
        for value, known in ((self.curve, self._known_curves), (self.summation_method, self._known_methods)):
            if value not in known:
                raise ArgumentError(f"AUC knows no {value!r}.", expected=", ".join(known))
        self.thresholds = None if thresholds is None else sorted(thresholds_of(thresholds, 0.5))
        self._thresholds = self._choose(num_thresholds)
        self.num_thresholds, self.multi_label, self.from_logits = len(self._thresholds), multi_label, from_logits
        self.num_labels, self.label_weights = num_labels, label_weights
        self._is_built = not multi_label or num_labels is not None
        if self._is_built:
            self._add_counts(*([num_labels] if multi_label and num_labels else []))

    def _choose(self, count: int) -> list[float]:
        if self.thresholds is not None:
            return [-config.epsilon(), *self.thresholds, 1.0 + config.epsilon()]
        if count <= 1:
            raise ArgumentError("A curve needs two thresholds or more.", expected="num_thresholds above 1", got=count)
        return even_thresholds(count)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.from_logits:
            sample_weight = weight_of(y_pred, sample_weight, WIDE)  # the sigmoid carries no mask
            y_pred = ops.sigmoid(ops.convert_to_tensor(y_pred, dtype=self._computing))
        labels, predictions, weight = prepare(y_true, y_pred, sample_weight, self._computing)
        if not self.multi_label:
            weight = weight if self.label_weights is None else ops.multiply(weight, self._label_weights())
            return self._add(flat(labels), flat(predictions), flat(weight))
        if not self._is_built:
            self._is_built = True
            self._add_counts(labels.shape[-1])
        shape = (-1, labels.shape[-1])
        return self._add(*(ops.reshape(x, shape) for x in (labels, predictions, weight)))

    def _label_weights(self) -> Any:
        weights: Any = self.label_weights
        return ops.convert_to_tensor(weights, dtype=WIDE)

    def result(self) -> Any:
        if not self._is_built:
            raise NotBuiltError("AUC has seen no labels yet.", cure="AUC(num_labels=...), or update_state(...) first")
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._as_result(self._mean(self._area_between_precisions()))
        x, y = self._curve()
        return self._as_result(self._mean((x[:-1] - x[1:]) * self._heights(y)))

    def _curve(self) -> tuple[Any, Any]:
        tp, fp, tn, fn = self._counts()
        recall, precision = ops.divide_no_nan(tp, tp + fn), ops.divide_no_nan(tp, tp + fp)
        if self.curve == "ROC":
            return ops.divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, precision
        odds = ops.divide_no_nan(tp + fn, fp + tn)
        return ops.maximum(_gain(odds, fn, tp), 0.0), _gain(odds, fp, tp)

    def _heights(self, y: Any) -> Any:
        low, high = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            return (low + high) / 2.0
        return (ops.minimum if self.summation_method == "minoring" else ops.maximum)(low, high)

    def _area_between_precisions(self) -> Any:
        """Between two thresholds counts run straight, so precision bends: the exact integral of each piece."""
        tp, fp, _, fn = self._counts()
        all_positive = tp + fp
        slope = ops.divide_no_nan(tp[:-1] - tp[1:], ops.maximum(all_positive[:-1] - all_positive[1:], 0.0))
        start = tp[1:] - slope * all_positive[1:]
        both = ops.logical_and(all_positive[:-1] > 0, all_positive[1:] > 0)
        ratio = ops.divide_no_nan(all_positive[:-1], ops.maximum(all_positive[1:], 0.0))
        ratio = ops.where(both, ratio, ops.ones_like(ratio))
        area = slope * (tp[:-1] - tp[1:] + start * ops.log(ratio))
        return ops.divide_no_nan(area, ops.maximum(tp[1:] + fn[1:], 0.0))

    def _mean(self, pieces: Any) -> Any:
        if not self.multi_label:
            return ops.sum(pieces)
        areas = ops.sum(pieces, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        weights = self._label_weights()
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))


def _gain(odds: Any, wrong: Any, right: Any) -> Any:
    """``1 - odds * wrong / right``; 0 where nothing is right."""
    gain = 1.0 - odds * ops.divide_no_nan(wrong, right)
    return ops.where(right > 0, gain, ops.zeros_like(gain))


class _AtPoint(_OverThresholds):
    """The best of one rate where another reaches a value."""

    def _start(self, value: float, num_thresholds: int, class_id: int | None) -> None:
        if not 0 <= value <= 1:
            raise ArgumentError("A rate is a share.", expected="0 to 1", got=value)
        if num_thresholds <= 0:
            raise ArgumentError("A curve needs thresholds.", expected="num_thresholds above 0", got=num_thresholds)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self._thresholds = [0.5] if num_thresholds == 1 else [0.0, *inner, 1.0]
        self._add_counts()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        prepared = prepare(y_true, y_pred, sample_weight, self._computing, class_id=self.class_id)
        self._add(*map(flat, prepared))

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        """The rate that is given, and the one that is looked for, at each threshold."""
        raise NotImplementedError

    def result(self) -> Any:
        given, wanted = self._rates(*self._counts())
        return self._as_result(ops.max(ops.where(given >= self.value, wanted, ops.zeros_like(wanted))))


class SensitivityAtSpecificity(_AtPoint):
    """Best sensitivity (true positive rate) at thresholds with at least a given specificity.

    Sensitivity is ``tp / (tp + fn)``, specificity ``tn / (tn + fp)``. The result is 0 where no threshold
    reaches the specificity.

    Args:
        specificity: float in [0, 1]; least specificity that a threshold must reach.
        |options of points on curves|
        |options of a metric|

    Shapes:
        |shapes of binary metrics|

    Raises:
        ArgumentError: ``specificity`` is not in [0, 1], or ``num_thresholds`` is below 1.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.SensitivityAtSpecificity(0.5)
        >>> m.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> float(m.result())
        0.5
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        self.specificity = specificity
        self._start(specificity, num_thresholds, class_id)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ops.divide_no_nan(tn, tn + fp), ops.divide_no_nan(tp, tp + fn)


class SpecificityAtSensitivity(_AtPoint):
    """Best specificity (true negative rate) at thresholds with at least a given sensitivity.

    Specificity is ``tn / (tn + fp)``, sensitivity ``tp / (tp + fn)``. The result is 0 where no threshold
    reaches the sensitivity.

    Args:
        sensitivity: float in [0, 1]; least sensitivity that a threshold must reach.
        |options of points on curves|
        |options of a metric|

    Shapes:
        |shapes of binary metrics|

    Raises:
        ArgumentError: ``sensitivity`` is not in [0, 1], or ``num_thresholds`` is below 1.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.SpecificityAtSensitivity(0.4)
        >>> m.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> float(m.result())
        0.6667
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        self.sensitivity = sensitivity
        self._start(sensitivity, num_thresholds, class_id)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ops.divide_no_nan(tp, tp + fn), ops.divide_no_nan(tn, tn + fp)


class PrecisionAtRecall(_AtPoint):
    """Best precision at thresholds with at least a given recall.

    Precision is ``tp / (tp + fp)``, recall ``tp / (tp + fn)``. The result is 0 where no threshold reaches the recall.

    Args:
        recall: float in [0, 1]; least recall that a threshold must reach.
        |options of points on curves|
        |options of a metric|

    Shapes:
        |shapes of binary metrics|

    Raises:
        ArgumentError: ``recall`` is not in [0, 1], or ``num_thresholds`` is below 1.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.PrecisionAtRecall(0.8)
        >>> m.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> float(m.result())
        0.5
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        self.recall = recall
        self._start(recall, num_thresholds, class_id)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ops.divide_no_nan(tp, tp + fn), ops.divide_no_nan(tp, tp + fp)


class RecallAtPrecision(_AtPoint):
    """Best recall at thresholds with at least a given precision.

    Recall is ``tp / (tp + fn)``, precision ``tp / (tp + fp)``. The result is 0 where no threshold reaches the
    precision.

    Args:
        precision: float in [0, 1]; least precision that a threshold must reach.
        |options of points on curves|
        |options of a metric|

    Shapes:
        |shapes of binary metrics|

    Raises:
        ArgumentError: ``precision`` is not in [0, 1], or ``num_thresholds`` is below 1.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.RecallAtPrecision(0.8)
        >>> m.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9])
        >>> float(m.result())
        0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: PolicyLike | None = None,
    ):
        super().__init__(dtype, name)
        self.precision = precision
        self._start(precision, num_thresholds, class_id)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ops.divide_no_nan(tp, tp + fp), ops.divide_no_nan(tp, tp + fn)
