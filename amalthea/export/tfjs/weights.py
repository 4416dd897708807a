"""Weights of a ``model.json``: the manifest, and the bytes of the files beside it.

``amalthea/saving/tfjs.py`` describes the format, and reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

SHARD = 4 << 20  # bytes of a file, which browsers keep in their cache
_SMALL = 256  # elements from which fewer bits pay


class Files(NamedTuple):
    """The manifest of the weights, and the bytes of each file by name."""

    manifest: list[dict[str, Any]]
    shards: dict[str, bytes]


def files_of(weights: Mapping[str, np.ndarray], dtype: str) -> Files:
    """Return the manifest and the files of weights.

    Args:
        weights: arrays of float32, int32 or bool by name.
        dtype: how floats are kept: ``"float32"``, ``"float16"``, or ``"int8"`` for bytes with a scale and a minimum.
    """
    rows, pieces = [], []
    for name, array in weights.items():
        row, data = _kept(array, dtype)
        rows.append({"name": name, "shape": list(array.shape), "dtype": array.dtype.name, **row})
        pieces.append(data.tobytes())
    whole = b"".join(pieces)
    parts = [whole[i : i + SHARD] for i in range(0, len(whole), SHARD)] or [b""]
    shards = {f"group1-shard{i}of{len(parts)}.bin": part for i, part in enumerate(parts, 1)}
    return Files([{"paths": list(shards), "weights": rows}], shards)


def _kept(array: np.ndarray, dtype: str) -> tuple[dict[str, Any], np.ndarray]:
    """The quantization of a weight as the manifest says it, and the elements as they are kept."""
    if array.size < _SMALL or array.dtype == "bool":
        return {}, array
    if array.dtype == "int32":
        low, high = int(array.min()), int(array.max())
        return _affine(array, low, 1) if high - low < 256 else ({}, array)
    if dtype == "float16" and np.abs(array).max() <= np.finfo("float16").max:
        return {"quantization": {"dtype": "float16", "original_dtype": "float32"}}, array.astype("float16")
    if dtype == "int8" and array.ndim > 1 and np.isfinite(array).all():
        low, high = float(min(array.min(), 0)), float(max(array.max(), 0))
        return _affine(array, low, (high - low) / 255 or 1.0)
    return {}, array


def _affine(array: np.ndarray, low: float, scale: float) -> tuple[dict[str, Any], np.ndarray]:
    """Bytes with a scale and a minimum; zero stays zero where the minimum is a whole number of steps below it."""
    low = round(low / scale) * scale
    kept = np.clip(np.round((array.astype("float64") - low) / scale), 0, 255)
    row = {"min": low, "scale": scale, "dtype": "uint8", "original_dtype": array.dtype.name}
    return {"quantization": row}, kept.astype("uint8")
