"""Partition rules: for each primitive, the layouts of its inputs and outputs on every process.

A *layout* says what a process has of a value: the whole (:data:`WHOLE`), a part along one axis (:class:`Rows`), or a
summand (:data:`SUM`: the value is the sum over all ranks). A rule maps a node and the layouts of its inputs to a
:class:`Plan`: the layouts that it wants, and those of its outputs. Without a plan a node runs on whole values.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Node
from amalthea.engine.primitives import (
    Primitive,
    composite,
    control,
    indexing,
    matmul,
    movement,
    normalization,
    random,
    reductions,
    rnn,
)
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w
from amalthea.engine.primitives.fourier import fft


class Rows(NamedTuple):
    """A value divided along an axis.

    Args:
        axis: int; the axis.
        counts: tuple of int; the size of each rank's part of a block.
        blocks: int; the axis consists of so many blocks, each of which is divided: steps times rows, flattened.
    """

    axis: int
    counts: tuple[int, ...]
    blocks: int = 1

    @property
    def size(self) -> int:
        """The size of the whole axis."""
        return self.blocks * sum(self.counts)

    def at(self, axis: int) -> Rows:
        """Return the same parts on another axis."""
        return self._replace(axis=axis)


class Share(enum.Enum):
    """Layouts that are not divided: a process has the whole value, or a summand of it."""

    WHOLE = "whole"
    SUM = "sum"


WHOLE, SUM = Share.WHOLE, Share.SUM
Layout = Rows | Share


class Plan(NamedTuple):
    """Layouts of the inputs and outputs of a node on each rank."""

    inputs: Sequence[Layout]
    outputs: Sequence[Layout]


Rule = Callable[[Node, Sequence[Layout]], "Plan | None"]
RULES: dict[Primitive, Rule] = {}


def rule(*primitives: Primitive) -> Callable[[Rule], Rule]:
    """Make a function the rule of some primitives."""

    def join(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(primitives, function))
        return function

    return join


def plan(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    """Return how a node runs, or None."""
    own = RULES.get(node.primitive) or (_elementwise if node.primitive.family.elementwise else None)
    if _is_linear(node, layouts):
        return Plan(layouts, [SUM] * len(node.outputs))
    return own(node, layouts) if own is not None and any(isinstance(x, Rows) for x in layouts) else None


# --------------------------------------------------------------------------------------------------- sums

_LINEAR = {p.add, p.subtract, p.negative, control.identity, control.stop_gradient, movement.reshape,
           movement.transpose, movement.slice, movement.flip, movement.concatenate, reductions.reduce_sum}  # fmt: skip


def _is_linear(node: Node, layouts: Sequence[Layout]) -> bool:
    """True if a node may compute with summands, and the sum is formed later."""
    if not layouts or any(layout != SUM for layout in layouts):
        return False
    if node.primitive is p.cast:
        before, after = node.inputs[0].dtype, node.attrs["dtype"]
        return dtypes.is_float(before) and dtypes.is_float(after) and _width(after) >= _width(before)
    return node.primitive in _LINEAR


def _width(dtype: str) -> int:
    return dtypes.to_numpy(dtype).itemsize


# ---------------------------------------------------------------------------------------- shapes of a node


def _shapes(node: Node) -> list[tuple[Any, ...]]:
    return [x.type.shape for x in node.inputs]


def _first(layouts: Sequence[Layout]) -> tuple[int, Rows]:
    """Return the first divided input, and its layout."""
    return next((i, layout) for i, layout in enumerate(layouts) if isinstance(layout, Rows))


def _elementwise(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    """Inputs align at their last axes; one that has the divided axis is divided too."""
    shapes, out = _shapes(node), node.outputs[0].type.shape
    i, rows = _first(layouts)
    axis = rows.axis + len(out) - len(shapes[i])
    if out[axis] != rows.size:
        return None  # its one row is repeated
    return Plan([_aligned(shape, out, axis, rows) for shape in shapes], [rows.at(axis)] * len(node.outputs))


def _aligned(shape: Sequence[Any], out: Sequence[Any], axis: int, rows: Rows) -> Layout:
    own = axis - len(out) + len(shape)
    return rows.at(own) if own >= 0 and shape[own] == out[axis] else WHOLE


# ------------------------------------------------------------------------------ primitives with fixed axes

# For each input the axis of the batch, None for a whole one; for each output the same, or SUM.
_STEPS = (1, 0, 0, None, None, None)
_FIXED: dict[Primitive, tuple[Sequence[int | None], Sequence[int | Share]]] = {
    w.conv: ((0, None), (0,)),
    w.conv_input_gradient: ((0, None), (0,)),
    w.conv_kernel_gradient: ((0, 0), (SUM,)),
    w.max_pool: ((0,), (0,)),
    w.avg_pool: ((0,), (0,)),
    w.max_pool_gradient: ((0, 0, 0), (0,)),
    w.avg_pool_gradient: ((0,), (0,)),
    rnn.lstm: (_STEPS, (1, 0, 0)),
    rnn.lstm_for_gradient: (_STEPS, (1, 0, 0, *[1] * rnn.KEPT_LSTM)),
    rnn.lstm_gradient: (
        (1, 0, 0, 1, 0, 0, None, None, *[1] * (1 + rnn.KEPT_LSTM)),
        (1, 0, 0, SUM, SUM, SUM),
    ),
    rnn.gru: ((1, 0, None, None, None, None), (1, 0)),
    rnn.gru_for_gradient: ((1, 0, None, None, None, None), (1, 0, *[1] * rnn.KEPT_GRU)),
    rnn.gru_gradient: ((1, 0, 1, 0, None, None, *[1] * (1 + rnn.KEPT_GRU)), (1, 0, SUM, SUM, SUM, SUM)),
}


@rule(*_FIXED)
def _fixed(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    inputs, outputs = _FIXED[node.primitive]
    i, rows = _first(layouts)
    return _at_axes(rows, inputs, outputs) if inputs[i] == rows.axis else None


def _at_axes(rows: Rows, inputs: Sequence[int | None], outputs: Sequence[Any]) -> Plan:
    return Plan(
        [WHOLE if axis is None else rows.at(axis) for axis in inputs],
        [SUM if axis == SUM else rows.at(axis) for axis in outputs],
    )


@rule(normalization.layer_normalize, normalization.layer_normalize_gradient)
def _layer_normalize(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    i, rows = _first(layouts)
    a = rows.axis
    if a >= node.attrs["axis"] or _shapes(node)[i] != node.outputs[0].type.shape:
        return None
    if node.primitive is normalization.layer_normalize:
        return _at_axes(rows, (a, None, None), (a, a, a))
    return _at_axes(rows, (a, a, None, a, a), (a, SUM, SUM))


# --------------------------------------------------------------------------------------- along other axes


@rule(
    composite.softmax, composite.log_softmax, reductions.cumsum, reductions.cumprod, indexing.take_along_axis,
    indexing.add_along_axis, movement.concatenate,
)  # fmt: skip
def _along_one(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    if rows.axis == node.attrs["axis"]:
        return None
    return Plan([rows] * len(layouts), [rows])


@rule(random.random_uniform, random.random_normal)
def _drawn(node: Node, layouts: Sequence[Layout]) -> Plan:
    """Every rank draws the numbers of all rows, and takes its own: those of one process."""
    return Plan([WHOLE], [WHOLE])


@rule(movement.flip, fft)
def _along_several(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    return None if rows.axis in node.attrs["axes"] else Plan([rows] * len(layouts), [rows] * len(node.outputs))


@rule(indexing.top_k)
def _along_last(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    return None if rows.axis == len(_shapes(node)[0]) - 1 else Plan([rows], [rows, rows])


@rule(reductions.reduce_sum, reductions.reduce_prod, reductions.reduce_max, reductions.reduce_min)
def _reduced(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    axes = node.attrs["axes"]
    if rows.axis in axes:
        return Plan([rows], [SUM]) if node.primitive is reductions.reduce_sum else None
    gone = 0 if node.attrs["keepdims"] else sum(axis < rows.axis for axis in axes)
    return Plan([rows], [rows.at(rows.axis - gone)])


@rule(reductions.argmax, reductions.argmin)
def _position(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    axis = node.attrs["axis"]
    return None if rows.axis == axis else Plan([rows], [rows.at(rows.axis - (axis < rows.axis))])


# ------------------------------------------------------------------------------------------------ movement


@rule(control.identity, control.stop_gradient)
def _same(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    return Plan(layouts, layouts)


@rule(control.barrier)
def _barrier(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    return Plan(layouts, layouts[:1]) if SUM not in layouts[:1] else None


@rule(control.with_gradient)
def _with_gradient(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    return Plan(layouts, layouts[node.attrs["count"] :])


@rule(movement.transpose)
def _transposed(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    return Plan([rows], [rows.at(node.attrs["axes"].index(rows.axis))])


@rule(movement.broadcast_to)
def _broadcast(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    return _elementwise(node, layouts)


@rule(movement.reshape)
def _reshaped(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    """The divided rows stay, take in the axes after them or give some off, behind as many blocks as come before."""
    _, rows = _first(layouts)
    old, new = _shapes(node)[0], node.attrs["shape"]
    outer, size = prod(old[: rows.axis]) * rows.blocks, sum(rows.counts)
    found: list[Rows] = []
    for axis in range(len(new)):
        before = prod(new[:axis])
        blocks = outer // before if before and outer % before == 0 else 0
        there = new[axis] // blocks if blocks and new[axis] % blocks == 0 else 0
        if there and there % size == 0:
            found.append(Rows(axis, tuple(n * (there // size) for n in rows.counts), blocks))
        elif there and size % there == 0 and all(n % (size // there) == 0 for n in rows.counts):
            found.append(Rows(axis, tuple(n // (size // there) for n in rows.counts), blocks))
    found.sort(key=lambda x: (x.counts != rows.counts, x.blocks))
    return Plan([rows], [found[0]]) if found else None


@rule(movement.slice)
def _sliced(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    starts, limits, strides = (node.attrs[name][rows.axis] for name in ("starts", "limits", "strides"))
    whole = (starts, limits, strides) == (0, _shapes(node)[0][rows.axis], 1)
    return Plan([rows], [rows]) if whole else None


@rule(movement.pad)
def _padded(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    return None if node.attrs["low"][rows.axis] or node.attrs["high"][rows.axis] else Plan([rows], [rows])


@rule(movement.dilate)
def _dilated(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    _, rows = _first(layouts)
    return Plan([rows], [rows]) if node.attrs["steps"][rows.axis] == 1 else None


@rule(movement.dynamic_slice)
def _block(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    rows, shape = layouts[0], _shapes(node)[0]
    if not isinstance(rows, Rows) or node.attrs["sizes"][rows.axis] != shape[rows.axis]:
        return None
    return Plan([rows, *[WHOLE] * (len(layouts) - 1)], [rows])


@rule(movement.dynamic_update_slice)
def _updated_block(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    i, rows = _first(layouts)
    whole, update = _shapes(node)[:2]
    if i > 1 or whole[rows.axis] != update[rows.axis]:
        return None
    return Plan([rows, rows, *[WHOLE] * (len(layouts) - 2)], [rows])


# ----------------------------------------------------------------------------------------------- products


@rule(matmul.matmul, matmul.integer_matmul)
def _product(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    """Rows of the first matrix, columns of the second, or a batch stay divided; over the inner axis it is a sum."""
    shapes, out = _shapes(node), node.outputs[0].type.shape
    i, rows = _first(layouts)
    own, other = (_roles(shapes[k], k, node.attrs) for k in (i, 1 - i))
    role = own[rows.axis]
    if isinstance(role, int):  # a batch axis, counted from the end of the output
        if out[role] != rows.size:
            return None
        there = next((a for a, r in enumerate(other) if r == role and shapes[1 - i][a] == out[role]), None)
        beside, result = WHOLE if there is None else rows.at(there), rows.at(len(out) + role)
    elif role == "inner":
        beside, result = rows.at(other.index("inner")), SUM
    else:
        beside, result = WHOLE, rows.at(len(out) - (2 if i == 0 else 1))
    return Plan([rows, beside] if i == 0 else [beside, rows], [result])


def _roles(shape: Sequence[Any], number: int, attrs: dict[str, Any]) -> list[Any]:
    """Return the role of each axis of a matrix: of the batch, ``"outer"`` (kept) or ``"inner"`` (summed)."""
    last = ["outer", "inner"] if number == 0 else ["inner", "outer"]
    if attrs.get("transpose_x" if number == 0 else "transpose_y"):
        last.reverse()
    return [*range(-len(shape), -2), *last]


# ------------------------------------------------------------------------------------------------- indices


@rule(indexing.gather)
def _gathered(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    axis, depth = node.attrs["axis"], len(_shapes(node)[1])
    x, indices = layouts
    if isinstance(x, Rows) and x.axis != axis:
        return Plan([x, WHOLE], [x.at(x.axis if x.axis < axis else x.axis - 1 + depth)])
    if isinstance(indices, Rows):
        return Plan([WHOLE, indices], [indices.at(axis + indices.axis)])
    return None


@rule(indexing.scatter_add)
def _scattered(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    axis, depth = node.attrs["axis"], len(_shapes(node)[1])
    x, indices, updates = layouts
    if isinstance(indices, Rows):
        return Plan([SUM, indices, indices.at(axis + indices.axis)], [SUM])
    if isinstance(updates, Rows) and axis <= updates.axis < axis + depth:
        return Plan([SUM, updates.at(updates.axis - axis), updates], [SUM])
    if isinstance(updates, Rows):
        own = updates.axis if updates.axis < axis else updates.axis - depth + 1
        return Plan([updates.at(own), WHOLE, updates], [updates.at(own)])
    if isinstance(x, Rows) and x.axis != axis:
        return Plan([x, WHOLE, x.at(x.axis if x.axis < axis else x.axis - 1 + depth)], [x])
    return None


@rule(indexing.gather_points)
def _gathered_points(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    indices, last = layouts[1], len(_shapes(node)[1]) - 1
    return Plan([WHOLE, indices], [indices]) if isinstance(indices, Rows) and indices.axis < last else None


@rule(indexing.scatter_add_points)
def _scattered_points(node: Node, layouts: Sequence[Layout]) -> Plan | None:
    last = len(_shapes(node)[1]) - 1
    rows = next((x for x in layouts[1:] if isinstance(x, Rows) and x.axis < last), None)
    return None if rows is None else Plan([SUM, rows, rows], [SUM])
