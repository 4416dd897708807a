"""Floats of 8 bits: rounding to them, and the scale that keeps values in their range."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from amalthea import checks, ops
from amalthea.engine import dtypes
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import DtypeError, ShapeError, nearest
from amalthea.ops import base

# By name: bits of the fraction, smallest and largest exponent, largest number.
_FORMATS = {"float8_e4m3fn": (3, -6, 8, 448.0), "float8_e5m2": (2, -14, 15, 57344.0)}
LARGEST = {name: form[3] for name, form in _FORMATS.items()}


def compute_float8_scale(amax: TensorLike, scale: TensorLike, dtype_max: float, margin: int = 0) -> Any:
    """Computes the scale that brings values of a known magnitude into the range of a float of 8 bits.

    ``amax * 2**margin / dtype_max``; the old scale where ``amax`` is 0 or not finite.

    Args:
        amax: tensor of floats; largest magnitude of the values.
        scale: tensor of floats; the scale until now, by which values are divided.
        dtype_max: float, above 0; largest number of the format, such as 448 for ``float8_e4m3fn``.
        margin: int; powers of 2 that are left free. Defaults to 0.

    Shapes: any shape, the same for ``amax`` and ``scale``.

    Returns: the new scale.

    Raises:
        ArgumentError: ``dtype_max`` is not positive.

    Example:
        >>> import numpy as np
        >>> from amalthea import quantizers
        >>> float(quantizers.compute_float8_scale(np.float32(896.0), np.float32(1.0), 448.0))
        2.0

    Source: NVIDIA, Transformer Engine, delayed scaling.
    """
    checks.positive_number(dtype_max, "dtype_max", "compute_float8_scale")
    checks.finite_number(margin, "margin", "compute_float8_scale")
    amax, scale = base.floats(amax, scale)
    known = ops.logical_and(ops.greater(amax, 0), ops.isfinite(amax))
    return ops.where(known, ops.multiply(amax, 2.0**margin / dtype_max), scale)


def compute_float8_amax_history(x: TensorLike, amax_history: TensorLike) -> Any:
    """Puts the largest magnitude of a tensor into a history of them.

    The history moves back by one, its oldest value falls out, and the first value becomes ``max(abs(x))``.

    Args:
        x: tensor of floats.
        amax_history: tensor of floats with 1 axis; the largest magnitudes of earlier steps.

    Shapes: any shape, ``(length,) -> (length,)``.

    Returns: the new history.

    Raises:
        ShapeError: the history does not have 1 axis, or is empty.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> history = np.array([1.0, 2.0, 3.0], "float32")
        >>> ops.convert_to_numpy(quantizers.compute_float8_amax_history(np.float32([-9.0]), history)).tolist()
        [9.0, 3.0, 1.0]
    """
    history = base.tensor(amax_history)
    if len(history.shape) != 1 or history.shape[0] == 0:
        raise ShapeError(
            "A history of magnitudes has one axis.",
            expected="(length,)",
            got=tuple(history.shape),
            cure="np.zeros(1024)",
        )
    values = base.tensor(x)
    newest = (
        base.over_nothing(values, None, False, 0.0) if base.is_over_nothing(values, None) else ops.max(ops.abs(values))
    )
    newest = ops.reshape(ops.cast(newest, dtypes.name_of(history)), (1,))
    return ops.concatenate([newest, ops.roll(history, -1)[1:]])


def quantize_and_dequantize(
    inputs: TensorLike, scale: TensorLike, quantized_dtype: DTypeLike, compute_dtype: DTypeLike
) -> Any:
    """Rounds floats to those of a float of 8 bits, after a division by a scale that is undone at the end.

    ``scale * round(clip(inputs / scale, -largest, largest))``, to the nearest number of the format, ties to even.

    Args:
        inputs: tensor of floats.
        scale: tensor of floats, above 0.
        quantized_dtype: str; ``"float8_e4m3fn"`` (largest number 448) or ``"float8_e5m2"`` (57344).
        compute_dtype: str; float dtype of the computation and of the result.

    Shapes: any shape; the scale is a number, or has a shape that fits beside the inputs.

    Returns: floats in the shape of the inputs.

    Raises:
        DtypeError: the format is unknown, or ``compute_dtype`` is not a float.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> x = np.array([1.0, 1.05, 1000.0], "float32")
        >>> ops.convert_to_numpy(quantizers.quantize_and_dequantize(x, 1.0, "float8_e4m3fn", "float32")).tolist()
        [1.0, 1.0, 448.0]
    """
    name, to = str(quantized_dtype).rsplit(".", 1)[-1], dtypes.standardize(compute_dtype)
    if name not in _FORMATS:
        raise DtypeError(
            f"The 8-bit float {name!r} does not exist.",
            expected=" or ".join(_FORMATS),
            got=repr(quantized_dtype),
            cure=nearest(name, _FORMATS),
        )
    if not dtypes.is_float(to):
        raise DtypeError("`compute_dtype` of quantize_and_dequantize is a float.", expected="float32", got=to)
    x, factor = ops.cast(base.tensor(inputs), to), ops.cast(base.tensor(scale), to)
    largest = _FORMATS[name][3]
    x = ops.clip(ops.divide(x, factor), -largest, largest)
    wide = ops.cast(x, dtypes.at_least_single(to))
    powers, spacings = _spacings(name)
    spacing = ops.take(spacings, ops.searchsorted(powers, ops.reshape(ops.abs(wide), (-1,)), side="right"))
    spacing = ops.cast(ops.reshape(spacing, base.shape_of(wide)), dtypes.name_of(wide))
    rounded = ops.multiply(ops.round(ops.divide(wide, spacing)), spacing)
    return ops.multiply(ops.cast(rounded, to), factor)


@cache
def _spacings(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the powers of 2 at which the distance of neighbours doubles, and the distances between them."""
    fraction, least, most, _ = _FORMATS[name]
    exponents = np.arange(least, most + 1)
    return np.exp2(exponents[1:]).astype("float32"), np.exp2(exponents - fraction).astype("float32")
