"""Intersection over union of predicted and labelled regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError
from amalthea.losses.loss import fit_weight
from amalthea.metrics.metric import WIDE, Metric
from amalthea.metrics.weights import is_large, weight_of

docstrings.share("num classes", "num_classes: int; number of classes.")
docstrings.share(
    "target class ids",
    """
    target_class_ids: sequence of ints; classes whose scores are averaged. A class that occurs neither in labels nor in
        predictions is left out.
    """,
)
docstrings.share(
    "ignored class",
    """
    ignore_class: int or None; label whose examples do not count, and whose score is not averaged. Defaults to None,
        which counts all.
    """,
)
docstrings.share(
    "dtype of an overlap",
    """
    name: str or None; name of the result in logs. None takes the name of the class in lower case.
    dtype: str, dtype policy or None; dtype of the result, float32 at least. Counts are kept in float64. Defaults to
        None, which gives float32.
    """,
)
docstrings.share("axis of classes", "axis: int; axis of the classes, where there is one. Defaults to -1, the last.")
docstrings.share(
    "sparse labels and predictions",
    """
    sparse_y_true: bool; whether labels are class numbers. With False they have one number for each class, whose
        highest is taken. Defaults to True.
    sparse_y_pred: bool; the same for predictions. Defaults to True.
    """,
)
docstrings.share(
    "sparse predictions",
    """
    sparse_y_pred: bool; whether predictions are class numbers. Defaults to False: they have one number for each class,
        whose highest is taken.
    """,
)


class IoU(Metric):
    """Intersection over union, averaged over some classes: ``tp / (tp + fp + fn)``.

    A prediction of NaN is wrong.

    Args:
        |num classes|
        |target class ids|
        |dtype of an overlap|
        |ignored class|
        |sparse labels and predictions|
        |axis of classes|

    Shapes:
        (batch, ...) for labels, predictions and sample weights -> (); labels and predictions that are not sparse have
        one axis more, of classes

    Raises:
        ArgumentError: a target class is ``num_classes`` or above.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> m.update_state([0, 0, 1, 1], [0, 1, 0, 1])
        >>> round(float(m.result()), 4)  # 1 / (1 + 1 + 1)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: PolicyLike | None = None,
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
        self.total_cm = self.add_variable((num_classes, num_classes), dtype=WIDE, name="total_confusion_matrix")

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
        self.total_cm.assign_add(ops.matmul(ops.transpose(from_class), to_class))

    def _weight(self, weight: Any, y_true: Any) -> Any:
        """A weight for each example, ``(examples, 1)``."""
        if weight is None:
            return None
        y_true = ops.convert_to_tensor(y_true)
        y_true = y_true if self.sparse_y_true else ops.max(y_true, axis=self.axis)
        return ops.reshape(ops.multiply(fit_weight(weight, y_true), ops.ones_like(y_true, dtype="bool")), (-1, 1))

    def result(self) -> Any:
        matrix = self.total_cm.value
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
    """Intersection over union, averaged over all classes: ``tp / (tp + fp + fn)``.

    A class that occurs neither in labels nor in predictions is left out.

    Args:
        |num classes|
        |dtype of an overlap|
        |ignored class|
        |sparse labels and predictions|
        |axis of classes|

    Shapes:
        (batch, ...) for labels, predictions and sample weights -> (); labels and predictions that are not sparse have
        one axis more, of classes

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.MeanIoU(num_classes=2)
        >>> m.update_state([0, 0, 0, 1], [0, 0, 1, 1])
        >>> round(float(m.result()), 4)  # mean of 2 / 3 and 1 / 2
        0.5833
    """

    _not_in_config = ("target_class_ids",)

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: PolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        every = range(num_classes)
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class BinaryIoU(IoU):
    """Intersection over union of two classes, for probabilities of class 1.

    Args:
        target_class_ids: sequence of ints, of 0 and 1; classes whose scores are averaged. Defaults to both.
        threshold: float; least probability that stands for class 1. Defaults to 0.5.
        |dtype of an overlap|

    Shapes:
        |shapes of binary metrics|

    Raises:
        ArgumentError: a target class is neither 0 nor 1.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.BinaryIoU(target_class_ids=[1], threshold=0.3)
        >>> m.update_state([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
        >>> round(float(m.result()), 4)  # 1 / (1 + 1 + 1)
        0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: PolicyLike | None = None,
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
    """Intersection over union for one-hot labels, averaged over some classes.

    Args:
        |num classes|
        |target class ids|
        |dtype of an overlap|
        |ignored class|
        |sparse predictions|
        |axis of classes|

    Shapes:
        |shapes of categorical metrics|

    Raises:
        ArgumentError: a target class is ``num_classes`` or above.

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
        >>> m.update_state([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
        >>> float(m.result())  # 1 / (1 + 0 + 1)
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: PolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """Intersection over union for one-hot labels, averaged over all classes.

    A class that occurs neither in labels nor in predictions is left out.

    Args:
        |num classes|
        |dtype of an overlap|
        |ignored class|
        |sparse predictions|
        |axis of classes|

    Shapes:
        |shapes of categorical metrics|

    Example:
        >>> from amalthea import metrics
        >>> m = metrics.OneHotMeanIoU(num_classes=2)
        >>> m.update_state([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
        >>> float(m.result())  # mean of 1 / 2 and 1 / 2
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: PolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
