"""Convolutions of each channel by itself: depthwise, and separable (depthwise, then a mixture of channels)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings, ops
from amalthea.layers.convolution import _Windowed, _with_rank
from amalthea.layers.options import weight

docstrings.share(
    "depthwise weights",
    """
    depthwise_initializer: str, Initializer or function; starting values of the depthwise kernel. Defaults to
        ``"glorot_uniform"``.
    bias_initializer: str, Initializer or function; starting values of the bias. Defaults to ``"zeros"``.
    depthwise_regularizer, bias_regularizer: str, Regularizer or function; penalty on the depthwise kernel or bias,
        which training adds to the loss. Defaults to None, which adds no penalty.
    depthwise_constraint, bias_constraint: str, Constraint or function; projects the depthwise kernel or bias after each
        update by the optimizer. Defaults to None, which leaves it as it is.
    """,
)
docstrings.share(
    "pointwise weights",
    """
    pointwise_initializer, pointwise_regularizer, pointwise_constraint: the same for the kernel that mixes the channels.
        Default to ``"glorot_uniform"``, None and None.
    """,
)


class _Depthwise(_Windowed):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        self._keep(locals())

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        x = ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._finish(x)


class DepthwiseConv1D(_Depthwise):
    """A convolution over time that treats each channel separately.

    ``output[t, c * m + n] = activation(sum over k of inputs[t * stride + k * dilation, c] * kernel[k, c, n] + bias)``,
    where ``m`` is ``depth_multiplier`` and ``n`` counts the kernels of a channel.

    Args:
        |convolution window|
        |valid or same|
        depth_multiplier: int, at least 1; number of output channels for each input channel. Defaults to 1.
        |data format|
        |activation and bias|
        |depthwise weights|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new_steps, channels * depth_multiplier)``; the kernel is
        ``(kernel_size, channels, depth_multiplier)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.DepthwiseConv1D(3)
        >>> tuple(layer(np.zeros((2, 10, 5), "float32")).shape), layer.count_params()
        ((2, 8, 5), 20)
    """

    _rank = 1


class DepthwiseConv2D(_Depthwise):
    """A convolution over images that treats each channel separately.

    ``output[y, x, q * m + n] = activation(sum over i, j of inputs[y * s + i * d, x * s + j * d, q] * kernel[i, j, q, n]
    + bias)``, where ``m`` is ``depth_multiplier`` and ``n`` counts the kernels of a channel ``q``.

    Args:
        |convolution window|
        |valid or same|
        depth_multiplier: int, at least 1; number of output channels for each input channel. Defaults to 1.
        |data format|
        |activation and bias|
        |depthwise weights|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new_height, new_width, channels * depth_multiplier)``; the
        kernel is ``(*kernel_size, channels, depth_multiplier)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.DepthwiseConv2D(3, depth_multiplier=2)
        >>> tuple(layer(np.zeros((2, 8, 8, 3), "float32")).shape)
        (2, 6, 6, 6)
    """

    _rank = 2


class _Separable(_Windowed):
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        self._keep(locals())

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = weight(self, "depthwise_kernel", shape, "depthwise")
        mixture = (*(1,) * self._rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = weight(self, "pointwise_kernel", mixture, "pointwise")
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        x = ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding, self.data_format,
            self.dilation_rate,
        )  # fmt: skip
        return self._finish(x)


class SeparableConv1D(_Separable):
    """A depthwise convolution over time, followed by a mixture of the channels at each step.

    It has fewer weights than :class:`Conv1D`: ``kernel_size * channels * m + channels * m * filters`` with the
    ``depth_multiplier`` ``m``, and the bias.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |valid same or causal|
        |data format|
        depth_multiplier: int, at least 1; channels between the two steps, for each input channel. Defaults to 1.
        |activation and bias|
        |depthwise weights|
        |pointwise weights|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new_steps, filters)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.SeparableConv1D(4, 3)
        >>> tuple(layer(np.zeros((2, 10, 5), "float32")).shape)
        (2, 8, 4)
        >>> tuple(layer.depthwise_kernel.shape), tuple(layer.pointwise_kernel.shape)
        ((3, 5, 1), (1, 5, 4))
    """

    _rank = 1
    _paddings = ("valid", "same", "causal")


class SeparableConv2D(_Separable):
    """A depthwise convolution over images, followed by a mixture of the channels at each pixel.

    It has fewer weights than :class:`Conv2D`: ``height * width * channels * m + channels * m * filters`` for a window
    of ``height`` by ``width`` and the ``depth_multiplier`` ``m``, and the bias.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |valid or same|
        |data format|
        depth_multiplier: int, at least 1; channels between the two steps, for each input channel. Defaults to 1.
        |activation and bias|
        |depthwise weights|
        |pointwise weights|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new_height, new_width, filters)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((2, 8, 8, 3), "float32")
        >>> separable, full = layers.SeparableConv2D(16, 3), layers.Conv2D(16, 3)
        >>> tuple(separable(x).shape) == tuple(full(x).shape), separable.count_params(), full.count_params()
        (True, 91, 448)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
    """

    _rank = 2


for _cls in (DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D):
    _with_rank(_cls, _cls._rank)

SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
