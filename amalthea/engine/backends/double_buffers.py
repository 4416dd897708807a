"""Double buffering: variables in fixed memory, for sessions that are bound to it once.

A variable that a session writes has two buffers: a step reads one and writes the other. The index of the current buffer
is stored once per group of variables that are written together, so a step changes a few indices, for a model of any
size. A variable that is updated in place needs one buffer; a second one, if it exists, receives its gradient.

Small variables with the same update are contiguous in memory, so that they are updated as one vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from amalthea.alignment import aligned
from amalthea.engine.backends.variable_groups import (
    Member,
    VariableGroup,
    wait_until_quiet,
    wait_until_readable,
    written_together,
)
from amalthea.engine.ir.versions import LOCK


class BufferedGroup(VariableGroup):
    """A group whose members have two buffers; ``now`` is the index of the current one."""

    now = 0
    members: list[Any]

    @property
    def alternates(self) -> bool:
        """True if ``now`` may change: some member has two buffers."""
        return any(len(m.buffers) > 1 for m in self.members)

    def keep(self, indices: Iterable[int]) -> None:
        for index in indices:
            self.kept[index] = self.members[index].array.copy()

    def take(self, members: list[Any]) -> None:
        if len({m.now for m in members}) == 1:
            self.now = members[0].now
            return
        for member in members:
            if member.now == 1:
                member.buffers.reverse()


class BufferedStorage(Member):
    """Storage of one variable: one buffer, or two once an executable writes it."""

    __slots__ = ("buffers",)

    def __init__(self, value: np.ndarray):
        array = aligned(value.shape, value.dtype)
        np.copyto(array, value)
        self.buffers = [array]
        self.group = None
        BufferedGroup([self])

    @property
    def now(self) -> int:
        return 0 if self.group is None else self.group.now

    @property
    def array(self) -> np.ndarray:
        return self.buffers[self.group.now]

    @property
    def next(self) -> np.ndarray:
        """The buffer that an executable writes."""
        return self.buffers[1 - self.group.now]

    def read(self) -> np.ndarray:
        with LOCK:
            wait_until_readable([self])
            kept = self.group.kept.get(self.index) if self.group.writer else None
            return self.array.copy() if kept is None else kept.copy()

    peek = numpy = read

    def write(self, value: Any) -> None:
        with LOCK:
            wait_until_quiet([self])
            self.group.kept.pop(self.index, None)
            np.copyto(self.array, value)


def double_buffer(states: Iterable[BufferedStorage]) -> list[BufferedGroup]:
    """Give variables that will be written a second buffer, and return their groups."""
    states = list(states)
    for state in states:
        if len(state.buffers) == 1:
            state.buffers.append(aligned(state.array.shape, state.array.dtype))
            VariableGroup.changed()
    return written_together(states)


def are_contiguous(arrays: Sequence[np.ndarray]) -> bool:
    """True if each array begins at the address where the previous one ends."""
    ends = [a.ctypes.data + a.nbytes for a in arrays]
    return all(a.ctypes.data == end for a, end in zip(arrays[1:], ends))


def flat_view(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return contiguous arrays as one vector, without a copy."""
    assert are_contiguous(arrays), "These arrays are not contiguous."
    return np.lib.stride_tricks.as_strided(arrays[0].reshape(-1), (sum(a.size for a in arrays),))


def make_contiguous(states: Sequence[BufferedStorage]) -> None:
    """Move the values of some variables into one vector, and their second buffers into another."""
    twice = [len(state.buffers) > 1 for state in states]
    rows = [[s.array for s in states], *([[s.next for s in states]] if all(twice) else [])]
    if all(map(are_contiguous, rows)):
        return
    starts = np.cumsum([0, *(x.size for x in rows[0])])
    vectors = [aligned((starts[-1],), rows[0][0].dtype) for _ in range(1 + any(twice))]
    for state, start, values in zip(states, starts, rows[0]):
        state.buffers = [x[start : start + values.size].reshape(values.shape) for x in vectors]
        np.copyto(state.buffers[0], values)
        if state.now:
            state.buffers.reverse()
    VariableGroup.changed()
