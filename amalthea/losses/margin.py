"""Hinge losses and the circle loss: the right class must win by a margin."""

from __future__ import annotations

from typing import Any

from amalthea import docstrings, ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine.types import TensorLike
from amalthea.losses.checks import alike, checked, signs
from amalthea.losses.loss import LossFunctionWrapper, as_floats, floats, registry

docstrings.share(
    "signs and scores",
    """
    y_true: tensor; labels -1 and 1. Labels that are 0 and 1 throughout are turned into -1 and 1.
    y_pred: tensor; scores of any size, of the shape of the labels.
    """,
)
docstrings.share(
    "options of circle losses",
    """
    gamma: float; scale of the weighted distances in the soft maximum. Larger values give it to the worst pairs.
        Defaults to 80.
    margin: float in [0, 1); distance from its best value (1 for one class, 0 for two) at which a similarity stops
        to count. Defaults to 0.4.
    remove_diagonal: bool; whether an embedding is not compared with itself. Defaults to True.
    """,
)


def signed_labels(y_true: Any) -> Any:
    """Labels -1 and 1; those that are 0 and 1 throughout are turned into them."""
    are_bits = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(are_bits, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)


def _shortfall(y_true: Any, y_pred: Any) -> Any:
    """The distance by which each prediction stays behind a margin of 1."""
    y_true, y_pred = as_floats(y_true, y_pred)
    return ops.maximum(ops.subtract(1.0, ops.multiply(signed_labels(y_true), y_pred)), 0.0)


@checked(alike, signs)
def hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the hinge loss: the mean distance by which predictions miss a margin of 1.

    For labels y and predictions p: ``mean(maximum(1 - y * p, 0), axis=-1)``.

    Args:
        |signs and scores|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.hinge([[1.0], [-1.0]], [[2.0], [0.5]])).tolist()
        [0.0, 1.5]
    """
    return ops.mean(_shortfall(y_true, y_pred), axis=-1)


@checked(alike, signs)
def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the squared hinge loss: the mean squared distance by which predictions miss a margin of 1.

    For labels y and predictions p: ``mean(square(maximum(1 - y * p, 0)), axis=-1)``.

    Args:
        |signs and scores|

    Shapes:
        |shapes of a loss function|

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.squared_hinge([[1.0], [-1.0]], [[2.0], [0.5]])).tolist()
        [0.0, 2.25]
    """
    return ops.mean(ops.square(_shortfall(y_true, y_pred)), axis=-1)


@checked(alike)
def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the hinge loss between one-hot labels and scores of the classes.

    For labels y and scores p: ``maximum(max((1 - y) * p) - sum(y * p) + 1, 0)`` over the last axis. It is 0 where the
    right class beats all others by 1 or more.

    Args:
        y_true: tensor; one-hot labels.
        y_pred: tensor; scores of the classes, of the shape of the labels.

    Shapes:
        (batch, ..., classes) for labels and predictions -> (batch, ...)

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> np.asarray(losses.categorical_hinge([[0.0, 1.0], [0.0, 1.0]], [[1.0, 3.0], [1.0, 1.5]])).tolist()
        [0.0, 0.5]
    """
    y, p = as_floats(y_true, y_pred)
    right = ops.sum(y * p, axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y), p), axis=-1)
    return ops.maximum(ops.add(ops.subtract(wrong, right), 1.0), 0.0)


@docstrings.fill
def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Computes the circle loss of embeddings: similar within a class, dissimilar between classes.

    With s the cosine similarities of an embedding with those of its class (p) and of the other classes (n):
    ``softplus(logsumexp(-gamma * a_p * (s_p - (1 - margin))) + logsumexp(gamma * a_n * (s_n - margin)))``, with the
    weights ``a_p = relu(1 + margin - s_p)`` and ``a_n = relu(s_n + margin)``.

    Args:
        y_true: tensor; class numbers of the embeddings.
        y_pred: tensor; embeddings of length 1.
        ref_labels: tensor or None; class numbers of the embeddings to compare with. Defaults to None, the batch itself.
        ref_embeddings: tensor or None; embeddings to compare with. Defaults to None, the batch itself.
        |options of circle losses|

    Shapes:
        (batch,) or (batch, 1) for labels, (batch, features) for embeddings -> (batch,)

    Example:
        >>> import numpy as np
        >>> from amalthea import losses
        >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> np.asarray(losses.circle([0, 0, 1], embeddings)[:2]).round(4).tolist()  # classes apart
        [0.0, 0.0]
        >>> np.asarray(losses.circle([0, 1, 0], embeddings)[:1]).round(1).tolist()  # classes mixed
        [134.4]

    Source: Sun et al., arXiv:2002.10857, equation 6.
    """
    own = floats(y_pred)
    labels = ops.cast(y_true, "int32")
    others = labels if ref_labels is None else ops.cast(ref_labels, "int32")
    embeddings = own if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings, dtype=own.dtype)
    likeness = ops.minimum(ops.matmul(own, ops.transpose(embeddings)), 1.0)
    is_same = ops.equal(ops.reshape(labels, (-1, 1)), ops.reshape(others, (1, -1)))
    is_other = ops.logical_not(is_same)
    if remove_diagonal:
        index = ops.cumsum(ops.ones_like(ops.reshape(labels, (-1,))))
        is_same = ops.logical_and(is_same, ops.not_equal(ops.expand_dims(index, 1), ops.expand_dims(index, 0)))
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
    """Hinge loss: the mean distance by which predictions miss a margin of 1.

    For labels y of -1 and 1 (labels 0 and 1 are turned into them) and scores p:
    ``mean(maximum(1 - y * p, 0), axis=-1)``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape; in ``fit`` also labels outside [-1, 1].

    Example:
        >>> from amalthea import losses
        >>> float(losses.Hinge()([[1.0], [-1.0]], [[2.0], [0.5]]))  # mean of 0 and 1.5
        0.75
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: PolicyLike | None = None
    ):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """Squared hinge loss: the mean squared distance by which predictions miss a margin of 1.

    For labels y of -1 and 1 (labels 0 and 1 are turned into them) and scores p:
    ``mean(square(maximum(1 - y * p, 0)), axis=-1)``.

    Args:
        |options of a loss|

    Shapes:
        |shapes of a loss|

    Raises:
        DataError: labels and predictions do not have one shape; in ``fit`` also labels outside [-1, 1].

    Example:
        >>> from amalthea import losses
        >>> float(losses.SquaredHinge()([[1.0], [-1.0]], [[2.0], [0.5]]))  # mean of 0 and 1.5 ** 2
        1.125
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """Hinge loss between one-hot labels and scores of the classes.

    For labels y and scores p: ``maximum(max((1 - y) * p) - sum(y * p) + 1, 0)`` over the last axis. It is 0 where the
    right class beats all others by 1 or more.

    Args:
        |options of a loss|

    Shapes:
        (batch, ..., classes) for labels and predictions -> (); with ``reduction="none"`` -> (batch, ...)

    Raises:
        DataError: labels and predictions do not have one shape.

    Example:
        >>> from amalthea import losses
        >>> float(losses.CategoricalHinge()([[0.0, 1.0]], [[1.0, 1.5]]))
        0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(categorical_hinge, reduction, name, dtype)


class Circle(LossFunctionWrapper):
    """Circle loss of embeddings: similar within a class, dissimilar between classes.

    Similarities are cosines; each pair is weighted by its distance from the best value. The function
    :func:`circle` has the formula.

    Args:
        |options of circle losses|
        |options of a loss|

    Shapes:
        (batch,) or (batch, 1) for labels, (batch, features) for embeddings of length 1 -> (); with
        ``reduction="none"`` -> (batch,)

    Example:
        >>> from amalthea import losses
        >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
        >>> round(float(losses.Circle()([0, 0, 1, 1], embeddings)), 4)  # classes apart
        0.0
        >>> float(losses.Circle()([0, 1, 0, 1], embeddings)) > 100  # classes mixed
        True

    Source: Sun et al., arXiv:2002.10857, equation 6.
    """

    _keeps_integer_labels = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: PolicyLike | None = None,
    ):
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)


registry.add(hinge, module="keras.metrics")
registry.add(squared_hinge, module="keras.metrics")
registry.add(categorical_hinge, module="keras.metrics")
registry.add(circle)
