"""Convolutions whose kernel differs at each position."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.errors import ArgumentError
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight


def _pair(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank


class _Local(Layer):
    """The base of LocallyConnected1D and 2D: each patch of the input is multiplied by its own kernel."""

    _rank: int
    filters: int
    data_format: Any
    kernel_size: Any
    strides: Any
    padding: str
    use_bias: bool
    activation: Any

    def _arranged(self, inputs: Any) -> Any:
        """The input with two axes of space, channels last."""
        x = ops.moveaxis(inputs, 1, -1) if self.data_format == "channels_first" else inputs
        return ops.expand_dims(x, 2) if self._rank == 1 else x

    def _patches(self, inputs: Any) -> Any:
        """``(batch, *positions, elements of a patch)``, the elements in the order of the input's axes."""
        size = (*_pair(self.kernel_size, self._rank), 1)[:2]
        strides = (*_pair(self.strides, self._rank), 1)[:2]
        x = self._arranged(inputs)
        channels = x.shape[-1]
        found = ops.image.extract_patches(x, size, strides=strides, data_format="channels_last")
        if self.data_format != "channels_first":
            return found
        parts = ops.reshape(found, (*_sizes(found)[:-1], size[0] * size[1], channels))
        return ops.reshape(ops.swapaxes(parts, -1, -2), (*_sizes(found)[:-1], size[0] * size[1] * channels))

    def build(self, input_shape: Any) -> None:
        if self.padding != "valid":
            raise ArgumentError(
                f"'{self.name}' has no padding.", expected="'valid'", got=repr(self.padding),
                cure="a layer of zeros, ZeroPadding1D or ZeroPadding2D, before it",
            )  # fmt: skip
        space = input_shape[2:] if self.data_format == "channels_first" else input_shape[1:-1]
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        size, strides = _pair(self.kernel_size, self._rank), _pair(self.strides, self._rank)
        self._positions = tuple((n - k) // s + 1 for n, k, s in zip(space, size, strides))
        count, elements = 1, channels
        for n, k in zip(self._positions, size):
            count, elements = count * n, elements * k
        self.kernel = weight(self, "kernel", (count, elements, self.filters))
        self.bias = weight(self, "bias", (*self._positions, self.filters)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        patches = self._patches(inputs)
        flat = ops.reshape(patches, (-1, self.kernel.shape[0], self.kernel.shape[1]))
        output = ops.reshape(ops.einsum("bpk,pkf->bpf", flat, self.kernel), (-1, *self._positions, self.filters))
        output = output if self.bias is None else ops.add(output, self.bias)
        output = ops.moveaxis(output, -1, 1) if self.data_format == "channels_first" else output
        return output if self.activation is None else self.activation(output)


def _sizes(x: Any) -> tuple[int, ...]:
    return (-1, *x.shape[1:])


class LocallyConnected1D(_Local):
    """A convolution along one axis whose kernel differs at each position.

    Args:
        filters: int, at least 1; number of output channels.
        kernel_size: int, at least 1; length of the window.
        strides: int, at least 1; step of the window. Defaults to 1.
        padding: ``"valid"``, the only one.
        |data format|
        |activation and bias|
        |kernel and bias|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new steps, filters)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import LocallyConnected1D
        >>> tuple(LocallyConnected1D(3, 2)(np.ones((2, 6, 4), "float32")).shape)
        (2, 5, 3)
    """

    _rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())


class LocallyConnected2D(_Local):
    """A convolution of images whose kernel differs at each position.

    Args:
        filters: int, at least 1; number of output channels.
        kernel_size: int or two of them; height and width of the window.
        strides: int or two of them; steps of the window. Defaults to ``(1, 1)``.
        padding: ``"valid"``, the only one.
        |data format|
        |activation and bias|
        |kernel and bias|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new height, new width, filters)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import LocallyConnected2D
        >>> tuple(LocallyConnected2D(3, 2)(np.ones((2, 6, 5, 4), "float32")).shape)
        (2, 5, 4, 3)
    """

    _rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())
