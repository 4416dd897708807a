"""Variables of GPTQ and AWQ, and the variable that stands for a weight while its inputs are looked at.

kernel = (integers - zero point) * scale              GPTQ
kernel = (integers - zero point) * scale / inputs     AWQ, with a scale for each input
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.variable import Variable
from amalthea.quantizers.calibrated import Grid, Quantized, Statistics, awq, gptq, groups_of, nearest
from amalthea.quantizers.int4 import pack_int4, unpack_int4
from amalthea.quantizers.variables import Make, QuantizedVariable


class CalibratedVariable(QuantizedVariable):
    """A weight that is stored as a matrix of unsigned integers, with a scale and a zero point for each group of inputs.

    The rows of the matrix are the outputs, and the columns the inputs; two integers of 4 bits are in a byte. Without
    statistics, and when it is assigned, values are rounded to the nearest.

    Args:
        replaced: Variable; the weight in floats, whose value is quantized.
        axes: tuple of ints; axes of inputs.
        _layout: not used; the scale has the axes of the matrix.
        config: QuantizationConfig of the mode.
        make: function that makes the variables behind the value.
        seen: Statistics of the inputs, or None.
    """

    _takes_position = False  # files keep the integers behind the bias

    def __init__(
        self,
        replaced: Variable,
        axes: tuple[int, ...],
        _layout: tuple[int | None, ...],
        config: Any,
        make: Make,
        seen: Statistics | None = None,
    ):
        shape, name = replaced.shape, replaced.name
        self._turns = [*axes, *(i for i in range(len(shape)) if i not in axes)]
        sizes = [shape[i] for i in self._turns]
        inputs, self._outputs = (int(np.prod(some)) for some in (sizes[: len(axes)], sizes[len(axes) :]))
        self._config, self._statistics, self._packs = config, seen, config.weight_bits == 4
        self._grid = self._grid_of(config)
        order = groups_of(inputs, config.group_size)
        scales = [self._outputs, int(order.max(initial=0)) + 1]
        stored = -(-self._outputs // 2) if self._packs else self._outputs
        self._codes = make(name, [stored, inputs], "uint8", "zeros")
        self._scale = make(f"{name}_scale", scales, replaced.dtype, "ones")
        self._zero = make(f"{name}_zero", scales, "uint8", "zeros")
        others = self._further(name, inputs, make)
        self._groups = make("g_idx" if name == "kernel" else f"{name}_g_idx", [inputs], "float32", "zeros")
        self._groups.assign(order)
        super().__init__(replaced, [self._codes, self._scale, self._zero, *others, self._groups])
        self._statistics = None

    def _grid_of(self, config: Any) -> Grid:
        return Grid(config.weight_bits, getattr(config, "symmetric", False), getattr(config, "per_channel", True))

    def _further(self, name: str, inputs: int, make: Make) -> list[Variable]:
        """Returns further variables of a method."""
        return []

    def _compute(self) -> Any:
        codes = ops.transpose(self._codes.value)  # as bytes, before they are widened
        codes = unpack_int4(codes, self._outputs, 1, "uint8") if self._packs else codes
        groups = ops.cast(self._groups.value, "int32")
        zero = ops.take(ops.cast(ops.transpose(self._zero.value), self.dtype), groups, axis=0)
        scale = ops.take(ops.transpose(self._scale.value), groups, axis=0)
        rows = self._of_inputs(ops.multiply(ops.subtract(ops.cast(codes, self.dtype), zero), scale))
        return ops.transpose(ops.reshape(rows, [self.shape[i] for i in self._turns]), np.argsort(self._turns).tolist())

    def _of_inputs(self, rows: Any) -> Any:
        """Returns a matrix ``(inputs, outputs)`` without the scales of inputs."""
        return rows

    def _matrix_of(self, value: np.ndarray) -> np.ndarray:
        """Returns a value of the weight as a matrix ``(outputs, inputs)``."""
        return value.transpose(self._turns).reshape(-1, self._outputs).T.astype("float64")

    def _present_groups(self) -> np.ndarray:
        return np.asarray(self._groups.numpy()).astype(int)

    def _stored(self, found: Quantized) -> dict[Variable, Any]:
        codes = found.codes.astype("uint8")
        return {
            self._codes: pack_int4(codes, 0, "uint8")[0] if self._packs else codes,
            self._scale: found.scale.astype("float32"),
            self._zero: found.zero.astype("uint8"),
            self._groups: found.groups.astype("float32"),
        }


class GPTQVariable(CalibratedVariable):
    """A weight that GPTQ quantized."""

    def _encode(self, value: np.ndarray) -> dict[Variable, Any]:
        matrix, config = self._matrix_of(value), self._config
        if self._statistics is None:
            return self._stored(nearest(matrix, self._grid, self._present_groups()))
        return self._stored(
            gptq(
                matrix, self._statistics, self._grid, config.group_size, config.hessian_damping, config.activation_order
            )
        )


class AWQVariable(CalibratedVariable):
    """A weight that AWQ quantized, multiplied by a scale for each input."""

    def _further(self, name: str, inputs: int, make: Make) -> list[Variable]:
        self._inputs = make("awq_scales" if name == "kernel" else f"{name}_awq_scales", [inputs], "float32", "ones")
        return [self._inputs]

    def _of_inputs(self, rows: Any) -> Any:
        return ops.divide(rows, ops.expand_dims(ops.cast(self._inputs.value, self.dtype), 1))

    def _encode(self, value: np.ndarray) -> dict[Variable, Any]:
        matrix, config = self._matrix_of(value), self._config
        if self._statistics is None:
            scaled = matrix * self._inputs.numpy()
            return self._stored(nearest(scaled, self._grid, self._present_groups()))
        found, scales = awq(matrix, self._statistics, self._grid, config.group_size, config.num_grid_points)
        return {**self._stored(found), self._inputs: scales.astype("float32")}


class ObservedVariable(ComputedVariable):
    """A weight as it is, which keeps the second moments of the inputs that it is multiplied with.

    Args:
        replaced: Variable; the weight.
        axes: tuple of ints; axes of inputs.
    """

    def __init__(self, replaced: Variable, axes: tuple[int, ...]):
        super().__init__(replaced, [replaced])
        self._weight, self._axes, self._trace = replaced, axes, None
        self._met: list[tuple[Any, Any, int]] = []
        self.statistics = Statistics(int(np.prod([replaced.shape[axis] for axis in axes])))

    def _compute(self) -> Any:
        return self._weight.value

    def begin(self) -> None:
        """Forgets what was met, and takes the trace that is open now as the one whose products count."""
        self._met, self._trace = [], current_trace()

    def product(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Note the inputs, and return None: the product itself is computed as ever."""
        if current_trace() is self._trace and sorted(axes) == sorted(self._axes):
            summed = [over[list(axes).index(axis)] for axis in self._axes]
            free = [axis for axis in range(len(x.shape)) if axis not in over]
            rows = ops.cast(ops.reshape(ops.transpose(x, (*free, *summed)), (-1, len(self.statistics.gram))), "float32")
            moments = ops.matmul(ops.transpose(rows), rows), ops.sum(ops.abs(rows), axis=0)
            self._met.append((*moments, int(rows.shape[0])))
        return None

    def met(self) -> tuple[Any, Any] | None:
        """Returns the sums over all inputs since :meth:`begin`, or None if there were none."""
        return (sum(each[0] for each in self._met), sum(each[1] for each in self._met)) if self._met else None

    def count(self) -> int:
        """Returns the rows of these inputs."""
        return sum(each[2] for each in self._met)
