"""Weights in the safetensors format.

    8 bytes: length of the header | header: JSON | data

The header maps each name to a dtype, a shape and the range of its bytes in the data. The ranges follow each other
without gaps, and every byte belongs to one. Reading needs no library: the format is these three parts, and every size
in it is checked here against the file and our own limits.

A name is the path of an object as in a ``.weights.h5`` file, and the number of the value: ``layers/dense/0``. A file
whose metadata names another format, such as ``pt``, has the paths of variables, with dots: ``net.dense.kernel``.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable, at_once
from amalthea.errors import ArgumentError, ModelFileError, brief
from amalthea.loading import limits
from amalthea.saving import hdf5, weights
from amalthea.saving.contents import Contents, Value

_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}
_OWN = "amalthea"  # the format that files of save_weights name
_NAMES = {ours: theirs for theirs, ours in _DTYPES.items()}


def bytes_of(model: Any) -> bytes:
    """A file of the weights of a model, and of its optimizer's state."""
    found = weights.values_of(model)
    return packed({f"{path}/{key}".lstrip("/"): v for path, group in found.items() for key, v in group.items()})


def packed(arrays: Mapping[str, np.ndarray], about: Mapping[str, str] | None = None) -> bytes:
    """A file of arrays by name.

    Args:
        arrays: values by name.
        about: text by name, which is kept under ``__metadata__``. Defaults to None.
    """
    header: dict[str, Any] = {"__metadata__": {"format": _OWN, **(about or {})}}
    pieces, at = [], 0
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):  # aligned
        if array.dtype.name not in _NAMES:
            raise ArgumentError("Values of this dtype cannot be written to safetensors.", got=f"{name}: {array.dtype}")
        pieces.append(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        offsets = [at, at + len(pieces[-1])]
        header[name] = {"dtype": _NAMES[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
        at += len(pieces[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *pieces])


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of a file that :func:`bytes_of` gave into a built model."""
    if by_name:
        raise ArgumentError("A safetensors file is read by the paths of objects.", cure="leave by_name out")
    data, groups = Path(path).read_bytes(), {}
    if not _is_own(data):
        _load_by_paths(model, read(data), skip_mismatch)
        return
    for name, array in read(data).items():
        group, _, key = name.rpartition("/")
        groups.setdefault(group, {})[key] = array
    with hdf5.opened(hdf5.bytes_of_values(groups)) as file, at_once():
        weights.read(model, file, skip_mismatch)


def by_path(variables: Iterable[Variable]) -> dict[str, Variable]:
    """Variables by their names in files that other libraries read: those of parameters in ``to_torch_module``.

    Raises:
        ArgumentError: two have the same path.
    """
    found: dict[str, Variable] = {}
    for variable in variables:
        name = ".".join(variable.path.split("/"))
        if found.setdefault(name, variable) is not variable:
            raise ArgumentError("Two variables have the same path.", got=name, cure="give their layers other names")
    return found


def _is_own(data: bytes) -> bool:
    rows, _ = header(data)
    about = rows.get("__metadata__")
    if isinstance(about, dict) and "format" in about:
        return about["format"] == _OWN
    return any("/" in name for name in rows)


def _load_by_paths(model: Any, values: Mapping[str, np.ndarray], skip_mismatch: bool) -> None:
    """Assign values to the variables whose paths they name; all of them, or none."""
    known = by_path(model.variables)
    missing = [name for name in known if name not in values]
    wrong = [n for n, v in known.items() if n in values and values[n].shape != tuple(v.shape)]
    if missing and not skip_mismatch:
        raise ModelFileError(
            "The file has no value for a variable of the model.", expected=brief(missing[0]),
            got=brief(", ".join(values)), cure="give the model and its layers the names that they had",
        )  # fmt: skip
    if wrong and not skip_mismatch:
        raise ModelFileError(
            f"A value does not fit variable '{wrong[0]}'.", expected=known[wrong[0]].type, got=values[wrong[0]].shape
        )
    with at_once():
        for name, variable in known.items():
            if name in values and name not in wrong:
                variable.assign(values[name].astype(dtypes.to_numpy(variable.dtype)))


def contents(path: Any) -> Contents:
    """Names, shapes and dtypes of the values in a file."""
    data = Path(path).read_bytes()
    found = header(data)[0].get("__metadata__")
    versions = {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    values = [Value(name, array.shape, array.dtype.name) for name, array in read(data).items()]
    return Contents(versions, None, values, [])


def read(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file by name.

    Raises:
        ModelFileError: the file is damaged.
    """
    rows, start = header(data)
    rows.pop("__metadata__", None)
    described = sorted((_described(name, row) for name, row in rows.items()), key=lambda d: d[3:])
    at = start
    for name, _, _, begin, end in described:
        if begin + start != at or end < begin:
            raise ModelFileError("The safetensors file is damaged: its values overlap or leave gaps.", got=brief(name))
        at = end + start
    if at != len(data):
        raise ModelFileError(
            "The safetensors file is not of the size that its header gives.",
            expected=f"{at:,} bytes",
            got=f"{len(data):,}",
            cure="copy it again",
        )
    return {
        name: np.frombuffer(data, dtype, math.prod(shape), start + begin).reshape(shape)
        for name, dtype, shape, begin, _ in described
    }


def header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header of a file, and the position of the data behind it; ``data`` may be cut off there."""
    size = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    if not 2 <= size <= min(limits.config_bytes, len(data) - 8):
        raise ModelFileError(
            "The safetensors file is damaged: the size of its header.",
            expected=f"at most {min(limits.config_bytes, max(len(data) - 8, 0)):,}",
            got=f"{size:,}",
        )
    try:
        found = json.loads(data[8 : 8 + size], object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The safetensors file is damaged: its header is no JSON ({error}).") from None
    if not isinstance(found, dict) or len(found) > limits.objects:
        raise ModelFileError("The safetensors file is damaged: its header is no list of values.", got=type(found))
    return found, 8 + size


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) != len(dict(pairs)):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _described(name: str, row: Any) -> tuple[str, Any, tuple[int, ...], int, int]:
    """Name, dtype, shape and range of a value."""
    row = row if isinstance(row, dict) else {}
    shape, offsets, dtype = row.get("shape"), row.get("data_offsets"), row.get("dtype")
    whole = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2 and len(shape) <= 32
    if not whole or not all(type(n) is int and 0 <= n < 1 << 62 for n in (*shape, *offsets)):
        raise ModelFileError("The safetensors file is damaged: the place of a value.", got=f"{brief(name)}: {row}")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise ModelFileError("A value in the file has a dtype that is not read.", got=f"{brief(name)}: {brief(dtype)}")
    kind = dtypes.to_numpy(_DTYPES[dtype])
    if math.prod(shape) * kind.itemsize != offsets[1] - offsets[0]:
        raise ModelFileError("The safetensors file is damaged: the size of a value.", got=f"{brief(name)}: {row}")
    return name, kind, tuple(shape), offsets[0], offsets[1]
