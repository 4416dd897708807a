"""State as lists of a library's own arrays: for libraries whose arrays do not change, or need not.

An executable is a pure function from the values of its variables to new ones. It takes them from the lists of a few
groups and puts the new ones back, at the cost of copying a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from amalthea.engine.backends.variable_groups import (
    Gated,
    Member,
    VariableGroup,
    groups_of,
    reading_of,
    wait_until_quiet,
    wait_until_readable,
    written_together,
)
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.variable import Variable
from amalthea.engine.ir.versions import LOCK, Reading, leave


class ValueList(VariableGroup):
    """A group whose state is the list of its values; ``lent`` are the indices of those that a user may hold."""

    members: list[Any]
    moved: Sequence[int] = ()  # the indices of values that a step was given copies of

    def take(self, members: list[Any]) -> None:
        self.values = [m.first if m.group is None else m.group.values[m.index] for m in members]
        self.lent = {i for i, m in enumerate(members) if m.group is not None and m.index in m.group.lent}

    def keep(self, indices: Iterable[int]) -> None:
        for index in indices:
            self.kept[index] = self.values[index]
            self.lent.add(index)

    def leave_readers(self) -> bool:
        """Their values are as if they were lent: a writer takes copies."""
        self.lent.update(range(len(self.values)))
        return True

    def reclaim(self, copy: Callable[[Any], Any]) -> None:
        """Replace what was lent by copies, before the memory of the values is used again."""
        for index in self.lent:
            self.values[index] = copy(self.values[index])
        self.moved, self.lent = [*self.lent], set()


class ListedStorage(Member):
    """The storage of a variable whose value is an array in a pool."""

    __slots__ = ("first",)

    def __init__(self, array: Any):
        self.group, self.first = None, array
        ValueList([self])
        self.first = None

    def peek(self) -> Any:
        """The value, in memory that no executable takes for another."""
        with LOCK:
            wait_until_readable([self])
            self.group.lent.add(self.index)
            return self.current()

    read = peek

    def current(self) -> Any:
        """The value; while another thread takes its memory for another, what was kept of it."""
        kept = self.group.kept.get(self.index) if self.group.writer else None
        return self.group.values[self.index] if kept is None else kept

    def follow(self) -> None:
        """The value has moved to other memory."""

    def write(self, value: Any) -> None:
        with LOCK:
            wait_until_quiet([self], readers=False)
            self.group.kept.pop(self.index, None)
            self.group.values[self.index] = value
            self.group.lent.add(self.index)


class ListSelection:
    """Where the values of some members stand in the lists of some pools that follow each other."""

    def __init__(self, members: Sequence[ListedStorage], pools: Sequence[ValueList]):
        self.pools = list(pools)
        starts, count = {}, 0
        for pool in pools:
            starts[id(pool)] = count
            count += len(pool.values)
        order = [starts[id(m.group)] + m.index for m in members]
        self.pick = _picker(order, count)
        back = {index: i for i, index in enumerate(order)}
        self.put = _picker([back[i] for i in range(count)], count) if len(back) == count else None

    def get(self, kept: Reading = ()) -> tuple[Any, ...]:
        """The values of the members, in their order; those of some pools from what was kept of them."""
        pools = self.pools
        if kept:
            return self.pick([x for p in pools for x in _values(p, kept)])
        return self.pick(pools[0].values if len(pools) == 1 else list(chain.from_iterable(p.values for p in pools)))

    def get_for_donation(self, copy: Callable[[Any], Any]) -> tuple[Any, ...]:
        """The values of the members, none of which anyone else holds."""
        for pool in self.pools:
            if pool.lent:
                pool.reclaim(copy)
        return self.get()

    def set(self, values: Sequence[Any]) -> None:
        """New values, of all that is in the pools."""
        values = self.put(values)  # type: ignore[misc]
        start = 0
        for pool in self.pools:
            end = start + len(pool.values)
            pool.values = list(values[start:end])
            start = end
            if pool.moved:
                moved, pool.moved = pool.moved, []
                for index in moved:
                    pool.members[index].follow()


def _values(pool: ValueList, kept: Reading) -> Sequence[Any]:
    if not any(gate is pool for gate, _ in kept):
        return pool.values
    return [pool.kept.get(index, value) for index, value in enumerate(pool.values)]


def _picker(order: list[int], count: int) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if order == list(range(count)):
        return tuple
    if len(order) < 2:
        return lambda values: tuple([values[i] for i in order])
    return itemgetter(*order)


class Stateful(Gated):
    """A pure function with its variables: ``function(written, kept, inputs)`` gives the outputs, and the new values.

    Args:
        graph: which variables there are; ``written`` and ``kept`` follow :func:`state_of`.
        storage_of: gives a variable's storage on this backend.
        copy: copies an array, if the function uses the memory of ``written`` again.
        renew: told that variables have changed, in the moment in which they do.
        stamp: makes of the values of ``kept`` what the function is given, in the moment in which they are taken.
    """

    def __init__(
        self,
        graph: Graph,
        function: Callable[..., tuple[Any, Sequence[Any]]],
        storage_of: Callable[..., Any],
        copy: Callable[[Any], Any] | None = None,
        renew: Callable[[], None] | None = None,
        stamp: Callable[[Any], Any] | None = None,
    ):
        self.renew, self.stamp = renew, stamp
        self.written, self.kept = state_of(graph)
        self.function = function
        self.storage_of = storage_of
        self.copy = copy

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        with LOCK:
            reading, writing, kept = self._enter()
            indices = self.changing
            changing = indices.get_for_donation(self.copy) if self.copy else indices.get()
            constant = self.constant.get(kept)
            if self.stamp:
                constant = self.stamp(constant)
        new: Sequence[Any] | None = None
        try:
            outputs, new = self.function(changing, constant, values)
        finally:
            with LOCK:
                if new is not None and self.written:
                    indices.set(new)
                    if self.renew:
                        self.renew()
                leave(reading, writing, kept)
        return outputs

    def _find_variables(self) -> None:
        """Find where the variables are, after one of them or their companions moved."""
        written, kept = ([self.storage_of(v) for v in variables] for variables in (self.written, self.kept))
        pools = written_together(written)
        self.changing = ListSelection(written, pools)
        self.constant = ListSelection(kept, groups_of(kept))
        self.writing, self.reading = pools, reading_of(kept, but=pools)
        self.version = VariableGroup.version


def state_of(graph: Graph) -> tuple[list[Variable], list[Variable]]:
    """The variables that a graph writes, and those that it only reads."""
    written = [variable for variable, _ in graph.writes]
    return written, [variable for variable, _ in graph.reads if variable not in set(written)]
