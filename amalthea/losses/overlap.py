"""Losses of overlap, for regions of images."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.losses.loss import LossFunctionWrapper, as_floats, registry


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 less the Dice overlap ``2 * sum(y * p) / (sum(y) + sum(p))`` over ``axis`` (None: over all)."""
    y_true, y_pred = as_floats(y_true, y_pred)
    common = ops.multiply(ops.sum(y_true * y_pred, axis=axis), 2.0)
    total = ops.add(ops.sum(y_true, axis=axis), ops.sum(y_pred, axis=axis))
    return ops.subtract(1.0, ops.divide(common, ops.add(total, config.epsilon())))


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """1 less the Tversky overlap, which weighs false negatives by ``alpha`` and false positives by ``beta``.

    (So it is in Keras, whose documentation says the reverse.)

    Source: Salehi et al., arXiv:1706.05721, equation 3, with the two weights exchanged.
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    common = ops.sum(y_true * y_pred, axis=axis)
    false_positive = ops.sum(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=axis)
    false_negative = ops.sum(ops.multiply(y_true, ops.subtract(1.0, y_pred)), axis=axis)
    missed = ops.add(ops.multiply(false_negative, alpha), ops.multiply(false_positive, beta))
    return ops.subtract(1.0, ops.divide(common, ops.add(ops.add(common, missed), config.epsilon())))


class Dice(LossFunctionWrapper):
    """1 less the Dice overlap of two soft sets."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: Any = None,
    ):
        self.axis = axis
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """1 less the Tversky overlap of two soft sets."""

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.axis = axis
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


registry.add(dice)
registry.add(tversky)
