"""Sums and means over batches, and metrics made of a function of labels and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import losses, ops, tree
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.ir.masks import mask_of
from amalthea.losses.loss import squeeze_or_expand_to_same_rank, weighted
from amalthea.metrics.metric import Metric
from amalthea.metrics.weights import by_example, count, masked_weight, total, weight_of
from amalthea.ops.user_functions import call_or_native


class Mean(Metric):
    """Weighted mean of all values: ``sum(weights * values) / sum(weights)``.

    Without weights each value counts once. Values of several axes are averaged over all but the first.

    Args:
        |options of a metric|

    Shapes:
        (batch, ...) for values, the same without last axes for sample weights -> ()

    Example:
        >>> from amalthea.metrics import Mean
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0], sample_weight=[3.0, 1.0])
        >>> float(mean.result())
        1.5
    """

    def __init__(self, name: str | None = "mean", dtype: PolicyLike | None = None):
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
    """Weighted sum of all values: ``sum(weights * values)``.

    Args:
        |options of a metric|

    Shapes:
        (batch, ...) for values, the same without last axes for sample weights -> ()

    Example:
        >>> from amalthea.metrics import Sum
        >>> total = Sum()
        >>> total.update_state([1.0, 3.0], sample_weight=[1.0, 0.5])
        >>> total.update_state([2.0])
        >>> float(total.result())
        4.5
    """

    def __init__(self, name: str | None = "sum", dtype: PolicyLike | None = None):
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
    """Mean of a function ``(y_true, y_pred, **options)`` that returns a value for each example.

    Examples that the mask of the predictions leaves out, or whose class the function ignores, do not count. A
    function that returns one number for a batch counts as often as the batch has rows.

    Args:
        fn: callable, loss, or the name of a loss function of this library.
        |options of a metric|
        **kwargs: options, passed to ``fn`` at each update.

    Shapes:
        |shapes of a metric|

    Raises:
        UnknownNameError: no loss function has this name.

    Example:
        >>> from amalthea import metrics, ops
        >>> def within(y_true, y_pred, tolerance):
        ...     return ops.cast(ops.abs(y_pred - y_true) <= tolerance, "float32")
        >>> share = metrics.MeanMetricWrapper(within, tolerance=0.5)
        >>> share.update_state(ops.array([1.0, 2.0]), ops.array([1.2, 3.0]))
        >>> share.name, float(share.result())
        ('within', 0.5)
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: PolicyLike | None = None, **kwargs: Any):
        self.fn = losses.registry.function(fn) if isinstance(fn, str) else fn
        super().__init__(name or getattr(self.fn, "__name__", None), dtype)
        self._fn_kwargs = kwargs
        self._direction = self._direction or direction_of(self.fn)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = weight_of(y_pred, sample_weight, self._computing)
        if isinstance(self.fn, losses.Loss):  # not the number that it makes of them
            values, counted = self.fn._values(y_true, y_pred)
        else:
            values = call_or_native(self.fn, y_true, y_pred, **self._fn_kwargs)
            counted = mask_of(values)
        if counted is not None:
            weight = masked_weight(weight, counted, self._computing)
        if len(getattr(values, "shape", ())) == 0:  # a mean that the function has taken itself
            first = tree.flatten(y_pred)[0]
            weight = count(first, self._computing) if weight is None else total(weight)
        super().update_state(values, weight)


def direction_of(thing: Any) -> str | None:
    """Returns the direction in which results of a metric or loss improve.

    Args:
        thing: metric, loss, or class or function of one.

    Returns:
        ``"up"`` if larger results are better, ``"down"`` if smaller ones are, None if it is not known.

    Example:
        >>> from amalthea import losses, metrics
        >>> metrics.direction_of(metrics.AUC), metrics.direction_of(losses.mean_squared_error)
        ('up', 'down')
        >>> print(metrics.direction_of(metrics.Mean))
        None
    """
    if isinstance(thing, losses.Loss) or thing in losses.registry.modules:
        return "down"
    said = getattr(thing, "_direction", None) or getattr(thing, "direction", None)
    return said if said in ("up", "down") else None
