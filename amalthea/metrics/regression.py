"""Errors of predicted numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config, losses, ops
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
    """The mean of the squared differences."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(
    MeanMetricWrapper,
    aliases=(
        "mae",
        "MAE",
    ),
):
    """The mean of the absolute differences."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(
    MeanMetricWrapper,
    aliases=(
        "mape",
        "MAPE",
    ),
):
    """The mean difference in percent of the label."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(
    MeanMetricWrapper,
    aliases=(
        "msle",
        "MSLE",
    ),
):
    """The mean squared difference of logarithms."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class RootMeanSquaredError(Mean, aliases=("rmse", "RMSE")):
    """The root of the mean of all squared differences."""

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        weight = weight_of(y_pred, sample_weight, self._computing)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self._computing)
        y_true = ops.convert_to_tensor(y_true, dtype=self._computing)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


class LogCoshError(MeanMetricWrapper, aliases=("logcosh",)):
    """The mean logarithm of the hyperbolic cosine of the difference."""

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None):
        super().__init__(losses.log_cosh, name, dtype)


@upwards
def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine itself: the loss of that name is its negative."""
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis=axis))


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions."""

    only_in_config_if_set = ("axis",)

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1):
        self.axis = axis
        super().__init__(_cosine, name, dtype, axis=axis)


class R2Score(Metric):
    """The share of the labels' variance that predictions explain.

    Shapes: labels and predictions ``(batch, outputs)``.

    Args:
        class_aggregation: ``"uniform_average"``, ``"variance_weighted_average"``, or None for one score an output.
        num_regressors: the number of independent variables, for the adjusted score; 0 for the plain one.

    Source: https://en.wikipedia.org/wiki/Coefficient_of_determination
    """

    _direction = "up"
    aggregations = (None, "uniform_average", "variance_weighted_average")
    squared_deviations: Any = None  # these four are made at the first update
    mean: Any
    residual: Any
    count: Any

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ):
        if class_aggregation not in self.aggregations:
            raise ArgumentError("R2Score knows no such aggregation.", expected=self.aggregations, got=class_aggregation)
        if num_regressors < 0:
            raise ArgumentError("num_regressors is a number of variables.", expected="0 or more", got=num_regressors)
        super().__init__(dtype, name)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), name="num_samples")

    def _build(self, shape: tuple[int | None, ...]) -> None:
        if len(shape) != 2 or shape[1] is None:
            raise ShapeError("R2Score needs a known number of outputs.", expected="(batch, outputs)", got=shape)
        names = ("squared_deviations", "mean", "residual", "count")
        self.squared_deviations, self.mean, self.residual, self.count = (
            self.add_variable((shape[1],), dtype=WIDE, name=name) for name in names
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        given = weight_of(y_pred, sample_weight, WIDE)
        y_pred, y_true = (ops.convert_to_tensor(y, dtype=WIDE) for y in (y_pred, y_true))
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if self.squared_deviations is None:
            self._build(y_true.shape)
        ones = ops.ones_like(y_true)
        weight = ones if given is None else ops.multiply(ones, fit_weight(given, y_true))
        count = ops.sum(weight, axis=0)
        mean = ops.divide_no_nan(ops.sum(weighted(y_true, weight), axis=0), count)
        self._merge(count, mean, ops.sum(weighted(ops.square(y_true - mean), weight), axis=0))
        self.residual.assign_add(ops.sum(weighted(ops.square(y_true - y_pred), weight), axis=0))
        self.num_samples.assign_add(ops.sum(ones))  # as Keras: every output of an example is a sample

    def _merge(self, count: Any, mean: Any, squares: Any) -> None:
        """Add the labels' count, mean and squared deviations of a batch to those so far.

        Sums of squares would be rounded where labels are far from 0. Source: Chan, Golub and LeVeque, 1979.
        """
        before = self.count.value
        share = ops.divide_no_nan(count, before + count)
        apart = mean - self.mean.value
        self.squared_deviations.assign_add(squares + ops.square(apart) * before * share)  # pyright: ignore[reportOptionalMemberAccess]
        self.mean.assign_add(apart * share)
        self.count.assign_add(count)

    def result(self) -> Any:
        if self.squared_deviations is None:
            raise NotBuiltError("R2Score has seen no labels yet.", cure="update_state(y_true, y_pred) first")
        spread, residual = self.squared_deviations.value, self.residual.value
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
