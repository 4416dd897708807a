"""Reverse-mode differentiation: adds the nodes of the gradient to a graph, in primitives.

:func:`backward` walks once over the nodes between outputs and ``wrt``, in reverse order, and calls each primitive's
gradient rule; broadcasting is undone here and nowhere else. Rules are written in primitives, so gradients can be
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


def backward(outputs: Sequence[Tensor], cotangents: Sequence[Any], wrt: Sequence[Tensor]) -> list[Tensor]:
    """Return the cotangents of ``wrt``, given those of the outputs (None for an output without one)."""
    nodes = _dependent_nodes(outputs, wrt)
    cotangent_of: dict[Tensor, Tensor] = {}
    for output, cotangent in zip(outputs, cotangents):
        if cotangent is not None:
            _accumulate(cotangent_of, output, as_tensor(cotangent))
    wanted = {out for node in nodes for out in node.outputs} | set(wrt)
    for node in reversed(nodes):
        given = [cotangent_of.get(out) for out in node.outputs]
        if all(g is None for g in given):
            continue
        for x, g in zip(node.inputs, _input_cotangents(node, given, wanted)):
            if g is not None and x in wanted and dtypes.is_differentiable(x.dtype):
                _accumulate(cotangent_of, x, unbroadcast(as_tensor(g), x.type.shape))
    return [cotangent_of[x] if x in cotangent_of else zeros_like(x) for x in wrt]


def _dependent_nodes(outputs: Sequence[Tensor], wrt: Sequence[Tensor]) -> list[Node]:
    """Return the nodes that compute the outputs and depend on ``wrt``, in topological order."""
    order, _ = reachable_nodes(outputs, set(wrt))
    depends = set(wrt)
    nodes = []
    for node in order:
        if any(x in depends for x in node.inputs):
            nodes.append(node)
            depends.update(node.outputs)
    return nodes


def _accumulate(cotangent_of: dict[Tensor, Tensor], to: Tensor, cotangent: Tensor) -> None:
    cotangent_of[to] = add(cotangent_of[to], cotangent) if to in cotangent_of else cotangent


def _input_cotangents(node: Node, cotangents: list[Tensor | None], wanted: set[Tensor]) -> Sequence[Any]:
    """Return the cotangents of a node's inputs by its gradient rule."""
    primitive = node.primitive
    rule: Any = primitive.gradient or (decomposition_gradient if primitive.decomposition else None)
    if rule is None:
        if not any(dtypes.is_differentiable(out.dtype) for out in node.outputs) or primitive.family.elementwise:
            return [None] * len(node.inputs)
        raise BackendError(f"The primitive '{primitive.name}' has no gradient.", cure="ops.stop_gradient(x) around it")
    if rule is decomposition_gradient or getattr(rule, "takes_node", False):
        return rule(node, cotangents)
    if primitive.single:
        return rule(cotangents[0], *node.inputs, node.outputs[0], **node.attrs)
    full = [zeros_like(out) if g is None else g for g, out in zip(cotangents, node.outputs)]
    if getattr(rule, "takes_wanted", False):
        return rule(full, *node.inputs, wanted=[x in wanted for x in node.inputs], **node.attrs)
    return rule(full, *node.inputs, node.outputs, **node.attrs)


def decomposition_gradient(node: Node, cotangents: Sequence[Tensor | None]) -> list[Any]:
    """Differentiate a composite primitive without a gradient rule through its decomposition."""
    outputs = node.primitive.decomposition(*node.inputs, **node.attrs)
    outputs = (outputs,) if node.primitive.single else outputs
    once = list(dict.fromkeys(node.inputs))
    found = dict(zip(once, backward(outputs, cotangents, once)))
    return [found.pop(x, None) for x in node.inputs]


def unbroadcast(g: Tensor, shape: shapes.Shape) -> Tensor:
    """Sum a cotangent over the axes along which its value was broadcast."""
    if g.type.shape == shape:
        return g
    lead = len(g.type.shape) - len(shape)
    kept = tuple(i + lead for i, d in enumerate(shape) if d == 1 and g.type.shape[i + lead] != 1)
    axes = tuple(range(lead)) + kept
    return reshape(reduce_sum(g, axes=axes), shape=shape) if axes else g


def zeros_like(x: Tensor) -> Tensor:
    return as_tensor(broadcast_to(as_tensor(np.zeros((), dtypes.to_numpy(x.dtype))), shape=x.type.shape))
