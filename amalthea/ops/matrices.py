"""Helpers of ops on matrices: the check of an input, the cutoff of singular values, gradient rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import control
from amalthea.engine.primitives import linear_algebra as la
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError
from amalthea.ops.base import floating, shape_of


def matrix(x: TensorLike, square: bool = False) -> Any:
    """Return matrices as floats, or raise an error if they are none."""
    x = floating(x)
    la.check_matrix(type_of(x), square)
    return x


def cutoff(x: Any, rcond: Any) -> float:
    """Return the share of the largest singular value up to which others count as 0."""
    if rcond is None:
        return max(d if isinstance(d, int) else 1 for d in shape_of(x)[-2:]) * dtypes.spacing(dtypes.name_of(x))
    try:
        return float(rcond)
    except (TypeError, ValueError):
        raise ArgumentError("A tolerance is not a number.", expected="a float from 0, or None", got=rcond) from None


def with_gradient(x: Any, found: Any, rule: Callable[[Any, Any, Any], Any]) -> Any:
    """Return ``found`` with another gradient than that of the ops that computed it.

    Args:
        x: the input.
        found: the output.
        rule: function of the cotangent of the output, the input and the output; returns the cotangent of the input.
    """
    if not isinstance(found, Tensor):
        return found
    made = control.with_gradient(x, found, count=1, rule=lambda g: [rule(g, x, made)])[0]
    return made
