"""The variables that layers read in place of their kernels: quantized weights, and weights with a low-rank sum.

kernel = integers / scale                        int8, and int4 with one scale for each output
kernel = (integers - zero point) * scale         int4 in groups of rows
kernel = kernel of before + factor * (a @ b)     low rank
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.variable import Variable, at_once
from amalthea.quantizers.absolute_maximum import AbsMaxQuantizer, abs_max_quantize_grouped_with_zero_point
from amalthea.quantizers.configs import QuantizationConfig
from amalthea.quantizers.int4 import pack_int4, unpack_int4

Make = Callable[[str, Sequence[int], str, str], Variable]  # name, shape, dtype and initializer of a source


class QuantizedVariable(ComputedVariable):
    """A weight that is stored as integers of 8 or 4 bits and a scale.

    Args:
        replaced: Variable; the weight in floats, whose value is quantized.
        axes: tuple of ints; axes of inputs, over which a scale is shared.
        layout: tuple; for each axis of the stored scale the axis of the weight, or None for one of size 1.
        config: QuantizationConfig of mode int8 or int4.
        make: function that makes the variables behind the value.
    """

    def __init__(
        self,
        replaced: Variable,
        axes: tuple[int, ...],
        layout: tuple[int | None, ...],
        config: QuantizationConfig,
        make: Make,
    ):
        shape, self._packed = list(replaced.shape), config.mode == "int4"
        self._axes = tuple(sorted(axis % len(shape) for axis in axes))
        block = getattr(config, "block_size", None) if len(shape) == 2 and len(self._axes) == 1 else None
        self._block = None if block == -1 else block
        self._quantizer = config.weight_quantizer
        stored = [*shape[:-1], -(-shape[-1] // 2)] if self._packed else shape
        name = replaced.name
        self._codes = make(name, stored, "int8", "zeros")
        self._order = [axis for axis in layout if axis is not None]
        scales = [1 if axis is None else shape[axis] for axis in layout]
        if self._block is not None:
            scales = list(shape)
            scales[self._axes[0]] = -(-shape[self._axes[0]] // self._block)
        self._scale = make(f"{name}_scale", scales, replaced.dtype, "ones")
        sources = [self._codes, self._scale]
        if self._block is not None:
            stem = "" if name == "kernel" else f"{name}_" if name.startswith("reverse") else ""
            self._zero = make(f"{name}_zero", scales, "int8", "zeros")
            self._rows = make(f"{stem}g_idx", [shape[self._axes[0]]], "float32", "zeros")
            self._rows.assign(np.arange(self._rows.shape[0]) // self._block)
            sources += [self._zero, self._rows]
        super().__init__(replaced, sources)
        self._store(self._encode(replaced.numpy()))

    def _compute(self) -> Any:
        codes = self._codes.value
        codes = unpack_int4(codes, self.shape[-1], -1) if self._packed else codes
        codes = ops.cast(codes, self.dtype)
        if self._block is None:
            kept = [1 if i in self._axes else size for i, size in enumerate(self.shape)]
            sizes = [self.shape[axis] for axis in self._order]
            scale = ops.transpose(ops.reshape(self._scale.value, sizes), np.argsort(self._order).tolist())
            return ops.divide(codes, ops.reshape(scale, kept))
        rows, axis = ops.cast(self._rows.value, "int32"), self._axes[0]
        zero = ops.cast(ops.take(self._zero.value, rows, axis=axis), self.dtype)
        return ops.multiply(ops.subtract(codes, zero), ops.take(self._scale.value, rows, axis=axis))

    def _encode(self, value: Any) -> dict[Variable, Any]:
        """Returns the values of the variables behind a value in floats."""
        if self._block is not None:
            turned = self._axes[0] == 1
            found = abs_max_quantize_grouped_with_zero_point(
                np.transpose(value) if turned else value, self._block, to_numpy=True
            )
            codes, scale, zero = (ops.transpose(x) if turned else x for x in found)
            return {self._codes: pack_int4(codes, -1)[0], self._scale: scale, self._zero: zero}
        quantizer = self._quantizer or AbsMaxQuantizer(value_range=(-8, 7) if self._packed else (-127, 127))
        known = isinstance(quantizer, AbsMaxQuantizer)
        codes, scale = quantizer(value, self._axes, to_numpy=True) if known else quantizer(value)
        codes = pack_int4(codes, -1)[0] if self._packed else codes
        sizes = [self.shape[axis] for axis in sorted(self._order)]
        turned = ops.transpose(ops.reshape(scale, sizes), np.argsort(np.argsort(self._order)).tolist())
        return {self._codes: codes, self._scale: ops.reshape(turned, self._scale.shape)}

    def _store(self, values: dict[Variable, Any]) -> None:
        with at_once():
            for variable, value in values.items():
                variable.assign(value)

    def assign(self, value: Any) -> None:
        """Quantize a value of the same shape, and store it.

        Args:
            value: array.
        """
        self._store(self._encode(ops.convert_to_numpy(ops.broadcast_to(value, self.shape))))


class LowRankVariable(ComputedVariable):
    """A weight plus a product of two small matrices, which alone are trained.

    Args:
        replaced: Variable; the weight, which is not trained any more.
        a: Variable ``(..., rank)``.
        b: Variable ``(rank, outputs)``.
        factor: float; multiplies the product.
    """

    def __init__(self, replaced: Variable, a: Variable, b: Variable, factor: float):
        super().__init__(replaced, [replaced, a, b])
        self._before, self._a, self._b, self._factor = replaced, a, b, factor

    def _compute(self) -> Any:
        added = ops.multiply(ops.matmul(self._a.value, self._b.value), self._factor)
        return ops.add(self._before.value, ops.cast(added, self.dtype))

    def _merged(self) -> dict[Variable, Any]:
        """Returns the values of the variables behind the weight with the product added, without those of the rank."""
        before = self._before
        return before._encode(self.numpy()) if isinstance(before, QuantizedVariable) else {before: self.numpy()}
