"""Variables that are written together are kept together, so that a step touches groups and no variable.

A training step writes the same variables every time: all of them are in one group, whose state (a list of values, or
which of two buffers is current) changes at once. Groups are found from what the executables write, and are divided
when another executable writes a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class Member:
    """The storage of one variable, in a group."""

    __slots__ = ("__weakref__", "group", "place")

    group: Any
    place: int


class Group:
    """Members that are written together, in an order.

    Args:
        members: those of other groups, or new ones.
        divided: some executable writes these and not their old companions: they are never merged again.
    """

    version = 0  # counts every change after which an executable must look at its variables again

    def __init__(self, members: Sequence[Member], divided: bool = False):
        self.members = list(members)
        self.divided = divided
        self.take(self.members)
        for place, member in enumerate(self.members):
            member.group, member.place = self, place
        Group.changed()

    def take(self, members: list[Any]) -> None:
        """Bring the state of members here, who still know the group that they come from."""

    @staticmethod
    def changed() -> None:
        Group.version += 1


def groups_of(members: Iterable[Member]) -> list[Any]:
    """The groups of some members, each once."""
    return list({id(m.group): m.group for m in members}.values())


def written_together(members: Iterable[Member]) -> list[Any]:
    """The groups that make up exactly these members; a group that holds others too is divided."""
    wanted = dict.fromkeys(members)
    whole = [part for group in groups_of(wanted) for part in _inside(group, wanted)]
    fresh = [g for g in whole if len(g.members) == 1 and not g.divided]
    if len(fresh) > 1:
        merged = type(fresh[0])([g.members[0] for g in fresh])
        whole = [g for g in whole if g not in fresh] + [merged]
    return whole


def _inside(group: Any, wanted: dict[Member, None]) -> list[Any]:
    """The group itself if all its members are wanted; else a group of those that are."""
    inside = [m for m in group.members if m in wanted]
    if len(inside) == len(group.members):
        return [group]
    outside = [m for m in group.members if m not in wanted]
    type(group)(outside, divided=True)
    return [type(group)(inside, divided=True)]
