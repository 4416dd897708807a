"""Pooling layers whose output has a given size, whatever the size of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings, ops
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.ops.windows import per_axis

docstrings.share(
    "output size",
    """
    output_size: int, or one for each axis of space; number of windows. Window ``i`` of ``count`` goes from
        ``floor(i * n / count)`` to ``ceil((i + 1) * n / count)``, so neighbours may overlap by one element.
    |data format|
    """,
)


class _Adaptive(Layer):
    _rank = 2

    def __init__(self, output_size: int | Sequence[int], data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = per_axis(output_size, self._rank, "output_size")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)


class _AdaptiveAverage(_Adaptive):
    _computes_in_floats = True

    def call(self, inputs: Any) -> Any:
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class _AdaptiveMax(_Adaptive):
    def call(self, inputs: Any) -> Any:
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """Takes the means of a given number of windows of time, whatever the length of the input.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3, 4, 5], "float32").reshape(1, 5, 1)
        >>> np.asarray(layers.AdaptiveAveragePooling1D(2)(x)).ravel().tolist()
        [2.0, 4.0]
    """

    _rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """Takes the means of a given number of windows of an image, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AdaptiveAveragePooling2D((2, 3))(np.zeros((1, 5, 7, 3), "float32")).shape)
        (1, 2, 3, 3)
    """

    _rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """Takes the means of a given number of windows of a volume, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, output_depth, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AdaptiveAveragePooling3D(2)(np.zeros((1, 5, 7, 3, 4), "float32")).shape)
        (1, 2, 2, 2, 4)
    """

    _rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """Takes the largest values of a given number of windows of time, whatever the length of the input.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3, 4, 5], "float32").reshape(1, 5, 1)
        >>> np.asarray(layers.AdaptiveMaxPooling1D(2)(x)).ravel().tolist()
        [3.0, 5.0]
    """

    _rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """Takes the largest values of a given number of windows of an image, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
        >>> np.asarray(layers.AdaptiveMaxPooling2D((1, 3))(x)).ravel().tolist()
        [6.0, 7.0, 8.0]
    """

    _rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """Takes the largest values of a given number of windows of a volume, whatever its size.

    Args:
        |output size|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, output_depth, output_height, output_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.AdaptiveMaxPooling3D((1, 2, 3))(np.zeros((1, 5, 7, 3, 4), "float32")).shape)
        (1, 1, 2, 3, 4)
    """

    _rank = 3
