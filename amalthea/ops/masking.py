"""Softmax over the elements that a mask counts."""

from __future__ import annotations

from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.primitives import elementwise as p
from amalthea.ops.base import as_bool, cast
from amalthea.ops.nn import softmax as softmax_of_all
from amalthea.ops.numpy.creation import zeros_like


def softmax(scores: Any, visible: Any, axis: Any = -1) -> Any:
    """Return the softmax of visible scores, and 0 for the others, also where no score is visible."""
    if visible is None:
        return softmax_of_all(scores, axis=axis)
    visible, name = as_bool(visible), dtypes.name_of(scores)
    lowest = cast(-3e4 if name == "float16" else -1e9, name)
    shares = softmax_of_all(p.select(visible, scores, lowest), axis=axis)
    return p.select(visible, shares, zeros_like(shares))
