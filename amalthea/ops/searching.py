"""Positions in sorted sequences, by binary search."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.ops.base import cast, shape_of


def positions(sequence: Any, values: Any, right: bool) -> Any:
    """Return how many elements of an ascending vector come before each value: equal ones too, if ``right``.

    Both have one dtype. NaN counts as the largest number.
    """
    n = shape_of(sequence)[0]
    if not isinstance(n, int):
        wide = m.reshape(values, shape=(*shape_of(values), 1))
        return r.reduce_sum(cast(_precedes(sequence, wide, right), "int32"), axes=(len(wide.shape) - 1,))
    found = m.broadcast_to(np.int32(0), shape=shape_of(values))
    step = 1 << max(n.bit_length() - 1, 0)
    while n and step:
        next_ = p.add(found, np.int32(step))
        element = indexing.gather(sequence, p.minimum(p.subtract(next_, np.int32(1)), np.int32(n - 1)), axis=0)
        goes_on = p.logical_and(p.less_equal(next_, np.int32(n)), _precedes(element, values, right))
        found, step = p.select(goes_on, next_, found), step // 2
    return found


def _precedes(element: Any, value: Any, right: bool) -> Any:
    before = p.less_equal(element, value) if right else p.less(element, value)
    if not dtypes.is_float(dtypes.name_of(element)):
        return before
    return p.logical_or(
        before, p.isnan(value) if right else p.logical_and(p.isnan(value), p.logical_not(p.isnan(element)))
    )
