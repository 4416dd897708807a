"""Steps left out by a value that stands for padding."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.engine.ir.masks import set_mask
from amalthea.layers.layer import Layer


class Masking(Layer):
    """Marks time steps whose features all have one value as padding, to be left out by later layers.

    Shapes: ``(batch, time, features)`` to the same; the features of steps left out become 0.

    Args:
        mask_value: the value that stands for padding.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, masks
        >>> x = np.float32([[[1, 2], [0, 0]]])
        >>> masks.mask_of(layers.Masking()(x)).tolist()
        [[True, False]]
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        mask = self.compute_mask(inputs)
        outputs = ops.multiply(inputs, ops.cast(ops.expand_dims(mask, -1), ops.dtype(inputs)))
        set_mask(outputs, mask)
        return outputs
