"""Variables in fixed memory, for sessions that are bound to it once.

A variable that an executable writes has two buffers: a step reads one and writes the other. Which is which is kept for
the group of variables that are written together, so a step of any model turns over a handful of groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from amalthea.backends.groups import Group, Member, written_together


class Buffered(Group):
    """A group whose members have two buffers; ``now`` is the one that holds their values."""

    now = 0

    def take(self, members: list[Any]) -> None:
        if len({m.now for m in members}) == 1:
            self.now = members[0].now
            return
        for member in members:
            if member.now == 1:
                member.buffers.reverse()


class State(Member):
    """The storage of one variable: one buffer, or two once an executable writes it."""

    __slots__ = ("buffers",)

    def __init__(self, value: np.ndarray):
        self.buffers = [np.array(value, order="C")]
        self.group = None
        Buffered([self])

    @property
    def now(self) -> int:
        return 0 if self.group is None else self.group.now

    @property
    def array(self) -> np.ndarray:
        return self.buffers[self.group.now]

    @property
    def next(self) -> np.ndarray:
        """Where an executable writes."""
        return self.buffers[1 - self.group.now]

    def read(self) -> np.ndarray:
        return self.array.copy()

    def write(self, value: Any) -> None:
        np.copyto(self.array, value)

    def numpy(self) -> np.ndarray:
        return self.array.copy()


def doubled(states: Iterable[State]) -> list[Buffered]:
    """The groups of variables that are about to be written, each with a second buffer."""
    states = list(states)
    for state in states:
        if len(state.buffers) == 1:
            state.buffers.append(np.empty_like(state.buffers[0]))
            Group.changed()
    return written_together(states)
