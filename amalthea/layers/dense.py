"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.layers.adaptation import LowRank
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight


class Dense(LowRank, Layer):
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
    _computes_in_floats = True
    _quantized_by_default = True
    _not_in_config = ("lora_rank", "lora_alpha", "activity_regularizer")  # the last is there if it is set

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
        keep(self, locals())
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        self.kernel = weight(self, "kernel", (features, self.units))
        self.bias = weight(self, "bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)
