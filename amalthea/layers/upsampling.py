"""Space made larger by whole factors."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.ops import image
from amalthea.ops.windows import per_axis


class UpSampling1D(Layer):
    """Each step repeated.

    Shapes: ``(batch, steps, features)`` to ``(batch, steps * size, features)``.

    Args:
        size: how often.
    """

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = int(size)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(inputs, self.size, axis=1)


class _UpSampling(Layer):
    rank = 2

    def _set_size(self, size: Any, data_format: str | None) -> None:
        self.size = per_axis(size, self.rank, "size")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _repeated(self, x: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        for axis, times in enumerate(self.size, first):
            x = ops.repeat(x, times, axis=axis) if times > 1 else x
        return x


class UpSampling2D(_UpSampling):
    """Images made larger.

    Args:
        size: a factor, or one each for height and width.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        interpolation: ``"nearest"`` repeats rows and columns; also ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` and
            ``"lanczos5"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.UpSampling2D((2, 3))(np.zeros((1, 4, 4, 3), "float32")).shape
        (1, 8, 12, 3)
    """

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ):
        super().__init__(**kwargs)
        self._set_size(size, data_format)
        self.interpolation = interpolation.lower()

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return self._repeated(inputs)
        axes = image.space_axes(len(inputs.shape), self.data_format)
        size = [ops.shape(inputs)[axis] * factor for axis, factor in zip(axes, self.size)]
        return image.resize(inputs, size, self.interpolation, data_format=self.data_format)


class UpSampling3D(_UpSampling):
    """Volumes made larger by repeating.

    Args:
        size: a factor, or one for each of three axes.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set_size(size, data_format)

    def call(self, inputs: Any) -> Any:
        return self._repeated(inputs)
