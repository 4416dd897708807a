"""Projections of weights, applied after every update of the optimizer.

Dense(10, kernel_constraint="max_norm"), Dense(10, kernel_constraint=constraints.MaxNorm(3))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings, ops
from amalthea.configurable import Configurable, Registry, renamed
from amalthea.engine.types import TensorLike

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

registry = Registry("constraints", "constraint")


class Constraint(Configurable, registry=registry):
    """Base class of constraints: projections of a weight, applied after each update of the optimizer.

    A subclass overrides ``__call__(w)``, which returns the new value of the weight.

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import constraints, ops
        >>> class Clipped(constraints.Constraint):
        ...     def __call__(self, w):
        ...         return ops.clip(w, -1.0, 1.0)
        >>> np.asarray(Clipped()(np.array([-3.0, 0.5], "float32"))).tolist()
        [-1.0, 0.5]
    """

    def __call__(self, w: TensorLike) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say what it allows: write its __call__.")


docstrings.share(
    "axis of vectors",
    """
    axis: int or sequence of ints; axes along which one vector lies. Defaults to 0, the inputs of a Dense kernel
        ``(inputs, units)``; ``[0, 1, 2]`` fits a Conv2D kernel ``(rows, columns, inputs, filters)``.
    """,
)


def _norms(w: Any, axis: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


def _with_norms(w: Any, norms: Any, wanted: Any) -> Any:
    return ops.multiply(w, ops.divide(wanted, ops.add(norms, config.epsilon())))


class MaxNorm(Constraint):
    """Upper bound on the Euclidean norm of each vector of a weight.

    ``w * min(norm, max_value) / (norm + epsilon())``: longer vectors are scaled to norm ``max_value``, shorter ones
    stay as they are.

    Args:
        max_value: float; greatest norm. Defaults to 2.
        |axis of vectors|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import constraints
        >>> w = constraints.MaxNorm(1.0)(np.array([[3.0, 0.3], [4.0, 0.4]], "float32"))
        >>> np.asarray(w).round(4).tolist()
        [[0.6, 0.3], [0.8, 0.4]]

    Source: Srivastava et al., JMLR 15, 2014, section 5.1.
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        return _with_norms(w, norms, ops.clip(norms, 0, self.max_value))


class NonNeg(Constraint):
    """Lower bound of 0 for each element: ``maximum(w, 0)``.

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import constraints
        >>> np.asarray(constraints.NonNeg()(np.array([-1.0, 2.0], "float32"))).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Any:
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """Scaling of each vector of a weight to Euclidean norm 1: ``w / (norm + epsilon())``.

    Args:
        |axis of vectors|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import constraints
        >>> np.asarray(constraints.UnitNorm()(np.array([[3.0], [4.0]], "float32"))).round(4).tolist()
        [[0.6], [0.8]]
    """

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return ops.divide(w, ops.add(_norms(w, self.axis), config.epsilon()))


class MinMaxNorm(Constraint):
    """Lower and upper bound on the Euclidean norm of each vector of a weight.

    ``w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (norm + epsilon())``

    Args:
        min_value: float; least norm. Defaults to 0.
        max_value: float; greatest norm. Defaults to 1.
        rate: float in [0, 1]; share of the way to the bounds that one update goes. Defaults to 1, which keeps the
            bounds after each update.
        |axis of vectors|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import constraints
        >>> w = constraints.MinMaxNorm(max_value=1.0, rate=0.5)(np.array([[0.0], [3.0]], "float32"))
        >>> np.asarray(w).round(4).tolist()  # halfway from norm 3 to norm 1
        [[0.0], [2.0]]
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int | Sequence[int] = 0
    ):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        within = ops.clip(norms, self.min_value, self.max_value)
        return _with_norms(w, norms, ops.add(ops.multiply(within, self.rate), ops.multiply(norms, 1 - self.rate)))


get, serialize, deserialize = registry.get, renamed(registry.serialize, "constraint"), registry.deserialize

max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
