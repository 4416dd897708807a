"""Reverse mode: from a graph to the graph of its gradients, in the primitives themselves.

The walk goes once over the nodes between outputs and what is differentiated by, asks each row for its rule, and
undoes broadcasting in this one place. Because the rules are written in primitives, their results can be
differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.graph import reachable_nodes
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import as_tensor
from amalthea.engine.primitives.elementwise import add
from amalthea.engine.primitives.movement import broadcast_to, reshape
from amalthea.engine.primitives.reductions import reduce_sum
from amalthea.errors import BackendError


def backward(outputs: Sequence[Tensor], cotangents: Sequence[Any], by: Sequence[Tensor]) -> list[Tensor]:
    """The cotangents of ``by``, given those of the outputs (None where there is none)."""
    nodes = _between(outputs, by)
    flowing: dict[Tensor, Tensor] = {}
    for output, cotangent in zip(outputs, cotangents):
        if cotangent is not None:
            _flow(flowing, output, as_tensor(cotangent))
    wanted = {out for node in nodes for out in node.outputs} | set(by)
    for node in reversed(nodes):
        arrived = [flowing.get(out) for out in node.outputs]
        if all(g is None for g in arrived):
            continue
        for x, g in zip(node.inputs, _by_inputs(node, arrived, wanted)):
            if g is not None and x in wanted and dtypes.is_float(x.dtype):
                _flow(flowing, x, unbroadcast(as_tensor(g), x.type.shape))
    return [flowing[x] if x in flowing else zeros_like(x) for x in by]


def _between(outputs: Sequence[Tensor], by: Sequence[Tensor]) -> list[Node]:
    """The nodes behind the outputs that depend on ``by``, in order."""
    order, _ = reachable_nodes(outputs, set(by))
    depends = set(by)
    nodes = []
    for node in order:
        if any(x in depends for x in node.inputs):
            nodes.append(node)
            depends.update(node.outputs)
    return nodes


def _flow(flowing: dict[Tensor, Tensor], to: Tensor, cotangent: Tensor) -> None:
    flowing[to] = add(flowing[to], cotangent) if to in flowing else cotangent


def _by_inputs(node: Node, arrived: list[Tensor | None], wanted: set[Tensor]) -> Sequence[Any]:
    row = node.primitive
    rule: Any = row.gradient or (decomposed if row.decomposition else None)
    if rule is None:
        if not any(dtypes.is_float(out.dtype) for out in node.outputs) or row.family.elementwise:
            return [None] * len(node.inputs)
        raise BackendError(f"The primitive '{row.name}' has no gradient.", cure="ops.stop_gradient(x) around it")
    if rule is decomposed or getattr(rule, "takes_node", False):
        return rule(node, arrived)
    if row.single:
        return rule(arrived[0], *node.inputs, node.outputs[0], **node.attrs)
    full = [zeros_like(out) if g is None else g for g, out in zip(arrived, node.outputs)]
    if getattr(rule, "takes_wanted", False):
        return rule(full, *node.inputs, wanted=[x in wanted for x in node.inputs], **node.attrs)
    return rule(full, *node.inputs, node.outputs, **node.attrs)


def decomposed(node: Node, arrived: Sequence[Tensor | None]) -> list[Any]:
    """The gradient of a fused primitive without a rule of its own: that of its decomposition."""
    outputs = node.primitive.decomposition(*node.inputs, **node.attrs)
    outputs = (outputs,) if node.primitive.single else outputs
    once = list(dict.fromkeys(node.inputs))
    found = dict(zip(once, backward(outputs, arrived, once)))
    return [found.pop(x, None) for x in node.inputs]


def unbroadcast(g: Tensor, shape: shapes.Shape) -> Tensor:
    """A cotangent summed over the axes along which its value had been repeated."""
    if g.type.shape == shape:
        return g
    lead = len(g.type.shape) - len(shape)
    kept = tuple(i + lead for i, d in enumerate(shape) if d == 1 and g.type.shape[i + lead] != 1)
    axes = tuple(range(lead)) + kept
    return reshape(reduce_sum(g, axes=axes), shape=shape) if axes else g


def zeros_like(x: Tensor) -> Tensor:
    return as_tensor(broadcast_to(as_tensor(np.zeros((), dtypes.to_numpy(x.dtype))), shape=x.type.shape))
