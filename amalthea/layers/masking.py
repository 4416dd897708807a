"""Masking of time steps by a value that stands for padding."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.engine.ir.masks import set_mask
from amalthea.layers.layer import Layer


class Masking(Layer):
    """Marks time steps whose features all equal a given value as padding, which later layers leave out.

    Args:
        mask_value: float; value that stands for padding. Defaults to 0.0.
        |layer options|

    Shapes: ``(batch, time, features) -> (batch, time, features)``; the features of padded steps become 0. The mask is
        ``(batch, time)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = layers.Masking()(np.array([[[1.0], [5.0], [0.0]]], "float32"))
        >>> np.asarray(layers.GlobalAveragePooling1D()(x)).tolist()
        [[3.0]]
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        mask = self.compute_mask(inputs)
        outputs = ops.multiply(inputs, ops.cast(ops.expand_dims(mask, -1), ops.dtype(inputs)))
        set_mask(outputs, mask)
        return outputs
