"""Protocol Buffers messages, sorted tables and checkpoints, written by hand for tests of their readers."""

from __future__ import annotations

import struct

from amalthea.saving.crc32c import crc32c, masked


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields):
    """A message of ``(number, value)``: ints, text, bytes (messages too), and floats for 4 bytes as they are."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, Fixed):
            out += varint(number << 3 | 5) + struct.pack("<I", value.value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


class Fixed:
    """A number of 4 bytes."""

    def __init__(self, value):
        self.value = value


def block(entries, kind=0):
    """A block of ``(shared, rest of the key, value)``, with its trailer."""
    data = b"".join(varint(s) + varint(len(k)) + varint(len(v)) + k + v for s, k, v in entries)
    data += struct.pack("<II", 0, 1)
    return data, struct.pack("<BI", kind, masked(crc32c(data + bytes([kind]))))


def table(entries, kind=0, repeats=1):
    """A sorted table of one block, which the index names ``repeats`` times."""
    data, trailer = block(entries, kind)
    handle = varint(0) + varint(len(data))
    index, index_trailer = block([(0, b"%d" % i, handle) for i in range(repeats)])
    at = len(data) + len(trailer)
    footer = (varint(0) + varint(0) + varint(at) + varint(len(index))).ljust(40, b"\0")
    return data + trailer + index + index_trailer + footer + struct.pack("<Q", 0xDB4775248B80FB57)


HEADER = message((1, 1))


def entry(dtype=1, shape=(2,), shard=0, offset=0, size=8, data=b"", extra=()):
    dims = message(*((2, message((1, d))) for d in shape))
    crc = Fixed(masked(crc32c(data)))
    return message((1, dtype), (2, dims), (3, shard), (4, offset), (5, size), (6, crc), *extra)


def checkpoint(folder, rows, data=bytes(8), header=HEADER):
    """A checkpoint ``ckpt`` of rows ``(key, entry)``; the path with which its files begin."""
    rows = [(0, b"", header), *((0, key.encode(), value) for key, value in sorted(rows))]
    (folder / "ckpt.index").write_bytes(table(rows))
    (folder / "ckpt.data-00000-of-00001").write_bytes(data)
    return folder / "ckpt"


def text(value):
    """A piece of text as a checkpoint keeps it, and its entry."""
    lengths = crc32c(struct.pack("<I", len(value)))
    check = struct.pack("<I", masked(lengths))
    data = varint(len(value)) + check + value
    crc = Fixed(masked(crc32c(check + value, lengths)))
    return data, message((1, 7), (2, b""), (5, len(data)), (6, crc))
