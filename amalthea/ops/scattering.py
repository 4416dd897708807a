"""Scattered updates of points that may occur several times.

No library promises an order of scattered updates, so they are sorted by their points first. Each update is then
combined with its neighbour at distance 1, 2, 4, ..., so the last update of each point holds the result of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing, movement
from amalthea.errors import ArgumentError
from amalthea.ops.base import cast, shape_of
from amalthea.ops.numpy.ordering import argsort

REDUCTIONS: dict[str, Callable[..., Any]] = {"max": p.maximum, "min": p.minimum, "mul": p.multiply}


def update(x: Any, indices: Any, updates: Any, reduction: str | None) -> Any:
    """Compute :func:`amalthea.ops.scatter_update`."""
    if reduction not in (None, "add", *REDUCTIONS):
        names = ", ".join(map(repr, ("add", *REDUCTIONS)))
        raise ArgumentError("This reduction does not exist.", expected=f"None, {names}", got=repr(reduction))
    name = dtypes.name_of(x)
    if name == "bool":
        return cast(update(cast(x, "int32"), indices, cast(updates, "int32"), reduction), "bool")
    points, updates = cast(indices, "int32"), cast(updates, name)
    if reduction == "add":
        return indexing.scatter_add_points(x, points, updates)
    indexing.scatter_add_points.types(
        [type_of(x), type_of(points), type_of(updates)], {}
    )  # what does not fit is told now
    if 0 in shape_of(updates):
        return x
    flat_indices, rows = _by_flat_index(x, points, updates)
    placed, is_hit = _reduced(x, flat_indices, rows, REDUCTIONS.get(reduction or ""))
    new = placed if reduction is None else REDUCTIONS[reduction](x, placed)
    return p.select(is_hit, new, x)


def _by_flat_index(x: Any, points: Any, updates: Any) -> tuple[Any, Any]:
    """The flat index of each update, in ascending order, and the updates in that order as rows."""
    shape, depth = shape_of(x), shape_of(points)[-1]
    count = shapes.size(shape_of(points)[:-1])
    points = movement.reshape(points, shape=(count, depth))
    flat_indices = movement.broadcast_to(np.int32(0), shape=(count,))
    for axis, size in enumerate(shape[:depth]):
        column = movement.reshape(movement.part(points, 1, axis, axis + 1), shape=(count,))
        inside = p.select(p.less(column, np.int32(0)), p.add(column, np.int32(size)), column)
        flat_indices = p.add(p.multiply(flat_indices, np.int32(size)), inside)
    order = argsort(flat_indices)
    rows = movement.reshape(updates, shape=(count, *shape[depth:]))
    return indexing.gather(flat_indices, order, axis=0), indexing.gather(rows, order, axis=0)


def _reduced(x: Any, flat_indices: Any, rows: Any, combine: Callable[..., Any] | None) -> tuple[Any, Any]:
    """The combined updates in x's shape (0 where there are none), and True where there are some."""
    count, depth = shape_of(flat_indices)[0], len(x.shape) - len(rows.shape) + 1
    lead, rest = shape_of(x)[:depth], shape_of(rows)[1:]
    step = 1
    while combine is not None and step < count:
        joined = p.select(_column(_same(flat_indices, step), rows), combine(_later(rows, step), rows), rows)
        rows, step = joined, step * 2
    is_last = p.logical_not(movement.flip(_same(movement.flip(flat_indices, axes=(0,)), 1), axes=(0,)))
    size = shapes.size(lead)
    kept = p.select(_column(is_last, rows), rows, cast(0, dtypes.name_of(x)))
    zeros = movement.broadcast_to(cast(0, dtypes.name_of(x)), shape=(size, *rest))
    hits = indexing.scatter_add(
        movement.broadcast_to(np.int32(0), shape=(size,)), flat_indices, cast(is_last, "int32"), axis=0
    )
    placed = movement.reshape(indexing.scatter_add(zeros, flat_indices, kept, axis=0), shape=shape_of(x))
    return placed, movement.reshape(p.greater(hits, np.int32(0)), shape=(*lead, *(1,) * len(rest)))


def _same(flat_indices: Any, step: int) -> Any:
    """True where the index ``step`` positions before is the same."""
    count = shape_of(flat_indices)[0]
    if step >= count:
        return movement.broadcast_to(np.asarray(False), shape=(count,))
    same = p.equal(movement.part(flat_indices, 0, step, count), movement.part(flat_indices, 0, 0, count - step))
    return cast(movement.pad(cast(same, "int32"), low=(step,), high=(0,)), "bool")


def _later(rows: Any, step: int) -> Any:
    """The rows shifted by ``step`` positions."""
    widths = (step, *(0,) * (len(rows.shape) - 1))
    return movement.pad(movement.part(rows, 0, 0, shape_of(rows)[0] - step), low=widths, high=(0,) * len(rows.shape))


def _column(condition: Any, rows: Any) -> Any:
    return movement.reshape(condition, shape=(*shape_of(condition), *(1,) * (len(rows.shape) - 1)))
