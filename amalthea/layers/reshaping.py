"""Layers that put elements elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, ops
from amalthea.engine import shapes
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer


class Flatten(Layer):
    """All axes but the batch in one.

    Shapes: ``(batch, ...)`` to ``(batch, features)``; ``(batch,)`` to ``(batch, 1)``.

    Args:
        data_format: with ``channels_first``, channels are moved last before they are flattened.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        if self.data_format == "channels_first" and len(shape) > 1:
            inputs = ops.transpose(inputs, (0, *range(2, len(shape)), 1))
        return ops.reshape(inputs, (shape[0], shapes.size(shape[1:])))


class Reshape(Layer):
    """Another shape for each example.

    Args:
        target_shape: the shape without the batch; one -1 is worked out.
    """

    def __init__(self, target_shape: int | Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape: tuple[Any, ...] = (
            tuple(target_shape) if isinstance(target_shape, (list, tuple)) else (target_shape,)
        )

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self.resolved(ops.shape(inputs)[1:])))

    def resolved(self, shape: Any) -> Any:
        from amalthea.ops.numpy.movement import resolve

        return resolve(self.target_shape, shape)


class Permute(Layer):
    """The axes of each example in another order.

    Args:
        dims: the order, counted from 1 (the batch is 0 and stays).
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each example repeated along a new axis of time.

    Shapes: ``(batch, features)`` to ``(batch, n, features)``.

    Args:
        n: how often.
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (shape[0], self.n, shape[1]))
