"""Penalties on weights or outputs, added to the loss.

Dense(10, kernel_regularizer="l2"), Dense(10, kernel_regularizer=regularizers.L1L2(1e-5, 1e-4))
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.configurable import Configurable, Registry
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ShapeError

registry = Registry("regularizers", "regularizer")


class Regularizer(Configurable, registry=registry):
    """What every regularizer is: override ``__call__(x)``, which gives one number to add to the loss."""

    def __call__(self, x: Any) -> Any:
        return 0.0


def _factor(value: Any, name: str) -> float:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise ArgumentError(
            f"The factor '{name}' of a penalty is 0 or more.", expected="a finite float", got=repr(value)
        )
    return float(value)


def _floats(x: Any) -> Any:
    """In float32 at least: a sum of squares is soon more than half precision holds."""
    return ops.cast(x, dtypes.at_least_single(dtypes.name_of(x)))


class L1(Regularizer):
    """``l1 * sum(abs(x))``."""

    def __init__(self, l1: float = 0.01):
        self.l1 = 0.01 if l1 is None else _factor(l1, "l1")  # pyright: ignore[reportUnnecessaryComparison]

    def __call__(self, x: Any) -> Any:
        return ops.multiply(ops.sum(ops.abs(_floats(x))), self.l1)


class L2(Regularizer):
    """``l2 * sum(square(x))``.

    >>> import numpy as np
    >>> from amalthea import regularizers
    >>> float(regularizers.L2(0.5)(np.array([1.0, 3.0], "float32")))
    5.0
    """

    def __init__(self, l2: float = 0.01):
        self.l2 = 0.01 if l2 is None else _factor(l2, "l2")  # pyright: ignore[reportUnnecessaryComparison]

    def __call__(self, x: Any) -> Any:
        return ops.multiply(ops.sum(ops.square(_floats(x))), self.l2)


class L1L2(Regularizer, aliases=("l1_l2",)):
    """``l1 * sum(abs(x)) + l2 * sum(square(x))``."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _factor(l1 or 0.0, "l1")
        self.l2 = _factor(l2 or 0.0, "l2")

    def __call__(self, x: Any) -> Any:
        penalties = [L1(self.l1)(x)] if self.l1 else []
        penalties += [L2(self.l2)(x)] if self.l2 else []
        return sum(penalties[1:], penalties[0]) if penalties else ops.zeros((), dtype=x.dtype)


class OrthogonalRegularizer(Regularizer):
    """The mean absolute cosine between any two rows (or columns), times ``factor``.

    Shapes: two axes.

    Args:
        factor: 0 or more.
        mode: ``"rows"`` or ``"columns"``.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ArgumentError(f"There is no mode {mode!r}.", expected="'rows' or 'columns'")
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        if len(x.shape) != 2:
            raise ShapeError("Rows and columns need two axes.", expected="(rows, columns)", got=tuple(x.shape))
        x = _floats(x)
        vectors = x if self.mode == "rows" else ops.transpose(x)
        vectors = ops.normalize(vectors, axis=1)
        count = vectors.shape[0]
        cosines = ops.matmul(vectors, ops.transpose(vectors))
        between = ops.multiply(ops.abs(cosines), np.asarray(1.0 - np.eye(count), "float32"))
        return ops.multiply(ops.sum(between), self.factor / (count * (count - 1)))


get, serialize, deserialize = registry.get, registry.serialize, registry.deserialize

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
