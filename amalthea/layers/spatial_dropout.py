"""Dropout of whole channels."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.layers.dropout import Dropout
from amalthea.layers.input_spec import InputSpec
from amalthea.random import SeedGenerator


class _SpatialDropout(Dropout):
    _rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def get_config(self) -> dict[str, Any]:
        kept = ("rate", "seed", "name", "dtype", "data_format")
        return {key: getattr(self, key) for key in kept}

    def _noise(self, inputs: Any) -> Any:
        shape, still = ops.shape(inputs), (1,) * self._rank
        return (*shape[:2], *still) if self.data_format == "channels_first" else (shape[0], *still, shape[-1])


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images in training, and scales the others by ``1 / (1 - rate)``.

    Args:
        |spatial dropout|
        |data format|

    Call args:
        training: bool; whether channels are dropped. Defaults to False.

    Shapes: ``(batch, height, width, channels) -> (batch, height, width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> y = np.asarray(layers.SpatialDropout2D(0.5, seed=1)(np.ones((2, 4, 4, 8), "float32"), training=True))
        >>> bool((y == y[:, :1, :1]).all())
        True

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """

    _rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes in training, and scales the others by ``1 / (1 - rate)``.

    Args:
        |spatial dropout|
        |data format|

    Call args:
        training: bool; whether channels are dropped. Defaults to False.

    Shapes: ``(batch, depth, height, width, channels) -> (batch, depth, height, width, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> y = np.asarray(layers.SpatialDropout3D(0.5, seed=1)(np.ones((2, 2, 2, 2, 8), "float32"), training=True))
        >>> bool((y == y[:, :1, :1, :1]).all())
        True

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """

    _rank = 3
