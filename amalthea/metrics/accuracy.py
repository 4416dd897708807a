"""Accuracies: shares of predictions that are right."""

from __future__ import annotations

from typing import Any

from amalthea import config, docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.ir.tensor import Type
from amalthea.engine.types import TensorLike
from amalthea.losses.loss import squeeze_or_expand_to_same_rank
from amalthea.metrics.mean import MeanMetricWrapper
from amalthea.metrics.metric import registry, upwards

docstrings.share(
    "threshold of predictions",
    """
    threshold: float; value above which a prediction stands for class 1. Defaults to 0.5.
    """,
)
docstrings.share(
    "class numbers and scores",
    """
    y_true: tensor; class numbers from 0.
    y_pred: tensor; scores of the classes.
    """,
)
docstrings.share("k of top k accuracies", "k: int; number of highest predictions that are looked at. Defaults to 5.")
docstrings.share(
    "sorted ids",
    """
    from_sorted_ids: bool; whether predictions are class numbers, the best first, in place of scores. Defaults to
        False.
    """,
)
docstrings.share(
    "shapes of sparse accuracies",
    "(batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for predictions -> (batch, ...)",
)


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
@docstrings.fill
def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Returns 1 where prediction and label are equal, 0 elsewhere.

    Args:
        |labels and predictions|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics
        >>> np.asarray(metrics.accuracy([1, 2, 3], [1, 2, 4])).tolist()
        [1.0, 1.0, 0.0]
    """
    y, p = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    return _hits(ops.equal(y, p))


@upwards
@docstrings.fill
def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Any:
    """Returns 1 where the prediction lies on the label's side of a threshold, 0 elsewhere.

    For labels y and predictions p: ``y == (p > threshold)``. A prediction of NaN is wrong.

    Args:
        y_true: tensor; labels 0 and 1.
        y_pred: tensor; predictions, of the shape of the labels.
        |threshold of predictions|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics
        >>> np.asarray(metrics.binary_accuracy([1, 1, 0], [0.9, 0.2, 0.4])).tolist()
        [1.0, 0.0, 1.0]
    """
    y, p = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    above = ops.cast(ops.greater(p, threshold), y.dtype)
    return _hits(ops.logical_and(ops.equal(y, above), ops.logical_not(ops.isnan(p))))


@upwards
@docstrings.fill
def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Returns 1 where the class of the highest prediction is that of the one-hot label, 0 elsewhere.

    ``argmax(y_true, axis=-1) == argmax(y_pred, axis=-1)``. Predictions with a NaN among them are wrong.

    Args:
        y_true: tensor; one-hot labels.
        y_pred: tensor; scores of the classes, of the shape of the labels.

    Shapes:
        (batch, ..., classes) for labels and predictions -> (batch, ...)

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics
        >>> y, p = [[0, 1], [0, 1]], [[0.1, 0.9], [0.6, 0.4]]
        >>> np.asarray(metrics.categorical_accuracy(y, p)).tolist()
        [1.0, 0.0]
    """
    return _highest_is(ops.argmax(y_true, axis=-1), ops.convert_to_tensor(y_pred))


@upwards
@docstrings.fill
def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Returns 1 where the class of the highest prediction is the label, 0 elsewhere.

    ``y_true == argmax(y_pred, axis=-1)``. Predictions with a NaN among them are wrong.

    Args:
        |class numbers and scores|

    Shapes:
        |shapes of sparse accuracies|

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics
        >>> np.asarray(metrics.sparse_categorical_accuracy([1, 1], [[0.1, 0.9], [0.6, 0.4]])).tolist()
        [1.0, 0.0]
    """
    p = ops.convert_to_tensor(y_pred)
    return _highest_is(_class_numbers(y_true, p), p)


def _highest_is(label: Any, y_pred: Any) -> Any:
    return _hits(ops.logical_and(ops.equal(label, ops.argmax(y_pred, axis=-1)), _is_number(y_pred)))


@upwards
@docstrings.fill
def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Any:
    """Returns 1 where the class of the one-hot label is among the ``k`` highest predictions, 0 elsewhere.

    Of equal predictions the first ones are taken. Predictions with a NaN among them are wrong.

    Args:
        y_true: tensor; one-hot labels.
        y_pred: tensor; scores of the classes, of the shape of the labels.
        |k of top k accuracies|

    Shapes:
        (batch, ..., classes) for labels and predictions -> (batch, ...)

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics
        >>> y, p = [[0, 1, 0], [0, 0, 1]], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]]
        >>> np.asarray(metrics.top_k_categorical_accuracy(y, p, k=2)).tolist()
        [1.0, 0.0]
    """
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


@upwards
@docstrings.fill
def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """Returns 1 where the label is among the classes of the ``k`` highest predictions, 0 elsewhere.

    Of equal predictions the first ones are taken. Predictions with a NaN among them are wrong.

    Args:
        |class numbers and scores|
        |k of top k accuracies|
        |sorted ids|

    Shapes:
        |shapes of sparse accuracies|

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics
        >>> p = [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]]
        >>> np.asarray(metrics.sparse_top_k_categorical_accuracy([1, 2], p, k=2)).tolist()
        [1.0, 0.0]
    """
    p = ops.convert_to_tensor(y_pred)
    label = ops.expand_dims(_class_numbers(y_true, p), -1)
    if from_sorted_ids:
        return _hits(ops.any(ops.equal(label, p[..., :k]), axis=-1))
    score = ops.take_along_axis(p, label, axis=-1)
    earlier = ops.less(ops.arange(ops.shape(p)[-1], dtype="int32"), label)
    before = ops.logical_or(ops.greater(p, score), ops.logical_and(ops.equal(p, score), earlier))
    rank = ops.sum(ops.cast(before, "int32"), axis=-1)
    return _hits(ops.logical_and(ops.less(rank, k), _is_number(p)))


class Accuracy(MeanMetricWrapper):
    """Share of predictions that equal their label.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.Accuracy()
        >>> m.update_state([1, 2, 3, 4], [1, 2, 3, 0])
        >>> float(m.result())
        0.75
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: PolicyLike | None = None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """Share of predictions that lie on their label's side of a threshold.

    A prediction of NaN is wrong.

    Args:
        |options of a metric|
        |threshold of predictions|

    Shapes:
        |shapes of binary metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.BinaryAccuracy()
        >>> m.update_state([1, 1, 0, 0], [0.9, 0.2, 0.4, 0.1])
        >>> float(m.result())
        0.75
    """

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: PolicyLike | None = None, threshold: float = 0.5):
        self.threshold = threshold
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """Share of examples whose highest prediction is that of the right class, for one-hot labels.

    Predictions with a NaN among them are wrong.

    Args:
        |options of a metric|

    Shapes:
        |shapes of categorical metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.CategoricalAccuracy()
        >>> m.update_state([[0, 1], [0, 1]], [[0.1, 0.9], [0.6, 0.4]])
        >>> float(m.result())
        0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: PolicyLike | None = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Share of examples whose highest prediction is that of the right class, for class numbers.

    Predictions with a NaN among them are wrong.

    Args:
        |options of a metric|

    Shapes:
        |shapes of sparse metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.SparseCategoricalAccuracy()
        >>> m.update_state([1, 1], [[0.1, 0.9], [0.6, 0.4]])
        >>> float(m.result())
        0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: PolicyLike | None = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of examples whose right class is among the ``k`` highest predictions, for one-hot labels.

    Of equal predictions the first ones are taken. Predictions with a NaN among them are wrong.

    Args:
        |k of top k accuracies|
        |options of a metric|

    Shapes:
        |shapes of categorical metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.TopKCategoricalAccuracy(k=2)
        >>> m.update_state([[0, 1, 0], [0, 0, 1]], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]])
        >>> float(m.result())
        0.5
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: PolicyLike | None = None):
        self.k = k
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of examples whose right class is among the ``k`` highest predictions, for class numbers.

    Of equal predictions the first ones are taken. Predictions with a NaN among them are wrong.

    Args:
        |k of top k accuracies|
        |options of a metric|
        |sorted ids|

    Shapes:
        |shapes of sparse metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.SparseTopKCategoricalAccuracy(k=2)
        >>> m.update_state([1, 2], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]])
        >>> float(m.result())
        0.5
    """

    _only_in_config_if_set = ("from_sorted_ids",)

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: PolicyLike | None = None,
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
    """Returns the metric class that ``metrics=["accuracy"]`` stands for, by the types of labels and predictions.

    Args:
        y_true: type (shape and dtype) of the labels.
        y_pred: type (shape and dtype) of the predictions.

    Returns:
        :class:`BinaryAccuracy` for predictions of one unit, else :class:`SparseCategoricalAccuracy` for class numbers
        and :class:`CategoricalAccuracy` for one-hot labels.

    Example:
        >>> from amalthea import layers, metrics
        >>> labels, predictions = layers.Input((), dtype="int32"), layers.Input((10,))
        >>> metrics.accuracy_for(labels.type, predictions.type).__name__
        'SparseCategoricalAccuracy'
    """
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
