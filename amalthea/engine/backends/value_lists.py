"""State of variables as lists of a library's arrays, for libraries whose arrays are immutable (or treated so).

An executable is a pure function from the values of its variables to new ones. It takes them from the lists of a few
groups and stores the new ones there, at the cost of copying a list.
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
    """A group whose state is the list of its values; ``lent`` has the indices of values that a user may hold."""

    members: list[Any]
    moved: Sequence[int] = ()  # indices of values that were copied before they were donated to a step

    def take(self, members: list[Any]) -> None:
        self.values = [m.first if m.group is None else m.group.values[m.index] for m in members]
        self.lent = {i for i, m in enumerate(members) if m.group is not None and m.index in m.group.lent}

    def keep(self, indices: Iterable[int]) -> None:
        for index in indices:
            self.kept[index] = self.values[index]
            self.lent.add(index)

    def leave_readers(self) -> bool:
        """Mark all values as lent, so that a writer copies them before it donates their memory; always True."""
        self.lent.update(range(len(self.values)))
        return True

    def reclaim(self, copy: Callable[[Any], Any]) -> None:
        """Replace lent values by copies, before the memory of the values is donated."""
        for index in self.lent:
            self.values[index] = copy(self.values[index])
        self.moved, self.lent = [*self.lent], set()


class ListedStorage(Member):
    """Storage of one variable whose value is an entry of a :class:`ValueList`."""

    __slots__ = ("first",)

    def __init__(self, array: Any):
        self.group, self.first = None, array
        ValueList([self])
        self.first = None

    def peek(self) -> Any:
        """Return the value; it is marked as lent, so no executable reuses its memory."""
        with LOCK:
            wait_until_readable([self])
            self.group.lent.add(self.index)
            return self.current()

    read = peek

    def current(self) -> Any:
        """Return the value, or its copy in ``kept`` while another thread reuses its memory."""
        kept = self.group.kept.get(self.index) if self.group.writer else None
        return self.group.values[self.index] if kept is None else kept

    def follow(self) -> None:
        """Called after the value has moved to other memory."""

    def write(self, value: Any) -> None:
        with LOCK:
            wait_until_quiet([self], readers=False)
            self.group.kept.pop(self.index, None)
            self.group.values[self.index] = value
            self.group.lent.add(self.index)


class ListSelection:
    """Positions of some variables in the concatenated lists of their groups."""

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
        """Return the values of the members in order; those of groups in ``kept`` are copies."""
        pools = self.pools
        if kept:
            return self.pick([x for p in pools for x in _values(p, kept)])
        return self.pick(pools[0].values if len(pools) == 1 else list(chain.from_iterable(p.values for p in pools)))

    def get_for_donation(self, copy: Callable[[Any], Any]) -> tuple[Any, ...]:
        """Return the values of the members, none of which a user holds."""
        for pool in self.pools:
            if pool.lent:
                pool.reclaim(copy)
        return self.get()

    def set(self, values: Sequence[Any]) -> None:
        """Store new values of all members."""
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
    """A pure function with its variables: ``function(written, kept, inputs)`` returns the outputs and the new values.

    Args:
        graph: Graph; has the variables, divided into ``written`` and ``kept`` by :func:`state_of`.
        function: the compiled pure function.
        storage_of: function from a variable to its storage on this backend.
        copy: function that copies an array; needed if ``function`` reuses the memory of ``written``.
        renew: function; called under ``LOCK`` right after new values were stored.
        stamp: function; maps the values of ``kept`` to the argument of ``function``, under ``LOCK``.
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
        """Look up the storage of the variables, after one of their groups changed."""
        written, kept = ([self.storage_of(v) for v in variables] for variables in (self.written, self.kept))
        pools = written_together(written)
        self.changing = ListSelection(written, pools)
        self.constant = ListSelection(kept, groups_of(kept))
        self.writing, self.reading = pools, reading_of(kept, but=pools)
        self.version = VariableGroup.version


def state_of(graph: Graph) -> tuple[list[Variable], list[Variable]]:
    """Return the variables that a graph writes, and those that it only reads."""
    written = [variable for variable, _ in graph.writes]
    return written, [variable for variable, _ in graph.reads if variable not in set(written)]
