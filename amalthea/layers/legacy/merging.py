"""The merge mode of Keras 1 that no layer has today."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.layers.dot import Dot


class Cosine(Dot):
    """The cosine of two inputs along an axis of each, with one axis more than :class:`Dot` returns.

    Args:
        axes: int, or one for each input; axis that is summed over. Defaults to -1.
        |layer options|

    Shapes: list of ``(batch, n)``, ``(batch, n) -> (batch, 1, 1)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import Cosine
        >>> a, b = np.array([[3, 4]], "float32"), np.array([[6, 8]], "float32")
        >>> np.asarray(Cosine()([a, b])).tolist()
        [[[1.0]]]
    """

    def __init__(self, axes: Any = -1, **kwargs: Any):
        super().__init__(axes=axes, normalize=True, **kwargs)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return ops.expand_dims(super().call(inputs, mask), 1)
