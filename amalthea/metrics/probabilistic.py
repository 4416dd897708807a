"""Cross-entropies, divergences and hinges as metrics."""

from __future__ import annotations

from typing import Any

from amalthea import losses
from amalthea.engine.ir.tensor import Type
from amalthea.metrics.accuracy import has_class_numbers, has_one_unit
from amalthea.metrics.mean import MeanMetricWrapper


class BinaryCrossentropy(
    MeanMetricWrapper,
    aliases=(
        "bce",
        "BCE",
    ),
):
    """The mean cross-entropy of labels 0 and 1 with probabilities (or logits) of class 1."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **options)


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot labels with probabilities (or logits)."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
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
    """The mean cross-entropy of class numbers with probabilities (or logits)."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)


class KLDivergence(
    MeanMetricWrapper,
    aliases=(
        "kld",
        "KLD",
    ),
):
    """The mean divergence of the predicted distribution from the true one."""

    _direction = "down"

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean loss of counts under a Poisson distribution whose mean is predicted."""

    _direction = "down"

    def __init__(self, name: str | None = "poisson", dtype: Any = None):
        super().__init__(losses.poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """The mean distance by which predictions stay behind a margin of 1."""

    _direction = "down"

    def __init__(self, name: str | None = "hinge", dtype: Any = None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean squared distance by which predictions stay behind a margin of 1."""

    _direction = "down"

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """How far the right class is, in the mean, from beating every other by 1."""

    _direction = "down"

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None):
        super().__init__(losses.categorical_hinge, name, dtype)


def crossentropy_for(y_true: Type, y_pred: Type) -> type[MeanMetricWrapper]:
    """The metric that ``"crossentropy"`` means for labels and predictions of these types."""
    if has_one_unit(y_pred):
        return BinaryCrossentropy
    return SparseCategoricalCrossentropy if has_class_numbers(y_true, y_pred) else CategoricalCrossentropy
