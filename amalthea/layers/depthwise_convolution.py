"""Convolutions that treat each channel apart: depthwise alone, and followed by a mixture of the channels."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.layers.convolution import _Windowed, _with_rank  # pyright: ignore[reportPrivateUsage]
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.options import keep, weight


class _Depthwise(_Windowed):
    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._window(kernel_size, strides, padding, data_format, dilation_rate)
        self.depth_multiplier = depth_multiplier
        keep(
            self, activation=activation, use_bias=use_bias, depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer, depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        x = ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._finish(x)


class DepthwiseConv1D(_Depthwise):
    """Convolution over time of each channel by itself.

    Shapes: ``(batch, steps, channels)`` to ``(batch, new_steps, channels * depth_multiplier)``.

    Args:
        kernel_size: the steps that a window sees.
        strides: from one window to the next.
        padding: ``"valid"`` or ``"same"``.
        depth_multiplier: the number of kernels for each channel.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: the distance between the steps that a window sees.
        activation: a name or function; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: how the weights start.
    """

    rank = 1


class DepthwiseConv2D(_Depthwise):
    """Convolution over images of each channel by itself.

    Shapes: ``(batch, height, width, channels)`` to ``(batch, new_height, new_width, channels * depth_multiplier)``.

    Args:
        kernel_size: height and width of the window.
        strides: from one window to the next.
        padding: ``"valid"`` or ``"same"``.
        depth_multiplier: the number of kernels for each channel.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: the distance between the places that a window sees.
        activation: a name or function; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: how the weights start.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.DepthwiseConv2D(3, depth_multiplier=2)(np.zeros((2, 8, 8, 3), "float32")).shape
        (2, 6, 6, 6)
    """

    rank = 2


class _Separable(_Windowed):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._window(kernel_size, strides, padding, data_format, dilation_rate)
        self.filters = filters
        self.depth_multiplier = depth_multiplier
        keep(
            self, activation=activation, use_bias=use_bias, depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer, bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer, pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer, depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = weight(self, "depthwise_kernel", shape, "depthwise")
        mixture = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = weight(self, "pointwise_kernel", mixture, "pointwise")
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        x = ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding, self.data_format,
            self.dilation_rate,
        )  # fmt: skip
        return self._finish(x)


class SeparableConv1D(_Separable):
    """A depthwise convolution over time, then a mixture of the channels at each step.

    Shapes: ``(batch, steps, channels)`` to ``(batch, new_steps, filters)``.

    Args:
        filters: the channels of the output.
        kernel_size, strides, dilation_rate: of the depthwise convolution.
        padding: ``"valid"``, ``"same"`` or ``"causal"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        depth_multiplier: the number of kernels for each channel.
        activation: a name or function; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(_Separable):
    """A depthwise convolution over images, then a mixture of the channels in each place.

    Shapes: ``(batch, height, width, channels)`` to ``(batch, new_height, new_width, filters)``.

    Args:
        filters: the channels of the output.
        kernel_size, strides, dilation_rate: of the depthwise convolution.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        depth_multiplier: the number of kernels for each channel.
        activation: a name or function; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.SeparableConv2D(4, 3)(np.zeros((2, 8, 8, 3), "float32")).shape
        (2, 6, 6, 4)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
    """

    rank = 2


for _cls in (DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D):
    _with_rank(_cls, _cls.rank)

SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
