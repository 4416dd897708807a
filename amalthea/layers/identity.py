"""Layers that return their input unchanged."""

from __future__ import annotations

from typing import Any

from amalthea import regularizers, tree
from amalthea.layers.layer import Layer


class Identity(Layer):
    """Returns its input unchanged.

    Args:
        |all layer options|

    Shapes: any shape, or nested tensors; the output is the same.

    Example:
        >>> from amalthea import layers
        >>> layers.Identity()({"a": 1, "b": [2, 3]})
        {'a': 1, 'b': [2, 3]}
    """

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: x, inputs)


class ActivityRegularization(Layer):
    """Returns its input unchanged, and adds a penalty on it to the loss.

    ``penalty = (l1 * sum(abs(inputs)) + l2 * sum(inputs ** 2)) / batch size``

    Args:
        l1: float, at least 0; factor of the sum of absolute values. Defaults to 0.0.
        l2: float, at least 0; factor of the sum of squares. Defaults to 0.0.
        |layer options|

    Shapes: ``(batch, ...) -> (batch, ...)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.ActivityRegularization(l1=0.5)
        >>> y = layer(np.array([[1.0, -3.0]], "float32"))
        >>> [float(loss) for loss in layer.losses]
        [2.0]
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
