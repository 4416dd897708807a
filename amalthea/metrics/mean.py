"""Sums and means over batches, and metrics made of a function of labels and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import losses, ops
from amalthea.losses.loss import squeeze_or_expand_to_same_rank
from amalthea.masks import mask_of
from amalthea.metrics.metric import Metric


def by_example(values: Any, sample_weight: Any, dtype: str) -> tuple[Any, Any]:
    """Weighted values and their weights, averaged over all axes but the first.

    Shapes: values ``(batch, ...)``; weights the same, or without the last axes.
    """
    values = ops.convert_to_tensor(values, dtype=dtype)
    if sample_weight is None:
        return _flat(values), None
    weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    values, weight = squeeze_or_expand_to_same_rank(values, weight)
    beyond = tuple(range(len(weight.shape), len(values.shape)))
    values = ops.mean(values, axis=beyond) if beyond else values
    return _flat(values * weight), _flat(weight)


def _flat(x: Any) -> Any:
    return ops.mean(x, axis=tuple(range(1, len(x.shape)))) if len(x.shape) > 1 else x


def count(values: Any, dtype: str) -> Any:
    """The size of the first axis; 1 for a number."""
    return ops.sum(ops.ones_like(values, dtype=dtype))


class Mean(Metric):
    """The mean of all values so far, weighted if weights are given.

    >>> import numpy as np
    >>> from amalthea.metrics import Mean
    >>> mean = Mean()
    >>> mean.update_state(np.array([1.0, 3.0]), sample_weight=np.array([3.0, 1.0]))
    >>> float(mean.result())
    1.5
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weight = by_example(values, sample_weight, self.dtype)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(count(values, self.dtype) if weight is None else ops.sum(weight))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total.value, self.count.value)


class Sum(Metric):
    """The sum of all values so far, weighted if weights are given."""

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = ops.convert_to_tensor(values, dtype=self.dtype)
        if sample_weight is not None:
            weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            values, weight = squeeze_or_expand_to_same_rank(values, weight)
            missing = len(values.shape) - len(weight.shape)
            values = values * ops.reshape(weight, (*ops.shape(weight), *(1,) * missing))
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        return self.total.value


class MeanMetricWrapper(Mean):
    """The mean of a function ``(y_true, y_pred, **options)``, which gives a value for each example.

    What the mask of the predictions leaves out does not count.
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        self.fn = losses.registry.function(fn) if isinstance(fn, str) else fn
        super().__init__(name or getattr(self.fn, "__name__", None), dtype)
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        mask, counted = mask_of(y_pred), mask_of(values)
        if mask is not None:
            sample_weight = masked_weight(sample_weight, mask, self.dtype)
        if counted is not None and sample_weight is not None:  # as Keras: without weights an ignored class counts as 0
            sample_weight = masked_weight(sample_weight, counted, self.dtype)
        super().update_state(values, sample_weight)


def masked_weight(weight: Any, mask: Any, dtype: str) -> Any:
    """The weights where the mask counts, 0 elsewhere."""
    mask = ops.cast(mask, dtype)
    if weight is None:
        return mask
    weight, mask = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(weight, dtype=dtype), mask)
    missing = len(mask.shape) - len(weight.shape)
    return mask * ops.reshape(weight, (*ops.shape(weight), *(1,) * max(missing, 0)))
