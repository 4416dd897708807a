"""An executable bound once to both buffers of its variables, for runtimes that read and write fixed memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine.backends.double_buffers import BufferedGroup, BufferedStorage, double_buffer
from amalthea.engine.backends.variable_groups import Gated, VariableGroup, groups_of, reading_of, wait_until_quiet
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.variable import Variable
from amalthea.engine.ir.versions import LOCK, Reading, leave

Bound = tuple[Any, ...]  # a binding, and the arrays that must stay alive as long
MOST_BINDINGS = 8


class BufferedExecutable(Gated):
    """Runs a compiled graph on bound memory. One binding is made per state of the buffers (the current one of two).

    Args:
        graph: Graph; the compiled graph.
        storage_of: function from a variable to its :class:`BufferedStorage`.
    """

    written: list[BufferedGroup]

    def __init__(self, graph: Graph, storage_of: Callable[[Variable], BufferedStorage]):
        self.storage_of = storage_of
        self.reads, self.writes = list(graph.reads), list(graph.writes)
        self.bindings: dict[tuple[int, ...], list[Bound]] = {}  # free bindings, by the current buffers

    @abstractmethod
    def _run(self, bound: Bound, values: Sequence[Any]) -> list[np.ndarray]:
        """Run on a binding, and return the outputs."""

    @abstractmethod
    def _bind(self, kept: Reading) -> Bound:
        """Bind inputs and outputs to the current buffers; variables of ``kept`` are read from copies."""

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        with LOCK:
            reading, writing, kept = self._enter()
            written = self.written
            free, bound = self._binding(kept)
        done = False
        try:
            results = self._run(bound, values)
            done = True
        finally:
            with LOCK:
                if done:
                    for group in written:
                        group.now ^= 1
                leave(reading, writing, kept)
        free.append(bound)
        return results

    def _find_variables(self) -> None:
        """Look up the storage of this executable's variables, after some variable moved."""
        self.read_states, self.write_states = ([self.storage_of(v) for v, _ in x] for x in (self.reads, self.writes))
        changed = [*self.write_states, *map(self.storage_of, self.updated)]
        wait_until_quiet(changed)  # LOCK is held, so no thread can begin to use them
        self.written = double_buffer(self.write_states)
        self._find_update_variables()
        self.writing = groups_of(changed)
        self.reading = reading_of(self.read_states, but=self.writing)
        self.groups = [group for group in groups_of([*self.read_states, *changed]) if group.alternates]
        self.bindings = {}
        self.version = VariableGroup.version

    updated: Sequence[Variable] = ()  # variables changed by the updates that follow the session

    def _find_update_variables(self) -> None:
        """Look up the storage of :attr:`updated`."""

    def _binding(self, kept: Reading) -> tuple[list[Bound], Bound]:
        """Return the list of free bindings for the current buffers, and one binding that no other thread uses."""
        which = tuple([group.now for group in self.groups])
        if kept:
            which = (*which, *map(id, self._arrays(kept)))
            if which not in self.bindings and len(self.bindings) > MOST_BINDINGS:
                self.bindings.clear()
        free = self.bindings.get(which)
        if free is None:
            free = self.bindings[which] = []
        return free, free.pop() if free else self._bind(kept)

    def _arrays(self, kept: Reading) -> list[np.ndarray]:
        """Return the arrays of the variables that are read: their current buffers, or the copies kept for readers."""
        apart = [gate for gate, _ in kept]
        return [s.group.kept[s.index] if s.group in apart else s.array for s in self.read_states]
