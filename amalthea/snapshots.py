"""Plain data, arrays and random states as one file, and the attributes of an object that have changed since a moment.

A snapshot is a zip of ``state.json`` (the structure) and ``arrays`` (the bytes of all arrays, one after the other). Its
checksums tell whether it is whole. It holds no code, and reading it runs none.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import zipfile
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.engine import dtypes
from amalthea.errors import ModelFileError

FORMAT = 1
_COMPARED = 1 << 26  # bytes: of larger arrays only the identity is compared, for reading them takes too long
_STREAMS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_NOT_KEPT = ("params", "model", "_model", "_run")  # of callbacks: given anew to each run


class NotPlain(TypeError):
    """A value that no snapshot can hold."""


class Record:
    """An object whose attributes are plain data, and which a snapshot holds by them."""


# --------------------------------------------------------------------------------------- values as data


def pack(value: Any, arrays: list[np.ndarray]) -> Any:
    """Encode a value for JSON. Its arrays are appended to ``arrays``, and stand in the JSON by index.

    Raises:
        NotPlain: it holds anything but numbers, text, arrays, lists, tuples, dicts and random generators.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [pack(v, arrays) for v in value]
    if type(value) is tuple:
        return {"tuple": [pack(v, arrays) for v in value]}
    if isinstance(value, dict):
        return {"dict": [[pack(k, arrays), pack(v, arrays)] for k, v in value.items()]}
    if isinstance(value, (np.ndarray, np.generic)) and _has_name(value.dtype):
        arrays.append(np.asarray(value, value.dtype.newbyteorder("="), order="C"))
        return {"scalar" if isinstance(value, np.generic) else "array": len(arrays) - 1}
    if isinstance(value, np.random.Generator) and type(value.bit_generator).__name__ in _STREAMS:
        return {"stream": type(value.bit_generator).__name__, "state": pack(value.bit_generator.state, arrays)}
    if type(value) is random.Random:
        return {"random": pack(value.getstate(), arrays)}
    if isinstance(value, Record):
        return {"record": pack(vars(value), arrays)}
    raise NotPlain(type(value).__name__)


def _has_name(dtype: np.dtype[Any]) -> bool:
    """Whether the dtype can be found again by its name."""
    try:
        return dtype.kind in "biufcV" and dtypes.to_numpy(dtype.name) == dtype.newbyteorder("=")
    except TypeError:
        return False


def unpack(data: Any, arrays: list[np.ndarray]) -> Any:
    """The inverse of :func:`pack`; a :class:`Record` becomes the dict of its attributes."""
    if isinstance(data, list):
        return [unpack(v, arrays) for v in data]
    if not isinstance(data, dict):
        return data
    kind, content = next(iter(data.items()))
    if kind == "tuple":
        return tuple(unpack(v, arrays) for v in content)
    if kind == "dict":
        return {unpack(k, arrays): unpack(v, arrays) for k, v in content}
    if kind == "array":
        return arrays[content].copy()
    if kind == "scalar":
        return arrays[content][()]
    if kind == "stream":
        stream = getattr(np.random, _STREAMS[_STREAMS.index(content)])()
        stream.state = unpack(data["state"], arrays)
        return np.random.Generator(stream)
    if kind == "random":
        made = random.Random()
        made.setstate(unpack(content, arrays))
        return made
    return unpack(data["record"], arrays)


# ------------------------------------------------------------------------------------------- attributes


def digests(thing: Any) -> dict[str, str]:
    """For each attribute of plain data, a hash of its value."""
    found = {name: _digest(value) for name, value in getattr(thing, "__dict__", {}).items() if name not in _NOT_KEPT}
    return {name: digest for name, digest in found.items() if digest is not None}


def _digest(value: Any) -> str | None:
    arrays: list[np.ndarray] = []
    try:
        data = pack(value, arrays)
    except (NotPlain, RecursionError):
        return None
    digest = hashlib.sha256(json.dumps(data).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(_bytes(array) if array.nbytes <= _COMPARED else str(array.__array_interface__["data"]).encode())
    return digest.hexdigest()


def _bytes(array: np.ndarray) -> Any:
    return array.reshape(-1).view("uint8").data if array.size else b""


def changed_attributes(thing: Any, before: dict[str, str]) -> dict[str, Any]:
    """The attributes of plain data whose hash is not the one that it was."""
    return {name: getattr(thing, name) for name, digest in digests(thing).items() if before.get(name) != digest}


def set_attributes(thing: Any, values: dict[str, Any]) -> None:
    """Set what :func:`changed_attributes` gave; generators and records go on in place, for others may share them."""
    for name, value in values.items():
        now = getattr(thing, name, None)
        if isinstance(now, np.random.Generator) and isinstance(value, np.random.Generator):
            now.bit_generator.state = value.bit_generator.state
        elif isinstance(now, random.Random) and isinstance(value, random.Random):
            now.setstate(value.getstate())
        elif isinstance(now, Record):
            vars(now).update(value)
        else:
            setattr(thing, name, value)


# ------------------------------------------------------------------------------------------------ files


def to_bytes(state: Any) -> bytes:
    """Return the state as the bytes of a file.

    >>> from_bytes(to_bytes({"epoch": 3, "seen": (1, 2), "weights": np.zeros(2)}))
    {'epoch': 3, 'seen': (1, 2), 'weights': array([0., 0.])}
    """
    arrays: list[np.ndarray] = []
    file = io.BytesIO()
    _write(file, pack(state, arrays), arrays)
    return file.getvalue()


def from_bytes(content: bytes) -> Any:
    """Return the state in the bytes of a file.

    Raises:
        ModelFileError: they are damaged, or of a later version.
    """
    return _read(io.BytesIO(content), f"{len(content)} bytes")


def write(path: str | os.PathLike[str], state: Any) -> None:
    """Write the state to a file, whole or not at all.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "state")
    ...     write(path, {"epoch": 3, "seen": (1, 2), "weights": np.zeros(2)})
    ...     read(path)
    {'epoch': 3, 'seen': (1, 2), 'weights': array([0., 0.])}
    """
    arrays: list[np.ndarray] = []
    data = pack(state, arrays)
    with writing.whole_file(path) as whole:
        _write(whole, data, arrays)


def _write(whole: Any, data: Any, arrays: list[np.ndarray]) -> None:
    index = [[a.dtype.name, list(a.shape)] for a in arrays]
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("state.json", json.dumps({"format": FORMAT, "arrays": index, "state": data}))
        with archive.open("arrays", "w", force_zip64=True) as member:
            for array in arrays:
                member.write(_bytes(array))


def read(path: str | os.PathLike[str]) -> Any:
    """The state in a file.

    Raises:
        ModelFileError: the file is damaged, or of a later version.
    """
    return _read(path, os.fspath(path))


def _read(file: Any, name: str) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            content, memory = json.loads(archive.read("state.json")), archive.read("arrays")
        if content["format"] != FORMAT:
            raise ModelFileError("The snapshot is of another version.", expected=FORMAT, got=content["format"])
        arrays, start = [], 0
        for name, shape in content["arrays"]:
            dtype = np.dtype(dtypes.to_numpy(name))
            count = int(np.prod(shape, dtype=np.int64))
            arrays.append(np.frombuffer(memory, dtype, count, start).reshape(shape))
            start += count * dtype.itemsize
        return unpack(content["state"], arrays)
    except ModelFileError:
        raise
    except Exception as error:  # whatever a damaged file makes zipfile, zlib, json or NumPy say
        raise ModelFileError(f"The snapshot is damaged: {error}.", got=name) from error
