"""Quantization by the largest magnitude along an axis, or by the range of groups of rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from amalthea import checks, docstrings, ops
from amalthea.configurable import Configurable, Registry
from amalthea.engine import dtypes
from amalthea.engine.backends import computing_with
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops import base

registry = Registry("quantizers", "quantizer")

Axes = int | Sequence[int]

docstrings.share(
    "quantization range",
    """
    value_range: tuple of two ints; smallest and largest integer of the result.
    dtype: str; integer dtype of the result. Defaults to ``"int8"``.
    epsilon: float, above 0; added to the range of the inputs, so that zeros do not divide by zero. Defaults to 1e-7.
    to_numpy: bool; whether to compute with NumPy on the host, which spares memory of the device. Defaults to False.
    """,
)


def _checked_range(value_range: Any, dtype: str, owner: str) -> tuple[int, int]:
    """Returns the range as a tuple, once it fits the integer dtype."""
    low_high = tuple(value_range) if isinstance(value_range, (list, tuple)) else ()
    if len(low_high) != 2 or not all(isinstance(x, int) for x in low_high) or not low_high[0] < low_high[1]:
        raise ArgumentError(
            f"`value_range` of {owner} is a smallest and a largest int.",
            expected="(low, high)",
            got=repr(value_range),
            cure="value_range=(-127, 127)",
        )
    if not dtypes.is_integer(dtype):
        raise ArgumentError(f"{owner} gives integers.", expected=", ".join(dtypes.INTEGERS), got=dtype)
    if any(dtypes.holding(x, dtype) != dtype for x in low_high):
        raise ArgumentError(
            f"`value_range` of {owner} does not fit its dtype {dtype}.",
            expected="(-128, 127) or less" if dtype == "int8" else f"what {dtype} can hold",
            got=repr(value_range),
            cure="value_range=(-127, 127)",
        )
    return low_high


def _host(to_numpy: bool) -> AbstractContextManager[Any]:
    return computing_with("numpy") if to_numpy else nullcontext()


def _floats(inputs: Any, to_numpy: bool) -> tuple[Any, str]:
    """Returns the inputs as floats of at least float32, and the float dtype that they had."""
    x = base.floating(base.tensor(ops.convert_to_numpy(inputs) if to_numpy else inputs))
    return base.wide(x), dtypes.name_of(x)


def abs_max_quantize(
    inputs: TensorLike,
    axis: Axes,
    value_range: tuple[int, int] = (-127, 127),
    dtype: DTypeLike = "int8",
    epsilon: float = 1e-07,
    to_numpy: bool = False,
) -> tuple[Any, Any]:
    """Quantizes floats by their largest magnitude along an axis.

    ``scale = high / (max(abs(inputs)) + epsilon)``, ``outputs = clip(round(inputs * scale), low, high)``.

    Args:
        inputs: tensor of floats.
        axis: int or sequence of ints; the axes over which the largest magnitude is taken. None means all axes.
        |quantization range|

    Shapes: ``(rows, columns) -> (rows, columns), (1, columns)`` for ``axis=0``.

    Returns: tuple ``(outputs, scale)``: integers in the shape of the inputs, and the scale in the dtype of the inputs
        with 1 in place of the size of each axis. ``outputs / scale`` are the floats again.

    Raises:
        ArgumentError: the range does not fit the dtype, or the inputs do not have the axis.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> outputs, scale = quantizers.abs_max_quantize(np.array([[1.0, -2.0]], "float32"), axis=-1)
        >>> ops.convert_to_numpy(outputs).tolist(), ops.convert_to_numpy(scale).tolist()
        ([[64, -127]], [[63.5]])
    """
    name = dtypes.standardize(dtype)
    low, high = _checked_range(value_range, name, "abs_max_quantize")
    checks.positive_number(epsilon, "epsilon", "abs_max_quantize")
    with _host(to_numpy):
        x, source = _floats(inputs, to_numpy)
        checks.axes_within(axis, len(x.shape), "abs_max_quantize")
        if base.is_over_nothing(x, axis):
            largest = base.over_nothing(x, axis, True, 0.0)
        else:
            largest = ops.max(ops.abs(x), axis=axis, keepdims=True)
        scale = ops.divide(float(high), ops.add(largest, epsilon))
        outputs = ops.cast(ops.clip(ops.round(ops.multiply(x, scale)), low, high), name)
        scale = ops.cast(scale, source)
    return _handed_back(to_numpy, outputs, scale)


def _handed_back(to_numpy: bool, *arrays: Any) -> Any:
    """Returns results of NumPy as arrays of the backend in use."""
    return tuple(ops.convert_to_tensor(x) for x in arrays) if to_numpy else arrays


def abs_max_quantize_grouped_with_zero_point(
    inputs: TensorLike,
    block_size: int,
    value_range: tuple[int, int] = (-8, 7),
    dtype: DTypeLike = "int8",
    epsilon: float = 1e-07,
    to_numpy: bool = False,
) -> tuple[Any, Any, Any]:
    """Quantizes a matrix in groups of rows, each with a scale and a zero point for every column.

    ``scale = (largest - smallest + epsilon) / (high - low)``, ``zero_point = round(-smallest / scale) + low`` and
    ``outputs = clip(round(inputs / scale) + zero_point, low, high)``, where smallest and largest are those of the group
    and of 0. Here the scale multiplies: ``inputs = (outputs - zero_point) * scale``.

    Args:
        inputs: tensor of floats with 2 axes.
        block_size: int, at least 1; rows of a group. The last group may have fewer.
        |quantization range|

    Shapes: ``(rows, columns) -> (rows, columns), (groups, columns), (groups, columns)``.

    Returns: tuple ``(outputs, scale, zero_point)``; the zero point is of int8.

    Raises:
        ArgumentError: the range does not fit the dtype, or the block size is not positive.
        ShapeError: the inputs do not have 2 axes of known size.

    Example:
        >>> import numpy as np
        >>> from amalthea import quantizers
        >>> x = np.arange(6.0, dtype="float32").reshape(6, 1) - 2
        >>> outputs, scale, zero = quantizers.abs_max_quantize_grouped_with_zero_point(x, block_size=4)
        >>> tuple(outputs.shape), tuple(scale.shape), np.asarray(zero).tolist()
        ((6, 1), (2, 1), [[2], [-8]])

    Source: a group is widened to hold 0. Keras does not do so, and cuts off groups that lie on one side of 0.
    """
    owner, name = "abs_max_quantize_grouped_with_zero_point", dtypes.standardize(dtype)
    low, high = _checked_range(value_range, name, owner)
    checks.positive_int(block_size, "block_size", owner)
    checks.positive_number(epsilon, "epsilon", owner)
    with _host(to_numpy):
        x, source = _floats(inputs, to_numpy)
        rows, columns = _matrix(x)
        groups = -(-rows // block_size)
        x = ops.pad(x, [[0, groups * block_size - rows], [0, 0]])
        x = ops.reshape(x, (groups, block_size, columns))
        smallest, largest = ops.minimum(ops.min(x, 1), 0.0), ops.maximum(ops.max(x, 1), 0.0)
        scale = ops.divide(ops.add(ops.subtract(largest, smallest), epsilon), float(high - low))
        zero = ops.clip(ops.add(ops.round(ops.divide(ops.negative(smallest), scale)), low), low, high)
        whole = ops.add(ops.round(ops.divide(x, ops.expand_dims(scale, 1))), ops.expand_dims(zero, 1))
        whole = ops.reshape(ops.clip(whole, low, high), (groups * block_size, columns))[:rows]
        results = (ops.cast(whole, name), ops.cast(scale, source), ops.cast(zero, "int8"))
    return _handed_back(to_numpy, *results)


def _matrix(x: Any) -> tuple[int, int]:
    shape = tuple(x.shape)
    if len(shape) != 2 or not all(isinstance(size, int) for size in shape):
        raise ShapeError(
            "Groups of rows are those of a matrix.",
            expected="(rows, columns)",
            got=shape,
            cure="ops.reshape(inputs, (rows, columns))",
        )
    return shape


class Quantizer(Configurable, registry=registry):
    """Base class of quantizers: functions from floats to integers and their scale.

    A subclass overrides ``__call__``. ``Quantizer`` itself returns its input unchanged.

    Args:
        output_dtype: str; dtype of the integers. Defaults to ``"int8"``.

    Shapes: any shape -> the same shape.

    Example:
        >>> import numpy as np
        >>> from amalthea import quantizers
        >>> quantizers.Quantizer()(np.array([1.5])).tolist()
        [1.5]
    """

    def __init__(self, output_dtype: DTypeLike = "int8"):
        self.output_dtype = dtypes.standardize(output_dtype)

    def __call__(self, x: TensorLike) -> Any:
        return x


class AbsMaxQuantizer(Quantizer):
    """Quantizes floats by their largest magnitude along an axis; see :func:`abs_max_quantize`.

    Args:
        axis: int or sequence of ints; axes over which the largest magnitude is taken, unless the call names others.
            Defaults to None, which is the last axis.
        value_range: tuple of two ints; smallest and largest integer of the result. Defaults to ``(-127, 127)``.
        epsilon: float, above 0; added to the largest magnitude. Defaults to 1e-7.
        output_dtype: str; integer dtype of the result. Defaults to ``"int8"``.

    Shapes: ``(rows, columns) -> (rows, columns), (rows, 1)`` for the last axis.

    Raises:
        ArgumentError: the range does not fit the dtype.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> outputs, scale = quantizers.AbsMaxQuantizer(axis=0)(np.array([[1.0], [-4.0]], "float32"))
        >>> ops.convert_to_numpy(outputs).tolist(), ops.convert_to_numpy(scale).tolist()
        ([[32], [-127]], [[31.75]])
    """

    _only_in_config_if_set = ("axis",)
    _argument_checks = {"axis": checks.one_or_several(checks.integer), "epsilon": checks.positive_number}

    def __init__(
        self,
        axis: Axes | None = None,
        value_range: tuple[int, int] = (-127, 127),
        epsilon: float = 1e-07,
        output_dtype: DTypeLike = "int8",
    ):
        super().__init__(output_dtype)
        self.axis = None if axis is None else tuple(axis) if isinstance(axis, Sequence) else (axis,)
        self.value_range = _checked_range(value_range, self.output_dtype, "AbsMaxQuantizer")
        self.epsilon = epsilon

    def __call__(self, x: TensorLike, axis: Axes | None = None, to_numpy: bool = False) -> tuple[Any, Any]:
        axis = axis if axis is not None else self.axis if self.axis is not None else -1
        return abs_max_quantize(x, axis, self.value_range, self.output_dtype, self.epsilon, to_numpy)
