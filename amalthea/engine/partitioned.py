"""A compiled function of a batch that the processes of a group compute together.

Each call is given the rows of this process, as a :class:`Part`, or the whole batch, of which each process takes its
rows. The function is traced for the whole batch; the backend divides the graph.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import tree
from amalthea.engine.communicator import Communicator, part_of, split
from amalthea.engine.executable_cache import Cache
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.passes.partition_rules import WHOLE, Rows
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.transforms import Entry, as_value, capture, no_collection, packer, signature
from amalthea.errors import DistributionError


class Part:
    """The rows of one process.

    Args:
        data: nested arrays; those with the process's number of rows are parts, others are whole.
        counts: tuple of int; the number of rows of each rank.
    """

    def __init__(self, data: Any, counts: tuple[int, ...]):
        self.data, self.counts = data, counts


class partitioned_jit:
    """:class:`~amalthea.engine.transforms.jit` of a function of one batch, for a group of processes.

    Args:
        function: callable; takes the batch.
        group: Communicator; the processes, all of which call it for each batch.
    """

    def __init__(self, function: Callable[[Any], Any], group: Communicator):
        self.function, self.group = function, group
        self.entries = Cache(f"The compiled {getattr(function, '__name__', 'function')}")
        functools.update_wrapper(self, function)

    def __call__(self, data: Any) -> Any:
        part = data if isinstance(data, Part) else self.part(data)
        leaves: list[Any] = []
        parts: list[Any] = [runtime.location, part.counts]
        signature((part.data,), leaves, parts)
        key = tuple(parts)
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = self._entry(part, leaves)
        return entry.pack(entry.executable([x for x in leaves if hasattr(x, "shape")]))

    def part(self, data: Any) -> Part:
        """Return this process's rows of a whole batch."""
        rows = next((len(x) for x in tree.flatten(data) if getattr(x, "shape", ())), 0)
        counts = split(rows, self.group.size)
        own = part_of(counts, self.group.rank)
        return Part(tree.map_structure(lambda x: x[own] if _has_rows(x, rows) else x, data), counts)

    def _entry(self, part: Part, leaves: Sequence[Any]) -> Entry:
        rows = part.counts[self.group.rank]
        divided = [_has_rows(x, rows) for x in leaves]
        whole = [_whole(as_value(x), sum(part.counts)) if d else x for x, d in zip(leaves, divided)]
        with no_collection():
            graph, outputs = capture(self.function, ((part.data,), {}), whole)
            check_equal(graph, self.group)
            layouts = [Rows(0, part.counts) if d else WHOLE for x, d in zip(leaves, divided) if hasattr(x, "shape")]
            return Entry(runtime.compile_part(graph, layouts, self.group), packer(outputs))


def _has_rows(leaf: Any, rows: int) -> bool:
    shape = getattr(leaf, "shape", ())
    return bool(shape) and shape[0] == rows


def _whole(leaf: Any, rows: int) -> Tensor:
    """Stand for the rows of all processes."""
    shape, dtype = type_of(leaf)
    return Tensor(Type((rows, *shape[1:]), dtype))


def description(graph: Graph) -> str:
    """Return a graph as text that is equal for equal graphs, on any machine."""
    names: dict[Tensor, str] = {x: f"input{i}{x.type}" for i, x in enumerate(graph.inputs)}
    names.update((x, f"variable{i}{x.type}") for i, (_, x) in enumerate(graph.reads))
    lines = []
    for node in all_nodes(graph):
        for x in node.inputs:
            names.setdefault(x, f"{x.type}")
        lines.append(f"{node.primitive.name} {', '.join(names[x] for x in node.inputs)} {_attributes(node.attrs)}")
        names.update((x, f"{len(lines)}.{i}{x.type}") for i, x in enumerate(node.outputs))
    return "\n".join([*lines, *(names.get(x, f"{x.type}") for x in graph.results)])


def _attributes(attrs: dict[str, Any]) -> str:
    plain = (int, float, str, bool, tuple, type(None))
    return " ".join(f"{name}={value!r}" for name, value in sorted(attrs.items()) if isinstance(value, plain))


def check_equal(graph: Graph, group: Communicator) -> None:
    """Raise an error on every rank if the ranks' graphs differ.

    Raises:
        DistributionError: another rank traced another step.
    """
    if group.size == 1:
        return
    text = description(graph)
    inputs = ", ".join(str(x.type) for x in graph.inputs)
    own = f"{hashlib.sha256(text.encode()).hexdigest()} {inputs}"
    found = [x.decode() for x in group.all_gather_bytes(own.encode())]
    other = next((rank for rank, x in enumerate(found) if x != found[0]), None)
    if other is not None:
        raise DistributionError(
            "The ranks have different steps, which would exchange values that do not fit.",
            expected=f"rank 0: a batch of {found[0].split(' ', 1)[1]}, step {found[0][:8]}",
            got=f"rank {other}: a batch of {found[other].split(' ', 1)[1]}, step {found[other][:8]}",
            cure="the same model, compile() and batch size on every rank",
        )
