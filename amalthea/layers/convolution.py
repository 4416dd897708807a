"""Convolutions over 1 to 3 axes of space, and their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings, ops
from amalthea.errors import ArgumentError
from amalthea.layers.adaptation import LowRank
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight
from amalthea.ops.windows import per_axis

_PADDINGS = ("valid", "same")

docstrings.share(
    "convolution window",
    """
    kernel_size: int, or one for each axis of space; size of the window.
    strides: int, or one for each axis of space; distance from one window to the next. Defaults to 1 on each axis.
    dilation_rate: int, or one for each axis of space; distance between the elements that a window sees. Defaults to 1
        on each axis. Strides and dilation rates cannot both be above 1.
    """,
)
docstrings.share(
    "valid same or causal",
    """
    padding: str; ``"valid"`` uses only windows inside the input, which gives ``(n - reach) // stride + 1`` of them,
        with ``reach = (kernel_size - 1) * dilation_rate + 1``. ``"same"`` adds zeros at both ends and gives
        ``ceil(n / stride)``. ``"causal"`` adds as many zeros before the first step alone, so that no output depends on
        later steps. Defaults to ``"valid"``.
    """,
)
docstrings.share(
    "transposed padding",
    """
    padding: str; ``"valid"`` gives outputs of ``(n - 1) * stride + max(reach, stride)`` elements, with ``reach =
        (kernel_size - 1) * dilation_rate + 1``; ``"same"`` gives ``n * stride``. Defaults to ``"valid"``.
    output_padding: int, or one for each axis of space; sets the size of the output to ``(n - 1) * stride + reach +
        output_padding``, less ``2 * (reach // 2)`` with ``padding="same"``. Defaults to None, which keeps the sizes
        under ``padding``.
    """,
)
docstrings.share(
    "convolution errors",
    """
    Raises:
        ArgumentError: an argument is out of range, or the number of channels is unknown or does not divide into groups.
        ShapeError: the input has another number of axes, or other channels than those that the layer was built for.
    """,
)


class _Windowed(Layer):
    """The base of all convolutions: window, layout, bias and activation."""

    _computes_in_floats = True

    _rank = 2
    _paddings: tuple[str, ...] = _PADDINGS

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Keeps the arguments of the constructor, those of the window as one number for each axis of space."""
        keep(self, arguments)
        kind, padding = type(self).__name__, self.padding
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, per_axis(getattr(self, name), self._rank, name))
        self.padding = str(padding).lower()
        self.data_format = config.standardize_data_format(self.data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)
        if self.padding not in self._paddings:
            raise ArgumentError(f"{kind} has no padding {padding!r}.", expected=" or ".join(map(repr, self._paddings)))
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(
                f"{kind} takes strides or dilation, not both.", got=f"{self.strides} and {self.dilation_rate}"
            )

    def _channels(self, input_shape: Any) -> int:
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ArgumentError(
                f"The channels of the input of '{self.name}' are not known.",
                expected=f"a size for axis {axis}",
                got=input_shape,
            )
        self.input_spec = InputSpec(ndim=self._rank + 2, axes={axis: channels})
        return channels

    def _add_bias(self, size: int) -> None:
        self.bias = weight(self, "bias", (size,)) if self.use_bias else None

    def _finish(self, x: Any) -> Any:
        """Adds the bias and applies the activation."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (bias.shape[0], *(1,) * self._rank))
            x = ops.add(x, bias)
        return self.activation(x)


class _Filtering(_Windowed):
    """The base of convolutions and transposed ones, whose kernel combines input channels into output channels."""

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        raise NotImplementedError

    def build(self, input_shape: Any) -> None:
        self._kernel = weight(self, "kernel", self._kernel_shape(self._channels(input_shape)))
        self._add_bias(self.filters)

    @property
    def kernel(self) -> Any:
        return self._kernel


class _Conv(LowRank, _Filtering):
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        self._take_rank(kwargs)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep(locals())
        if filters % groups:
            raise ArgumentError(
                "The filters do not divide into groups.", expected=f"a multiple of {groups}", got=filters
            )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        if channels % self.groups:
            raise ArgumentError(
                f"The channels of the input of '{self.name}' do not divide into groups.",
                expected=f"a multiple of {self.groups}",
                got=channels,
            )
        return (*self.kernel_size, channels // self.groups, self.filters)

    def call(self, inputs: Any) -> Any:
        x = ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._finish(x)


class Conv1D(_Conv):
    """A convolution over time: each output step is a weighted sum of neighbouring input steps.

    ``output[t, f] = activation(sum over k, c of inputs[t * stride + k * dilation, c] * kernel[k, c, f] + bias[f])``

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |valid same or causal|
        |data format|
        groups: int; number of groups of channels that are convolved separately. It divides the channels of input and
            output. Defaults to 1.
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new_steps, filters)``; the kernel is ``(kernel_size, channels //
        groups, filters)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((2, 10, 5), "float32")
        >>> tuple(layers.Conv1D(4, 3)(x).shape), tuple(layers.Conv1D(4, 3, padding="causal")(x).shape)
        ((2, 8, 4), (2, 10, 4))
    """

    _rank = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """A convolution over images: each output pixel is a weighted sum of a window of the input.

    ``output[y, x, f] = activation(sum over i, j, c of inputs[y * s + i * d, x * s + j * d, c] * kernel[i, j, c, f] +
    bias[f])`` with strides ``s`` and dilation rates ``d``.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |valid or same|
        |data format|
        groups: int; number of groups of channels that are convolved separately. It divides the channels of input and
            output. Defaults to 1.
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new_height, new_width, filters)``; the kernel is
        ``(*kernel_size, channels // groups, filters)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")
        >>> tuple(layer(np.zeros((2, 8, 8, 3), "float32")).shape), tuple(layer.kernel.shape)
        ((2, 4, 4, 4), (3, 3, 3, 4))
    """

    _rank = 2


class Conv3D(_Conv):
    """A convolution over volumes: each output voxel is a weighted sum of a window of the input.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |valid or same|
        |data format|
        groups: int; number of groups of channels that are convolved separately. It divides the channels of input and
            output. Defaults to 1.
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, filters)``; the
        kernel is ``(*kernel_size, channels // groups, filters)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.Conv3D(4, (1, 3, 3))(np.zeros((2, 5, 8, 8, 3), "float32")).shape)
        (2, 5, 6, 6, 4)
    """

    _rank = 3


# Keras's files have other defaults for each rank; the constructor is the same.
def _with_rank(cls: type, rank: int) -> type:
    import inspect

    ones = (1,) * rank if rank > 1 else 1
    signature = inspect.signature(cls.__init__)
    defaults = {"strides": ones, "dilation_rate": ones}
    parameters = [
        p.replace(default=defaults[name]) if name in defaults else p for name, p in signature.parameters.items()
    ]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super(cls, self).__init__(*args, **kwargs)

    __init__.__signature__ = signature.replace(parameters=parameters)
    cls.__init__ = __init__
    return cls


for _cls in (Conv1D, Conv2D, Conv3D):
    _with_rank(_cls, _cls._rank)


class _ConvTranspose(_Filtering):
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep(locals())
        self.output_padding = None if output_padding is None else _extra(output_padding, self._rank)

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def call(self, inputs: Any) -> Any:
        x = ops.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self._finish(x)


def _extra(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank


class Conv1DTranspose(_ConvTranspose):
    """A transposed convolution over time, which makes sequences longer.

    Each input step is multiplied by the kernel and added to a window of the output: the gradient of :class:`Conv1D`
    with respect to its input.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |transposed padding|
        |data format|
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new_steps, filters)``; the kernel is ``(kernel_size, filters,
        channels)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((2, 10, 5), "float32")
        >>> tuple(layers.Conv1DTranspose(4, 3, strides=2, padding="same")(x).shape)
        (2, 20, 4)
    """

    _rank = 1


class Conv2DTranspose(_ConvTranspose):
    """A transposed convolution over images, which makes images larger.

    Each input pixel is multiplied by the kernel and added to a window of the output: the gradient of :class:`Conv2D`
    with respect to its input.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |transposed padding|
        |data format|
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new_height, new_width, filters)``; the kernel is
        ``(*kernel_size, filters, channels)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((1, 4, 4, 8), "float32")
        >>> tuple(layers.Conv2DTranspose(3, 3, strides=2)(x).shape)
        (1, 9, 9, 3)

    Source: Zeiler et al., "Deconvolutional networks", 2010.
    """

    _rank = 2


class Conv3DTranspose(_ConvTranspose):
    """A transposed convolution over volumes, which makes volumes larger.

    Each input voxel is multiplied by the kernel and added to a window of the output: the gradient of :class:`Conv3D`
    with respect to its input.

    Args:
        filters: int, at least 1; number of output channels.
        |convolution window|
        |transposed padding|
        |data format|
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, filters)``; the
        kernel is ``(*kernel_size, filters, channels)``.

    |convolution errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((1, 2, 3, 4, 8), "float32")
        >>> tuple(layers.Conv3DTranspose(5, 2, strides=2)(x).shape)
        (1, 4, 6, 8, 5)
    """

    _rank = 3


for _cls in (Conv1DTranspose, Conv2DTranspose, Conv3DTranspose):
    _with_rank(_cls, _cls._rank)

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
