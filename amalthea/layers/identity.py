"""Layers that give back what they get."""

from __future__ import annotations

from typing import Any

from amalthea import regularizers, tree
from amalthea.layers.layer import Layer


class Identity(Layer):
    """Its input, unchanged."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: x, inputs)


class ActivityRegularization(Layer):
    """Its input, unchanged; a penalty on it is added to the loss.

    Args:
        l1: the factor of the sum of absolute values.
        l2: the factor of the sum of squares.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.ActivityRegularization(l1=0.5)
        >>> layer(np.float32([[1, -3]])).tolist(), [float(x) for x in layer.losses]
        ([[1.0, -3.0]], [2.0])
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer")
        return config
