"""A sorted table of strings, the form of LevelDB in which TensorFlow keeps the index of a checkpoint.

    data block 0 | data block 1 | ... | index block | footer (48 bytes)

The footer tells where the index block is; the index block, where the data blocks are. A block is a list of entries. An
entry's key begins with some bytes of the key before it, which are not written again:

    bytes shared | bytes not shared | bytes of the value | the rest of the key | value

Behind the entries stand the positions of entries that share nothing, and their number; behind the block, a byte for its
compression (0: none) and a checksum. Each block is read once, and everything in it is checked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from amalthea.errors import ModelFileError
from amalthea.saving.crc32c import crc32c, masked
from amalthea.saving.protobuf import as_varint, varint

_MAGIC = 0xDB4775248B80FB57
_FOOTER, _TRAILER = 48, 5
_BLOCK = 1 << 18  # bytes of a block that is written, as in TensorFlow: some readers take no more than one block
_GROWTH = 64  # how many times the size of the file its keys may have, which share their beginnings


def is_table(tail: bytes) -> bool:
    """Whether the last bytes of a file are those of a table."""
    return len(tail) >= _FOOTER and struct.unpack("<Q", tail[-8:])[0] == _MAGIC


def read(data: bytes) -> dict[bytes, bytes]:
    """All values of a table by their keys.

    Raises:
        ModelFileError: the bytes are no such table, a checksum is wrong, or it is compressed.
    """
    if not is_table(data):
        raise ModelFileError("The index of the checkpoint is damaged: it has no footer.", got=f"{len(data):,} bytes")
    try:
        return _read(data)
    except ModelFileError:
        raise
    except (ValueError, struct.error) as error:
        raise ModelFileError(f"The index of the checkpoint is damaged: {error}.") from None


def _read(data: bytes) -> dict[bytes, bytes]:
    footer = data[-_FOOTER:]
    at = 0
    for _ in range(2):  # where the table of extras is, which is not read
        _, at = varint(footer, at)
    index, _ = _handle(footer, at)
    found: dict[bytes, bytes] = {}
    last, end, room = b"", 0, _GROWTH * len(data)
    for _, value in _entries(_block(data, *index)):
        (offset, size), _ = _handle(value, 0)
        if offset < end:
            raise ValueError("its blocks overlap")
        end = offset + size + _TRAILER
        for key, entry in _entries(_block(data, offset, size)):
            room -= len(key)
            if (found and key <= last) or room < 0:
                raise ValueError("its keys are not in order" if room >= 0 else "its keys are too long")
            found[key] = entry
            last = key
    return found


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: bytes, offset: int, size: int) -> bytes:
    """The contents of a block, its checksum checked."""
    if offset + size + _TRAILER > len(data):
        raise ValueError("a block goes beyond the end")
    block = data[offset : offset + size]
    kind, checksum = struct.unpack("<BI", data[offset + size : offset + size + _TRAILER])
    if masked(crc32c(block + bytes([kind]))) != checksum:
        raise ValueError("a checksum is wrong")
    if kind != 0:
        raise ModelFileError(
            "The index of the checkpoint is compressed, which is not read.",
            expected="compression 0, as TensorFlow writes it",
            got=f"compression {kind}",
        )
    return block


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * count
    if end < 0:
        raise ValueError("a block is too short")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        rest, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or at + rest + size > end:
            raise ValueError("an entry goes beyond its block")
        key = key[:shared] + block[at : at + rest]
        if len(key) > 1 << 16:
            raise ValueError("a key is too long")
        at += rest
        yield key, block[at : at + size]
        at += size


def table(rows: Mapping[bytes, bytes]) -> bytes:
    """The bytes of a table; the inverse of :func:`read`.

    Args:
        rows: the values by their keys, in any order.
    """
    data = bytearray()

    def add(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Append a block; return its handle."""
        block = _packed(entries)
        handle = as_varint(len(data)) + as_varint(len(block))
        data.extend(block + struct.pack("<BI", 0, masked(crc32c(block + b"\0"))))
        return handle

    entries = sorted(rows.items())
    index = [(part[-1][0], add(part)) for part in _parts(entries)]
    ends = add([]) + add(index)  # a table of extras, which is empty, comes first
    return bytes(data) + ends.ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", _MAGIC)


def _parts(entries: Sequence[tuple[bytes, bytes]]) -> Iterator[Sequence[tuple[bytes, bytes]]]:
    """Entries in groups that are as large as a block."""
    start, size = 0, 0
    for i, (key, value) in enumerate(entries):
        if size > _BLOCK:
            yield entries[start:i]
            start, size = i, 0
        size += len(key) + len(value)
    if entries:
        yield entries[start:]


def _packed(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A block in which no key shares its beginning with another."""
    block, positions = bytearray(), []
    for key, value in entries:
        positions.append(len(block))
        block += as_varint(0) + as_varint(len(key)) + as_varint(len(value)) + key + value
    positions = positions or [0]
    return bytes(block) + struct.pack(f"<{len(positions) + 1}I", *positions, len(positions))
