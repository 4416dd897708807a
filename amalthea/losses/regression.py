"""Losses of numbers: differences, relative differences, and angles between vectors."""

from __future__ import annotations

import math
from typing import Any

from amalthea import config, ops
from amalthea.losses.checks import alike, checked
from amalthea.losses.loss import LossFunctionWrapper, as_floats, registry, squeeze_or_expand_to_same_rank


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as floats of one rank."""
    return squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))


@checked(alike)
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(square(y_true - y_pred), axis=-1)``.

    >>> import numpy as np
    >>> from amalthea import losses
    >>> losses.mean_squared_error(np.zeros((1, 2), "float32"), np.array([[1.0, 3.0]], "float32"))
    array([5.], dtype=float32)
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@checked(alike)
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(abs(y_true - y_pred), axis=-1)``."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@checked(alike)
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100 * mean(abs((y_true - y_pred) / y_true), axis=-1)``; a label of 0 counts as ``epsilon()``."""
    y_true, y_pred = _pair(y_true, y_pred)
    size = ops.maximum(ops.abs(y_true), config.epsilon())
    return ops.multiply(ops.mean(ops.abs(ops.divide(y_true - y_pred, size)), axis=-1), 100.0)


@checked(alike)
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(square(log(y_true + 1) - log(y_pred + 1)), axis=-1)``; numbers below 0 count as ``epsilon()``."""
    y_true, y_pred = (ops.log(ops.add(ops.maximum(y, config.epsilon()), 1.0)) for y in _pair(y_true, y_pred))
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@checked(alike)
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half the squared error up to ``delta``, and beyond it the straight line that goes on from there.

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    square = ops.multiply(ops.square(error), 0.5)
    line = ops.multiply(ops.subtract(error, 0.5 * delta), delta)
    return ops.mean(ops.where(ops.less_equal(error, delta), square, line), axis=-1)


@checked(alike)
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)), axis=-1)``, in a form that large errors do not overflow."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = y_pred - y_true
    grown = ops.add(error, ops.softplus(ops.multiply(error, -2.0)))
    return ops.mean(ops.subtract(grown, math.log(2.0)), axis=-1)


@checked(alike)
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The negative cosine of the angle between the two vectors: -1 for the same direction, 1 for opposite ones."""
    y_true, y_pred = (ops.normalize(y, axis=axis) for y in _pair(y_true, y_pred))
    return ops.negative(ops.sum(y_true * y_pred, axis=axis))


class MeanSquaredError(LossFunctionWrapper):
    """The mean of the squared differences: ``loss="mse"``."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_error", dtype: Any = None
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of the absolute differences: ``loss="mae"``."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_error", dtype: Any = None
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean difference in percent of the label: ``loss="mape"``."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean squared difference of logarithms: ``loss="msle"``."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """Squared for errors up to ``delta``, linear beyond."""

    only_in_config_if_set = ("dtype", "delta")

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ):
        self.delta = delta
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """The logarithm of the hyperbolic cosine of the difference."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh", dtype: Any = None):
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """The negative cosine of the angle between labels and predictions."""

    only_in_config_if_set = ("dtype", "axis")

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ):
        self.axis = axis
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


registry.add(mean_squared_error, "mse", "MSE", module="keras.metrics")
registry.add(mean_absolute_error, "mae", "MAE", module="keras.metrics")
registry.add(mean_absolute_percentage_error, "mape", "MAPE", module="keras.metrics")
registry.add(mean_squared_logarithmic_error, "msle", "MSLE", module="keras.metrics")
registry.add(huber, "huber_loss")
registry.add(log_cosh, "logcosh")
registry.add(cosine_similarity)
