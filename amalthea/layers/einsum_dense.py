"""A dense layer whose product is written as an Einstein sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.adaptation import LowRank
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight


class EinsumDense(LowRank, Layer):
    """A dense layer whose product is an Einstein sum: ``activation(einsum(equation, inputs, kernel) + bias)``.

    Args:
        equation: str; axes of input, kernel and output, such as ``"abc,cde->abde"``. ``...`` stands for leading axes
            that input and output share.
        output_shape: int or sequence of int and None; shape of the output without the batch. None stands for sizes that
            the input has too.
        activation: str, function or layer without weights; applied to the output. Defaults to None, which applies none.
        bias_axes: str; letters of the output's axes that the bias has. Defaults to None, which adds no bias.
        |kernel and bias|
        |adapters|
        gptq_unpacked_column_size: int; accepted for files of Keras, and without effect: GPTQ is not implemented.
        |layer options|

    Shapes: as the equation says, such as ``(batch, time, features) -> (batch, time, heads, size)`` for
        ``"abc,cde->abde"``.

    Raises:
        ArgumentError: the equation does not describe one product, or the bias has an axis that the output lacks.
        ShapeError: the size of an axis of the kernel is not known.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> heads = layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")
        >>> tuple(heads(np.ones((1, 5, 4), "float32")).shape), tuple(heads.kernel.shape)
        ((1, 5, 2, 3), (4, 2, 3))
    """

    _computes_in_floats = True
    _quantized_by_default = True
    _not_in_config = ("lora_rank", "lora_alpha", "gptq_unpacked_column_size")
    _config_start = {"activity_regularizer": None}
    _config_attributes = {"output_shape": "partial_output_shape"}

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None] | None,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals(), but=("output_shape",))
        self.partial_output_shape: tuple[Any, ...] = (
            tuple(output_shape) if isinstance(output_shape, (list, tuple)) else (output_shape,)
        )

    def build(self, input_shape: Any) -> None:
        kernel, bias = self._weight_shapes(input_shape)
        self.kernel = weight(self, "kernel", kernel)
        self.bias = None if bias is None else weight(self, "bias", bias)

    def _weight_shapes(self, input_shape: Any) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
        """Returns the shapes of kernel and bias, from the sizes of the equation's letters."""
        left, _, out = self.equation.replace(" ", "").partition("->")
        data, _, kernel = left.partition(",")
        if not (data and kernel and out):
            raise ArgumentError(
                "EinsumDense takes the equation of one product.", expected="'ab,bc->ac'", got=self.equation
            )
        sizes = _sizes(out, (None, *self.partial_output_shape), pad=data.startswith("...") or out.startswith("..."))
        sizes.update({k: v for k, v in _sizes(data, input_shape, pad=False).items() if v is not None})
        unknown = [letter for letter in kernel if sizes.get(letter) is None]
        if unknown:
            raise ShapeError(
                f"The size of axis {unknown[0]!r} of the kernel of '{self.name}' is not known.",
                expected=f"sizes for {kernel!r} from the input or `output_shape`",
                got=f"{input_shape} and {self.partial_output_shape}",
            )
        return tuple(sizes[letter] for letter in kernel), self._bias_shape(out.replace("...", ""), sizes)

    def _input_axes(self, variable: Any) -> tuple[int, ...]:
        left, _, out = self.equation.replace(" ", "").partition("->")
        return tuple(i for i, letter in enumerate(left.partition(",")[2]) if letter not in out)

    def _scale_layout(self, variable: Any) -> tuple[int | None, ...]:
        left, _, out = self.equation.replace(" ", "").partition("->")
        kernel = left.partition(",")[2]
        if "." in out:
            return super()._scale_layout(variable)
        return tuple(kernel.index(letter) if letter in kernel else None for letter in out)  # as it meets the output

    def _bias_shape(self, out: str, sizes: dict[str, Any]) -> tuple[int, ...] | None:
        if not self.bias_axes:
            return None
        strange = [letter for letter in self.bias_axes if letter not in out]
        if strange:
            raise ArgumentError(
                f"The bias has an axis {strange[0]!r} that the output has not.", expected=out, got=self.bias_axes
            )
        first = min(out.index(letter) for letter in self.bias_axes)
        return tuple(sizes[letter] if letter in self.bias_axes else 1 for letter in out[first:])

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = ops.einsum(self.equation, inputs, self.kernel)
        return self.activation(x if self.bias is None else ops.add(x, self.bias))


def _sizes(letters: str, shape: Any, pad: bool) -> dict[str, Any]:
    """Maps letters to sizes. Dots stand for axes without letters; a shape that is too short lacks leading axes."""
    before, dots, after = letters.partition("...")
    if pad and len(shape) < len(before + after):
        shape = (None,) * (len(before + after) - len(shape)) + tuple(shape)
    found = dict(zip(after[::-1], tuple(shape)[::-1])) if dots else {}
    return {**dict(zip(before, shape)), **found}
