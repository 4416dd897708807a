"""The product of two inputs, summed over one axis of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.checks import axes_within, integer
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.layer import Layer
from amalthea.layers.masked import without_padding


class Dot(Layer):
    """Multiplies two inputs and sums over one axis of each, example by example.

    With ``axes=1`` and inputs of two axes, ``output[i, 0] = sum over k of a[i, k] * b[i, k]``. Steps that a mask leaves
    out count as zeros.

    Args:
        axes: int, or one for each input; axis that is summed over.
        normalize: bool; whether both inputs are first divided by their length along the axis, so that the output is the
            cosine. Defaults to False.
        |layer options|

    Shapes: list of ``(batch, a, n)``, ``(batch, n, b) -> (batch, a, b)`` with ``axes=(2, 1)``; ``(batch, 1)`` if no
        other axis remains.

    Raises:
        ArgumentError: the input is not a list of two, or ``axes`` is not an axis of each.
        ShapeError: the summed axes have different sizes.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> a, b = np.array([[1, 2]], "float32"), np.array([[3, 4]], "float32")
        >>> np.asarray(layers.Dot(1)([a, b])).tolist()
        [[11.0]]
    """

    supports_masking = True

    def __init__(self, axes: int | list[int] | tuple[int, ...], normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = list(axes) if isinstance(axes, (list, tuple)) else [axes, axes]
        if len(pair) != 2 or not all(map(integer.accepts, pair)):
            raise ArgumentError("`axes` of Dot is an int, or one for each input.", got=repr(axes))
        self.axes, self.normalize = axes, normalize

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or len(input_shape) != 2:
            raise ArgumentError("Dot takes a list of two inputs.", expected="[a, b]", got=input_shape)
        pair = self.axes if isinstance(self.axes, (list, tuple)) else (self.axes, self.axes)
        for axis, shape in zip(pair, input_shape):
            axes_within(axis, len(shape), f"'{self.name}'", "axes")
        a, b = self._axes([len(shape) for shape in input_shape])
        sizes = input_shape[0][a], input_shape[1][b]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ShapeError(
                f"The inputs of '{self.name}' differ on the axes that are summed over.",
                expected=f"axis {a} of the first as large as axis {b} of the second",
                got=f"{input_shape[0]} and {input_shape[1]}",
            )

    def _axes(self, ranks: list[int]) -> list[int]:
        pair = self.axes if isinstance(self.axes, (list, tuple)) else (self.axes, self.axes)
        return [axis % rank for axis, rank in zip(pair, ranks)]

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x, y = (without_padding(v, m) for v, m in zip(inputs, mask or (None, None)))
        a, b = self._axes([len(x.shape), len(y.shape)])
        if self.normalize:
            x, y = ops.normalize(x, axis=a), ops.normalize(y, axis=b)
        left = ["z" if i == a else "bcdefghijk"[i] for i in range(len(x.shape))]
        right = ["z" if i == b else "blmnopqrst"[i] for i in range(len(y.shape))]
        rest = [letter for letter in left + right[1:] if letter != "z"]
        product = ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(rest)}", x, y)
        return ops.expand_dims(product, 1) if len(rest) == 1 else product

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


def dot(inputs: Sequence[TensorLike], axes: int | list[int] | tuple[int, ...] = -1, **kwargs: Any) -> Any:
    """Multiplies two tensors and sums over one axis of each; the function of :class:`Dot`.

    Args:
        inputs: list of two tensors.
        axes: int, or one for each input; axis that is summed over. Defaults to -1.
        **kwargs: further arguments of :class:`Dot`, such as ``normalize``.

    Shapes: list of ``(batch, n)``, ``(batch, n) -> (batch, 1)``; see :class:`Dot` for more axes.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> a, b = np.array([[3, 4]], "float32"), np.array([[6, 8]], "float32")
        >>> np.asarray(layers.dot([a, b], normalize=True)).tolist()
        [[1.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
