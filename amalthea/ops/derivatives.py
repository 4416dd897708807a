"""Derivatives of functions as ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine import transforms
from amalthea.engine.types import Nested, TensorLike


def jvp(
    fun: Callable[..., Any], primals: Nested[TensorLike], tangents: Nested[TensorLike], has_aux: bool = False
) -> Any:
    """Computes a function and its derivative in a direction (a Jacobian-vector product).

    Args:
        fun: callable; the function to differentiate. Its outputs may be nested.
        primals: list or tuple of TensorLike; the arguments of ``fun``.
        tangents: list or tuple of TensorLike; the direction, nested as ``primals`` and of the same shapes.
        has_aux: bool; True if ``fun`` returns a pair, the second part of which is not differentiated. Defaults to
            False.

    Shapes:
        any shape -> the shapes of the outputs, twice

    Returns:
        A tuple ``(outputs, derivatives)``, or ``(outputs, derivatives, aux)``.

    Raises:
        ArgumentError: ``primals`` or ``tangents`` is not a list or tuple, or they differ in number.
        ShapeError: a tangent does not have the shape of its argument.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops
        >>> value, slope = ops.jvp(lambda x: x * x, (np.float32(3.0),), (np.float32(2.0),))
        >>> float(value), float(slope)
        (9.0, 12.0)
    """
    return transforms.jvp(fun, primals, tangents, has_aux)
