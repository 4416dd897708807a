"""Spellings of Keras 1 for arguments of ``K``, and their values: one table for all functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amalthea.errors import ArgumentError

RENAMED = {
    "X": "x",
    "border_mode": "padding",
    "dim": "axis",
    "dim_ordering": "data_format",
    "filter_dilation": "dilation_rate",
    "high": "maxval",
    "low": "minval",
    "nb_classes": "num_classes",
    "rate": "dilation_rate",
    "reference": "x",
    "scale": "stddev",
    "std": "stddev",
    "stride": "strides",
}
# Hints to a compiler, and names in its graph: without an effect on what is computed.
WITHOUT_EFFECT = frozenset({"image_shape", "filter_shape", "volume_shape", "name", "sparse", "ragged"})
DATA_FORMATS = {"th": "channels_first", "tf": "channels_last", "default": None}
PADDINGS = {"half": "same", "full": "full"}


def respelled(kwargs: dict[str, Any], parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Arguments of a call under the names of Keras 2.

    Raises:
        ArgumentError: an argument is unknown, or given under both names.
    """
    made: dict[str, Any] = {}
    for key, value in kwargs.items():
        new = key if key in parameters else RENAMED.get(key, key)
        if new not in parameters:
            if key in WITHOUT_EFFECT or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                if key not in WITHOUT_EFFECT:
                    made[key] = value
                continue
            raise ArgumentError(
                f"K.{name} does not take `{key}`.", expected=", ".join(parameters), got=", ".join(kwargs)
            )
        if new in made or (new != key and new in kwargs):
            raise ArgumentError(f"K.{name} was given `{new}` twice.", got=", ".join(kwargs))
        made[new] = value
    return made


def data_format(value: Any) -> Any:
    """``"channels_first"``, ``"channels_last"`` or None, from the words of Keras 1 and 2."""
    return DATA_FORMATS.get(value, value)
