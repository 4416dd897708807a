"""Correlations of predictions and labels."""

from __future__ import annotations

from typing import Any

from amalthea import docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.types import TensorLike
from amalthea.losses.loss import as_floats, squeeze_or_expand_to_same_rank
from amalthea.metrics.mean import MeanMetricWrapper
from amalthea.metrics.metric import registry, upwards

docstrings.share(
    "axis of correlations",
    "axis: int; axis along which one sample of labels and predictions lies. Defaults to -1, the last.",
)
docstrings.share(
    "shapes of correlations",
    """
    (batch, ..., features) for labels and predictions, (batch, ...) for sample weights -> (); each row of features is
    one sample
    """,
)


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    return squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))


def _centred(x: Any, axis: int) -> Any:
    """The distances from the mean; twice, because the mean of large values is rounded itself."""
    for _ in range(2):
        x = x - ops.mean(x, axis=axis, keepdims=True)
    return x


@upwards
@docstrings.fill
def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """Computes Pearson's correlation of labels and predictions.

    ``covariance(y_true, y_pred) / (deviation(y_true) * deviation(y_pred))`` along ``axis``; 0 where a standard
    deviation is 0.

    Args:
        |labels and predictions|
        |axis of correlations|

    Shapes:
        (batch, ..., features) for labels and predictions -> (batch, ...)

    Example:
        >>> from amalthea import metrics
        >>> round(float(metrics.pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])[0]), 4)
        1.0

    Source: Keras gives NaN where a standard deviation is 0.
    """
    a, b = (_centred(y, axis) for y in _pair(y_true, y_pred))
    deviations = (ops.sqrt(ops.mean(ops.square(x), axis=axis)) for x in (a, b))
    return ops.divide_no_nan(ops.mean(a * b, axis=axis), ops.multiply(*deviations))


@upwards
@docstrings.fill
def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """Computes Lin's concordance correlation of labels and predictions.

    ``2 * covariance / (variance(y_true) + variance(y_pred) + (mean(y_true) - mean(y_pred)) ** 2)`` along ``axis``; 0
    where the divisor is 0. It is 1 for equal values alone, not for any that lie on a line.

    Args:
        |labels and predictions|
        |axis of correlations|

    Shapes:
        (batch, ..., features) for labels and predictions -> (batch, ...)

    Example:
        >>> from amalthea import metrics
        >>> round(float(metrics.concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])[0]), 4)
        0.5714

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.
    """
    y, p = _pair(y_true, y_pred)
    a, b = _centred(y, axis), _centred(p, axis)
    apart = ops.square(ops.mean(y - p, axis=axis))
    spread = ops.mean(ops.square(a), axis=axis) + ops.mean(ops.square(b), axis=axis)
    return ops.divide_no_nan(ops.mean(a * b, axis=axis) * 2.0, spread + apart)


class PearsonCorrelation(MeanMetricWrapper):
    """Mean of Pearson's correlation of labels and predictions.

    ``covariance(y_true, y_pred) / (deviation(y_true) * deviation(y_pred))`` along ``axis``; 0 where a standard
    deviation is 0.

    Args:
        |options of a metric|
        |axis of correlations|

    Shapes:
        |shapes of correlations|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.PearsonCorrelation()
        >>> m.update_state([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])  # on one line
        >>> round(float(m.result()), 4)
        1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: PolicyLike | None = None, axis: int = -1):
        self.axis = axis
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean of Lin's concordance correlation of labels and predictions.

    ``2 * covariance / (variance(y_true) + variance(y_pred) + (mean(y_true) - mean(y_pred)) ** 2)`` along ``axis``; 0
    where the divisor is 0.

    Args:
        |options of a metric|
        |axis of correlations|

    Shapes:
        |shapes of correlations|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.ConcordanceCorrelation()
        >>> m.update_state([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])  # on one line, but not equal
        >>> round(float(m.result()), 4)
        0.5714

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.
    """

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: PolicyLike | None = None, axis: int = -1):
        self.axis = axis
        super().__init__(concordance_correlation, name, dtype, axis=axis)


registry.modules.update({function: "keras.metrics" for function in (pearson_correlation, concordance_correlation)})
