"""Sums and means over batches, and metrics made of a function of labels and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import losses, ops, tree
from amalthea.engine.ir.masks import mask_of
from amalthea.losses.loss import squeeze_or_expand_to_same_rank, weighted
from amalthea.metrics.metric import Metric
from amalthea.metrics.weights import by_example, count, masked_weight, total, weight_of


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
        values, weight = by_example(values, sample_weight, self._computing)
        self.total.assign_add(total(values))
        self.count.assign_add(count(values, self._computing) if weight is None else total(weight))

    def result(self) -> Any:
        return self._as_result(ops.divide_no_nan(self.total.value, self.count.value))


class Sum(Metric):
    """The sum of all values so far, weighted if weights are given."""

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = ops.convert_to_tensor(values, dtype=self._computing)
        if sample_weight is not None:
            weight = ops.convert_to_tensor(sample_weight, dtype=self._computing)
            values, weight = squeeze_or_expand_to_same_rank(values, weight)
            missing = len(values.shape) - len(weight.shape)
            values = weighted(values, ops.reshape(weight, (*ops.shape(weight), *(1,) * missing)))
        self.total.assign_add(total(values))

    def result(self) -> Any:
        return self._as_result(self.total.value)


class MeanMetricWrapper(Mean):
    """The mean of a function ``(y_true, y_pred, **options)``, which gives a value for each example.

    Examples that the mask of the predictions leaves out, or whose class the function ignores, do not count. If the
    function gives one number for all examples, it counts for as many as there are.
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        self.fn = losses.registry.function(fn) if isinstance(fn, str) else fn
        super().__init__(name or getattr(self.fn, "__name__", None), dtype)
        self._fn_kwargs = kwargs
        self._direction = self._direction or direction_of(self.fn)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        weight = weight_of(y_pred, sample_weight, self._computing)
        if isinstance(self.fn, losses.Loss):  # not the number that it makes of them
            values, counted = self.fn._values(y_true, y_pred)  # pyright: ignore[reportPrivateUsage]
        else:
            values = self.fn(y_true, y_pred, **self._fn_kwargs)
            counted = mask_of(values)
        if counted is not None:
            weight = masked_weight(weight, counted, self._computing)
        if len(getattr(values, "shape", ())) == 0:  # a mean that the function has taken itself
            first = tree.flatten(y_pred)[0]
            weight = count(first, self._computing) if weight is None else total(weight)
        super().update_state(values, weight)


def direction_of(thing: Any) -> str | None:
    """Whether larger (``"up"``) or smaller (``"down"``) results are better, of a metric, a loss or a function.

    >>> from amalthea import losses, metrics
    >>> direction_of(metrics.AUC), direction_of(losses.mean_squared_error), direction_of(metrics.Mean)
    ('up', 'down', None)
    """
    if isinstance(thing, losses.Loss) or thing in losses.registry.modules:
        return "down"
    said = getattr(thing, "_direction", None) or getattr(thing, "direction", None)
    return said if said in ("up", "down") else None
