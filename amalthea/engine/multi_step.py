"""Several steps in one executable: a graph that assigns variables, run once for each of a stack of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.engine.executable_cache import Cache
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.passes.repeat import repeat
from amalthea.engine.transforms import Entry, capture, compiled, is_value, jit, no_collection, packer, signature

ONE_BY_ONE: Any = object()  # steps of this signature are run one by one


class jit_steps:
    """A function of one batch, called with several in turn: in one executable where the backend gains by it.

    Args:
        one: the compiled function of one batch.

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
        """What it gives for the last batch."""
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
        """Whether any step that was compiled so far is faster in a loop."""
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
    """Call with each of several batches; what comes of the last."""

    def run(batches: Sequence[Any]) -> Any:
        return [one(batch) for batch in batches][-1]

    return run
