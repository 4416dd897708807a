"""Maximum and average pooling, over windows and over all space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings, ops
from amalthea.errors import ArgumentError
from amalthea.layers import masked
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.ops.windows import per_axis

docstrings.share(
    "pooling",
    """
    pool_size: int, or one for each axis of space; size of the window.
    strides: int, or one for each axis of space; distance from one window to the next. Defaults to None, which takes
        ``pool_size``: windows side by side.
    padding: str; ``"valid"`` uses only windows inside the input, which gives ``(n - pool_size) // stride + 1`` of them;
        ``"same"`` pads at both ends and gives ``ceil(n / stride)``. Defaults to ``"valid"``.
    |data format|
    name: str; name of the layer. Defaults to None, which makes one from the class name.
    """,
)
docstrings.share(
    "global pooling",
    """
    |data format|
    keepdims: bool; whether the axes of space remain, with size 1. Defaults to False.
    """,
)


class _Pooling(Layer):
    _rank = 2
    _pool: Any = None

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = per_axis(pool_size, self._rank, "pool_size")
        self.strides = self.pool_size if strides is None else per_axis(strides, self._rank, "strides")
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ArgumentError(f"{type(self).__name__} has no padding {padding!r}.", expected="'valid' or 'same'")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Any:
        return type(self)._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _Max(_Pooling):
    _pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling1D(_Max):
    """Takes the largest value of each window of time, for each channel.

    Args:
        |pooling|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new_steps, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 5, 2, 3], "float32").reshape(1, 4, 1)
        >>> np.asarray(layers.MaxPooling1D(2)(x)).ravel().tolist()
        [5.0, 3.0]
    """

    _rank = 1


class MaxPooling2D(_Max):
    """Takes the largest value of each window of an image, for each channel.

    Args:
        |pooling|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new_height, new_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
        >>> np.asarray(layers.MaxPooling2D()(x)).ravel().tolist()
        [5.0, 7.0, 13.0, 15.0]
    """

    _rank = 2


class MaxPooling3D(_Max):
    """Takes the largest value of each window of a volume, for each channel.

    Args:
        |pooling|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.MaxPooling3D((1, 2, 2))(np.zeros((2, 4, 8, 8, 3), "float32")).shape)
        (2, 4, 4, 4, 3)
    """

    _rank = 3


class AveragePooling1D(_Pooling):
    """Takes the mean of each window of time, for each channel; zeros of padding do not count.

    Args:
        |pooling|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, new_steps, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 5, 2], "float32").reshape(1, 3, 1)
        >>> np.asarray(layers.AveragePooling1D(2, padding="same")(x)).ravel().tolist()
        [3.0, 2.0]
    """

    _computes_in_floats = True

    _rank = 1
    _pool = staticmethod(ops.average_pool)


class AveragePooling2D(_Pooling):
    """Takes the mean of each window of an image, for each channel; zeros of padding do not count.

    Args:
        |pooling|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, new_height, new_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
        >>> np.asarray(layers.AveragePooling2D(2)(x)).ravel().tolist()
        [2.5, 4.5, 10.5, 12.5]
    """

    _computes_in_floats = True

    _rank = 2
    _pool = staticmethod(ops.average_pool)


class AveragePooling3D(_Pooling):
    """Takes the mean of each window of a volume, for each channel; zeros of padding do not count.

    Args:
        |pooling|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AveragePooling3D(2)(np.zeros((2, 4, 8, 8, 3), "float32")).shape)
        (2, 2, 4, 4, 3)
    """

    _computes_in_floats = True

    _rank = 3
    _pool = staticmethod(ops.average_pool)


class _Global(Layer):
    _rank = 2

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self._rank + 2)

    @property
    def _space(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self._rank))

    def _counted_steps(self, mask: Any) -> Any:
        """Returns a mask ``(batch, time)`` in the layout of inputs of rank 3."""
        return ops.expand_dims(ops.cast(mask, "bool"), 2 if self._space[0] == 1 else 1)


class _GlobalMax(_Global):
    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self._space, keepdims=self.keepdims)


class _GlobalAverage(_Global):
    _computes_in_floats = True

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self._space, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax):
    """Takes the largest value over time, for each channel, among the steps that a mask counts.

    A sequence whose mask counts no step gives 0. (Keras 3 ignores the mask.)

    Args:
        |global pooling|
        |layer options|

    Call args:
        mask: bool ``(batch, steps)``; True for steps that count. Defaults to the mask that the input carries.

    Shapes: ``(batch, steps, channels) -> (batch, channels)``; ``(batch, 1, channels)`` with ``keepdims``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x, mask = np.array([[[1.0], [2.0], [9.0]]], "float32"), np.array([[True, True, False]])
        >>> np.asarray(layers.GlobalMaxPooling1D()(x, mask=mask)).tolist()
        [[2.0]]
    """

    _rank = 1
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        steps = self._counted_steps(mask)
        largest = super().call(ops.where(steps, inputs, ops.min(inputs, axis=self._space, keepdims=True)))
        counted = ops.any(steps, axis=self._space, keepdims=self.keepdims)
        return ops.where(counted, largest, ops.zeros_like(largest))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


class GlobalMaxPooling2D(_GlobalMax):
    """Takes the largest value of the whole image, for each channel.

    Args:
        |global pooling|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, channels)``; ``(batch, 1, 1, channels)`` with ``keepdims``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)
        >>> np.asarray(layers.GlobalMaxPooling2D()(x)).tolist()
        [[6.0, 7.0]]
    """

    _rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """Takes the largest value of the whole volume, for each channel.

    Args:
        |global pooling|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, channels)``; axes of size 1 remain with ``keepdims``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2, 1)
        >>> np.asarray(layers.GlobalMaxPooling3D(keepdims=True)(x)).tolist()
        [[[[[7.0]]]]]
    """

    _rank = 3


class GlobalAveragePooling1D(_GlobalAverage):
    """Takes the mean over time, for each channel, of the steps that a mask counts.

    A sequence whose mask counts no step gives 0, with gradient 0.

    Args:
        |global pooling|
        |layer options|

    Call args:
        mask: bool ``(batch, steps)``; True for steps that count. Defaults to the mask that the input carries.

    Shapes: ``(batch, steps, channels) -> (batch, channels)``; ``(batch, 1, channels)`` with ``keepdims``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x, mask = np.array([[[1.0], [2.0], [9.0]]], "float32"), np.array([[True, True, False]])
        >>> np.asarray(layers.GlobalAveragePooling1D()(x, mask=mask)).tolist()
        [[1.5]]
    """

    _rank = 1
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        return masked.mean(inputs, self._counted_steps(mask), self._space, self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(_GlobalAverage):
    """Takes the mean of the whole image, for each channel.

    Args:
        |global pooling|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, channels)``; ``(batch, 1, 1, channels)`` with ``keepdims``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)
        >>> np.asarray(layers.GlobalAveragePooling2D()(x)).tolist()
        [[3.0, 4.0]]
    """

    _rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """Takes the mean of the whole volume, for each channel.

    Args:
        |global pooling|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, channels)``; axes of size 1 remain with ``keepdims``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2, 1)
        >>> np.asarray(layers.GlobalAveragePooling3D()(x)).tolist()
        [[3.5]]
    """

    _rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
