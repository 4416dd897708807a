"""Penalties on weights or outputs, added to the loss.

Dense(10, kernel_regularizer="l2"), Dense(10, kernel_regularizer=regularizers.L1L2(1e-5, 1e-4))
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from amalthea import docstrings, ops
from amalthea.configurable import Configurable, Registry, renamed
from amalthea.engine import dtypes
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

registry = Registry("regularizers", "regularizer")


class Regularizer(Configurable, registry=registry):
    """Base class of regularizers: penalties on a weight or an output, added to the loss.

    A subclass overrides ``__call__(x)``, which returns the penalty as a number. ``Regularizer`` itself returns 0.

    Shapes:
        any shape -> ()

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, regularizers
        >>> class Fourth(regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return 0.1 * ops.sum(x**4)
        >>> round(float(Fourth()(np.array([1.0, 2.0], "float32"))), 4)
        1.7
    """

    def __call__(self, x: TensorLike) -> Any:
        return 0.0


docstrings.share(
    "shapes and errors of penalties",
    """
    Shapes:
        any shape -> ()

    Raises:
        ArgumentError: a factor is negative, infinite or not a number.
    """,
)


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
    """Penalty on the sum of absolute values: ``l1 * sum(abs(x))``.

    It draws many weights to exactly 0. Computed in float32 at least.

    Args:
        l1: float, 0 or more; factor of the penalty. Defaults to 0.01; None means 0.01 too.

    |shapes and errors of penalties|

    Example:
        >>> import numpy as np
        >>> from amalthea import regularizers
        >>> float(regularizers.L1(0.5)(np.array([1.0, -3.0], "float32")))
        2.0
    """

    def __init__(self, l1: float = 0.01):
        self.l1 = 0.01 if l1 is None else _factor(l1, "l1")

    def __call__(self, x: Any) -> Any:
        return ops.multiply(ops.sum(ops.abs(_floats(x))), self.l1)


class L2(Regularizer):
    """Penalty on the sum of squares: ``l2 * sum(square(x))``.

    Its gradient is ``2 * l2 * x``. Computed in float32 at least.

    Args:
        l2: float, 0 or more; factor of the penalty. Defaults to 0.01; None means 0.01 too.

    |shapes and errors of penalties|

    Example:
        >>> import numpy as np
        >>> from amalthea import regularizers
        >>> float(regularizers.L2(0.5)(np.array([1.0, 3.0], "float32")))
        5.0
    """

    def __init__(self, l2: float = 0.01):
        self.l2 = 0.01 if l2 is None else _factor(l2, "l2")

    def __call__(self, x: Any) -> Any:
        return ops.multiply(ops.sum(ops.square(_floats(x))), self.l2)


class L1L2(Regularizer, aliases=("l1_l2",)):
    """Sum of an L1 and an L2 penalty: ``l1 * sum(abs(x)) + l2 * sum(square(x))``.

    Args:
        l1: float, 0 or more; factor of the sum of absolute values. Defaults to 0, which leaves it out.
        l2: float, 0 or more; factor of the sum of squares. Defaults to 0, which leaves it out.

    |shapes and errors of penalties|

    Example:
        >>> import numpy as np
        >>> from amalthea import regularizers
        >>> float(regularizers.L1L2(l1=0.5, l2=0.25)(np.array([1.0, -3.0], "float32")))
        4.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _factor(l1 or 0.0, "l1")
        self.l2 = _factor(l2 or 0.0, "l2")

    def __call__(self, x: Any) -> Any:
        penalties = [L1(self.l1)(x)] if self.l1 else []
        penalties += [L2(self.l2)(x)] if self.l2 else []
        return sum(penalties[1:], penalties[0]) if penalties else ops.zeros((), dtype=x.dtype)


class OrthogonalRegularizer(Regularizer):
    """Penalty that draws the rows or columns of a matrix towards orthogonality.

    For n vectors v it is ``factor * sum(abs(cos(v_i, v_j)) for i != j) / (n * (n - 1))``: the mean absolute cosine of
    the angle between two different vectors, times the factor. Their lengths do not matter.

    Args:
        factor: float, 0 or more; greatest value of the penalty. Defaults to 0.01.
        mode: ``"rows"`` or ``"columns"``; vectors that are compared. Defaults to ``"rows"``.

    Shapes:
        (rows, columns) -> ()

    Raises:
        ArgumentError: ``factor`` is negative or not a number, or ``mode`` is another word.
        ShapeError: the tensor does not have two axes.

    Example:
        >>> import numpy as np
        >>> from amalthea import regularizers
        >>> penalty = regularizers.OrthogonalRegularizer(factor=1.0)
        >>> float(penalty(np.array([[1.0, 0.0], [0.0, 2.0]], "float32")))  # orthogonal rows
        0.0
        >>> round(float(penalty(np.array([[1.0, 0.0], [1.0, 0.0]], "float32"))), 4)  # parallel rows
        1.0
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
        return ops.multiply(ops.sum(between), self.factor / max(count * (count - 1), 1))


get, serialize, deserialize = registry.get, renamed(registry.serialize, "regularizer"), registry.deserialize

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
