"""The values of a TensorFlow checkpoint: ``NAME.index`` and ``NAME.data-00000-of-00001``.

The index is a sorted table (``string_table``) with an entry for each value: its dtype, shape, checksum, and its bytes'
position in one of the files of data. Names of files follow from the numbers in the index alone.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amalthea import writing
from amalthea.engine import dtypes
from amalthea.errors import ModelFileError, brief
from amalthea.loading import limits
from amalthea.saving import protobuf, string_table
from amalthea.saving.crc32c import crc32c, masked
from amalthea.saving.protobuf import Field, as_varint

DTYPES = {  # by TensorFlow's numbers
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
}
NUMBERS = {name: number for number, name in DTYPES.items()}
_STRING = 7

_HEADER = {
    "num_shards": Field(1, "int"),
    "endianness": Field(2, "int"),
    "version": Field(3, {"producer": Field(1, "int")}),
}
_SHAPE = {"dim": Field(2, {"size": Field(1, "int")}, many=True), "unknown_rank": Field(3, "int")}
_ENTRY = {
    "dtype": Field(1, "int"),
    "shape": Field(2, _SHAPE),
    "shard_id": Field(3, "int"),
    "offset": Field(4, "int"),
    "size": Field(5, "int"),
    "crc32c": Field(6, "fixed32"),
    "slices": Field(7, {}, many=True),
}


class Entry(NamedTuple):
    """The type of one value, and the bytes of a shard that hold it; ``dtype`` is None for text."""

    dtype: str | None
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc32c: int


class Bundle:
    """The values of a checkpoint by their keys.

    Args:
        prefix: path with which the names of its files begin.

    Raises:
        ModelFileError: the index is damaged.
    """

    def __init__(self, prefix: Path):
        self.prefix = prefix
        rows = string_table.read(prefix.with_name(prefix.name + ".index").read_bytes())
        header = protobuf.parse(rows.pop(b"", b""), _HEADER, "the header of the checkpoint")
        self.shards = header["num_shards"]
        if header["endianness"] != 0 or not 1 <= self.shards <= 99999:
            raise ModelFileError(
                "The checkpoint was written in a way that is not read.",
                expected="little endian, 1 to 99999 files of data",
                got=f"endianness {header['endianness']}, {self.shards} files",
            )
        if len(rows) > limits.objects:
            raise ModelFileError("The checkpoint has too many values.", expected=limits.objects, got=len(rows))
        self.entries = {_text(key): _entry(key, value) for key, value in rows.items()}
        self._check_sizes()

    @property
    def elements(self) -> int:
        """Numbers in all values."""
        return sum(math.prod(e.shape) for e in self.entries.values() if e.dtype)

    def _check_sizes(self) -> None:
        """All values together are not larger than the files of data, and each has the size of its shape."""
        for key, entry in self.entries.items():
            if entry.shard >= self.shards:
                raise ModelFileError(f"The checkpoint is damaged: {brief(key)} is in a file that does not exist.")
            size = entry.size if entry.dtype is None else _size(entry)
            if size != entry.size:
                raise ModelFileError(
                    f"The checkpoint is damaged: the size of {brief(key)} is not that of its shape.",
                    expected=f"{size:,} bytes",
                    got=f"{entry.size:,}",
                )
        there = sum(self._file(shard).stat().st_size for shard in {e.shard for e in self.entries.values()})
        claimed = sum(entry.size for entry in self.entries.values())
        if claimed > there:
            raise ModelFileError(
                "The checkpoint is damaged: its values are larger than its files.",
                expected=f"{claimed:,} bytes",
                got=f"{there:,}",
            )

    def _file(self, shard: int) -> Path:
        path = self.prefix.with_name(f"{self.prefix.name}.data-{shard:05d}-of-{self.shards:05d}")
        if not path.is_file():
            raise ModelFileError("The checkpoint lacks a file of data.", expected=path.name)
        return path

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def array(self, key: str) -> np.ndarray:
        """A value, its checksum checked."""
        entry = self._find(key)
        if entry.dtype is None:
            raise ModelFileError("The checkpoint holds text where numbers are expected.", got=brief(key))
        data = self._bytes(key, entry)
        _check(masked(crc32c(data)) == entry.crc32c, key)
        return np.frombuffer(data, dtypes.to_numpy(entry.dtype)).reshape(entry.shape)

    def text(self, key: str) -> bytes:
        """A value that is one piece of text: its length, a checksum of the length, and its bytes."""
        entry = self._find(key)
        if entry.dtype is not None or entry.shape != ():
            raise ModelFileError("The checkpoint holds numbers where text is expected.", got=brief(key))
        data = self._bytes(key, entry)
        try:
            length, at = protobuf.varint(data, 0)
        except ValueError:
            length = at = -1
        _check(at > 0 and at + 4 + length == len(data), key)
        checksum = crc32c(struct.pack("<I" if length < 1 << 32 else "<Q", length))
        _check(struct.pack("<I", masked(checksum)) == data[at : at + 4], key)
        _check(masked(crc32c(data[at:], checksum)) == entry.crc32c, key)
        return data[at + 4 :]

    def _find(self, key: str) -> Entry:
        if key not in self.entries:
            raise ModelFileError("The checkpoint has no value of this name.", got=brief(key))
        return self.entries[key]

    def _bytes(self, key: str, entry: Entry) -> bytes:
        path = self._file(entry.shard)
        with path.open("rb") as file:
            there = file.seek(0, 2)
            if entry.offset + entry.size > there:
                raise ModelFileError(
                    f"The checkpoint is damaged: {brief(key)} goes beyond the end of its file.",
                    expected=f"{entry.offset + entry.size:,} bytes",
                    got=f"{there:,} in {path.name}",
                )
            file.seek(entry.offset)
            return file.read(entry.size)


def write(prefix: Path, values: Mapping[str, np.ndarray | bytes]) -> None:
    """Writes values as a checkpoint, which :class:`Bundle` and TensorFlow read.

    Args:
        prefix: path with which the names of its two files begin.
        values: arrays, or one piece of text each, by their keys.
    """
    rows = {b"": protobuf.message({"num_shards": 1, "version": {"producer": 1}}, _HEADER)}
    offset = 0
    with writing.whole_file(prefix.with_name(f"{prefix.name}.data-00000-of-00001")) as file:
        for key, value in sorted(values.items(), key=lambda row: row[0].encode()):
            data, entry = _packed(value)
            entry |= {"offset": offset, "size": len(data)}
            rows[key.encode()] = protobuf.message(entry, _ENTRY)
            offset += file.write(data)
    writing.write(prefix.with_name(f"{prefix.name}.index"), string_table.table(rows))


def _packed(value: np.ndarray | bytes) -> tuple[bytes, dict[str, Any]]:
    """The bytes of a value, and its type and checksum."""
    if isinstance(value, bytes):
        length = crc32c(struct.pack("<I" if len(value) < 1 << 32 else "<Q", len(value)))
        behind = struct.pack("<I", masked(length)) + value
        return as_varint(len(value)) + behind, {"dtype": _STRING, "crc32c": masked(crc32c(behind, length)), "shape": {}}
    data = np.ascontiguousarray(value).tobytes()
    shape = {"dim": [{"size": n} for n in value.shape]}
    return data, {"dtype": NUMBERS[dtypes.standardize(value.dtype)], "crc32c": masked(crc32c(data)), "shape": shape}


def _size(entry: Entry) -> int:
    return math.prod(entry.shape) * dtypes.to_numpy(str(entry.dtype)).itemsize


def _check(holds: bool, key: str) -> None:
    if not holds:
        raise ModelFileError(f"The checkpoint is damaged: the checksum of {brief(key)} is wrong.", cure="copy it again")


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise ModelFileError("The index of the checkpoint is damaged: a name is no text.", got=brief(key)) from None


def _entry(key: bytes, value: bytes) -> Entry:
    found = protobuf.parse(value, _ENTRY, "the index of the checkpoint")
    shape = found["shape"] or {"dim": [], "unknown_rank": 0}
    dims = tuple(dim["size"] for dim in shape["dim"])
    if shape["unknown_rank"] or len(dims) > 32 or math.prod(dims) > 1 << 62:
        raise ModelFileError("The index of the checkpoint is damaged: a shape.", got=f"{brief(key)}: {brief(dims)}")
    if found["slices"]:
        raise ModelFileError(
            "A value in the checkpoint is kept in slices, which are not read.",
            got=brief(key),
            cure="save the model again without a partitioner",
        )
    dtype = found["dtype"]
    if dtype != _STRING and dtype not in DTYPES:
        raise ModelFileError("A value in the checkpoint has a dtype that is not read.", got=f"{brief(key)}: {dtype}")
    return Entry(DTYPES.get(dtype), dims, found["shard_id"], found["offset"], found["size"], found["crc32c"])
