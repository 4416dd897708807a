"""Sums, means and shares of what a mask counts: what padding holds, NaN included, does not reach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops


def column(mask: Any, x: Any) -> Any:
    """A mask ``(batch, time)`` as bool with axes of size 1 at the end, to the rank of ``x``."""
    mask = ops.cast(mask, "bool")
    return ops.reshape(mask, (*ops.shape(mask), *(1,) * (len(x.shape) - len(mask.shape))))


def mixes_steps(mask: Any, axes: Sequence[int], rank: int) -> bool:
    """Whether axes that are reduced are among those of a mask."""
    return mask is not None and any(axis % rank < len(mask.shape) for axis in axes)


def without_padding(x: Any, mask: Any) -> Any:
    """``x`` with 0 where the mask is false; as it is without a mask."""
    return x if mask is None else ops.where(column(mask, x), x, ops.zeros_like(x))


def mean(x: Any, counted: Any, axes: Sequence[int], keepdims: bool = False) -> Any:
    """The mean over the axes of the elements that ``counted`` (a bool of x's rank) leaves; 0 where it leaves none."""
    total = ops.sum(ops.where(counted, x, ops.zeros_like(x)), axis=axes, keepdims=keepdims)
    number = ops.sum(ops.cast(ops.broadcast_to(counted, ops.shape(x)), ops.dtype(x)), axis=axes, keepdims=keepdims)
    return ops.divide_no_nan(total, number)


def moments(x: Any, mask: Any, axes: Sequence[int], keepdims: bool = False) -> tuple[Any, Any]:
    """Mean and variance over the axes of what the mask (or a bool of x's rank) counts."""
    counted = column(mask, x)
    center = mean(x, counted, axes, keepdims=True)
    variance = mean(ops.square(ops.subtract(x, center)), counted, axes, keepdims)
    return (center if keepdims else ops.reshape(center, ops.shape(variance))), variance


def softmax(scores: Any, visible: Any, axis: Any = -1) -> Any:
    """Shares that sum to 1 over what is visible; 0 for the rest, and for all where nothing is visible."""
    if visible is None:
        return ops.softmax(scores, axis=axis)
    visible = ops.cast(visible, "bool")
    lowest = ops.cast(-3e4 if ops.dtype(scores) == "float16" else -1e9, ops.dtype(scores))
    shares = ops.softmax(ops.where(visible, scores, lowest), axis=axis)
    return ops.where(visible, shares, ops.zeros_like(shares))
