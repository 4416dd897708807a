"""Intersection over union: how well predicted regions cover the labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError
from amalthea.losses.loss import fit_weight
from amalthea.metrics.metric import WIDE, Metric
from amalthea.metrics.weights import is_large, weight_of


class IoU(Metric):
    """Of some classes, the mean of ``true positives / (true positives + false positives + false negatives)``.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose mean is taken; one that never occurs is left out.
        ignore_class: a label whose examples do not count; nor is its own overlap part of the mean.
        sparse_y_true: whether labels are class numbers, or have one number for each class.
        sparse_y_pred: whether predictions are class numbers, or have one number for each class.
        axis: the axis of the classes.

    >>> import numpy as np
    >>> from amalthea.metrics import IoU
    >>> float(IoU(num_classes=2, target_class_ids=[0])(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).round(4))
    0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype or "int32", name)
        if target_class_ids and max(target_class_ids) >= num_classes:
            raise ArgumentError("A target class does not exist.", expected=f"below {num_classes}", got=target_class_ids)
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_confusion_matrix = self.add_variable(
            (num_classes, num_classes), dtype=WIDE, name="total_confusion_matrix"
        )

    def _classes(self, y: Any, is_sparse: bool) -> Any:
        """Class numbers, ``(examples,)``."""
        y = ops.convert_to_tensor(y) if is_sparse else ops.argmax(y, axis=self.axis)
        return ops.reshape(ops.cast(y, "int32"), (-1,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = weight_of(y_pred, sample_weight, WIDE)
        labels = self._classes(y_true, self.sparse_y_true)
        self._add(labels, self._chosen(labels, ops.convert_to_tensor(y_pred)), self._weight(weight, y_true))

    def _chosen(self, labels: Any, y_pred: Any) -> Any:
        """The predicted classes; a wrong one where a prediction is NaN."""
        chosen = self._classes(y_pred, self.sparse_y_pred)
        if not dtypes.is_float(dtypes.name_of(y_pred)):
            return chosen
        is_nan = ops.isnan(y_pred)
        is_nan = is_nan if self.sparse_y_pred else ops.any(is_nan, axis=self.axis)
        return ops.where(ops.reshape(is_nan, (-1,)), _next_class(labels, self.num_classes), chosen)

    def _add(self, labels: Any, chosen: Any, weight: Any) -> None:
        from_class = ops.one_hot(labels, self.num_classes, dtype="float32")
        to_class = ops.one_hot(chosen, self.num_classes, dtype="float32")
        if weight is not None or is_large(labels):
            from_class, to_class = ops.cast(from_class, WIDE), ops.cast(to_class, WIDE)
        to_class = to_class if weight is None else to_class * weight
        if self.ignore_class is not None:
            counted = ops.cast(ops.not_equal(labels, self.ignore_class), to_class.dtype)
            to_class = to_class * ops.expand_dims(counted, -1)
        self.total_confusion_matrix.assign_add(ops.matmul(ops.transpose(from_class), to_class))

    def _weight(self, weight: Any, y_true: Any) -> Any:
        """A weight for each example, ``(examples, 1)``."""
        if weight is None:
            return None
        y_true = ops.convert_to_tensor(y_true)
        y_true = y_true if self.sparse_y_true else ops.max(y_true, axis=self.axis)
        return ops.reshape(ops.multiply(fit_weight(weight, y_true), ops.ones_like(y_true, dtype="bool")), (-1, 1))

    def result(self) -> Any:
        matrix = self.total_confusion_matrix.value
        right = ops.sum(matrix * ops.eye(self.num_classes, dtype=WIDE), axis=0)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - right
        averaged = [c for c in self.target_class_ids if c != self.ignore_class]
        if not averaged:
            return self._as_result(ops.zeros((), dtype=WIDE))
        right, union = (ops.take(x, averaged, axis=0) for x in (right, union))
        occurring = ops.sum(ops.cast(union > 0, WIDE))
        return self._as_result(ops.divide_no_nan(ops.sum(ops.divide_no_nan(right, union)), occurring))


def _next_class(labels: Any, count: int) -> Any:
    return ops.mod(labels + 1, count)


class MeanIoU(IoU):
    """The mean intersection over union of all classes. (For the arguments, see :class:`IoU`.)"""

    not_in_config = ("target_class_ids",)

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        every = range(num_classes)
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class BinaryIoU(IoU):
    """The intersection over union of probabilities above a threshold. (For the arguments, see :class:`IoU`.)"""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = weight_of(y_pred, sample_weight, WIDE)
        y_pred = ops.convert_to_tensor(y_pred)
        labels = self._classes(y_true, is_sparse=True)
        above = ops.reshape(ops.cast(ops.greater_equal(y_pred, self.threshold), "int32"), (-1,))
        chosen = ops.where(ops.reshape(ops.isnan(y_pred), (-1,)), _next_class(labels, 2), above)
        self._add(labels, chosen, self._weight(weight, y_true))


class OneHotIoU(IoU):
    """The intersection over union for one-hot labels. (For the arguments, see :class:`IoU`.)"""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of all classes for one-hot labels. (For the arguments, see :class:`IoU`.)"""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
