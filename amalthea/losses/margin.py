"""Losses of margins: what is right must win by a distance."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.losses.checks import alike, checked, signs
from amalthea.losses.loss import LossFunctionWrapper, as_floats, floats, registry


def signed_labels(y_true: Any) -> Any:
    """Labels -1 and 1; those that are 0 and 1 throughout are turned into them."""
    are_bits = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(are_bits, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)


def _shortfall(y_true: Any, y_pred: Any) -> Any:
    """How far each prediction stays behind a margin of 1."""
    y_true, y_pred = as_floats(y_true, y_pred)
    return ops.maximum(ops.subtract(1.0, ops.multiply(signed_labels(y_true), y_pred)), 0.0)


@checked(alike, signs)
def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(maximum(1 - y * p, 0), axis=-1)`` for labels -1 and 1 (or 0 and 1)."""
    return ops.mean(_shortfall(y_true, y_pred), axis=-1)


@checked(alike, signs)
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(square(maximum(1 - y * p, 0)), axis=-1)`` for labels -1 and 1 (or 0 and 1)."""
    return ops.mean(ops.square(_shortfall(y_true, y_pred)), axis=-1)


@checked(alike)
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``maximum(best wrong - right + 1, 0)`` for one-hot labels."""
    y_true, y_pred = as_floats(y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.maximum(ops.add(ops.subtract(wrong, right), 1.0), 0.0)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """How far embeddings of one class are apart, and those of different classes together, by cosine.

    Shapes: labels ``(batch,)`` or ``(batch, 1)``, embeddings of length 1 ``(batch, size)``.

    Args:
        ref_labels: labels of the embeddings compared with, if not the batch itself.
        ref_embeddings: the embeddings compared with.
        remove_diagonal: whether an embedding is not compared with itself.
        gamma: how sharp the soft maximum is.
        margin: how far from their best values similarities may stay.

    Source: Sun et al., arXiv:2002.10857, equation 6.
    """
    y_pred = floats(y_pred)
    labels = ops.cast(y_true, "int32")
    others = labels if ref_labels is None else ops.cast(ref_labels, "int32")
    embeddings = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings, dtype=y_pred.dtype)
    likeness = ops.minimum(ops.matmul(y_pred, ops.transpose(embeddings)), 1.0)
    is_same = ops.equal(ops.reshape(labels, (-1, 1)), ops.reshape(others, (1, -1)))
    is_other = ops.logical_not(is_same)
    if remove_diagonal:
        place = ops.cumsum(ops.ones_like(ops.reshape(labels, (-1,))))
        is_same = ops.logical_and(is_same, ops.not_equal(ops.expand_dims(place, 1), ops.expand_dims(place, 0)))
    too_far = _margin_sum(ops.subtract(1 + margin, likeness), ops.subtract(likeness, 1 - margin), is_same, -gamma)
    too_near = _margin_sum(ops.add(likeness, margin), ops.subtract(likeness, margin), is_other, gamma)
    return ops.softplus(ops.add(too_far, too_near))


_NEVER = -3e4  # an exponent that gives 0, and that half precision can hold


def _margin_sum(weight: Any, distance: Any, counted: Any, gamma: float) -> Any:
    """The log-sum-exp over the counted pairs of ``gamma * weight * distance``."""
    weight = ops.relu(weight)
    logits = ops.multiply(ops.multiply(weight, distance), gamma)
    return ops.logsumexp(ops.where(counted, logits, ops.full_like(logits, _NEVER)), axis=1)


class Hinge(LossFunctionWrapper):
    """The mean distance by which predictions stay behind a margin of 1."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """The mean squared distance by which predictions stay behind a margin of 1."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge", dtype: Any = None
    ):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """How far the right class is from beating every other by 1."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_hinge", dtype: Any = None
    ):
        super().__init__(categorical_hinge, reduction, name, dtype)


class Circle(LossFunctionWrapper):
    """Similarity learning by cosines, each pair weighted by how far it is from its best value.

    Shapes: labels ``(batch,)`` or ``(batch, 1)``, embeddings of length 1 ``(batch, size)``.
    """

    keeps_integer_labels = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ):
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)


registry.add(hinge, module="keras.metrics")
registry.add(squared_hinge, module="keras.metrics")
registry.add(categorical_hinge, module="keras.metrics")
registry.add(circle)
