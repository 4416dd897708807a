"""Weights in several files: an index (``.weights.json``) beside files in Keras 3's layout.

net.weights.json                 {"metadata": {"total_size": bytes}, "weight_map": {"/layers/dense/vars": [file]}}
net_00000.weights.h5, ...        each with some of the values
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError, ModelFileError, UnsafeFileError, brief
from amalthea.loading import limits
from amalthea.saving import building, hdf5, weights
from amalthea.saving.contents import Contents, Value

Values = dict[str, dict[str, np.ndarray]]
_PART = re.compile(r"[^/\\:\0]{1,200}_\d{5,8}\.weights\.h5")
_GIGABYTE = 1 << 30


def is_index(head: bytes) -> bool:
    """Whether a file begins as an index does."""
    return head.lstrip().startswith(b"{") and b'"weight_map"' in head


def save_weights(model: Any, path: Path, max_shard_size: Any, overwrite: bool) -> None:
    """Writes the weights of a model to an index and as many files as are needed.

    Args:
        model: built model.
        path: the path of the index.
        max_shard_size: float above 0; the most gigabytes of values in a file. A single larger value has its own.
        overwrite: whether files that exist are replaced.
    """
    if isinstance(max_shard_size, bool) or not isinstance(max_shard_size, (int, float)) or not max_shard_size > 0:
        raise ArgumentError("`max_shard_size` is a number of gigabytes above 0.", got=brief(max_shard_size))
    parts = _divided(weights.values_of(model), max_shard_size * _GIGABYTE)
    stem = path.name.removesuffix(".weights.json")
    names = [f"{stem}_{i:05d}.weights.h5" for i in range(len(parts))]
    table: dict[str, list[str]] = {}
    for name, part in zip(names, parts):
        for key in part:
            table.setdefault(f"/{key}/vars" if key else "/vars", []).append(name)
        writing.write(path.with_name(name), hdf5.bytes_of_values(part), overwrite)
    total = sum(value.nbytes for part in parts for values in part.values() for value in values.values())
    index = {"metadata": {"total_size": float(total)}, "weight_map": table}
    writing.write(path, json.dumps(index, indent=4), overwrite)


def _divided(values: Values, most: float) -> list[Values]:
    """The values in parts of at most so many bytes, in order."""
    parts: list[Values] = [{}]
    size = 0
    for key, arrays in values.items():
        for name, array in arrays.items():
            if size and size + array.nbytes > most:
                parts.append({})
                size = 0
            parts[-1].setdefault(key, {})[name] = array
            size += array.nbytes
    return parts


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of an index and its files into a built model."""
    hdf5.check_by_order(by_name)
    values: Values = {}
    for part in _parts(Path(path)):
        with hdf5.opened(part.read_bytes()) as file:
            for key, arrays in weights.read_values(file).items():
                values.setdefault(key, {}).update(arrays)
    with hdf5.opened(hdf5.bytes_of_values(values)) as file, at_once():
        weights.read(model, file, skip_mismatch)


def contents(path: Any) -> Contents:
    """Names, shapes and dtypes of the values in all files of an index."""
    values: list[Value] = []
    for part in _parts(Path(path)):
        with hdf5.opened(part.read_bytes()) as file:
            values += hdf5.values_in(file)
    return Contents({}, None, values, [])


def _parts(index: Path) -> list[Path]:
    """The files of an index: they lie beside it, and no name leads elsewhere."""
    if index.stat().st_size > limits.config_bytes:
        raise ModelFileError("The index of weights is too large.", expected=f"at most {limits.config_bytes:,} bytes")
    data = building.parsed(index.read_bytes())
    table = data.get("weight_map") if isinstance(data, dict) else None
    if not isinstance(table, dict):
        raise ModelFileError("The index of weights is damaged.", expected="a dict 'weight_map'", got=brief(table))
    named: dict[str, None] = {}
    for files in table.values():
        for name in files if isinstance(files, list) else [files]:
            if not isinstance(name, str) or not _PART.fullmatch(name) or (index.parent / name).is_symlink():
                raise UnsafeFileError(
                    "The index of weights names a file that is not one of its parts.",
                    expected="names such as net_00000.weights.h5",
                    got=brief(name),
                )
            named[name] = None
    missing = [name for name in named if not (index.parent / name).is_file()]
    if missing:
        raise ModelFileError("A file of the weights is not there.", got=", ".join(missing[:8]))
    return [index.parent / name for name in named]
