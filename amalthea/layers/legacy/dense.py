"""Dense layers of Keras 1 with several kernels."""

from __future__ import annotations

from typing import Any

from amalthea import initializers, ops
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight


class MaxoutDense(Layer):
    """The maximum of several affine functions: ``max over k of (x @ kernel[k] + bias[k])``.

    Args:
        units: int, at least 1; size of the output.
        nb_feature: int, at least 1; number of affine functions. Defaults to 4.
        use_bias: bool; whether a bias is added. Defaults to True.
        |kernel and bias|
        |layer options|

    Shapes: ``(batch, features) -> (batch, units)``; the kernel is ``(nb_feature, features, units)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import MaxoutDense
        >>> tuple(MaxoutDense(3)(np.ones((2, 5), "float32")).shape)
        (2, 3)

    Source: Goodfellow et al., "Maxout networks", 2013.
    """

    def __init__(
        self,
        units: int,
        nb_feature: int = 4,
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

    def build(self, input_shape: Any) -> None:
        self.kernel = weight(self, "kernel", (self.nb_feature, input_shape[-1], self.units))
        self.bias = weight(self, "bias", (self.nb_feature, self.units)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        output = ops.einsum("bi,kio->bko", inputs, self.kernel)
        return ops.max(output if self.bias is None else ops.add(output, self.bias), axis=1)


class Highway(Layer):
    """A dense layer beside its input, with a learned gate between them.

    ``t = sigmoid(x @ carry + carry bias)``, ``output = t * activation(x @ kernel + bias) + (1 - t) * x``

    Args:
        activation: str, function or layer without weights; applied to the dense part. Defaults to None.
        transform_bias: float; first value of the gate's bias. Defaults to -2.
        use_bias: bool; whether biases are added. Defaults to True.
        |kernel and bias|
        |layer options|

    Shapes: ``(batch, features) -> (batch, features)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import Highway
        >>> tuple(Highway()(np.ones((2, 5), "float32")).shape)
        (2, 5)

    Source: Srivastava et al., "Highway networks", 2015.
    """

    def __init__(
        self,
        activation: Any = None,
        transform_bias: float = -2.0,
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

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]
        self.kernel = weight(self, "kernel", (size, size))
        self.carry = self.add_weight((size, size), self.kernel_initializer, name="carry")
        self.bias = weight(self, "bias", (size,)) if self.use_bias else None
        start = initializers.Constant(self.transform_bias)
        self.carry_bias = self.add_weight((size,), start, name="carry_bias") if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        gate = ops.sigmoid(self._affine(inputs, self.carry, self.carry_bias))
        output = self._affine(inputs, self.kernel, self.bias)
        output = output if self.activation is None else self.activation(output)
        return ops.add(ops.multiply(gate, output), ops.multiply(ops.subtract(1.0, gate), inputs))

    def _affine(self, x: Any, kernel: Any, bias: Any) -> Any:
        product = ops.matmul(x, kernel)
        return product if bias is None else ops.add(product, bias)
