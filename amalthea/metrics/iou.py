"""Intersection over union: how well predicted regions cover the labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, ops
from amalthea.errors import ArgumentError
from amalthea.losses.loss import fit_weight
from amalthea.metrics.metric import Metric


class IoU(Metric):
    """Of some classes, the mean of ``true positives / (true positives + false positives + false negatives)``.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose mean is taken; one that never occurs is left out.
        ignore_class: a label whose examples do not count.
        sparse_y_true: whether labels are class numbers, or have one number for each class.
        sparse_y_pred: whether predictions are class numbers, or have one number for each class.
        axis: the axis of the classes.

    >>> import numpy as np
    >>> from amalthea.metrics import IoU
    >>> float(IoU(num_classes=2, target_class_ids=[0])(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).round(4))
    0.3333
    """

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
        self.total_confusion_matrix = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def _classes(self, y: Any, is_sparse: bool) -> Any:
        """Class numbers, ``(examples,)``."""
        y = ops.convert_to_tensor(y) if is_sparse else ops.argmax(y, axis=self.axis)
        return ops.reshape(ops.cast(y, "int32"), (-1,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        labels = self._classes(y_true, self.sparse_y_true)
        chosen = self._classes(y_pred, self.sparse_y_pred)
        from_class = ops.one_hot(labels, self.num_classes, dtype="float32")
        to_class = ops.one_hot(chosen, self.num_classes, dtype="float32")
        if sample_weight is not None:
            to_class = to_class * self._weight(sample_weight, y_true)
        if self.ignore_class is not None:
            counted = ops.cast(ops.not_equal(labels, self.ignore_class), "float32")
            to_class = to_class * ops.expand_dims(counted, -1)
        pairs = ops.matmul(ops.transpose(from_class), to_class)
        self.total_confusion_matrix.assign_add(ops.cast(pairs, self.dtype))

    def _weight(self, sample_weight: Any, y_true: Any) -> Any:
        """A weight for each example, ``(examples, 1)``."""
        y_true = ops.convert_to_tensor(y_true)
        y_true = y_true if self.sparse_y_true else ops.max(y_true, axis=self.axis)
        weight = fit_weight(ops.convert_to_tensor(sample_weight, dtype="float32"), y_true)
        return ops.reshape(weight * ops.ones_like(y_true, dtype="float32"), (-1, 1))

    def result(self) -> Any:
        matrix = ops.cast(self.total_confusion_matrix.value, "float32")
        right = ops.sum(matrix * ops.eye(self.num_classes), axis=0)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - right
        right, union = (ops.take(x, self.target_class_ids, axis=0) for x in (right, union))
        occurring = ops.sum(ops.cast(union > 0, "float32"))
        return ops.divide_no_nan(ops.sum(right / (union + config.epsilon())), occurring)


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
        above = ops.greater_equal(ops.convert_to_tensor(y_pred), self.threshold)
        super().update_state(y_true, above, sample_weight)


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
