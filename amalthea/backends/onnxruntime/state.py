"""Variables in fixed memory, for sessions that are bound to it once.

A variable that an executable writes has two buffers: a step reads one and writes the other. Which is which is not kept
for each variable but for each :class:`Group` of variables that are always written together, so that a step of
any model turns over a handful of groups and touches no variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


class Group:
    """Variables that are written together; ``now`` is the buffer that holds their values."""

    __slots__ = ("divided", "members", "now")

    version = 0  # counts every change after which an executable must look at its groups again

    def __init__(self, members: Iterable[State], now: int, divided: bool = False):
        self.members = set(members)
        self.now = now
        self.divided = divided  # some executable writes these and not their old companions: never merged again
        for member in self.members:
            member.group = self

    @classmethod
    def changed(cls) -> None:
        cls.version += 1


class State:
    """The storage of one variable: one buffer, or two once an executable writes it."""

    __slots__ = ("__weakref__", "buffers", "group")

    def __init__(self, value: np.ndarray):
        self.buffers = [np.array(value, order="C")]
        self.group: Group = Group([self], 0)
        Group.changed()

    @property
    def array(self) -> np.ndarray:
        return self.buffers[self.group.now]

    def read(self) -> np.ndarray:
        return self.array.copy()

    def write(self, value: Any) -> None:
        np.copyto(self.array, value)

    def numpy(self) -> np.ndarray:
        return self.array.copy()


def written_together(states: Iterable[State]) -> list[Group]:
    """The groups that make up exactly these variables; a group that holds others too is divided."""
    wanted = set(states)
    for state in wanted:
        if len(state.buffers) == 1:
            state.buffers.append(np.empty_like(state.buffers[0]))
            Group.changed()
    groups = list({id(state.group): state.group for state in wanted}.values())
    whole = [g for g in groups if g.members <= wanted]
    for group in groups:
        if not group.members <= wanted:
            inside = group.members & wanted
            group.members -= inside
            group.divided = True
            whole.append(Group(inside, group.now, divided=True))
            Group.changed()
    fresh = [g for g in whole if len(g.members) == 1 and not g.divided]
    if len(fresh) > 1:
        whole = [g for g in whole if g not in fresh] + _merged(fresh)
        Group.changed()
    return whole


def _merged(groups: list[Group]) -> list[Group]:
    """One group for variables that were each alone: their values are brought to the same buffer."""
    members = [state for group in groups for state in group.members]
    for state in members:
        if state.group.now == 1:
            state.buffers.reverse()
    return [Group(members, 0)]
