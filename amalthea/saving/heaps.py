"""Damage in an HDF5 file on which the HDF5 library would loop without end.

Texts of any length stand in *global heaps*, where each object tells its own size:

    "GCOL"  1  reserved (3)  size of the heap (8)  objects
    object: index (2)  references (2)  reserved (4)  size (8)  data, padded to a multiple of 8

The library goes from object to object by their sizes. At an object whose size is 0 it does not move on.
"""

from __future__ import annotations

from amalthea.errors import ModelFileError

_SIGNATURE = b"GCOL\x01"
_HEADER, _OBJECT = 16, 16
_ENOUGH = 1 << 64


def check(data: bytes) -> None:
    """:class:`ModelFileError` if a global heap in the file has an object from which no walk goes on."""
    steps = len(data)  # for all heaps together: those of a hostile file may overlap
    at = data.find(_SIGNATURE)
    while at >= 0:
        steps = _walk(data, at, steps)
        at = data.find(_SIGNATURE, at + 1)


def _walk(data: bytes, start: int, steps: int) -> int:
    """Go through one heap; the steps that are left."""
    end = start + _number(data, start + 8, 8)
    at = start + _HEADER
    while at + _OBJECT <= end <= len(data):
        index, size = _number(data, at, 2), _number(data, at + 8, 8)
        reach = size if index == 0 else _OBJECT + (size + 7) // 8 * 8
        steps -= 1
        if reach % _ENOUGH == 0 or reach >= _ENOUGH or steps < 0:
            raise ModelFileError("The model file is damaged: the size of an object in a global heap is wrong.")
        at += reach
    return steps


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
