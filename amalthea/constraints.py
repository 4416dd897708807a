"""Projections of weights, applied after every update of the optimizer.

Dense(10, kernel_constraint="max_norm"), Dense(10, kernel_constraint=constraints.MaxNorm(3))
"""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.configurable import Configurable, Registry

registry = Registry("constraints", "constraint")


class Constraint(Configurable, registry=registry):
    """What every constraint is: override ``__call__(w)``, which gives the weights that may be kept."""

    def __call__(self, w: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say what it allows: write its __call__.")


def _norms(w: Any, axis: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


def _with_norms(w: Any, norms: Any, wanted: Any) -> Any:
    return ops.multiply(w, ops.divide(wanted, ops.add(norms, config.epsilon())))


class MaxNorm(Constraint):
    """Vectors no longer than ``max_value``.

    Args:
        max_value: the greatest Euclidean norm.
        axis: the axis (or axes) along which a vector lies: 0 for a Dense kernel, ``[0, 1, 2]`` for a Conv2D kernel.

    Source: Srivastava et al., JMLR 15, 2014, section 5.1.

    >>> import numpy as np
    >>> from amalthea import constraints
    >>> constraints.MaxNorm(1.0)(np.array([[3.0, 0.3], [4.0, 0.4]], "float32")).round(4)
    array([[0.6, 0.3],
           [0.8, 0.4]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        return _with_norms(w, norms, ops.clip(norms, 0, self.max_value))


class NonNeg(Constraint):
    """No weight below zero."""

    def __call__(self, w: Any) -> Any:
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """Vectors of length 1 along ``axis``."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return ops.divide(w, ops.add(_norms(w, self.axis), config.epsilon()))


class MinMaxNorm(Constraint):
    """Vectors whose length is drawn towards ``[min_value, max_value]``.

    Args:
        min_value: the least Euclidean norm.
        max_value: the greatest.
        rate: how far towards it each time: 1 keeps the bounds strictly.
        axis: the axis (or axes) along which a vector lies.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        within = ops.clip(norms, self.min_value, self.max_value)
        return _with_norms(w, norms, ops.add(ops.multiply(within, self.rate), ops.multiply(norms, 1 - self.rate)))


get, serialize, deserialize = registry.get, registry.serialize, registry.deserialize

max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
