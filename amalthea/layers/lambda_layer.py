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
    """Any function of tensors. A file that holds one holds code, and is refused unless it is trusted.

    Args:
        function: takes the input, and ``mask`` and ``training`` if it names them.
        output_shape: accepted as in Keras; shapes are found by running the function.
        mask: the output's mask, or a function that gives it.
        arguments: further arguments of the function, by name.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.Lambda(lambda x: x * 2)(np.float32([[1, 2]])).tolist()
        [[2.0, 4.0]]
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
