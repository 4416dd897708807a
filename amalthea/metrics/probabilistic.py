"""Cross-entropies, divergences and hinges as metrics."""

from __future__ import annotations

from amalthea import docstrings, losses
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.ir.tensor import Type
from amalthea.metrics.accuracy import has_class_numbers, has_one_unit
from amalthea.metrics.mean import MeanMetricWrapper

docstrings.share(
    "from logits or probabilities",
    """
    from_logits: bool; whether predictions are logits, to which a sigmoid (binary) or softmax still applies.
        Defaults to False, which takes them for probabilities, kept within ``[epsilon(), 1 - epsilon()]``.
    """,
)
docstrings.share(
    "label smoothing of metrics",
    """
    label_smoothing: float in [0, 1]; a label y becomes ``y * (1 - label_smoothing) + label_smoothing / classes``.
        Defaults to 0, no smoothing.
    """,
)


class BinaryCrossentropy(MeanMetricWrapper, aliases=("bce", "BCE")):
    """Mean cross-entropy between labels 0 and 1 and predicted probabilities of class 1.

    For labels y and probabilities p: ``mean(-(y * log(p) + (1 - y) * log(1 - p)))``.

    Args:
        |options of a metric|
        |from logits or probabilities|
        |label smoothing of metrics|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.BinaryCrossentropy()
        >>> m.update_state([[0.0], [1.0]], [[0.5], [0.5]])
        >>> round(float(m.result()), 4)  # log(2)
        0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: PolicyLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **options)


class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy between one-hot labels and predicted probabilities of the classes.

    For labels y and probabilities p: ``-sum(y * log(p), axis)``.

    Args:
        |options of a metric|
        |from logits or probabilities|
        |label smoothing of metrics|
        axis: int; axis of the classes. Defaults to -1, the last.

    Shapes:
        |shapes of categorical metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.CategoricalCrossentropy()
        >>> m.update_state([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.6, 0.4]])
        >>> round(float(m.result()), 4)  # mean of -log(0.8) and -log(0.6)
        0.367
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: PolicyLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **options)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy between class numbers and predicted probabilities of the classes.

    ``-log(p[label])``

    Args:
        |options of a metric|
        |from logits or probabilities|
        ignore_class: int or None; label whose examples do not count. Defaults to None, which counts all.
        axis: int; axis of the classes in the predictions. Defaults to -1, the last.

    Shapes:
        |shapes of sparse metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
        >>> m.update_state([1, 0, -1], [[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
        >>> round(float(m.result()), 4)  # mean of -log(0.8) and -log(0.6)
        0.367
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: PolicyLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)


class KLDivergence(MeanMetricWrapper, aliases=("kld", "KLD")):
    """Mean Kullback-Leibler divergence of the predicted distribution from the true one, in nats.

    For distributions y (true) and p (predicted): ``sum(y * log(y / p), axis=-1)``.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.KLDivergence()
        >>> m.update_state([[0.5, 0.5]], [[0.9, 0.1]])
        >>> round(float(m.result()), 4)
        0.5108
    """

    _direction = "down"

    def __init__(self, name: str | None = "kl_divergence", dtype: PolicyLike | None = None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """Mean negative log-likelihood of counts under Poisson distributions whose means are predicted.

    For counts y and means p: ``mean(p - y * log(p + epsilon()))``. The constant ``log(y!)`` is left out.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.Poisson()
        >>> m.update_state([[2.0]], [[2.0]])
        >>> round(float(m.result()), 4)  # 2 - 2 * log(2)
        0.6137
    """

    _direction = "down"

    def __init__(self, name: str | None = "poisson", dtype: PolicyLike | None = None):
        super().__init__(losses.poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """Mean hinge loss: distance by which predictions miss a margin of 1.

    For labels y of -1 and 1 (labels 0 and 1 are turned into them) and scores p: ``mean(maximum(1 - y * p, 0))``.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.Hinge()
        >>> m.update_state([[1.0], [-1.0]], [[2.0], [0.5]])
        >>> float(m.result())  # mean of 0 and 1.5
        0.75
    """

    _direction = "down"

    def __init__(self, name: str | None = "hinge", dtype: PolicyLike | None = None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """Mean squared hinge loss: squared distance by which predictions miss a margin of 1.

    For labels y of -1 and 1 (labels 0 and 1 are turned into them) and scores p:
    ``mean(square(maximum(1 - y * p, 0)))``.

    Args:
        |options of a metric|

    Shapes:
        |shapes of a metric|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.SquaredHinge()
        >>> m.update_state([[1.0], [-1.0]], [[2.0], [0.5]])
        >>> float(m.result())  # mean of 0 and 1.5 ** 2
        1.125
    """

    _direction = "down"

    def __init__(self, name: str | None = "squared_hinge", dtype: PolicyLike | None = None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """Mean hinge loss between one-hot labels and scores of the classes.

    For labels y and scores p: ``maximum(max((1 - y) * p) - sum(y * p) + 1, 0)`` over the last axis.

    Args:
        |options of a metric|

    Shapes:
        |shapes of categorical metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.CategoricalHinge()
        >>> m.update_state([[0.0, 1.0], [0.0, 1.0]], [[1.0, 3.0], [1.0, 1.5]])
        >>> float(m.result())  # mean of 0 and 0.5
        0.25
    """

    _direction = "down"

    def __init__(self, name: str | None = "categorical_hinge", dtype: PolicyLike | None = None):
        super().__init__(losses.categorical_hinge, name, dtype)


def crossentropy_for(y_true: Type, y_pred: Type) -> type[MeanMetricWrapper]:
    """Returns the metric class that ``metrics=["crossentropy"]`` stands for, by the types of labels and predictions.

    Args:
        y_true: type (shape and dtype) of the labels.
        y_pred: type (shape and dtype) of the predictions.

    Returns:
        :class:`BinaryCrossentropy` for predictions of one unit, else :class:`SparseCategoricalCrossentropy` for class
        numbers and :class:`CategoricalCrossentropy` for one-hot labels.

    Example:
        >>> from amalthea import layers, metrics
        >>> labels, predictions = layers.Input((10,)), layers.Input((10,))
        >>> metrics.crossentropy_for(labels.type, predictions.type).__name__
        'CategoricalCrossentropy'
    """
    if has_one_unit(y_pred):
        return BinaryCrossentropy
    return SparseCategoricalCrossentropy if has_class_numbers(y_true, y_pred) else CategoricalCrossentropy
