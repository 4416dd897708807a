"""Layers that multiply by a matrix."""

from __future__ import annotations

from typing import Any

from amalthea import activations, constraints, initializers, ops, regularizers
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import refuse_adapters


class Dense(Layer):
    """A fully connected layer: ``activation(inputs @ kernel + bias)``.

    The kernel multiplies the last axis; all other axes are treated alike.

    Args:
        units: int, at least 1; size of the last axis of the output.
        |activation and bias|
        |kernel and bias|
        |activity regularizer|
        |adapters|
        |layer options|

    Shapes: ``(batch, ..., features) -> (batch, ..., units)``; the kernel is ``(features, units)``, the bias
        ``(units,)``.

    Raises:
        ShapeError: the input has fewer than 2 axes, or another number of features than the layer was built for.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.Dense(3, activation="relu")
        >>> tuple(layer(np.ones((2, 4), "float32")).shape), tuple(layer.kernel.shape)
        ((2, 3), (4, 3))
    """

    supports_masking = True
    computes_in_floats = True
    not_in_config = ("lora_rank", "lora_alpha", "activity_regularizer")  # the last is there if it is set

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        refuse_adapters(lora_rank, lora_alpha, quantization_config)

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)
