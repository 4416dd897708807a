"""The exchange of values between processes, as a node of a graph.

``passes/partition.py`` puts it where a value of one process depends on rows of the others.
"""

from __future__ import annotations

from amalthea.engine.communicator import ALONE, Parts, part_of
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.movement import part
from amalthea.engine.primitives.table import TAKE_COMPLEX, Family, numbers, primitive, sample


def _exchanged(*xs: Type, gathers, group) -> tuple[Type, ...]:
    return tuple(x if how is None else _joined(x, *how) for x, how in zip(xs, gathers, strict=True))


def _joined(x: Type, axis: int, counts: tuple[int, ...]) -> Type:
    return Type((*x.shape[:axis], sum(counts), *x.shape[axis + 1 :]), x.dtype)


@primitive(Family(_exchanged), single=False)
def exchange(*xs, gathers, group=ALONE):
    """The sum of each value over the ranks of a group; or, with an axis and counts, the ranks' parts joined there."""
    return tuple(group.exchange(xs, gathers))


TAKE_COMPLEX.add(exchange.name)


def _gradient(g, *rest, gathers, group):
    """A rank's part of the summed cotangent: what a rank gives, every rank uses."""
    sums = exchange(*g, gathers=(None,) * len(g), group=group)
    return tuple(x if how is None else _own(x, how, group.rank) for x, how in zip(sums, gathers))


def _own(x, how: Parts, rank: int):
    axis, counts = how
    rows = part_of(counts, rank)
    return part(x, axis, rows.start, rows.stop)


exchange.gradient = _gradient
exchange.samples = lambda: [
    sample(numbers(2, 3), gathers=(None,)),
    sample(numbers(2, 3), numbers(4, seed=1), gathers=((0, (2,)), None)),
]
