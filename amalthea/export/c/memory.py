"""The arena: where each intermediate array lies, so that arrays which are never needed together share bytes."""

from __future__ import annotations

from collections.abc import Sequence

from amalthea.export.c.text import TYPES

WIDTHS = {"float": 4, "double": 8, **{f"{u}int{n}_t": n // 8 for u in ("", "u") for n in (8, 16, 32, 64)}}


class Buffer:
    """An array of the program.

    Args:
        name: how the code refers to it.
        dtype: of its elements.
        size: number of elements.
        kind: ``"arena"``, ``"input"``, ``"output"`` or ``"constant"``.
    """

    def __init__(self, name: str, dtype: str, size: int, kind: str = "arena"):
        self.name, self.dtype, self.size, self.kind = name, dtype, size, kind
        self.first = self.last = -1  # numbers of the first and last statement that touch it
        self.over: Buffer | None = None  # the array whose bytes it takes, element by element
        self.offset = 0

    @property
    def bytes(self) -> int:
        return max(self.size, 1) * WIDTHS[TYPES[self.dtype]]

    def note(self, position: int) -> None:
        self.first = position if self.first < 0 else self.first
        self.last = max(self.last, position)


class Slot:
    """Bytes that several arrays take one after the other, each written over the one before."""

    def __init__(self, buffer: Buffer):
        self.buffers = [buffer]
        self.bytes, self.first, self.last, self.offset = buffer.bytes, buffer.first, buffer.last, 0

    def overlaps(self, other: Slot) -> bool:
        return self.first <= other.last and other.first <= self.last


def slots_of(buffers: Sequence[Buffer]) -> list[Slot]:
    """Merge arrays with those that may be written over them: of one size, at the last statement that reads these."""
    found: dict[Buffer, Slot] = {}
    for buffer in sorted(buffers, key=lambda b: b.first):
        before = found.get(buffer.over) if buffer.over is not None else None
        if before is not None and before.last == buffer.first and before.bytes == buffer.bytes:
            before.buffers.append(buffer)
            before.last, found[buffer] = buffer.last, before
        else:
            found[buffer] = Slot(buffer)
    return list({id(s): s for s in found.values()}.values())


def planned(buffers: Sequence[Buffer]) -> int:
    """Give each array its offset: the largest first, each at the lowest place that is free while it lives.

    Returns:
        The number of bytes of the arena.
    """
    placed: list[Slot] = []
    for slot in sorted(slots_of(buffers), key=lambda s: (-s.bytes, s.first)):
        width = max(WIDTHS[TYPES[b.dtype]] for b in slot.buffers)
        at = 0
        for other in sorted((s for s in placed if s.overlaps(slot)), key=lambda s: s.offset):
            if at + slot.bytes <= other.offset:
                break
            at = max(at, -(-(other.offset + other.bytes) // width) * width)
        slot.offset = at
        placed.append(slot)
        for buffer in slot.buffers:
            buffer.offset = at
    return max((s.offset + s.bytes for s in placed), default=0)


def peak(buffers: Sequence[Buffer]) -> int:
    """Return the largest number of bytes that are needed at once: no arena is smaller."""
    slots = slots_of(buffers)
    return max((sum(s.bytes for s in slots if s.first <= at <= s.last) for at in {s.first for s in slots}), default=0)
