"""Enlarging of space by whole factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, ops
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.ops import image
from amalthea.ops.windows import per_axis


class UpSampling1D(Layer):
    """Repeats each time step.

    Args:
        size: int, at least 1; number of copies of each step. Defaults to 2.
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, steps * size, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2], "float32").reshape(1, 2, 1)
        >>> np.asarray(layers.UpSampling1D(3)(x)).ravel().tolist()
        [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    """

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = int(size)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(inputs, self.size, axis=1)


class _UpSampling(Layer):
    _rank = 2

    def _set_size(self, size: Any, data_format: str | None) -> None:
        self.size = per_axis(size, self._rank, "size")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _repeated(self, x: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        for axis, times in enumerate(self.size, first):
            x = ops.repeat(x, times, axis=axis) if times > 1 else x
        return x


class UpSampling2D(_UpSampling):
    """Enlarges images by whole factors.

    Args:
        size: int or ``(rows, columns)``; factor for height and width. Defaults to ``(2, 2)``.
        |data format|
        interpolation: str; ``"nearest"`` repeats rows and columns, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` and
            ``"lanczos5"`` interpolate. Defaults to ``"nearest"``.
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, height * rows, width * columns, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2], "float32").reshape(1, 1, 2, 1)
        >>> np.asarray(layers.UpSampling2D(2)(x))[0, :, :, 0].tolist()
        [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """

    _rank = 2

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._set_size(size, data_format)
        self.interpolation = interpolation.lower()

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return self._repeated(inputs)
        axes = image.space_axes(len(inputs.shape), self.data_format)
        size = [ops.shape(inputs)[axis] * factor for axis, factor in zip(axes, self.size)]
        inputs = ops.cast(inputs, self.compute_dtype)
        return image.resize(inputs, size, self.interpolation, data_format=self.data_format)


class UpSampling3D(_UpSampling):
    """Enlarges volumes by whole factors, by repeating voxels.

    Args:
        size: int, or one for each of the three axes; factor of the size. Defaults to ``(2, 2, 2)``.
        |data format|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, depth * size[0], height * size[1], width * size[2],
        channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.UpSampling3D((1, 2, 3))(np.zeros((1, 2, 2, 2, 3), "float32")).shape)
        (1, 2, 4, 6, 3)
    """

    _rank = 3

    def __init__(self, size: int | Sequence[int] = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set_size(size, data_format)

    def call(self, inputs: Any) -> Any:
        return self._repeated(inputs)
