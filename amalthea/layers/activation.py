"""Activation functions as layers: elementwise ones, and softmax along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import activations, ops
from amalthea.checks import axes_within, non_negative_number
from amalthea.configurable import Registry
from amalthea.layers import masked
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: str, function or layer without weights; such as ``"relu"`` or ``ops.tanh``.
        |layer options|

    Shapes: any shape; the output has the shape that the function gives, usually that of the input.

    Raises:
        UnknownNameError: no activation has this name.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Activation("relu")(np.array([-1.0, 2.0], "float32"))).tolist()
        [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class ReLU(Layer):
    """Applies the rectified linear unit, with an optional ceiling, slope and threshold.

    ``f(x) = max_value`` where ``x >= max_value``, ``f(x) = x`` where ``threshold <= x < max_value``, and
    ``f(x) = negative_slope * (x - threshold)`` below the threshold.

    Args:
        max_value: float; largest output. Defaults to None, which sets no limit.
        negative_slope: float, at least 0; slope below the threshold. Defaults to 0.0.
        threshold: float, at least 0; smallest input that passes unchanged. Defaults to 0.0.
        |layer options|

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.ReLU(max_value=4.0, negative_slope=0.5)
        >>> np.asarray(layer(np.array([-2.0, 3.0, 9.0], "float32"))).tolist()
        [-1.0, 3.0, 4.0]
    """

    supports_masking = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        keep(self, locals())

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """Applies the leaky rectified linear unit: ``f(x) = x`` where ``x > 0``, else ``f(x) = negative_slope * x``.

    Args:
        negative_slope: float, at least 0; slope below 0. Defaults to 0.3.
        **kwargs: ``alpha``, the name of ``negative_slope`` in Keras 1 and 2; and options of every layer, see
            :class:`Layer`.

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.LeakyReLU(0.5)(np.array([-2.0, 2.0], "float32"))).tolist()
        [-1.0, 2.0]

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = non_negative_number(negative_slope, "negative_slope", "LeakyReLU")

    def call(self, inputs: Any) -> Any:
        return ops.leaky_relu(inputs, self.negative_slope)


class PReLU(Layer):
    """Applies a leaky rectified linear unit with a learned slope: ``f(x) = x`` where ``x > 0``, else ``alpha * x``.

    Args:
        alpha_initializer: str, Initializer or function; starting values of ``alpha``. Defaults to ``"Zeros"``.
        alpha_regularizer: str, Regularizer or function; penalty on ``alpha``, added to the loss. Defaults to None.
        alpha_constraint: str, Constraint or function; projects ``alpha`` after each update. Defaults to None.
        shared_axes: int or list of int; axes along which all elements share one slope, such as ``[1, 2]`` for images.
            Defaults to None, which learns a slope for each element of an example.
        |layer options|

    Shapes: ``(batch, ...) -> (batch, ...)``; ``alpha`` has the shape of one example, with size 1 on the shared axes.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.PReLU(shared_axes=[1, 2])
        >>> y = layer(np.zeros((2, 8, 8, 3), "float32"))
        >>> tuple(layer.alpha.shape)
        (1, 1, 3)

    Source: He et al., "Delving deep into rectifiers", 2015.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())
        if shared_axes is not None:
            self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else list(shared_axes)

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or ()
        shape = [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        self.alpha = weight(self, "alpha", shape)
        axes = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        return ops.subtract(ops.relu(inputs), ops.multiply(self.alpha, ops.relu(ops.negative(inputs))))


class ELU(Layer):
    """Applies the exponential linear unit: ``f(x) = x`` where ``x > 0``, else ``f(x) = alpha * (exp(x) - 1)``.

    Args:
        alpha: float; the output approaches ``-alpha`` for large negative inputs. Defaults to 1.0.
        |layer options|

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.ELU()(np.array([-1.0, 2.0], "float32"))).tolist()
        [-0.632, 2.0]

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
        2015.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return ops.elu(inputs, self.alpha)


class Softmax(Layer):
    """Turns scores into positive weights that sum to 1: ``exp(x) / sum(exp(x))``.

    Args:
        axis: int or sequence of int; the axis, or axes taken together, over which the weights sum to 1. Defaults to -1.
        |layer options|

    Call args:
        mask: bool tensor that broadcasts to the input; elements where it is False get the weight 0.

    Shapes: any shape of at least one axis; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x, mask = np.array([[0.0, 0.0, 9.0]], "float32"), np.array([[True, True, False]])
        >>> np.asarray(layers.Softmax()(x, mask=mask)).tolist()
        [[0.5, 0.5, 0.0]]
    """

    supports_masking = True
    _computes_in_floats = True

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
