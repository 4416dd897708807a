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
from amalthea.engine import dtypes
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable, at_once
from amalthea.engine.primitives.matmul import integer_matmul
from amalthea.engine.transforms import custom_gradient
from amalthea.quantizers.absolute_maximum import AbsMaxQuantizer, abs_max_quantize_grouped_with_zero_point
from amalthea.quantizers.int4 import pack_int4, unpack_int4

Make = Callable[[str, Sequence[int], str, str], Variable]  # name, shape, dtype and initializer of a source


class QuantizedVariable(ComputedVariable):
    """A weight that is stored as integers and a scale."""

    _takes_position = True  # whether files keep the integers where they kept the weight

    def __init__(self, replaced: Variable, sources: Sequence[Variable]):
        super().__init__(replaced, sources)
        self._store(self._encode(replaced.numpy()))

    def _encode(self, value: np.ndarray) -> dict[Variable, Any]:
        """Returns the values of the variables behind a value in floats."""
        raise NotImplementedError

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


def _quantized(quantizer: Any, value: np.ndarray, axes: Any, value_range: tuple[int, int]) -> tuple[Any, Any]:
    """Returns integers and scale; a quantizer of a user's own knows its axes itself."""
    quantizer = quantizer or AbsMaxQuantizer(value_range=value_range)
    return quantizer(value, axes, to_numpy=True) if isinstance(quantizer, AbsMaxQuantizer) else quantizer(value)


def _others(axes: Sequence[int], rank: int) -> list[int]:
    return [axis for axis in range(rank) if axis not in axes]


class Int8Variable(QuantizedVariable):
    """A weight that is stored as integers of 8 bits and a scale for each output.

    Args:
        replaced: Variable; the weight in floats, whose value is quantized.
        axes: tuple of ints; axes of inputs, over which a scale is shared.
        layout: tuple; for each axis of the stored scale the axis of the weight, or None for one of size 1.
        config: QuantizationConfig of mode int8.
        make: function that makes the variables behind the value.
    """

    def __init__(
        self, replaced: Variable, axes: tuple[int, ...], layout: tuple[int | None, ...], config: Any, make: Make
    ):
        shape, self._axes, self._quantizer = replaced.shape, axes, config.weight_quantizer
        self._inputs = config.activation_quantizer
        self._order = [axis for axis in layout if axis is not None]
        self._codes = make(replaced.name, shape, "int8", "zeros")
        sizes = [1 if axis is None else shape[axis] for axis in layout]
        self._scale = make(f"{replaced.name}_scale", sizes, replaced.dtype, "ones")
        super().__init__(replaced, [self._codes, self._scale])

    def _compute(self) -> Any:
        kept = [1 if i in self._axes else size for i, size in enumerate(self.shape)]
        return ops.divide(ops.cast(self._codes.value, self.dtype), ops.reshape(self._scale_of_outputs(), kept))

    def _scale_of_outputs(self) -> Any:
        """Returns the scale with the axes of the outputs, in the order of the weight."""
        scale = ops.reshape(self._scale.value, [self.shape[axis] for axis in self._order])
        return ops.transpose(scale, np.argsort(self._order).tolist())

    def product(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Return the product in integers: the inputs are quantized too. Its gradient is that of the floats."""
        if sorted(axes) != sorted(self._axes) or not isinstance(self._inputs, AbsMaxQuantizer):
            return None
        if self._inputs.output_dtype != "int8":
            return None
        if isinstance(x, (Tensor, np.ndarray)):
            return custom_gradient(
                lambda x: (self._in_integers(x, over, axes), lambda g: self._back(g, x, over, axes))
            )(x)
        exact = ops.tensordot(x, self.value, axes=[list(over), list(axes)])  # a library's own tape may be open
        return exact + ops.stop_gradient(self._in_integers(x, over, axes) - exact)

    def _in_integers(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        kind, sizes, rank = dtypes.name_of(x), ops.shape(x), len(x.shape)
        free, columns = _others(over, rank), _others(axes, len(self.shape))
        codes, scale = self._inputs(ops.cast(x, dtypes.accumulator(kind)), tuple(over))
        inner, outer = (int(np.prod([self.shape[axis] for axis in some])) for some in (axes, columns))
        rows = ops.reshape(ops.transpose(codes, (*free, *over)), (-1, inner))
        matrix = ops.reshape(ops.transpose(self._codes.value, (*axes, *columns)), (inner, outer))
        total = ops.cast(integer_matmul(rows, matrix), ops.dtype(scale))
        scales = ops.reshape(ops.transpose(scale, (*free, *over)), (-1, 1))
        out = ops.divide(
            total, ops.multiply(scales, ops.cast(ops.reshape(self._scale_of_outputs(), (1, -1)), ops.dtype(scale)))
        )
        out = ops.reshape(out, (*(sizes[axis] for axis in free), *(self.shape[axis] for axis in columns)))
        return ops.cast(out, kind)

    def _back(self, g: Any, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Returns the cotangent of the inputs of :meth:`product`."""
        free, columns = _others(over, len(x.shape)), _others(axes, len(self.shape))
        by_x = ops.tensordot(
            g, ops.cast(self.value, ops.dtype(g)), axes=[list(range(len(free), len(g.shape))), columns]
        )
        found = [*free, *(over[list(axes).index(axis)] for axis in sorted(axes))]
        return ops.transpose(by_x, np.argsort(found).tolist())

    def _encode(self, value: np.ndarray) -> dict[Variable, Any]:
        codes, scale = _quantized(self._quantizer, value, self._axes, (-127, 127))
        scale = ops.reshape(scale, [self.shape[axis] for axis in sorted(self._order)])
        scale = ops.transpose(scale, np.argsort(np.argsort(self._order)).tolist())
        return {self._codes: codes, self._scale: ops.reshape(scale, self._scale.shape)}


class Int4Variable(QuantizedVariable):
    """A weight that is stored as a matrix of integers of 4 bits, two in a byte, and a scale for each output or group.

    The rows of the matrix are the inputs, and the columns the outputs; a weight with 2 axes is the matrix as it is.

    Args:
        replaced: Variable; the weight in floats, whose value is quantized.
        axes: tuple of ints; axes of inputs.
        _layout: not used; the scale has the axes of the matrix.
        config: QuantizationConfig of mode int4.
        make: function that makes the variables behind the value.
    """

    def __init__(
        self, replaced: Variable, axes: tuple[int, ...], _layout: tuple[int | None, ...], config: Any, make: Make
    ):
        shape, name, self._quantizer = replaced.shape, replaced.name, config.weight_quantizer
        self._axis = axes[0] if len(shape) == 2 else 0
        kept = [i for i in range(len(shape)) if i not in axes]
        self._turns = [0, 1] if len(shape) == 2 else [*axes, *kept]
        split = 1 if len(shape) == 2 else len(axes)
        turned = [shape[i] for i in self._turns]
        self._matrix = [int(np.prod(turned[:split])), int(np.prod(turned[split:]))]
        self._block = None if config.block_size in (None, -1) else config.block_size
        self._codes = make(name, [self._matrix[0], -(-self._matrix[1] // 2)], "int8", "zeros")
        scales, rows = [self._matrix[1 - self._axis]], self._matrix[self._axis]
        if self._block is not None:
            scales.insert(self._axis, -(-rows // self._block))
        self._scale = make(f"{name}_scale", scales, replaced.dtype, "ones")
        sources = [self._codes, self._scale]
        if self._block is not None:
            self._zero = make(f"{name}_zero", scales, "int8", "zeros")
            self._groups = make(
                "g_idx" if name in ("kernel", "embeddings") else f"{name}_g_idx", [rows], "float32", "zeros"
            )
            self._groups.assign(np.arange(rows) // self._block)
            sources += [self._zero, self._groups]
        super().__init__(replaced, sources)

    def _compute(self) -> Any:
        codes = ops.cast(unpack_int4(self._codes.value, self._matrix[1], -1), self.dtype)
        if self._block is None:
            value = ops.divide(codes, ops.expand_dims(self._scale.value, self._axis))
        else:
            groups = ops.cast(self._groups.value, "int32")
            zero = ops.cast(ops.take(self._zero.value, groups, axis=self._axis), self.dtype)
            value = ops.multiply(ops.subtract(codes, zero), ops.take(self._scale.value, groups, axis=self._axis))
        value = ops.reshape(value, [self.shape[i] for i in self._turns])
        return ops.transpose(value, np.argsort(self._turns).tolist())

    def _encode(self, value: np.ndarray) -> dict[Variable, Any]:
        matrix = value.transpose(self._turns).reshape(self._matrix)
        if self._block is None:
            codes, scale = _quantized(self._quantizer, matrix, self._axis, (-8, 7))
            return {self._codes: pack_int4(codes, -1)[0], self._scale: ops.reshape(scale, self._scale.shape)}
        matrix = matrix.T if self._axis else matrix
        found = abs_max_quantize_grouped_with_zero_point(matrix, self._block, to_numpy=True)
        codes, scale, zero = (ops.transpose(x) if self._axis else x for x in found)
        return {self._codes: pack_int4(codes, -1)[0], self._scale: scale, self._zero: zero}


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

    def product(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Return the product with the weight of before, if that computes it itself, plus the one of low rank."""
        before = self._before.product(x, over, axes) if isinstance(self._before, ComputedVariable) else None
        if before is None or len(self.shape) - 1 in axes:
            return None
        kind = dtypes.name_of(x)
        inner = ops.tensordot(x, ops.cast(self._a.value, kind), axes=[list(over), list(axes)])
        added = ops.tensordot(inner, ops.cast(self._b.value, kind), axes=1)
        return ops.add(before, ops.multiply(added, self._factor))

    def _compute(self) -> Any:
        added = ops.multiply(ops.matmul(self._a.value, self._b.value), self._factor)
        return ops.add(self._before.value, ops.cast(added, self.dtype))

    def _merged(self) -> dict[Variable, Any]:
        """Returns the values of the variables behind the weight with the product added, without those of the rank."""
        before = self._before
        return before._encode(self.numpy()) if isinstance(before, QuantizedVariable) else {before: self.numpy()}
