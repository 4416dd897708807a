"""The largest or the mean of a window, or of all space."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.errors import ArgumentError
from amalthea.layers import masked
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.ops.windows import per_axis


class _Pooling(Layer):
    rank = 2
    pool: Any = None

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = per_axis(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else per_axis(strides, self.rank, "strides")
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ArgumentError(f"{type(self).__name__} has no padding {padding!r}.", expected="'valid' or 'same'")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return type(self).pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _Max(_Pooling):
    pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling1D(_Max):
    """The largest of each window of time.

    Args:
        pool_size: steps in a window.
        strides: from one window to the next; ``pool_size`` unless given.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    rank = 1


class MaxPooling2D(_Max):
    """The largest of each window of an image.

    Args:
        pool_size: height and width of a window.
        strides: from one window to the next; ``pool_size`` unless given.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.MaxPooling2D()(np.zeros((2, 8, 8, 3), "float32")).shape
        (2, 4, 4, 3)
    """

    rank = 2


class MaxPooling3D(_Max):
    """The largest of each window of a volume.

    Args:
        pool_size, strides: ints, or one for each axis of space.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    rank = 3


class AveragePooling1D(_Pooling):
    """The mean of each window of time; padding does not count.

    Args:
        pool_size: steps in a window.
        strides: from one window to the next; ``pool_size`` unless given.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    computes_in_floats = True

    rank = 1
    pool = staticmethod(ops.average_pool)


class AveragePooling2D(_Pooling):
    """The mean of each window of an image; padding does not count.

    Args:
        pool_size: height and width of a window.
        strides: from one window to the next; ``pool_size`` unless given.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    computes_in_floats = True

    rank = 2
    pool = staticmethod(ops.average_pool)


class AveragePooling3D(_Pooling):
    """The mean of each window of a volume; padding does not count.

    Args:
        pool_size, strides: ints, or one for each axis of space.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    computes_in_floats = True

    rank = 3
    pool = staticmethod(ops.average_pool)


class _Global(Layer):
    rank = 2

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def space(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def steps(self, mask: Any) -> Any:
        """A mask ``(batch, time)`` beside inputs of rank 3."""
        return ops.expand_dims(ops.cast(mask, "bool"), 2 if self.space[0] == 1 else 1)


class _GlobalMax(_Global):
    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self.space, keepdims=self.keepdims)


class _GlobalAverage(_Global):
    computes_in_floats = True

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self.space, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax):
    """The largest over time, of the steps that the mask counts; 0 where it counts none.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``.
        keepdims: keep the axis with size 1.
    """

    rank = 1
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        steps = self.steps(mask)
        largest = super().call(ops.where(steps, inputs, ops.min(inputs, axis=self.space, keepdims=True)))
        counted = ops.any(steps, axis=self.space, keepdims=self.keepdims)
        return ops.where(counted, largest, ops.zeros_like(largest))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


class GlobalMaxPooling2D(_GlobalMax):
    """The largest over the image.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``.
        keepdims: keep the axes with size 1.
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """The largest over the volume.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``.
        keepdims: keep the axes with size 1.
    """

    rank = 3


class GlobalAveragePooling1D(_GlobalAverage):
    """The mean over time, of the steps that the mask counts; 0 where it counts none.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``.
        keepdims: keep the axis with size 1.
    """

    rank = 1
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        return masked.mean(inputs, self.steps(mask), self.space, self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean over the image.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``.
        keepdims: keep the axes with size 1.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.GlobalAveragePooling2D()(np.ones((2, 4, 4, 3), "float32")).shape
        (2, 3)
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean over the volume.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``.
        keepdims: keep the axes with size 1.
    """

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
