"""Distinct slices of a tensor, in ascending order, in shapes that do not depend on the elements.

Slices are sorted, the first one of each run of equal ones is marked, and the running sum of the marks is the number of
the distinct slice that each belongs to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives import reductions as r
from amalthea.ops.base import cast, one_axis, shape_of
from amalthea.ops.sorting import order


def values(x: Any, axis: Any, size: int | None, fill_value: Any) -> tuple[Any, Any, Any, Any]:
    """Return the distinct slices, the index of the first of each, the number of each slice's own, and the counts."""
    name = dtypes.name_of(x)
    if name == "bool":
        found, *rest = values(cast(x, "uint8"), axis, size, fill_value)
        return cast(found, "bool"), *rest
    shape = shape_of(x)
    place = 0 if axis is None else one_axis(axis, len(shape))
    moved = x if axis is None else m.transpose(x, axes=(place, *(n for n in range(len(shape)) if n != place)))
    rest = () if axis is None else shape_of(moved)[1:]
    count = shapes.size(shape) if axis is None else shape[place]
    rows = m.reshape(moved, shape=(count, shapes.size(rest)))
    into = _sorted_rows(rows)
    ranked = indexing.gather(rows, into, axis=0)
    is_first = _is_first(ranked)
    number = p.subtract(r.cumsum(cast(is_first, "int32"), axis=0), np.int32(1))
    total = int(np.asarray(r.reduce_sum(cast(is_first, "int32"), axes=(0,)))) if size is None else size
    firsts = _first_of_each(is_first, number, total)
    inverse = indexing.scatter_add(_zeros(count), into, number, axis=0)
    counts = _sums(cast(p.less_equal(np.int32(0), number), "int32"), number, total)
    picked, index = _picked(ranked, into, firsts, counts, fill_value, total)
    distinct = m.reshape(picked, shape=(total, *rest))
    if axis is not None:
        distinct = m.transpose(distinct, axes=tuple(np.argsort([place, *(n for n in range(len(shape)) if n != place)])))
    return distinct, index, m.reshape(inverse, shape=shape if axis is None else (count,)), counts


def _zeros(count: Any) -> Any:
    return m.broadcast_to(np.int32(0), shape=(count,))


def _sorted_rows(rows: Any) -> Any:
    """The indices that sort rows by their first element, equal ones by the second, and so on."""
    count, width = shape_of(rows)
    into = m.iota(shape=(count,), axis=0, dtype="int32")
    for column in range(width - 1, -1, -1):
        key = m.reshape(m.part(rows, 1, column, column + 1), shape=(count,))
        into = indexing.gather(into, order(indexing.gather(key, into, axis=0), 0)[1], axis=0)
    return into


def _is_first(ranked: Any) -> Any:
    """True for each sorted row that differs from the one before."""
    count, width = shape_of(ranked)
    if count == 0:
        return m.broadcast_to(np.asarray(True), shape=(0,))
    before, after = m.part(ranked, 0, 0, count - 1), m.part(ranked, 0, 1, count)
    same = p.equal(before, after)
    if dtypes.is_float(dtypes.name_of(ranked)):
        same = p.logical_or(same, p.logical_and(p.isnan(before), p.isnan(after)))
    differs = cast(p.logical_not(same), "int32")
    changed = r.reduce_max(differs, axes=(1,)) if width else m.broadcast_to(np.int32(0), shape=(count - 1,))
    return cast(m.pad(changed, low=(1,), high=(0,), value=1), "bool")


def _sums(added: Any, number: Any, total: int) -> Any:
    """Sums by number; those of numbers from ``total`` on are left out."""
    inside = p.minimum(number, np.int32(total))
    return m.part(indexing.scatter_add(_zeros(total + 1), inside, added, axis=0), 0, 0, total)


def _first_of_each(is_first: Any, number: Any, total: int) -> Any:
    at = m.iota(shape=shape_of(number), axis=0, dtype="int32")
    return _sums(p.select(is_first, at, np.int32(0)), number, total)


def _picked(ranked: Any, into: Any, firsts: Any, counts: Any, fill_value: Any, total: int) -> tuple[Any, Any]:
    count, width = shape_of(ranked)
    if count == 0 or total == 0:
        fill = cast(0 if fill_value is None else fill_value, dtypes.name_of(ranked))
        return m.broadcast_to(fill, shape=(total, width)), _zeros(total)
    picked, index = indexing.gather(ranked, firsts, axis=0), indexing.gather(into, firsts, axis=0)
    if fill_value is None:  # what is missing points to the first one, the smallest
        return picked, index
    is_there = m.reshape(p.greater(counts, np.int32(0)), shape=(total, 1))
    return p.select(is_there, picked, cast(fill_value, dtypes.name_of(ranked))), index
