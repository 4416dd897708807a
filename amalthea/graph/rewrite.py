"""Rewrites: from a graph to an equal one that is cheaper to run.

A pass goes once over the nodes in order and answers, for each, the tensors that now stand for its outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import numpy as np

from amalthea import dtypes, shapes
from amalthea.graph.graph import Graph, reach
from amalthea.graph.schedule import scheduled
from amalthea.primitives import Primitive, control, elementwise, moving, reducing
from amalthea.tensor import Node, Tensor, Trace, as_tensor, on_host

Rule = Callable[[Node, Sequence[Tensor]], "Sequence[Tensor] | None"]


def rewritten(graph: Graph, *rules: Callable[[], Rule]) -> Graph:
    """The graph with each node replaced by what the first rule that answers gives for it, or by itself.

    Held graphs are rewritten too, each with new rules: what a rule remembers holds in one graph only.
    """
    now: dict[Tensor, Tensor] = {}
    chosen = [make() for make in rules]
    with Trace(Trace()):
        for node in graph.nodes:
            node = _with_held(node, rules)
            inputs = [now.get(x, x) for x in node.inputs]
            for old, new in zip(node.outputs, _first_answer(node, inputs, chosen)):
                now[old] = new
    outputs = [now.get(x, x) for x in graph.outputs]
    writes = [(variable, now.get(x, x)) for variable, x in graph.writes]
    ends = {*graph.inputs, *(tensor for _, tensor in graph.reads)}
    nodes, _ = reach([*outputs, *(tensor for _, tensor in writes)], ends)
    return Graph(graph.inputs, outputs, graph.reads, writes, graph.captured, nodes)


def _with_held(node: Node, rules: Sequence[Callable[[], Rule]]) -> Node:
    """The node itself, or one with the same outputs that holds rewritten graphs."""
    held = {name: value for name, value in node.attrs.items() if isinstance(value, Graph)}
    if not held:
        return node
    new = copy.copy(node)
    new.attrs = {**node.attrs, **{name: rewritten(value, *rules) for name, value in held.items()}}
    return new


def _first_answer(node: Node, inputs: Sequence[Tensor], rules: Sequence[Rule]) -> Sequence[Tensor]:
    for rule in rules:
        answer = rule(node, inputs)
        if answer is not None:
            return answer
    if all(a is b for a, b in zip(inputs, node.inputs)) and node.outputs[0].node is node:
        return node.outputs
    return Node(node.primitive, inputs, node.attrs, [x.type for x in node.outputs]).outputs


def simplify(graph: Graph) -> Graph:
    """What every backend profits from: no identities, no needless repetition, nothing computed twice or ahead."""
    plain = (drop_identity, fold_constants, drop_broadcast, drop_nothing, drop_factors)
    return scheduled(rewritten(graph, *(lambda rule=rule: rule for rule in plain), Joined, Shared))


def decompose(graph: Graph, known: Container[Primitive]) -> Graph:
    """The graph with each fused primitive that a backend does not know said in others."""

    def said_in_others(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        row = node.primitive
        if row in known or row.decomposition is None:
            return None
        outputs = row.decomposition(*inputs, **node.attrs)
        return [as_tensor(outputs)] if row.single else [as_tensor(x) for x in outputs]

    while any(n.primitive not in known and n.primitive.decomposition for n in all_nodes(graph)):
        graph = rewritten(graph, lambda: said_in_others)
    return graph


def all_nodes(graph: Graph) -> Iterator[Node]:
    """The nodes of a graph and of those that it holds."""
    for node in graph.nodes:
        yield node
        for value in node.attrs.values():
            if isinstance(value, Graph):
                yield from all_nodes(value)


def drop_identity(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    if node.primitive in (control.identity, control.stop_gradient):
        return inputs
    if node.primitive is control.with_gradient:
        return inputs[node.attrs["count"] :]
    return None


def drop_nothing(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """A reshape, cast or transposition to what the value already is; a reshape of a reshape."""
    row, out = node.primitive, node.outputs[0]
    if row in (moving.reshape, moving.broadcast_to, elementwise.cast) and inputs[0].type == out.type:
        return inputs[:1]
    if row is reducing.reduce_sum and not node.attrs["axes"]:
        return inputs[:1]
    if row is moving.transpose and node.attrs["axes"] == tuple(range(len(node.attrs["axes"]))):
        return inputs[:1]
    before = inputs[0].node if inputs else None
    if row is moving.reshape and before is not None and before.primitive is moving.reshape:
        return Node(row, before.inputs, node.attrs, [out.type]).outputs
    if row is moving.transpose and before is not None and before.primitive is moving.transpose:
        axes = tuple(before.attrs["axes"][axis] for axis in node.attrs["axes"])
        if axes == tuple(range(len(axes))):
            return before.inputs
        return Node(row, before.inputs, {"axes": axes}, [out.type]).outputs
    return None


def drop_factors(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """A factor of one, and two that make one: a mean loss, times how many it is the mean of."""
    found = _factor(node, inputs)
    if found is None:
        return None
    x, number = found
    if number == 1:
        return [x]
    before = _factor(x.node, x.node.inputs) if x.node is not None else None
    if before is not None and np.asarray(number * before[1], dtypes.to_numpy(x.dtype)) == 1:
        return [before[0]]
    return None


def _factor(node: Node, inputs: Sequence[Tensor]) -> tuple[Tensor, float] | None:
    """What is multiplied by a number, and the number."""
    if node.primitive is elementwise.multiply:
        for x, factor in (inputs, inputs[::-1]):
            if factor.value is not None and not factor.type.shape and x.type == node.outputs[0].type:
                return x, float(on_host(factor.value))
    return None


def fold_constants(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """A small result of constants alone is computed now."""
    if not inputs or any(x.value is None for x in inputs) or not node.primitive.single:
        return None
    out = node.outputs[0].type
    if shapes.substitute(shapes.size(out.shape), {}) > 1024 or node.primitive.name.startswith("random"):
        return None
    with np.errstate(all="ignore"):
        value = np.asarray(node.primitive.reference(*(on_host(x.value) for x in inputs), **node.attrs))
    return [Tensor(out, value=np.ascontiguousarray(value).reshape(out.shape))]


def drop_broadcast(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """An elementwise primitive repeats its inputs itself, if another one has the full shape."""
    if not node.primitive.family.elementwise or node.primitive.facts.get("alike") or len(inputs) < 2:
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
    return x.node.inputs[0] if x.node is not None and x.node.primitive is moving.broadcast_to else x


class Joined:
    """A sum of what was padded with zeros, piece by piece, is the pieces side by side: the gradient of a split."""

    def __init__(self) -> None:
        self.pieces: dict[Tensor, tuple[int, dict[int, Tensor]]] = {}  # axis, and each piece by where it begins

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        found = None
        if node.primitive is moving.pad and shapes.is_static(node.outputs[0].type.shape):
            found = _piece(node, inputs[0])
        elif node.primitive is elementwise.add and all(x in self.pieces for x in inputs):
            found = _together(*(self.pieces[x] for x in inputs))
        if found is None:
            return None
        axis, pieces = found
        if len(pieces) > 1 and sum(x.type.shape[axis] for x in pieces.values()) == node.outputs[0].type.shape[axis]:
            return [moving.concatenate(*pieces.values(), axis=axis)]
        outputs = _first_answer(node, inputs, ())
        self.pieces[outputs[0]] = found
        return outputs


def _piece(pad: Node, x: Tensor) -> tuple[int, dict[int, Tensor]] | None:
    """The axis that is padded with zeros, if it is just one, and where the input lies in it."""
    low, high = pad.attrs["low"], pad.attrs["high"]
    axes = [axis for axis, widths in enumerate(zip(low, high)) if any(widths)]
    if len(axes) != 1 or pad.attrs["value"] != 0 or min(*low, *high) < 0:
        return None
    return axes[0], {low[axes[0]]: x}


def _together(one: tuple[int, dict[int, Tensor]], two: tuple[int, dict[int, Tensor]]) -> Any:
    """The pieces of both, in order, if they lie along one axis and do not overlap."""
    axis, pieces = one[0], dict(sorted([*one[1].items(), *two[1].items()], key=lambda piece: piece[0]))
    ends = [start + x.type.shape[axis] for start, x in pieces.items()]  # pyright: ignore[reportOperatorIssue]
    apart = all(end <= start for end, start in zip(ends, list(pieces)[1:]))  # type: ignore[operator]
    return (axis, pieces) if two[0] == axis and apart and len(pieces) == len(one[1]) + len(two[1]) else None


class Shared:
    """Nodes that compute the same are one node."""

    def __init__(self) -> None:
        # The inputs are kept beside the outputs: a key names them by identity, which only a living object has.
        self.seen: dict[Any, tuple[Sequence[Tensor], Sequence[Tensor]]] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        key = self._key(node, inputs)
        if key is None:
            return None
        if key not in self.seen:
            self.seen[key] = (_first_answer(node, inputs, ()), inputs)
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
    if value is None or getattr(value, "size", 9) > 8:
        return id(x)
    value = on_host(value)
    return (value.dtype.name, value.shape, value.tobytes())
