"""How closely predictions move with labels."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.losses.loss import as_floats, squeeze_or_expand_to_same_rank
from amalthea.metrics.mean import MeanMetricWrapper
from amalthea.metrics.metric import registry, upwards


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    return squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))


def _centred(x: Any, axis: int) -> Any:
    """The distances from the mean; twice, because the mean of large values is rounded itself."""
    for _ in range(2):
        x = x - ops.mean(x, axis=axis, keepdims=True)
    return x


@upwards
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The covariance along ``axis`` divided by both standard deviations; 0 where one of these is 0."""
    a, b = (_centred(y, axis) for y in _pair(y_true, y_pred))
    deviations = (ops.sqrt(ops.mean(ops.square(x), axis=axis)) for x in (a, b))
    return ops.divide_no_nan(ops.mean(a * b, axis=axis), ops.multiply(*deviations))


@upwards
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Twice the covariance along ``axis`` divided by both variances and the squared distance of the means.

    It is 0 where all of these are 0.

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    a, b = _centred(y_true, axis), _centred(y_pred, axis)
    apart = ops.square(ops.mean(y_true - y_pred, axis=axis))
    spread = ops.mean(ops.square(a), axis=axis) + ops.mean(ops.square(b), axis=axis)
    return ops.divide_no_nan(ops.mean(a * b, axis=axis) * 2.0, spread + apart)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of Pearson's correlation of labels and predictions along ``axis``."""

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1):
        self.axis = axis
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of Lin's concordance of labels and predictions along ``axis``."""

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1):
        self.axis = axis
        super().__init__(concordance_correlation, name, dtype, axis=axis)


registry.modules.update({function: "keras.metrics" for function in (pearson_correlation, concordance_correlation)})
