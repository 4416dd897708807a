"""Losses of numbers: differences, relative differences, and angles between vectors."""

from __future__ import annotations

import math
from typing import Any

from amalthea import config, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.types import TensorLike
from amalthea.losses.checks import alike, checked
from amalthea.losses.loss import LossFunctionWrapper, as_floats, registry, squeeze_or_expand_to_same_rank


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as floats of one rank."""
    return squeeze_or_expand_to_same_rank(*as_floats(y_true, y_pred))


@checked(alike)
def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the mean of squared errors: ``mean(square(y_true - y_pred), axis=-1)``.

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.mean_squared_error([[0.0, 0.0]], [[1.0, 3.0]])).tolist()
        [5.0]
    """
    y, p = _pair(y_true, y_pred)
    return ops.mean(ops.square(y - p), axis=-1)


@checked(alike)
def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the mean of absolute errors: ``mean(abs(y_true - y_pred), axis=-1)``.

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.mean_absolute_error([[0.0, 0.0]], [[1.0, -3.0]])).tolist()
        [2.0]
    """
    y, p = _pair(y_true, y_pred)
    return ops.mean(ops.abs(y - p), axis=-1)


@checked(alike)
def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the mean of absolute errors in percent of the label.

    ``100 * mean(abs(y_true - y_pred) / maximum(abs(y_true), epsilon()), axis=-1)``

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.mean_absolute_percentage_error([[2.0, 4.0]], [[3.0, 4.0]])).tolist()
        [25.0]
    """
    y, p = _pair(y_true, y_pred)
    size = ops.maximum(ops.abs(y), config.epsilon())
    return ops.multiply(ops.mean(ops.abs(ops.divide(y - p, size)), axis=-1), 100.0)


@checked(alike)
def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the mean of squared differences between logarithms.

    ``mean(square(log(y_true + 1) - log(y_pred + 1)), axis=-1)``. Numbers below ``epsilon()`` count as ``epsilon()``.

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.mean_squared_logarithmic_error([[1.0]], [[3.0]])[0]), 4)  # log(2) ** 2
        0.4805
    """
    a, b = (ops.log(ops.add(ops.maximum(y, config.epsilon()), 1.0)) for y in _pair(y_true, y_pred))
    return ops.mean(ops.square(a - b), axis=-1)


@checked(alike)
def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Any:
    """Computes the Huber loss: quadratic for small errors, linear for large ones.

    With ``e = abs(y_pred - y_true)``, the mean over the last axis of ``e ** 2 / 2`` where ``e <= delta``, and of
    ``delta * (e - delta / 2)`` elsewhere.

    Args:
        |labels and predictions|
        delta: float, above 0; error at which the loss becomes linear. Defaults to 1.

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.huber([[0.0], [0.0]], [[0.5], [3.0]])).tolist()
        [0.125, 2.5]

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """
    y, p = _pair(y_true, y_pred)
    error = ops.abs(p - y)
    square = ops.multiply(ops.square(error), 0.5)
    line = ops.multiply(ops.subtract(error, 0.5 * delta), delta)
    return ops.mean(ops.where(ops.less_equal(error, delta), square, line), axis=-1)


@checked(alike)
def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the mean logarithm of the hyperbolic cosine of errors.

    ``mean(log(cosh(y_pred - y_true)), axis=-1)``: near ``e ** 2 / 2`` for a small error e, and near
    ``abs(e) - log(2)`` for a large one. It is computed as ``e + softplus(-2 * e) - log(2)``, which does not overflow.

    Args:
        |labels and predictions|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.log_cosh([[0.0], [0.0]], [[0.1], [100.0]])).round(4).tolist()
        [0.005, 99.3069]
    """
    y, p = _pair(y_true, y_pred)
    error = p - y
    grown = ops.add(error, ops.softplus(ops.multiply(error, -2.0)))
    return ops.mean(ops.subtract(grown, math.log(2.0)), axis=-1)


@checked(alike)
def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """Computes the negative cosine of the angle between labels and predictions.

    ``-sum(y_true * y_pred, axis) / (norm(y_true) * norm(y_pred))``: -1 for the same direction, 0 for a right angle,
    1 for opposite directions.

    Args:
        |labels and predictions|
        axis: int; axis along which one vector lies. Defaults to -1, the last.

    Shapes:
        (batch, ..., features) for labels and predictions -> (batch, ...), without ``axis``

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> values = losses.cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
        >>> np.asarray(values).round(4).tolist()
        [-1.0, 0.0]
    """
    a, b = (ops.normalize(y, axis=axis) for y in _pair(y_true, y_pred))
    return ops.negative(ops.sum(a * b, axis=axis))


class MeanSquaredError(LossFunctionWrapper):
    """Mean of squared errors: ``mean(square(y_true - y_pred), axis=-1)``.

    Also known as ``loss="mse"``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> float(losses.MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]]))
        5.0
        >>> float(losses.MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[1.0, 0.0]))
        0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """Mean of absolute errors: ``mean(abs(y_true - y_pred), axis=-1)``.

    Also known as ``loss="mae"``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> float(losses.MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [-3.0]]))
        2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """Mean of absolute errors in percent of the label.

    ``100 * mean(abs(y_true - y_pred) / maximum(abs(y_true), epsilon()), axis=-1)``. Also known as ``loss="mape"``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> float(losses.MeanAbsolutePercentageError()([[2.0], [4.0]], [[3.0], [4.0]]))
        25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """Mean of squared differences between logarithms, for numbers 0 and above.

    ``mean(square(log(y_true + 1) - log(y_pred + 1)), axis=-1)``. Numbers below ``epsilon()`` count as ``epsilon()``.
    Also known as ``loss="msle"``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)  # log(2) ** 2
        0.4805
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """Huber loss: quadratic for small errors, linear for large ones, so that outliers weigh less.

    With ``e = abs(y_pred - y_true)``, the mean over the last axis of ``e ** 2 / 2`` where ``e <= delta``, and of
    ``delta * (e - delta / 2)`` elsewhere.

    Args:
        delta: float, above 0; error at which the loss becomes linear. Defaults to 1.
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> float(losses.Huber(delta=1.0)([[0.0], [0.0]], [[0.5], [3.0]]))  # mean of 0.125 and 2.5
        1.3125

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """

    _only_in_config_if_set = ("dtype", "delta")

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: PolicyLike | None = None,
    ):
        self.delta = delta
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """Mean logarithm of the hyperbolic cosine of errors: a smooth form of the absolute error.

    ``mean(log(cosh(y_pred - y_true)), axis=-1)``: near ``e ** 2 / 2`` for a small error e, and near
    ``abs(e) - log(2)`` for a large one.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.LogCosh()([[0.0]], [[100.0]])), 4)  # 100 - log(2)
        99.3069
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Negative cosine of the angle between labels and predictions.

    ``-sum(y_true * y_pred, axis) / (norm(y_true) * norm(y_pred))``: -1 for the same direction, 0 for a right angle,
    1 for opposite directions.

    Args:
        axis: int; axis along which one vector lies. Defaults to -1, the last.
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.CosineSimilarity()([[1.0, 0.0]], [[2.0, 2.0]])), 4)  # -cos(45 degrees)
        -0.7071
    """

    _only_in_config_if_set = ("dtype", "axis")

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: PolicyLike | None = None,
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
