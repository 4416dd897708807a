"""Simplification for every backend: identities, constant folding, common subexpressions, no-ops, dead code."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.engine.passes.extended import share_extended
from amalthea.engine.passes.patterns import made_by
from amalthea.engine.passes.rewrite import apply_first, apply_rules
from amalthea.engine.passes.schedule import schedule
from amalthea.engine.primitives import control, elementwise, movement, reductions


def simplify(graph: Graph) -> Graph:
    """Rewrite a graph by all rules of this module, then schedule its nodes."""
    plain = (drop_identity, drop_empty, fold_constants, drop_broadcast, drop_noops, drop_factors)
    return schedule(
        apply_rules(
            share_extended(graph),
            *(lambda rule=rule: rule for rule in plain),
            ConcatenateFromPads,
            CommonSubexpressions,
        )
    )


def drop_identity(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Replace an identity, ``stop_gradient`` or ``with_gradient`` by its operands."""
    if node.primitive in (control.identity, control.stop_gradient):
        return inputs
    if node.primitive is control.with_gradient:
        return inputs[node.attrs["count"] :]
    return None


def drop_empty(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Replace empty results by empty constants: some libraries crash on a batch of size 0."""
    types = [x.type for x in node.outputs]
    if node.primitive is control.native_call or not all(shapes.is_static(t.shape) and 0 in t.shape for t in types):
        return None
    sizes: list[Any] = [t.shape for t in types]
    return [Tensor(t, value=np.zeros(size, dtypes.to_numpy(t.dtype))) for t, size in zip(types, sizes)]


def drop_noops(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Drop a reshape, cast or transposition that changes nothing; merge two consecutive reshapes or transpositions."""
    primitive, out = node.primitive, node.outputs[0]
    if primitive in (movement.reshape, movement.broadcast_to, elementwise.cast) and inputs[0].type == out.type:
        return inputs[:1]
    if primitive is reductions.reduce_sum and not node.attrs["axes"]:
        return inputs[:1]
    if primitive is movement.transpose and node.attrs["axes"] == tuple(range(len(node.attrs["axes"]))):
        return inputs[:1]
    before = made_by(inputs[0], primitive) if inputs else None
    if primitive is movement.reshape and before is not None:
        return Node(primitive, before.inputs, node.attrs, [out.type]).outputs
    if primitive is movement.transpose and before is not None:
        axes = tuple(before.attrs["axes"][axis] for axis in node.attrs["axes"])
        if axes == tuple(range(len(axes))):
            return before.inputs
        return Node(primitive, before.inputs, {"axes": axes}, [out.type]).outputs
    return None


def drop_factors(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Drop a factor of one, and two factors whose product is one (the mean of a loss, times its number of terms)."""
    if node.primitive is not elementwise.multiply:
        return None
    found = _factor(node, inputs)
    if found is None:
        return None
    x, number = found
    if number == 1:
        return [x]
    product = made_by(x, elementwise.multiply)
    before = _factor(product, product.inputs) if product is not None else None
    if before is None:
        return None
    with np.errstate(over="ignore"):
        whole = np.asarray(number * before[1], dtypes.to_numpy(x.dtype))
    return [before[0]] if whole == 1 else None


def _factor(product: Node, inputs: Sequence[Tensor]) -> tuple[Tensor, float] | None:
    """Return the tensor and the constant of a product of a tensor and a scalar constant, or None."""
    for x, factor in (inputs, inputs[::-1]):
        scalar = factor.value is not None and not factor.type.shape and not dtypes.is_complex(factor.dtype)
        if scalar and x.type == product.outputs[0].type:
            return x, float(on_host(factor.value))
    return None


def fold_constants(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Compute a small result of constants at compile time."""
    if not inputs or any(x.value is None for x in inputs) or not node.primitive.single:
        return None
    out = node.outputs[0].type
    if not shapes.is_static(out.shape) or node.primitive.name.startswith("random"):
        return None
    if shapes.substitute(shapes.size(out.shape), {}) > 1024:
        return None
    with np.errstate(all="ignore"):
        value = np.asarray(node.primitive.reference(*(on_host(x.value) for x in inputs), **node.attrs))
    return [Tensor(out, value=np.ascontiguousarray(value).reshape(out.shape))]


def drop_broadcast(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Drop a broadcast before an elementwise primitive, if another input has the full shape."""
    if not node.primitive.family.elementwise or node.primitive.facts.get("same_type") or len(inputs) < 2:
        return None
    shape = node.outputs[0].type.shape
    short = [_before_broadcast(x) for x in inputs]
    if all(a is b for a, b in zip(short, inputs)):
        return None
    for keep in (None, *range(len(inputs))):
        tried = [x if i == keep else s for i, (x, s) in enumerate(zip(inputs, short))]
        types = node.primitive.types([x.type for x in tried], node.attrs)
        if types[0].shape == shape:
            return Node(node.primitive, tried, node.attrs, types).outputs
    return None


def _before_broadcast(x: Tensor) -> Tensor:
    node = made_by(x, movement.broadcast_to)
    return x if node is None else node.inputs[0]


class ConcatenateFromPads:
    """Replace a sum of adjacent pieces, each padded with zeros, by their concatenation (the gradient of a split)."""

    def __init__(self) -> None:
        self.pieces: dict[Tensor, tuple[int, dict[int, Tensor]]] = {}  # the axis, and the pieces by start index

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        found = None
        if node.primitive is movement.pad and shapes.is_static(node.outputs[0].type.shape):
            found = _piece(node, inputs[0])
        elif node.primitive is elementwise.add and all(x in self.pieces for x in inputs):
            found = _join_pieces(*(self.pieces[x] for x in inputs))
        if found is None:
            return None
        axis, pieces = found
        if len(pieces) > 1 and sum(x.type.shape[axis] for x in pieces.values()) == node.outputs[0].type.shape[axis]:
            return [movement.concatenate(*pieces.values(), axis=axis)]
        outputs = apply_first(node, inputs, ())
        self.pieces[outputs[0]] = found
        return outputs


def _piece(pad: Node, x: Tensor) -> tuple[int, dict[int, Tensor]] | None:
    """Return the axis and the start index of a tensor that is padded with zeros along one axis, or None."""
    low, high = pad.attrs["low"], pad.attrs["high"]
    axes = [axis for axis, widths in enumerate(zip(low, high)) if any(widths)]
    if len(axes) != 1 or pad.attrs["value"] != 0 or min(*low, *high) < 0:
        return None
    return axes[0], {low[axes[0]]: x}


def _join_pieces(one: tuple[int, dict[int, Tensor]], two: tuple[int, dict[int, Tensor]]) -> Any:
    """Return the pieces of both in order, if they lie along one axis and do not overlap, or None."""
    axis, pieces = one[0], dict(sorted([*one[1].items(), *two[1].items()], key=lambda piece: piece[0]))
    ends = [start + x.type.shape[axis] for start, x in pieces.items()]
    apart = all(end <= start for end, start in zip(ends, list(pieces)[1:]))  # type: ignore[operator]
    return (axis, pieces) if two[0] == axis and apart and len(pieces) == len(one[1]) + len(two[1]) else None


class CommonSubexpressions:
    """Merge nodes that apply the same primitive to the same inputs with the same attributes."""

    def __init__(self) -> None:
        # The inputs are stored too: keys contain their ids, which Python may reuse after an object is deleted.
        self.seen: dict[Any, tuple[Sequence[Tensor], Sequence[Tensor]]] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        key = self._key(node, inputs)
        if key is None:
            return None
        if key not in self.seen:
            self.seen[key] = (apply_first(node, inputs, ()), inputs)
        return self.seen[key][0]

    def _key(self, node: Node, inputs: Sequence[Tensor]) -> Any:
        try:
            key = (node.primitive.name, tuple(map(_identity, inputs)), tuple(sorted(node.attrs.items())))
            hash(key)
        except TypeError:
            return None
        return key


def _identity(x: Tensor) -> Any:
    value = x.value
    if value is None or prod(np.shape(value)) > 8:
        return id(x)
    value = on_host(value)
    return (value.dtype.name, value.shape, value.tobytes())
