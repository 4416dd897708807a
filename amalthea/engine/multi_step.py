"""Several training steps in one executable: a scan over a stack of batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine.executable_cache import Cache
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.passes.repeat import repeat
from amalthea.engine.transforms import Entry, capture, compiled, is_value, jit, no_collection, packer, signature

ONE_BY_ONE: Any = object()  # cached for a signature whose steps are faster one by one


class jit_steps:
    """A compiled function of one batch, called with several: in one executable where the backend runs that faster.

    Args:
        one: jit; the compiled function of one batch.

    Example:
        >>> import numpy as np
        >>> from amalthea import Variable, jit
        >>> total = Variable(np.float32(0.0))
        >>> def add(x):
        ...     total.assign_add(x)
        ...     return total.value
        >>> float(jit_steps(jit(add))([np.float32(1.0), np.float32(2.0), np.float32(3.0)]))
        6.0
    """

    def __init__(self, one: jit):
        self.one = one
        self.entries = Cache()

    def __call__(self, batches: Sequence[Any]) -> Any:
        """Run all steps in order, and return the outputs of the last one."""
        if len(batches) == 1:
            return self.one(batches[0])
        rows: list[list[Any]] = [[] for _ in batches]
        keys: list[list[Any]] = [[] for _ in batches]
        for batch, row, parts in zip(batches, rows, keys):
            signature((batch,), row, parts)
        if any(parts != keys[0] for parts in keys):
            return one_by_one(self.one)(batches)
        single = (runtime.location, *keys[0])
        key = (len(rows), *single)
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = self._compile(batches[0], rows, single) or ONE_BY_ONE
        if entry is ONE_BY_ONE:
            return one_by_one(self.one)(batches)
        stacks = [np.stack([np.asarray(x) for x in column]) for column in zip(*rows) if is_value(column[0])]
        return entry.pack(entry.executable(stacks))

    @property
    def loops(self) -> bool:
        """True if the backend prefers a scan for any step compiled so far."""
        return any(entry.loops for entry in self.one.entries.values())

    def _compile(self, batch: Any, rows: Sequence[Any], single: Any) -> Entry | None:
        known = self.one.entries.get(single)
        if known is not None and not known.loops:
            return None
        with no_collection():
            graph, outputs = capture(self.one.function, ((batch,), {}), rows[0])
            if not runtime.prefers_scan(graph):
                self.one.entries[single] = compiled(graph, outputs)
                return None
            return Entry(runtime.compile(repeat(graph, len(rows))), packer(outputs))


def one_by_one(one: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    """Return a function that calls ``one`` with each of several batches, and returns the outputs of the last call."""

    def run(batches: Sequence[Any]) -> Any:
        return [one(batch) for batch in batches][-1]

    return run
