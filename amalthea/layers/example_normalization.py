"""Normalization of each example by itself, in other ways than LayerNormalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.checks import axes_within, either, positive_int
from amalthea.errors import ShapeError
from amalthea.layers import masked
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight
from amalthea.ops.base import wide


class GroupNormalization(Layer):
    """Normalizes each example by the moments of groups of its channels, and then scales and shifts it.

    ``output = gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``, with moments over all positions
    and the channels of one group. Steps that a mask leaves out do not count.

    Args:
        groups: int, at least 1; number of groups, which divides the channels. 1 takes all channels together; -1 makes a
            group of each channel (instance normalization). Defaults to 32.
        axis: int; axis of the channels. Defaults to -1.
        epsilon: float, at least 0; added to the variance. Defaults to 0.001.
        |gamma and beta|
        |layer options|

    Call args:
        mask: bool ``(batch, time)``; True for steps that count.

    Shapes: ``(batch, ..., channels) -> (batch, ..., channels)``; the weights are ``(channels,)``.

    Raises:
        ShapeError: the channels do not divide into groups.
        ArgumentError: ``axis`` is not an axis of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> x = np.array([[1.0, 3.0, 10.0, 30.0]], "float32")
        >>> ops.convert_to_numpy(layers.GroupNormalization(groups=2)(x)).round(2).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]

    Source: Wu and He, "Group normalization", 2018.
    """

    supports_masking = True
    _computes_in_floats = True

    _argument_checks = {"groups": either(positive_int, -1)}  # -1 for as many as there are channels

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())

    def build(self, input_shape: Any) -> None:
        axes_within(self.axis, len(input_shape), f"'{self.name}'")
        channels = input_shape[self.axis]
        self.groups = channels if self.groups == -1 else self.groups
        if channels is None or channels % self.groups:
            raise ShapeError(
                f"The channels of the input of '{self.name}' do not divide into groups.",
                expected=f"a multiple of {self.groups} on axis {self.axis}",
                got=input_shape,
            )
        self.gamma = weight(self, "gamma", (channels,), autocast=False) if self.scale else None
        self.beta = weight(self, "beta", (channels,), autocast=False) if self.center else None
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any, mask: Any = None) -> Any:
        shape = ops.shape(inputs)
        axis = self.axis % len(shape)
        x = ops.reshape(wide(inputs), (*shape[:axis], self.groups, shape[axis] // self.groups, *shape[axis + 1 :]))
        over = [i for i in range(1, len(shape) + 1) if i != axis]
        if mask is None:
            mean, variance = ops.moments(x, over, keepdims=True)
        else:
            counted = ops.broadcast_to(masked.column(mask, inputs), shape)
            mean, variance = masked.moments(x, ops.reshape(counted, ops.shape(x)), over, keepdims=True)
        x = ops.reshape(ops.multiply(ops.subtract(x, mean), ops.rsqrt(ops.add(variance, self.epsilon))), shape)
        along = tuple(d if i == axis else 1 for i, d in enumerate(shape))
        x = x if self.gamma is None else ops.multiply(x, ops.reshape(self.gamma, along))
        x = x if self.beta is None else ops.add(x, ops.reshape(self.beta, along))
        return ops.cast(x, ops.dtype(inputs))


class RMSNormalization(Layer):
    """Divides each example by the root mean square of its features, and then scales it.

    ``output = scale * inputs / sqrt(mean(inputs ** 2) + epsilon)``, where ``scale`` is learned and starts at 1.

    Args:
        axis: int or sequence of int; axes over which the mean is taken. Defaults to -1.
        epsilon: float, at least 0; added to the mean square. Defaults to 1e-06.
        |layer options|

    Call args:
        mask: bool ``(batch, time)``; if ``axis`` reaches over time, only steps where it is True count.

    Shapes: any shape; the output has the same, and ``scale`` has the sizes of ``axis``.

    Raises:
        ArgumentError: ``axis`` is not an axis of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> ops.convert_to_numpy(layers.RMSNormalization()(np.array([[1.0, 7.0]], "float32"))).round(2).tolist()
        [[0.2, 1.4]]

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-06, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis: Any = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        axes_within(self.axis, len(input_shape), f"'{self.name}'")
        shape = tuple(input_shape[axis] for axis in self.axis)
        self.scale = self.add_weight(shape, "ones", autocast=False, name="scale")

    def call(self, inputs: Any, mask: Any = None) -> Any:
        shape = ops.shape(inputs)
        over = {axis % len(shape) for axis in self.axis}
        scale = ops.reshape(self.scale, tuple(d if i in over else 1 for i, d in enumerate(shape)))
        if masked.mixes_steps(mask, self.axis, len(shape)):
            x = wide(inputs)
            square = masked.mean(ops.square(x), masked.column(mask, x), sorted(over), keepdims=True)
            x = ops.multiply(ops.multiply(x, ops.rsqrt(ops.add(square, self.epsilon))), scale)
            return ops.cast(x, ops.dtype(inputs))
        return ops.rms_normalization(inputs, scale, tuple(self.axis), self.epsilon)


class UnitNormalization(Layer):
    """Divides each example by the length of its features: ``output = inputs / sqrt(sum(inputs ** 2))``.

    Args:
        axis: int or sequence of int; axes over which the length is 1 afterwards. Defaults to -1.
        |layer options|

    Call args:
        mask: bool ``(batch, time)``; if ``axis`` reaches over time, steps where it is False become 0 and do not count.

    Shapes: any shape; the output has the same.

    Raises:
        ArgumentError: ``axis`` is not an axis of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.UnitNormalization()(np.array([[3.0, 4.0]], "float32"))).tolist()
        [[0.6, 0.8]]
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis: Any = list(axis) if isinstance(axis, (list, tuple)) else axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axes_within(self.axis, len(inputs.shape), f"'{self.name}'")
        axes: list[int] = self.axis if isinstance(self.axis, list) else [self.axis]
        if masked.mixes_steps(mask, axes, len(inputs.shape)):
            inputs = masked.without_padding(inputs, mask)
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)
