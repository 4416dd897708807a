"""Groups of variables that are written together, so that a step handles a few groups instead of many variables.

A training step writes the same variables every time: they form one group, whose state (a list of values, or the index
of the current buffer) changes at once. Groups are derived from the writes of executables. A group is divided if another
executable writes only a part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import get_ident
from typing import Any

from amalthea.engine.ir.versions import Gate, Reading, enter, is_readable, wait


class Member:
    """The storage of one variable, as a member of a group."""

    __slots__ = ("__weakref__", "group", "index")

    group: Any
    index: int


class VariableGroup(Gate):
    """Variables that are written together, in a fixed order.

    Args:
        members: storages that belong to other groups, or new ones.
        divided: bool; True if some executable writes only a part of the old group: they are never merged again.
    """

    version = 0  # incremented at every change after which executables must look up their variables again

    def __init__(self, members: Sequence[Member], divided: bool = False):
        super().__init__()
        self.members = list(members)
        self.divided = divided
        self.shared = any(member.group is not None and member.group.shared for member in self.members)
        self.take(self.members)
        for index, member in enumerate(self.members):
            member.group, member.index = self, index
        VariableGroup.changed()

    def take(self, members: list[Any]) -> None:
        """Copy the state of members from their old groups."""

    @staticmethod
    def changed() -> None:
        VariableGroup.version += 1


class Gated:
    """An executable that computes on groups of variables; it looks them up again after any variable moved."""

    reading: Reading
    writing: Sequence[Gate]
    version = -1

    def _find_variables(self) -> None:
        """Look up the variables: set ``reading``, ``writing`` and ``version``."""
        raise NotImplementedError

    def _enter(self) -> tuple[Reading, Sequence[Gate], Reading]:
        """Wait for conflicting threads, and begin; ``LOCK`` is held.

        Returns:
            The arguments of :func:`amalthea.engine.ir.versions.leave`. The attributes may change before that call.
        """
        while True:
            if self.version != VariableGroup.version:
                self._find_variables()
            reading, writing = self.reading, self.writing
            kept = enter(reading, writing)
            if kept is not None:
                return reading, writing, kept


def groups_of(members: Iterable[Member]) -> list[Any]:
    """Return the groups of some members, each once."""
    return list({id(m.group): m.group for m in members}.values())


def wait_until_quiet(storages: Iterable[Any], readers: bool = True) -> None:
    """Wait until no other thread writes these (or, with ``readers``, reads their memory)."""
    me, members = get_ident(), [s for s in storages if isinstance(s, Member)]
    while busy := [g for g in groups_of(members) if g.writer not in (0, me) or (readers and g.readers)]:
        for group in busy:
            group.shared = group.shared or bool(readers and group.readers)  # later readers take copies
        wait()


def wait_until_readable(storages: Sequence[Any]) -> None:
    """Wait until no other thread is changing the values of these, or copies exist."""
    me = get_ident()
    while not all([is_readable(*part, me) for part in reading_of(storages)]):
        wait()


def reading_of(storages: Iterable[Any], but: Iterable[Gate] = ()) -> list[tuple[Any, frozenset[int]]]:
    """Return the groups of some storages, without those of ``but``, each with the indices of its members."""
    left_out, indices = {id(gate) for gate in but}, {}
    for storage in storages:
        if isinstance(storage, Member) and id(storage.group) not in left_out:
            indices.setdefault(id(storage.group), (storage.group, set()))[1].add(storage.index)
    return [(group, frozenset(found)) for group, found in indices.values()]


def written_together(members: Iterable[Member]) -> list[Any]:
    """Return groups that consist of exactly these members; divide groups that have others too.

    No thread computes on them: ``LOCK`` is held from the end of the wait on.
    """
    wanted = dict.fromkeys(members)
    wait_until_quiet(wanted)
    whole = [part for group in groups_of(wanted) for part in _members_wanted(group, wanted)]
    fresh = [g for g in whole if len(g.members) == 1 and not g.divided]
    if len(fresh) > 1:
        merged = type(fresh[0])([g.members[0] for g in fresh])
        whole = [g for g in whole if g not in fresh] + [merged]
    return whole


def _members_wanted(group: Any, wanted: dict[Member, None]) -> list[Any]:
    """Return the group itself if all its members are wanted; otherwise a new group of those that are."""
    inside = [m for m in group.members if m in wanted]
    if len(inside) == len(group.members):
        return [group]
    outside = [m for m in group.members if m not in wanted]
    type(group)(outside, divided=True)
    return [type(group)(inside, divided=True)]
