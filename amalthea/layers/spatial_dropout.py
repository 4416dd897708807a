"""Dropout of whole channels."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.layers.dropout import Dropout
from amalthea.layers.input_spec import InputSpec


class _SpatialDropout(Dropout):
    rank = 2

    def __init__(
        self, rate: float, data_format: str | None = None, seed: Any = None, name: str | None = None, dtype: Any = None
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self) -> dict[str, Any]:
        kept = ("rate", "seed", "name", "dtype", "data_format")
        return {key: getattr(self, key) for key in kept}

    def noise(self, inputs: Any) -> Any:
        shape, still = ops.shape(inputs), (1,) * self.rank
        return (*shape[:2], *still) if self.data_format == "channels_first" else (shape[0], *still, shape[-1])


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: the fraction.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        seed: an int or a SeedGenerator.
    """

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: the fraction.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        seed: an int or a SeedGenerator.
    """

    rank = 3
