"""A Python function as a layer."""

from __future__ import annotations

import types
from typing import Any

from amalthea import activations
from amalthea.configurable import serialize
from amalthea.lambdas import lambda_to_config
from amalthea.layers.calling import parameters
from amalthea.layers.layer import Layer


class Lambda(Layer):
    """Applies a Python function of tensors.

    A model file with such a layer holds code, and is refused by ``load_model`` unless ``safe_mode=False``.

    Args:
        function: function of the input, or the name of an activation. It gets ``mask`` and ``training`` if it has such
            parameters.
        output_shape: accepted for Keras; the shape is found by running the function.
        mask: mask of the output, or a function ``f(inputs, mask)`` that gives it. Defaults to None.
        arguments: dict; further arguments of the function by name. Defaults to None.
        |layer options|

    Shapes: any shape; the output has the shape that the function gives.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.Lambda(lambda x, power: x**power, arguments={"power": 3})
        >>> np.asarray(layer(np.array([[1, 2]], "float32"))).tolist()
        [[1.0, 8.0]]
    """

    supports_masking = True

    def __init__(
        self,
        function: Any,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.function = activations.get(function) if isinstance(function, str) else function
        self.mask = mask
        self.arguments = arguments or {}
        self._output_shape = output_shape

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        given = dict(self.arguments)
        wanted = parameters(self.function)
        given.update({k: v for k, v in (("mask", mask), ("training", training)) if k in wanted})
        return self.function(inputs, **given)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        is_lambda = isinstance(self.function, types.FunctionType) and self.function.__name__ == "<lambda>"
        config["dtype"] = serialize(self.dtype_policy)
        config["function"] = lambda_to_config(self.function) if is_lambda else serialize(self.function)
        config["arguments"] = serialize(self.arguments)
        return config
