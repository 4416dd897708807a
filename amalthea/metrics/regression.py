"""Errors of predicted numbers."""

from __future__ import annotations

from typing import Any

from amalthea import config, losses, ops
from amalthea.errors import ArgumentError, NotBuiltError, ShapeError
from amalthea.losses.loss import fit_weight, squeeze_or_expand_to_same_rank
from amalthea.metrics.mean import Mean, MeanMetricWrapper
from amalthea.metrics.metric import Metric


class MeanSquaredError(
    MeanMetricWrapper,
    aliases=(
        "mse",
        "MSE",
    ),
):
    """The mean of the squared differences."""

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

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class RootMeanSquaredError(Mean, aliases=("rmse", "RMSE")):
    """The root of the mean of all squared differences."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


class LogCoshError(MeanMetricWrapper, aliases=("logcosh",)):
    """The mean logarithm of the hyperbolic cosine of the difference."""

    def __init__(self, name: str | None = "logcosh", dtype: Any = None):
        super().__init__(losses.log_cosh, name, dtype)


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine itself: the loss of that name is its negative."""
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis=axis))


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions."""

    only_in_config_if_set = ("axis",)

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

    aggregations = (None, "uniform_average", "variance_weighted_average")
    squared_sum: Any = None  # these four are made at the first update
    sum: Any
    total_mse: Any
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
        names = ("squared_sum", "sum", "residual", "count")
        self.squared_sum, self.sum, self.total_mse, self.count = (
            self.add_variable((shape[1],), name=name) for name in names
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if self.squared_sum is None:
            self._build(y_true.shape)
        ones = ops.ones_like(y_true)
        weight = ones
        if sample_weight is not None:
            weight = ones * fit_weight(ops.convert_to_tensor(sample_weight, dtype=self.dtype), y_true)
        self.sum.assign_add(ops.sum(y_true * weight, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.square(y_true) * weight, axis=0))  # pyright: ignore[reportOptionalMemberAccess]
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.sum(ones))  # as Keras: every output of an example is a sample

    def result(self) -> Any:
        if self.squared_sum is None:
            raise NotBuiltError("R2Score has seen no labels yet.", cure="update_state(y_true, y_pred) first")
        mean = self.sum.value / self.count.value
        total = self.squared_sum.value - self.sum.value * mean
        raw = 1.0 - self.total_mse.value / total
        raw = ops.where(ops.isinf(raw), ops.zeros_like(raw), raw)
        return self._adjusted(self._aggregated(raw, total))

    def _aggregated(self, scores: Any, variance: Any) -> Any:
        if self.class_aggregation == "uniform_average":
            return ops.mean(scores)
        if self.class_aggregation == "variance_weighted_average":
            return ops.sum(scores * variance) / ops.sum(variance)
        return scores

    def _adjusted(self, score: Any) -> Any:
        if not self.num_regressors:
            return score
        rest = self.num_samples.value - self.num_regressors - 1.0
        adjusted = 1.0 - (1.0 - score) * (self.num_samples.value - 1.0) / ops.maximum(rest, config.epsilon())
        return ops.where(rest > 0, adjusted, score)
