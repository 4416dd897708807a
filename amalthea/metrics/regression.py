"""Errors of predicted numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config, losses, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, NotBuiltError, ShapeError
from amalthea.losses.loss import fit_weight, squeeze_or_expand_to_same_rank, weighted
from amalthea.metrics.mean import Mean, MeanMetricWrapper
from amalthea.metrics.metric import WIDE, Metric, upwards
from amalthea.metrics.weights import weight_of


class MeanSquaredError(
    MeanMetricWrapper,
    aliases=(
        "mse",
        "MSE",
    ),
):
    """Mean of squared errors: ``mean(square(y_true - y_pred))``.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.MeanSquaredError()
        >>> m.update_state([[0.0], [0.0]], [[1.0], [3.0]])
        >>> float(m.result())
        5.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: PolicyLike | None = None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(
    MeanMetricWrapper,
    aliases=(
        "mae",
        "MAE",
    ),
):
    """Mean of absolute errors: ``mean(abs(y_true - y_pred))``.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.MeanAbsoluteError()
        >>> m.update_state([[0.0], [0.0]], [[1.0], [-3.0]])
        >>> float(m.result())
        2.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: PolicyLike | None = None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(
    MeanMetricWrapper,
    aliases=(
        "mape",
        "MAPE",
    ),
):
    """Mean of absolute errors in percent of the label.

    ``100 * mean(abs(y_true - y_pred) / maximum(abs(y_true), epsilon()))``

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.MeanAbsolutePercentageError()
        >>> m.update_state([[2.0], [4.0]], [[3.0], [4.0]])
        >>> float(m.result())
        25.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: PolicyLike | None = None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(
    MeanMetricWrapper,
    aliases=(
        "msle",
        "MSLE",
    ),
):
    """Mean of squared differences between logarithms, for numbers 0 and above.

    ``mean(square(log(y_true + 1) - log(y_pred + 1)))``. Numbers below ``epsilon()`` count as ``epsilon()``.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.MeanSquaredLogarithmicError()
        >>> m.update_state([[1.0]], [[3.0]])
        >>> round(float(m.result()), 4)  # log(2) ** 2
        0.4805
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: PolicyLike | None = None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class RootMeanSquaredError(Mean, aliases=("rmse", "RMSE")):
    """Square root of the mean of squared errors: ``sqrt(mean(square(y_true - y_pred)))``.

    The root is taken once, of the mean over all batches.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.RootMeanSquaredError()
        >>> m.update_state([[0.0], [0.0]], [[3.0], [4.0]])
        >>> round(float(m.result()), 4)  # sqrt(12.5)
        3.5355
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: PolicyLike | None = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        weight = weight_of(y_pred, sample_weight, self._computing)
        y, p = (ops.convert_to_tensor(x, dtype=self._computing) for x in (y_true, y_pred))
        y, p = squeeze_or_expand_to_same_rank(y, p)
        super().update_state(ops.square(p - y), weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


class LogCoshError(MeanMetricWrapper, aliases=("logcosh",)):
    """Mean logarithm of the hyperbolic cosine of errors: ``mean(log(cosh(y_pred - y_true)))``.

    Near ``e ** 2 / 2`` for a small error e, and near ``abs(e) - log(2)`` for a large one.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.LogCoshError()
        >>> m.update_state([[0.0]], [[100.0]])
        >>> round(float(m.result()), 4)  # 100 - log(2)
        99.3069
    """

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: PolicyLike | None = None):
        super().__init__(losses.log_cosh, name, dtype)


@upwards
def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine itself: the loss of that name is its negative."""
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis=axis))


class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between labels and predictions.

    ``sum(y_true * y_pred, axis) / (norm(y_true) * norm(y_pred))``: 1 for the same direction, -1 for opposite ones.
    The loss of this name is the negative cosine.

    Args:
        |options of a metric|
        axis: int; axis along which one vector lies. Defaults to -1, the last.

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.CosineSimilarity()
        >>> m.update_state([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
        >>> round(float(m.result()), 4)  # mean of 1 and 0
        0.5
    """

    _only_in_config_if_set = ("axis",)

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: PolicyLike | None = None, axis: int = -1):
        self.axis = axis
        super().__init__(_cosine, name, dtype, axis=axis)


class R2Score(Metric):
    """Coefficient of determination: share of the labels' variance that the predictions explain.

    For each output: ``1 - sum(square(y_true - y_pred)) / sum(square(y_true - mean(y_true)))``. It is 1 for exact
    predictions and 0 for predictions that are the mean. With p regressors and n samples the adjusted score is
    ``1 - (1 - score) * (n - 1) / (n - p - 1)``.

    Args:
        class_aggregation: str or None; ``"uniform_average"`` is the mean of the outputs' scores,
            ``"variance_weighted_average"`` weighs them by the sum of squared deviations of their labels, None gives
            one score for each output. Defaults to ``"uniform_average"``.
        num_regressors: int, 0 or more; number of independent variables, for the adjusted score. Defaults to 0, which
            gives the plain score.
        |options of a metric|

    Shapes:
        (batch, outputs) for labels and predictions, (batch,) for sample weights -> (); with
        ``class_aggregation=None`` -> (outputs,)

    Raises:
        ArgumentError: no aggregation has this name, or ``num_regressors`` is negative.
        ShapeError: labels do not have the shape ``(batch, outputs)`` (in ``update_state``).
        NotBuiltError: ``result`` is called before the first ``update_state``.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.R2Score()
        >>> m.update_state([[1.0], [2.0], [3.0]], [[1.5], [2.0], [3.0]])
        >>> float(m.result())  # 1 - 0.25 / 2
        0.875

    Source: https://en.wikipedia.org/wiki/Coefficient_of_determination; sums are merged as in Chan, Golub and LeVeque,
    1979. Where all labels of an output are equal, the score is 1 for exact predictions and 0 for others.
    """

    _direction = "up"
    _aggregations = (None, "uniform_average", "variance_weighted_average")
    _squared_deviations: Any = None  # these four are made at the first update
    _mean: Any
    _residual: Any
    count: Any

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: PolicyLike | None = None,
    ):
        if class_aggregation not in self._aggregations:
            raise ArgumentError(
                "R2Score knows no such aggregation.", expected=self._aggregations, got=class_aggregation
            )
        if num_regressors < 0:
            raise ArgumentError("num_regressors is a number of variables.", expected="0 or more", got=num_regressors)
        super().__init__(dtype, name)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), name="num_samples")

    def _build(self, shape: tuple[int | None, ...]) -> None:
        if len(shape) != 2 or shape[1] is None:
            raise ShapeError("R2Score needs a known number of outputs.", expected="(batch, outputs)", got=shape)
        names = ("squared_deviations", "mean", "residual", "count")
        self._squared_deviations, self._mean, self._residual, self.count = (
            self.add_variable((shape[1],), dtype=WIDE, name=name) for name in names
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        given = weight_of(y_pred, sample_weight, WIDE)
        y_pred, y_true = (ops.convert_to_tensor(y, dtype=WIDE) for y in (y_pred, y_true))
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if self._squared_deviations is None:
            self._build(y_true.shape)
        ones = ops.ones_like(y_true)
        weight = ones if given is None else ops.multiply(ones, fit_weight(given, y_true))
        count = ops.sum(weight, axis=0)
        mean = ops.divide_no_nan(ops.sum(weighted(y_true, weight), axis=0), count)
        self._merge(count, mean, ops.sum(weighted(ops.square(y_true - mean), weight), axis=0))
        self._residual.assign_add(ops.sum(weighted(ops.square(y_true - y_pred), weight), axis=0))
        self.num_samples.assign_add(ops.sum(ones))  # as Keras: every output of an example is a sample

    def _merge(self, count: Any, mean: Any, squares: Any) -> None:
        """Add the labels' count, mean and squared deviations of a batch to those so far.

        Sums of squares would be rounded where labels are far from 0. Source: Chan, Golub and LeVeque, 1979.
        """
        before = self.count.value
        share = ops.divide_no_nan(count, before + count)
        apart = mean - self._mean.value
        self._squared_deviations.assign_add(squares + ops.square(apart) * before * share)
        self._mean.assign_add(apart * share)
        self.count.assign_add(count)

    def result(self) -> Any:
        if self._squared_deviations is None:
            raise NotBuiltError("R2Score has seen no labels yet.", cure="update_state(y_true, y_pred) first")
        spread, residual = self._squared_deviations.value, self._residual.value
        # With equal labels (variance 0) the score is 1 for exact predictions, else 0. Without labels it is NaN.
        constant = ops.where(self.count.value > 0, ops.cast(ops.equal(residual, 0), WIDE), np.nan)
        scores = ops.where(spread > 0, 1.0 - ops.divide_no_nan(residual, spread), constant)
        return self._as_result(self._adjusted(self._aggregated(scores, spread)))

    def _aggregated(self, scores: Any, variance: Any) -> Any:
        if self.class_aggregation == "uniform_average":
            return ops.mean(scores)
        if self.class_aggregation == "variance_weighted_average":
            all_equal = ops.equal(ops.sum(variance), 0)
            weight = ops.where(all_equal, ops.ones_like(variance), variance)
            return ops.sum(scores * weight) / ops.sum(weight)
        return scores

    def _adjusted(self, score: Any) -> Any:
        if not self.num_regressors:
            return score
        rest = self.num_samples.value - self.num_regressors - 1.0
        adjusted = 1.0 - (1.0 - score) * (self.num_samples.value - 1.0) / ops.maximum(rest, config.epsilon())
        return ops.where(rest > 0, adjusted, score)
