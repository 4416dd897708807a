"""How often the prediction is right."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.engine.ir.tensor import Type
from amalthea.losses.loss import squeeze_or_expand_to_same_rank
from amalthea.metrics.mean import MeanMetricWrapper
from amalthea.metrics.metric import registry, upwards


def _hits(is_hit: Any) -> Any:
    return ops.cast(is_hit, config.floatx())


def _is_number(x: Any) -> Any:
    """True where no prediction of the last axis is NaN."""
    return ops.logical_not(ops.any(ops.isnan(x), axis=-1))


def _class_numbers(y_true: Any, y_pred: Any) -> Any:
    """Labels ``(batch, ...)`` for predictions ``(batch, ..., classes)``, without a last axis of size 1."""
    y_true = ops.convert_to_tensor(y_true)
    has_extra_axis = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1
    return ops.cast(ops.squeeze(y_true, axis=-1) if has_extra_axis else y_true, "int32")


@upwards
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the two are equal."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    return _hits(ops.equal(y_true, y_pred))


@upwards
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where the label is 1 and the prediction above the threshold, or neither. A prediction of NaN is wrong.

    >>> import numpy as np
    >>> from amalthea import metrics
    >>> metrics.binary_accuracy(np.array([1, 1, 0]), np.array([0.9, 0.2, 0.4]))
    array([1., 0., 1.], dtype=float32)
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    above = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return _hits(ops.logical_and(ops.equal(y_true, above), ops.logical_not(ops.isnan(y_pred))))


@upwards
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the highest prediction is that of the highest label. Predictions with a NaN among them are wrong."""
    return _highest_is(ops.argmax(y_true, axis=-1), ops.convert_to_tensor(y_pred))


@upwards
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the highest prediction is that of the class which the label names; NaN as above."""
    y_pred = ops.convert_to_tensor(y_pred)
    return _highest_is(_class_numbers(y_true, y_pred), y_pred)


def _highest_is(label: Any, y_pred: Any) -> Any:
    return _hits(ops.logical_and(ops.equal(label, ops.argmax(y_pred, axis=-1)), _is_number(y_pred)))


@upwards
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the class of the highest label is among the ``k`` highest predictions."""
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


@upwards
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """1 where the class that the label names is among the ``k`` highest predictions.

    Of equal predictions the first ones are taken. Predictions with a NaN among them are wrong.

    Args:
        from_sorted_ids: whether the predictions are class numbers, the best first.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    label = ops.expand_dims(_class_numbers(y_true, y_pred), -1)
    if from_sorted_ids:
        return _hits(ops.any(ops.equal(label, y_pred[..., :k]), axis=-1))
    score = ops.take_along_axis(y_pred, label, axis=-1)
    earlier = ops.less(ops.arange(ops.shape(y_pred)[-1], dtype="int32"), label)
    before = ops.logical_or(ops.greater(y_pred, score), ops.logical_and(ops.equal(y_pred, score), earlier))
    rank = ops.sum(ops.cast(before, "int32"), axis=-1)
    return _hits(ops.logical_and(ops.less(rank, k), _is_number(y_pred)))


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions lie on the label's side of the threshold."""

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        self.threshold = threshold
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the highest prediction is the right one, for one-hot labels."""

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the highest prediction is the right one, for class numbers."""

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the ``k`` highest predictions, for one-hot labels."""

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None):
        self.k = k
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the ``k`` highest predictions, for class numbers."""

    only_in_config_if_set = ("from_sorted_ids",)

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ):
        self.k, self.from_sorted_ids = k, from_sorted_ids
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)


def has_one_unit(y_pred: Type) -> bool:
    """Predictions of one number each."""
    return len(y_pred.shape) < 2 or y_pred.shape[-1] == 1


def has_class_numbers(y_true: Type, y_pred: Type) -> bool:
    """Labels of one number each for predictions of several."""
    return len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1


def accuracy_for(y_true: Type, y_pred: Type) -> type[MeanMetricWrapper]:
    """The accuracy that ``"accuracy"`` means for labels and predictions of these types."""
    if has_one_unit(y_pred):
        return BinaryAccuracy
    return SparseCategoricalAccuracy if has_class_numbers(y_true, y_pred) else CategoricalAccuracy


_FUNCTIONS = (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
)
registry.modules.update({function: "keras.metrics" for function in _FUNCTIONS})
