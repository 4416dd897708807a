"""Messages of Protocol Buffers: the named fields of a known message, and nothing else.

A message is a sequence of fields: a number and a wire type in one varint, then a value.

    wire type 0   varint: 7 bits a byte, the lowest first
              1   8 bytes
              2   a length (varint), then as many bytes: text, a message, or packed numbers
              5   4 bytes

A *schema* is a dict from names to fields. Fields that are not in it are skipped. A message within a message has a
schema of its own, so that a file cannot nest them deeper than the schemas do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from amalthea.errors import ModelFileError
from amalthea.loading import limits

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_SIZES = {_EIGHT: 8, _FOUR: 4}


class Field(NamedTuple):
    """A field of a message.

    Args:
        number: int; its number in the message.
        kind: ``"int"``, ``"fixed32"``, ``"text"``, ``"bytes"``, or the schema of a message.
        many: bool; whether it is a list.
    """

    number: int
    kind: Any
    many: bool = False


Schema = Mapping[str, Field]


def parse(data: bytes | memoryview, schema: Schema, what: str) -> dict[str, Any]:
    """Reads a message.

    Args:
        data: the bytes of the message.
        schema: its fields by name.
        what: str; the name of the file in messages.

    Returns:
        A dict with an entry for every field of the schema: of a field that the message lacks, 0, "", b"", [] or None
        (for a message).

    Raises:
        ModelFileError: the bytes are no such message, or it holds more parts than ``limits.objects``.
    """
    return _Parser(what).message(memoryview(data), schema)


def message(values: Mapping[str, Any], schema: Schema) -> bytes:
    """Writes a message; the inverse of :func:`parse`.

    Args:
        values: dict; an entry for each field that is written. 0, "", b"", [] and None are left out.
        schema: its fields by name.

    >>> message({"size": 300}, {"size": Field(1, "int")})
    b'\\x08\\xac\\x02'
    """
    found = bytearray()
    for name, value in values.items():
        field = schema[name]
        for one in value if field.many else [value] if value else []:
            found += _field(field, one)
    return bytes(found)


def _field(field: Field, value: Any) -> bytes:
    if field.kind == "int":
        return as_varint(field.number << 3 | _VARINT) + as_varint(value)
    if field.kind == "fixed32":
        return as_varint(field.number << 3 | _FOUR) + struct.pack("<I", value)
    data = value.encode() if field.kind == "text" else value if field.kind == "bytes" else message(value, field.kind)
    return as_varint(field.number << 3 | _BYTES) + as_varint(len(data)) + data


def as_varint(value: int) -> bytes:
    """The bytes of a number, from 0 to 2**64 - 1.

    >>> as_varint(300)
    b'\\xac\\x02'
    """
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """The number that stands at a position, and the position behind it. ValueError if there is none."""
    value = 0
    for i in range(10):
        if at + i >= len(data):
            break
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + i + 1
    raise ValueError("a number has no end")


def fields(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field. ValueError where the bytes are none."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = varint(data, at)
            yield number, wire, value
            continue
        if wire == _BYTES:
            size, at = varint(data, at)
        elif wire in _SIZES:
            size = _SIZES[wire]
        else:
            raise ValueError(f"wire type {wire}")
        if size > len(data) - at:
            raise ValueError("a field goes beyond the end")
        yield number, wire, data[at : at + size]
        at += size


class _Parser:
    """Reads one message and those in it, and counts them."""

    def __init__(self, what: str):
        self.what = what
        self.left = limits.objects

    def message(self, data: memoryview, schema: Schema) -> dict[str, Any]:
        self._count()
        names = {field.number: name for name, field in schema.items()}
        found = {name: [] if field.many else _EMPTY.get(_kind(field)) for name, field in schema.items()}
        try:
            for number, wire, value in fields(data):
                name = names.get(number)
                if name is not None:
                    self._put(found, name, schema[name], wire, value)
        except ValueError as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"The model file is damaged: {self.what} cannot be read ({error}).") from None
        return found

    def _put(self, found: dict[str, Any], name: str, field: Field, wire: int, value: Any) -> None:
        if field.many and field.kind == "int" and wire == _BYTES:
            found[name] += self._packed(value)
            return
        read = self._value(field.kind, wire, value)
        if field.many:
            self._count()
            found[name].append(read)
        else:
            found[name] = read

    def _packed(self, data: memoryview) -> list[int]:
        numbers, at = [], 0
        while at < len(data):
            self._count()
            number, at = varint(data, at)
            numbers.append(number)
        return numbers

    def _value(self, kind: Any, wire: int, value: Any) -> Any:
        if kind == "int" and wire == _VARINT:
            return value
        if kind == "fixed32" and wire == _FOUR:
            return struct.unpack("<I", value)[0]
        if wire == _BYTES and kind in ("text", "bytes"):
            return str(value, "utf-8") if kind == "text" else bytes(value)
        if wire == _BYTES and isinstance(kind, Mapping):
            return self.message(value, kind)
        raise ValueError(f"a field has wire type {wire}")

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ModelFileError(
                f"{self.what} in the model file has too many parts.",
                expected=f"at most {limits.objects:,}",
                cure="saving.limits.objects, if the file is yours",
            )


_EMPTY = {"int": 0, "fixed32": 0, "text": "", "bytes": b""}


def _kind(field: Field) -> str:
    return field.kind if isinstance(field.kind, str) else "message"
