"""Readers of Protocol Buffers, sorted tables and checkpoints: what is whole is read, all else is refused in words."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest

from amalthea.errors import ModelFileError
from amalthea.loading import limits
from amalthea.saving import protobuf, string_table
from amalthea.saving.bundle import Bundle
from amalthea.saving.crc32c import crc32c
from amalthea.saving.protobuf import Field
from tests.saving import bundles
from tests.saving.bundles import checkpoint, entry, message, table, varint

INNER = {"x": Field(1, "int")}
SCHEMA = {
    "a": Field(1, "int"),
    "b": Field(2, "text"),
    "c": Field(3, INNER),
    "many": Field(4, INNER, many=True),
    "numbers": Field(5, "int", many=True),
    "fixed": Field(6, "fixed32"),
}


def test_a_message_is_read_by_its_schema_and_unknown_fields_are_skipped():
    data = message((9, 7), (1, 300), (2, "ä"), (3, message((1, 5))), (4, b""), (4, message((1, 1 << 63))), (9, b"xy"))
    data += message((5, varint(1) + varint(2)), (5, 3), (6, bundles.Fixed(9)))
    found = protobuf.parse(data, SCHEMA, "it")
    many = [{"x": 0}, {"x": 1 << 63}]
    assert found == {"a": 300, "b": "ä", "c": {"x": 5}, "many": many, "numbers": [1, 2, 3], "fixed": 9}
    assert protobuf.parse(b"", SCHEMA, "it") == {"a": 0, "b": "", "c": None, "many": [], "numbers": [], "fixed": 0}


BROKEN = {
    "a number without end": b"\x08" + b"\xff" * 11,
    "a number cut off": b"\x08\xff",
    "a length beyond the end": b"\x12\x05abc",
    "a group": b"\x0b",
    "another wire type": message((2, 5)),
    "no text": message((2, b"\xff\xfe")),
    "a message that is none": message((3, b"\x08")),
    "a message as a number": message((3, 1)),
    "a length of 2 ** 64": b"\x12" + b"\xff" * 9 + b"\x01",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_message_that_is_damaged_is_refused(kind):
    with pytest.raises(ModelFileError, match="it cannot be read"):
        protobuf.parse(BROKEN[kind], SCHEMA, "it")


def test_parts_of_a_message_are_counted(monkeypatch):
    monkeypatch.setattr(limits, "objects", 100)
    with pytest.raises(ModelFileError, match="too many parts"):
        protobuf.parse(message((4, b"")) * 101, SCHEMA, "it")
    with pytest.raises(ModelFileError, match="too many parts"):
        protobuf.parse(message((5, b"\x01" * 101)), SCHEMA, "it")


@pytest.mark.parametrize("count", [0, 1, 255, 2303, 2304, 4096, 100_003])
def test_the_checksum_of_much_data_is_that_of_its_bytes_one_by_one(count):
    data = np.random.default_rng(count).bytes(count)
    whole = 0
    for i in range(0, count, 97):  # too short for lanes
        whole = crc32c(data[i : i + 97], whole)
    assert crc32c(data) == whole


def test_a_table_is_read_with_keys_that_share_their_beginnings():
    entries = [(0, b"apple", b"1"), (3, b"ricot", b"2"), (0, b"b", b"")]
    assert string_table.read(table(entries)) == {b"apple": b"1", b"appricot": b"2", b"b": b""}


TABLES = {
    "no footer": (b"", "no footer"),
    "compression": (table([(0, b"a", b"")], kind=1), "compressed"),
    "shared too much": (table([(4, b"a", b"")]), "beyond its block"),
    "keys out of order": (table([(0, b"b", b""), (0, b"a", b"")]), "not in order"),
    "a key twice": (table([(0, b"b", b""), (1, b"", b"")]), "not in order"),
    "a block twice": (table([(0, b"a", b"")], repeats=2), "overlap"),
    "a long key": (table([(0, b"a" * 70_000, b"")]), "too long"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_that_is_damaged_is_refused(kind):
    data, words = TABLES[kind]
    with pytest.raises(ModelFileError, match=words):
        string_table.read(data)


def test_keys_of_a_table_take_no_more_memory_than_the_file_can_mean():
    """Each entry takes 12 bytes in the file, and a key of 60,000."""
    data = table([(0, b"a" * 60_000, b""), *((60_000, b"%06d" % i, b"") for i in range(20_000))])
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="too long"):
        string_table.read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * len(data)


def test_values_of_a_checkpoint_are_read_with_their_checksums(tmp_path):
    values = np.float32([1.5, -2]).tobytes()
    found = Bundle(checkpoint(tmp_path, [("w", entry(data=values))], values))
    np.testing.assert_array_equal(found.array("w"), np.float32([1.5, -2]))
    assert found.elements == 2
    data, row = bundles.text(b"words")
    assert Bundle(checkpoint(tmp_path, [("t", row)], data)).text("t") == b"words"


BIG = message((1, 1 << 40))
CHECKPOINTS = {
    "no header": (lambda f: checkpoint(f, [], header=b""), "not read"),
    "big endian": (lambda f: checkpoint(f, [], header=message((1, 1), (2, 1))), "not read"),
    "another shard": (lambda f: checkpoint(f, [("w", entry(shard=1))]), "does not exist"),
    "a huge shape": (lambda f: checkpoint(f, [("w", entry(shape=(1 << 40,), size=4 << 40))]), "larger than its files"),
    "a shape beyond all bounds": (lambda f: checkpoint(f, [("w", entry(shape=(1 << 40, 1 << 40)))]), "a shape"),
    "a size of another shape": (lambda f: checkpoint(f, [("w", entry(shape=(3,)))]), "not that of its shape"),
    "one range twice": (lambda f: checkpoint(f, [(k, entry(data=bytes(8))) for k in "ab"]), "larger than its files"),
    "beyond the end": (lambda f: checkpoint(f, [("w", entry(offset=4))]), "goes beyond"),
    "another checksum": (lambda f: checkpoint(f, [("w", entry(data=b"x"))]), "checksum"),
    "slices": (lambda f: checkpoint(f, [("w", entry(extra=[(7, b"")]))]), "slices"),
    "a resource": (lambda f: checkpoint(f, [("w", entry(dtype=20))]), "a dtype"),
    "text for numbers": (lambda f: checkpoint(f, [("w", bundles.text(b"a")[1])], bundles.text(b"a")[0]), "holds text"),
    "no such key": (lambda f: checkpoint(f, []), "no value of this name"),
    "an unknown rank": (lambda f: checkpoint(f, [("w", message((1, 1), (2, message((3, 1)))))]), "a shape"),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_checkpoint_that_is_damaged_is_refused(kind, tmp_path):
    make, words = CHECKPOINTS[kind]
    with pytest.raises(ModelFileError, match=words):
        Bundle(make(tmp_path)).array("w")


def test_a_checkpoint_without_its_data_is_refused(tmp_path):
    prefix = checkpoint(tmp_path, [("w", entry())])
    os.remove(tmp_path / "ckpt.data-00000-of-00001")
    with pytest.raises(ModelFileError, match="lacks a file of data"):
        Bundle(prefix)
