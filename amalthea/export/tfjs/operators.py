"""Lowerings of TensorFlow.js: TensorFlow's, but for operators that the converter's executors lack."""

from __future__ import annotations

from amalthea.engine.primitives import bits, indexing, movement
from amalthea.engine.primitives import elementwise as p
from amalthea.export.indexing import clipped_starts, dilate
from amalthea.export.lowering import Value
from amalthea.export.tensorflow_graph.control import CONTROL
from amalthea.export.tensorflow_graph.nodes import Nodes as Builder
from amalthea.export.tensorflow_graph.operators import OPERATORS, points
from amalthea.export.tensorflow_graph.windows import WINDOWS

_LACKED = (bits.bitcast, p.bitwise_or, p.bitwise_xor, p.left_shift, p.right_shift)
_NARROW = {"int8": (-128, 256), "uint8": (0, 256), "int16": (-32768, 65536), "uint16": (0, 65536)}


def _cast(b: Builder, x: Value, *, dtype: str) -> Value:
    """Narrow integers wrap around; the file keeps them as int32."""
    made = b.cast(x, dtype)
    if dtype not in _NARROW or x.dtype == "bool":
        return made
    low, count = (b.constant(n, "int32") for n in _NARROW[dtype])
    return b.AddV2(b.FloorMod(b.Sub(made, low), count), low)


def _dynamic_update_slice(b: Builder, x: Value, update: Value, *starts: Value) -> Value:
    """The update, padded to the whole size, where a mask that is padded likewise says so."""
    if not starts:
        return update
    begin = clipped_starts(b, starts, x.shape, update.shape)
    behind = b.Sub(b.Sub(b.ints(x.shape), b.ints(update.shape)), begin)
    columns = [b.reshape(side, (x.rank, 1)) for side in (begin, behind)]
    widths = b.concatenate(columns, 1, (x.rank, 2))
    ones = b.BroadcastTo(b.constant(1, "int32"), b.ints(update.shape), shape=update.shape)
    inside = b.cast(b.PadV2(ones, widths, b.constant(0, "int32"), shape=x.shape), "bool")
    numbers = "int32" if x.dtype == "bool" else x.dtype
    wide = b.PadV2(b.cast(update, numbers), widths, b.constant(0, numbers), shape=x.shape)
    return b.SelectV2(inside, b.cast(wide, x.dtype), x, dtype=x.dtype)


def _scatter_points(b: Builder, x: Value, indices: Value, updates: Value) -> Value:
    sums = b.ScatterNd(points(b, x, indices), updates, b.ints(x.shape), shape=x.shape, dtype=x.dtype)
    return b.AddV2(x, sums)


LOWERINGS = {
    **{key: lower for key, lower in {**OPERATORS, **WINDOWS, **CONTROL}.items() if key not in _LACKED},
    p.cast: _cast, movement.dilate: dilate, movement.dynamic_update_slice: _dynamic_update_slice,
    indexing.scatter_add_points: _scatter_points,
}  # fmt: skip
