"""Floats rounded as if they had been quantized, with a gradient: training that knows of quantization."""

from __future__ import annotations

from typing import Any

from amalthea import checks, ops
from amalthea.engine import dtypes
from amalthea.engine.transforms import custom_gradient
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops import base


@base.op
def fake_quant_with_min_max_vars(
    inputs: TensorLike,
    min_vals: TensorLike,
    max_vals: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Any:
    """Rounds floats to the evenly spaced numbers that integers of a few bits stand for between two limits.

    The limits are moved a little so that 0 is one of these numbers; inputs outside are cut off at them.

    The gradient passes to ``inputs`` where they lie between the limits. Those below go to ``min_vals``, and those
    above to ``max_vals``, so that the limits can be learned.

    Args:
        inputs: tensor of floats.
        min_vals: float or tensor; the lower limit, or one for each channel.
        max_vals: float or tensor; the upper limit, above the lower one.
        num_bits: int, at least 2; bits of the integers, of which there are ``2**num_bits``. Defaults to 8.
        narrow_range: bool; whether the smallest integer is left out. Defaults to False.
        axis: int; the axis of channels. Defaults to None, which means one pair of limits for all elements.

    Shapes: ``(batch, ..., channels) -> (batch, ..., channels)``; limits are ``()``, or ``(channels,)`` with ``axis``.

    Returns: floats in the shape and dtype of the inputs; 0 where both limits are equal.

    Raises:
        ArgumentError: ``num_bits`` is not an int of 2 or more, or the inputs do not have the axis.
        ShapeError: the limits do not have one number, or one for each channel.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> x = np.array([-1.0, 0.2, 0.7, 9.0], "float32")
        >>> ops.convert_to_numpy(quantizers.fake_quant_with_min_max_vars(x, 0.0, 3.0, num_bits=2)).tolist()
        [0.0, 0.0, 1.0, 3.0]

    Source: Jacob and others, "Quantization and training of neural networks for efficient inference", 2018.
    """
    checks.two_or_more(num_bits, "num_bits", "fake_quant_with_min_max_vars")
    x = base.floating(base.tensor(inputs))
    checks.axes_within(axis, len(x.shape), "fake_quant_with_min_max_vars")
    low, high = (_limits(limit, x, axis) for limit in (min_vals, max_vals))
    first, last = int(narrow_range), 2**num_bits - 1

    @custom_gradient
    def rounded(x: Any, low: Any, high: Any) -> Any:
        lowest, highest, step = _nudged(low, high, first, last)
        wide = ops.cast(x, dtypes.name_of(lowest))
        steps = ops.divide(ops.subtract(ops.clip(wide, lowest, highest), lowest), ops.where(step > 0, step, 1.0))
        zero = ops.round(ops.divide(ops.negative(lowest), ops.where(step > 0, step, 1.0)))
        result = ops.multiply(ops.subtract(ops.floor(ops.add(steps, 0.5)), zero), step)

        def gradient(g: Any) -> Any:
            inside = ops.logical_and(ops.greater_equal(wide, lowest), ops.less_equal(wide, highest))
            below, above = ops.less_equal(wide, lowest), ops.greater_equal(wide, highest)
            return (
                ops.where(inside, g, 0.0),
                _summed(ops.where(below, g, 0.0), low),
                _summed(ops.where(above, g, 0.0), high),
            )

        return ops.cast(result, dtypes.name_of(x)), gradient

    return rounded(x, low, high)


def _limits(limit: Any, x: Any, axis: int | None) -> Any:
    """Returns limits with as many axes as the inputs, in float32 at least."""
    limit = base.wide(base.floating(base.tensor(limit)))
    size = 1 if axis is None else x.shape[axis]
    shape = tuple(limit.shape)
    if shape not in {(), (1,), (size,)}:
        raise ShapeError(
            "A limit of fake_quant_with_min_max_vars is one number, or one for each channel.",
            expected="()" if axis is None else f"() or ({size},)",
            got=shape,
            cure="axis=-1, for limits of the channels in the last axis" if axis is None else "",
        )
    if shape != () and axis is not None:
        return ops.reshape(limit, [-1 if i == axis % len(x.shape) else 1 for i in range(len(x.shape))])
    return ops.reshape(limit, (1,) * len(x.shape))


def _nudged(low: Any, high: Any, first: int, last: int) -> tuple[Any, Any, Any]:
    """Returns the limits, moved so that 0 is a whole number of steps away, and the step."""
    step = ops.divide(ops.subtract(high, low), float(last - first))
    zero = ops.subtract(float(first), ops.divide(low, ops.where(step > 0, step, 1.0)))
    zero = ops.round(ops.clip(zero, first, last))
    return ops.multiply(ops.subtract(first, zero), step), ops.multiply(ops.subtract(last, zero), step), step


def _summed(g: Any, limit: Any) -> Any:
    """Adds up a cotangent over the axes in which the limit has size 1."""
    axes = tuple(i for i, size in enumerate(limit.shape) if size == 1)
    return ops.cast(ops.sum(g, axis=axes, keepdims=True), dtypes.name_of(limit)) if axes else g
