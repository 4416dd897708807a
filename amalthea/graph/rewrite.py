"""Rewrites: from a graph to an equal one that is cheaper to run.

A pass goes once over the nodes in order and answers, for each, the tensors that now stand for its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.graph.graph import Graph, collect
from amalthea.primitives import control, elementwise, moving
from amalthea.tensor import Node, Tensor, Trace

Rule = Callable[[Node, Sequence[Tensor]], "Sequence[Tensor] | None"]


def rewritten(graph: Graph, *rules: Rule) -> Graph:
    """The graph with each node replaced by what the first rule that answers gives for it, or by itself."""
    now: dict[Tensor, Tensor] = {}
    with Trace(Trace()) as scope:
        for node in graph.nodes:
            inputs = [now.get(x, x) for x in node.inputs]
            for old, new in zip(node.outputs, _first_answer(node, inputs, rules)):
                now[old] = new
    outputs = [now.get(x, x) for x in graph.outputs]
    scopes = {id(n.scope): n.scope for n in graph.nodes}.values()
    new = collect([*graph.inputs, *(t for _, t in graph.reads)], outputs, _with_writes(scope, graph, now), also=list(scopes))
    writes = [(variable, now.get(x, x)) for variable, x in graph.writes]
    return Graph(graph.inputs, outputs, graph.reads, writes, graph.captured, new.nodes)


def _with_writes(scope: Trace, graph: Graph, now: dict[Tensor, Tensor]) -> Trace:
    for variable, tensor in graph.writes:
        scope.values[variable] = now.get(tensor, tensor)
        scope.reads[variable] = None  # type: ignore[assignment]
    return scope


def _first_answer(node: Node, inputs: Sequence[Tensor], rules: Sequence[Rule]) -> Sequence[Tensor]:
    for rule in rules:
        answer = rule(node, inputs)
        if answer is not None:
            return answer
    if all(a is b for a, b in zip(inputs, node.inputs)):
        return node.outputs
    return Node(node.primitive, inputs, node.attrs, [x.type for x in node.outputs]).outputs


def simplify(graph: Graph) -> Graph:
    """What every backend profits from: no identities, no needless repetition, nothing computed twice or ahead."""
    return rewritten(graph, drop_identity, fold_constants, drop_broadcast, drop_nothing, Shared())


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


def fold_constants(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """A small result of constants alone is computed now."""
    if not inputs or any(x.value is None for x in inputs) or not node.primitive.single:
        return None
    out = node.outputs[0].type
    if np.prod(out.shape, dtype=int) > 1024 or node.primitive.name.startswith("random"):
        return None
    with np.errstate(all="ignore"):
        value = np.asarray(node.primitive.reference(*(np.asarray(x.value) for x in inputs), **node.attrs))
    return [Tensor(out, value=np.ascontiguousarray(value).reshape(out.shape))]


def drop_broadcast(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """An elementwise primitive repeats its inputs itself, if another one has the full shape."""
    if not node.primitive.family.elementwise or len(inputs) < 2:
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


class Shared:
    """Nodes that compute the same are one node."""

    def __init__(self) -> None:
        self.seen: dict[Any, Sequence[Tensor]] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        key = self._key(node, inputs)
        if key is None:
            return None
        if key not in self.seen:
            self.seen[key] = _first_answer(node, inputs, ())
        return self.seen[key]

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
    value = np.asarray(value)
    return (value.dtype.name, value.shape, value.tobytes())
