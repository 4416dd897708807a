"""Layers that rearrange elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, ops
from amalthea.engine import shapes
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer


class Flatten(Layer):
    """Joins all axes but the batch into one.

    Args:
        data_format: str; with ``"channels_first"`` the channels are moved to the last axis before flattening. Defaults
            to None, which takes ``config.image_data_format()`` (``"channels_last"`` unless changed).
        |layer options|

    Shapes: ``(batch, ...) -> (batch, features)``; ``(batch,) -> (batch, 1)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.Flatten()(np.zeros((2, 4, 3), "float32")).shape)
        (2, 12)
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
    """Gives each example another shape; the order of the elements stays.

    Args:
        target_shape: int or sequence of int; new shape without the batch. One size may be -1: it is found from the
            number of elements.
        |layer options|

    Shapes: ``(batch, ...) -> (batch, *target_shape)``.

    Raises:
        ShapeError: the numbers of elements differ.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.Reshape((3, -1))(np.zeros((2, 12), "float32")).shape)
        (2, 3, 4)
    """

    def __init__(self, target_shape: int | Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape: tuple[Any, ...] = (
            tuple(target_shape) if isinstance(target_shape, (list, tuple)) else (target_shape,)
        )

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self._resolved(ops.shape(inputs)[1:])))

    def _resolved(self, shape: Any) -> Any:
        from amalthea.ops.numpy.movement import resolve

        return resolve(self.target_shape, shape)


class Permute(Layer):
    """Puts the axes of each example in another order.

    Args:
        dims: sequence of int; the old axes in their new order, counted from 1. The batch is axis 0 and stays first.
        |layer options|

    Shapes: ``(batch, a, b) -> (batch, b, a)`` for ``dims=(2, 1)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.Permute((2, 3, 1))(np.zeros((2, 5, 6, 7), "float32")).shape)
        (2, 6, 7, 5)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats each example along a new axis of time.

    Args:
        n: int, at least 1; number of copies.
        |layer options|

    Shapes: ``(batch, features) -> (batch, n, features)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.RepeatVector(3)(np.array([[1, 2]], "float32"))).tolist()
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (shape[0], self.n, shape[1]))
