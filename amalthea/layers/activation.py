"""Layers that apply a function to each element, or (softmax) along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import activations, constraints, initializers, ops, regularizers
from amalthea.checks import axes_within, non_negative_number
from amalthea.configurable import Registry
from amalthea.layers import masked
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: a name such as ``"relu"``, or a function.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.Activation("relu")(np.float32([-1, 2]))
        array([0., 2.], dtype=float32)
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class ReLU(Layer):
    """``max_value`` above it, x from the threshold on, ``negative_slope * (x - threshold)`` below.

    Args:
        max_value: the largest output, or None.
        negative_slope: the slope below the threshold.
        threshold: where the linear part begins.
    """

    supports_masking = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """x above 0, ``negative_slope * x`` below.

    Args:
        negative_slope: the slope below 0.
    """

    supports_masking = True
    computes_in_floats = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = non_negative_number(negative_slope, "negative_slope", "LeakyReLU")

    def call(self, inputs: Any) -> Any:
        return ops.leaky_relu(inputs, self.negative_slope)


class PReLU(Layer):
    """x above 0, ``alpha * x`` below, with an alpha that is learnt for each feature.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: axes along which one slope serves all, such as ``[1, 2]`` for images.
    """

    supports_masking = True
    computes_in_floats = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = (
            None if shared_axes is None else [shared_axes] if isinstance(shared_axes, int) else list(shared_axes)
        )

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or ()
        shape = [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        axes = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        return ops.subtract(ops.relu(inputs), ops.multiply(self.alpha, ops.relu(ops.negative(inputs))))


class ELU(Layer):
    """x above 0, ``alpha * (exp(x) - 1)`` below.

    Args:
        alpha: the limit far below 0 is ``-alpha``.
    """

    supports_masking = True
    computes_in_floats = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return ops.elu(inputs, self.alpha)


class Softmax(Layer):
    """Exponentials divided by their sum.

    Args:
        axis: one axis, or several taken together.

    Call args:
        mask: bool, True for what counts; the rest gets nothing.
    """

    supports_masking = True
    computes_in_floats = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axes_within(self.axis, len(inputs.shape), f"'{self.name}'")
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return masked.softmax(inputs, mask, axis)


# Layers without variables, which files of Keras have in the place of an activation function.
as_functions = Registry("activation layers", "activation layer", spell=lambda name: (name,))
for _layer in (ReLU, LeakyReLU, ELU, Softmax):
    as_functions.add(_layer, module="keras.layers")
