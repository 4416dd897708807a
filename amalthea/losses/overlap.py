"""Losses of overlap, for regions of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from amalthea import config, docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.types import TensorLike
from amalthea.losses.loss import LossFunctionWrapper, as_floats, registry

Axes: TypeAlias = int | Sequence[int] | None

docstrings.share(
    "axis of overlaps",
    """
    axis: int, sequence of ints or None; axes over which overlaps are summed up. Defaults to None, all axes: one value
        for the whole batch.
    """,
)


@docstrings.fill
def dice(y_true: TensorLike, y_pred: TensorLike, axis: Axes = None) -> Any:
    """Computes the Dice loss: 1 minus the overlap of two soft sets.

    For labels y and probabilities p: ``1 - 2 * sum(y * p) / (sum(y) + sum(p) + epsilon())``.

    Args:
        y_true: tensor; labels from 0 to 1.
        y_pred: tensor; probabilities, of the shape of the labels.
        |axis of overlaps|

    Shapes:
        any shape -> (); with ``axis`` -> the shape without these axes

    Example:
        >>> from amalthea import losses
        >>> round(float(losses.dice([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])), 4)  # 1 - 2 * 1 / (2 + 1)
        0.3333
    """
    y, p = as_floats(y_true, y_pred)
    common = ops.multiply(ops.sum(y * p, axis=axis), 2.0)
    total = ops.add(ops.sum(y, axis=axis), ops.sum(p, axis=axis))
    return ops.subtract(1.0, ops.divide(common, ops.add(total, config.epsilon())))


docstrings.share(
    "weights of the tversky index",
    """
    alpha: float, 0 or more; weight of false negatives. Defaults to 0.5.
    beta: float, 0 or more; weight of false positives. Defaults to 0.5, which with ``alpha=0.5`` gives the Dice loss.
    """,
)


@docstrings.fill
def tversky(y_true: TensorLike, y_pred: TensorLike, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None) -> Any:
    """Computes the Tversky loss: 1 minus an overlap that weighs the two kinds of errors differently.

    For labels y and probabilities p, with ``tp = sum(y * p)``, ``fn = sum(y * (1 - p))`` and
    ``fp = sum((1 - y) * p)``: ``1 - tp / (tp + alpha * fn + beta * fp + epsilon())``.

    Args:
        y_true: tensor; labels from 0 to 1.
        y_pred: tensor; probabilities, of the shape of the labels.
        |weights of the tversky index|
        |axis of overlaps|

    Shapes:
        any shape -> (); with ``axis`` -> the shape without these axes

    Example:
        >>> from amalthea import losses
        >>> y, p = [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]  # one label of 1 is missed
        >>> round(float(losses.tversky(y, p, alpha=1.0, beta=0.0)), 4)  # 1 - 1 / (1 + 1)
        0.5

    Source: Salehi et al., arXiv:1706.05721, equation 3, with the two weights exchanged. Keras computes the same as
    here; its documentation exchanges the weights.
    """
    y, p = as_floats(y_true, y_pred)
    common = ops.sum(y * p, axis=axis)
    false_positive = ops.sum(ops.multiply(ops.subtract(1.0, y), p), axis=axis)
    false_negative = ops.sum(ops.multiply(y, ops.subtract(1.0, p)), axis=axis)
    missed = ops.add(ops.multiply(false_negative, alpha), ops.multiply(false_positive, beta))
    return ops.subtract(1.0, ops.divide(common, ops.add(ops.add(common, missed), config.epsilon())))


class Dice(LossFunctionWrapper):
    """Dice loss: 1 minus the overlap of two soft sets, such as regions of images.

    For labels y and probabilities p: ``1 - 2 * sum(y * p) / (sum(y) + sum(p) + epsilon())``.

    Args:
        |axis of overlaps|
        |options of a loss|

    Shapes:
        any shape -> ()

    Example:
        >>> from amalthea import losses
        >>> y, p = [[1.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]
        >>> round(float(losses.Dice(axis=1)(y, p)), 4)  # mean of 1 - 2 / 3 and 1 - 2 / 2
        0.1667
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axes = None,
        dtype: PolicyLike | None = None,
    ):
        self.axis = axis
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """Tversky loss: 1 minus an overlap that weighs the two kinds of errors differently.

    For labels y and probabilities p, with ``tp = sum(y * p)``, ``fn = sum(y * (1 - p))`` and
    ``fp = sum((1 - y) * p)``: ``1 - tp / (tp + alpha * fn + beta * fp + epsilon())``.

    Args:
        |weights of the tversky index|
        |axis of overlaps|
        |options of a loss|

    Shapes:
        any shape -> ()

    Example:
        >>> from amalthea import losses
        >>> y, p = [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]  # one label of 1 is missed
        >>> round(float(losses.Tversky(alpha=1.0, beta=0.0)(y, p)), 4)  # 1 - 1 / (1 + 1)
        0.5

    Source: Salehi et al., arXiv:1706.05721, equation 3, with the two weights exchanged. Keras computes the same as
    here; its documentation exchanges the weights.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axes = None,
        dtype: PolicyLike | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.axis = axis
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


registry.add(dice)
registry.add(tversky)
