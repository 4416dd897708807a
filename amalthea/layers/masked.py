"""Sums, means and softmax over the elements that a mask counts; values of padding, NaN included, have no effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.ops.masking import softmax as softmax


def column(mask: Any, x: Any) -> Any:
    """Returns a mask ``(batch, time)`` as bool, with axes of size 1 appended up to the rank of ``x``."""
    mask = ops.cast(mask, "bool")
    return ops.reshape(mask, (*ops.shape(mask), *(1,) * (len(x.shape) - len(mask.shape))))


def mixes_steps(mask: Any, axes: Sequence[int], rank: int) -> bool:
    """Returns whether any reduced axis is an axis of the mask."""
    return mask is not None and any(axis % rank < len(mask.shape) for axis in axes)


def without_padding(x: Any, mask: Any) -> Any:
    """Returns ``x`` with 0 where the mask is False; ``x`` itself without a mask."""
    return x if mask is None else ops.where(column(mask, x), x, ops.zeros_like(x))


def mean(x: Any, counted: Any, axes: Sequence[int], keepdims: bool = False) -> Any:
    """Returns the mean over the axes of the elements where ``counted`` (bool, of the rank of ``x``) is True; 0 if there
    are none.
    """
    total = ops.sum(ops.where(counted, x, ops.zeros_like(x)), axis=axes, keepdims=keepdims)
    number = ops.sum(ops.cast(ops.broadcast_to(counted, ops.shape(x)), ops.dtype(x)), axis=axes, keepdims=keepdims)
    return ops.divide_no_nan(total, number)


def moments(x: Any, mask: Any, axes: Sequence[int], keepdims: bool = False) -> tuple[Any, Any]:
    """Returns the mean and variance over the axes of the elements that the mask counts."""
    counted = column(mask, x)
    center = mean(x, counted, axes, keepdims=True)
    variance = mean(ops.square(ops.subtract(x, center)), counted, axes, keepdims)
    return (center if keepdims else ops.reshape(center, ops.shape(variance))), variance
