"""The order of elements along an axis, by the one primitive that sorts: the largest of the mirrored values."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing, movement
from amalthea.engine.primitives import reductions as r
from amalthea.ops.base import cast, one_axis, shape_of, tensor
from amalthea.ops.numpy.bits import bitwise_not


def order(x: Any, axis: Any) -> tuple[Any, Any]:
    """Return sorted values and their positions, smallest first, NaN last; equal ones keep their order."""
    x = tensor(x)
    if dtypes.name_of(x) == "bool":
        values, indices = order(cast(x, "uint8"), axis)
        return cast(values, "bool"), indices
    if axis is None:
        x, axis = movement.reshape(x, shape=(shapes.size(shape_of(x)),)), 0
    axis, last = one_axis(axis, len(x.shape)), len(x.shape) - 1
    swap = list(range(last + 1))
    swap[axis], swap[last] = last, axis
    values, indices = _along_last(movement.transpose(x, axes=tuple(swap)))
    return movement.transpose(values, axes=tuple(swap)), movement.transpose(indices, axes=tuple(swap))


def _along_last(x: Any) -> tuple[Any, Any]:
    k, last = shape_of(x)[-1], len(x.shape) - 1
    if not dtypes.is_float(dtypes.name_of(x)):
        values, indices = indexing.top_k(bitwise_not(x), k=k)
        return bitwise_not(values), indices
    missing = p.isnan(x)
    _, indices = indexing.top_k(p.select(missing, float("-inf"), p.negative(x)), k=k)
    indices = _behind(indices, indexing.take_along_axis(cast(missing, "int32"), indices, axis=last))
    return indexing.take_along_axis(x, indices, axis=last), indices


def _behind(indices: Any, missing: Any) -> Any:
    """Move the indices of NaN behind all others. Libraries differ in the order of NaN, so it was sorted as infinity."""
    last = len(indices.shape) - 1
    present = p.subtract(np.int32(1), missing)
    count = r.reduce_sum(present, axes=(last,), keepdims=True)
    after = p.add(count, r.cumsum(missing, axis=last))
    to = p.subtract(p.select(cast(missing, "bool"), after, r.cumsum(present, axis=last)), np.int32(1))
    zeros = movement.broadcast_to(np.int32(0), shape=shape_of(indices))
    return indexing.add_along_axis(zeros, to, indices, axis=last)
