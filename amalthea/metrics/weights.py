"""Weights and masks of what is added up: one weight for each value, and nothing from rows whose weight is 0."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.engine import shapes
from amalthea.engine.ir.masks import mask_of
from amalthea.losses.loss import squeeze_or_expand_to_same_rank, weighted
from amalthea.metrics.metric import EXACT, WIDE
from amalthea.ops.base import shape_of


def total(x: Any, axis: Any = None) -> Any:
    """The sum, exact also for more ones than float32 can count."""
    return ops.sum(ops.cast(x, WIDE) if is_large(x) else x, axis=axis)


def is_large(x: Any) -> bool:
    """Whether it is known to have more elements than float32 can count."""
    size = shapes.size(shape_of(x))
    return isinstance(size, int) and size > EXACT


def count(values: Any, dtype: str) -> Any:
    """The size of the first axis; 1 for a number."""
    shape = shape_of(values)
    first = shape[0] if shape else 1
    if isinstance(first, int):
        return ops.cast(first, WIDE)
    return ops.sum(ops.ones_like(values[(slice(None), *(0,) * (len(shape) - 1))], dtype=dtype))


def by_example(values: Any, sample_weight: Any, dtype: str) -> tuple[Any, Any]:
    """Weighted values and their weights, averaged over all axes but the first.

    Shapes: values ``(batch, ...)``; weights the same, or without the last axes.
    """
    values = ops.convert_to_tensor(values, dtype=dtype)
    values = ops.cast(values, WIDE) if is_large(values) else values
    if sample_weight is None:
        return _flat(values), None
    weight = ops.convert_to_tensor(sample_weight, dtype=values.dtype)
    values, weight = squeeze_or_expand_to_same_rank(values, weight)
    beyond = tuple(range(len(weight.shape), len(values.shape)))
    values = ops.mean(values, axis=beyond) if beyond else values
    return _flat(weighted(values, weight)), _flat(weight)


def _flat(x: Any) -> Any:
    return ops.mean(x, axis=tuple(range(1, len(x.shape)))) if len(x.shape) > 1 else x


def masked_weight(weight: Any, mask: Any, dtype: str) -> Any:
    """The weights where the mask counts, 0 elsewhere."""
    mask = ops.cast(mask, dtype)
    if weight is None:
        return mask
    weight, mask = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(weight, dtype=dtype), mask)
    missing = len(mask.shape) - len(weight.shape)
    return mask * ops.reshape(weight, (*ops.shape(weight), *(1,) * max(missing, 0)))


def weight_of(y_pred: Any, sample_weight: Any, dtype: str) -> Any:
    """The weights that the mask of the predictions leaves; None where there is neither."""
    mask = mask_of(y_pred)
    if mask is None:
        return None if sample_weight is None else ops.convert_to_tensor(sample_weight, dtype=dtype)
    return masked_weight(sample_weight, mask, dtype)
