"""Products with weights that compute them without their value: quantized ones, in integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.scope import autocast_around
from amalthea.ops.base import all_axes, cast, shape_of, tensor


def by_weight(x: Any, weight: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
    """``tensordot(x, weight, [over, axes])`` if the weight computes it itself, as quantized ones do; or None."""
    if not isinstance(weight, ComputedVariable):
        return None
    x = tensor(x)
    rank, own = len(x.shape), (weight.autocast and autocast_around()) or weight.dtype
    over = all_axes(over, rank) if rank else ()
    sizes = [weight.shape[axis] for axis in axes]
    if not over or not all(map(shapes.agree, [shape_of(x)[axis] for axis in over], sizes)):
        return None  # the plain product says what is wrong
    out = weight.product(cast(x, dtypes.result_type(dtypes.name_of(x), own)), over, axes)
    if out is not None and mask_of(x) is not None and rank - 1 in over:
        set_mask(out, mask_of(x))
    return out
