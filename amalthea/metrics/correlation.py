"""How closely predictions move with labels."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.losses.loss import squeeze_or_expand_to_same_rank
from amalthea.metrics.mean import MeanMetricWrapper
from amalthea.metrics.metric import registry


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_pred = ops.convert_to_tensor(y_pred)
    return squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true, dtype=y_pred.dtype), y_pred)


def _centred(x: Any, axis: int) -> Any:
    return x - ops.mean(x, axis=axis, keepdims=True)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The covariance along ``axis`` divided by both standard deviations."""
    a, b = (_centred(y, axis) for y in _pair(y_true, y_pred))
    variances = ops.mean(ops.square(a), axis=axis) * ops.mean(ops.square(b), axis=axis)
    return ops.mean(a * b, axis=axis) / ops.sqrt(variances)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Twice the covariance along ``axis`` divided by both variances and the squared distance of the means.

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    a, b = _centred(y_true, axis), _centred(y_pred, axis)
    apart = ops.square(ops.mean(y_true, axis=axis) - ops.mean(y_pred, axis=axis))
    spread = ops.mean(ops.square(a), axis=axis) + ops.mean(ops.square(b), axis=axis)
    return ops.mean(a * b, axis=axis) * 2.0 / (spread + apart + config.epsilon())


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of Pearson's correlation of labels and predictions along ``axis``."""

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1):
        self.axis = axis
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of Lin's concordance of labels and predictions along ``axis``."""

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1):
        self.axis = axis
        super().__init__(concordance_correlation, name, dtype, axis=axis)


registry.modules.update({function: "keras.metrics" for function in (pearson_correlation, concordance_correlation)})
