"""Gradients of branches and loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.control_flow import union
from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.ir.trace import Trace, extend
from amalthea.engine.passes.gradient import backward, zeros_like
from amalthea.engine.passes.patterns import made_by
from amalthea.engine.primitives import control
from amalthea.engine.primitives.elementwise import add, cast
from amalthea.engine.primitives.matmul import matmul
from amalthea.engine.primitives.movement import reshape
from amalthea.errors import BackendError


def _cond_gradient(node: Node, arrived: Sequence[Tensor | None]) -> list[Any]:
    """A branch on the same predicate, each side the gradient of its own branch, computed anew."""
    predicate, operands = node.inputs[0], node.inputs[1:]
    cotangents = [g if g is not None else zeros_like(out) for g, out in zip(arrived, node.outputs)]
    branches = []
    for graph in (node.attrs["true_graph"], node.attrs["false_graph"]):
        with Trace(current_trace() or Trace(), "the gradient of cond") as scope:
            gs = [Tensor(g.type) for g in cotangents]
            grads = backward(graph.outputs, gs, graph.inputs)
        also = {id(n.scope): n.scope for n in graph.nodes}.values()
        held = graph_of_trace([*gs, *graph.inputs], grads, scope, also=list(also))
        branches.append(Graph(held.inputs, held.outputs, captured=held.captured, nodes=held.nodes))
    captured, _ = union(*branches)
    yes, no = (Graph([*captured, *b.inputs], b.outputs, nodes=b.nodes) for b in branches)
    return [None, *control.cond(predicate, *captured, *cotangents, *operands, true_graph=yes, false_graph=no)]


def _scan_gradient(node: Node, arrived: Sequence[Tensor | None]) -> list[Any]:
    """A scan the other way round. What the forward body computed and the gradient needs is kept, not redone.

    Of an operand that every step uses, the gradients of all steps are added up: as one more carried value, or, where
    each is a matrix product over the rows of a batch, as one product over the rows of all steps, after the scan.
    """
    attrs = node.attrs
    body, n_fixed, n_carry = attrs["body"], attrs["captures"], attrs["carries"]
    fixed, carry = body.inputs[:n_fixed], body.inputs[n_fixed : n_fixed + n_carry]
    elements = body.inputs[n_fixed + n_carry :]
    by_fixed = [x for x in fixed if dtypes.is_float(x.dtype)]
    cotangents = [g if g is not None else zeros_like(out) for g, out in zip(arrived, node.outputs)]
    with Trace(current_trace() or Trace(), "the gradient of scan") as scope:
        g_carry = [Tensor(x.type) for x in carry]
        g_outputs = [Tensor(x.type) for x in body.outputs[n_carry:]]
        grads = backward(body.outputs, [*g_carry, *g_outputs], [*by_fixed, *carry, *elements])
        factors = {x: _factors(g) for x, g in zip(by_fixed, grads)}
        summed = [(x, g) for x, g in zip(by_fixed, grads) if factors[x] is None]
        sums = [Tensor(Type(x.type.shape, dtypes.accumulator(x.dtype))) for x, _ in summed]
        totals = [add(total, _cast(g, total.dtype)) for total, (_, g) in zip(sums, summed)]
        n = len(by_fixed)
        results = [*grads[n : n + n_carry], *totals, *grads[n + n_carry :]]
        inside = {x for n in body.nodes for x in n.outputs} | {*carry, *elements}
        later = [x for pair in factors.values() for x in pair or ()]
        given = inside | set(grads[n + n_carry :])
        results += dict.fromkeys(x for x in later if x not in given)
    held = graph_of_trace([*g_carry, *sums, *g_outputs], results, scope)
    kept = _keep(node, [*held.captured, *(x for x in later if x in inside)], fixed, carry, elements)
    outside = [x for x in held.captured if x not in kept]
    read = {x: kept[x] for x in held.captured if x in kept}
    inner = Graph([*outside, *held.inputs, *read], held.outputs, captured=outside, nodes=held.nodes)
    final = control.scan(
        *outside,
        *cotangents[:n_carry],
        *(zeros_like(total) for total in sums),
        *cotangents[n_carry:],
        *read.values(),
        body=inner,
        captures=len(outside),
        carries=n_carry + len(summed),
        length=attrs["length"],
        reverse=not attrs["reverse"],
    )
    first = n_carry + len(summed)
    sums_of = {x: _cast(total, x.dtype) for (x, _), total in zip(summed, final[n_carry:first])}
    stacked = {**dict(zip(held.outputs[first:], final[first:])), **kept}
    for x, pair in factors.items():
        if pair is not None:
            sums_of[x] = matmul(*(_rows(stacked[factor]) for factor in pair), transpose_x=True, transpose_y=False)
    return [*(sums_of.get(x) for x in fixed), *final[:n_carry], *final[first : first + len(elements)]]


def _cast(x: Any, dtype: str) -> Any:
    return x if x.dtype == dtype else cast(x, dtype=dtype)


def _factors(g: Tensor) -> tuple[Tensor, Tensor] | None:
    """The two matrices whose product over their rows a gradient is."""
    node = made_by(g, matmul)
    if node is None or node.attrs != {"transpose_x": True, "transpose_y": False}:
        return None
    x, y = node.inputs
    computed = x.value is None and y.value is None
    return (x, y) if computed and len(x.type.shape) == len(y.type.shape) == 2 else None


def _rows(stacked: Tensor) -> Tensor:
    """The rows of all steps, one after the other."""
    steps, rows, columns = stacked.type.shape
    return reshape(stacked, shape=(steps * rows, columns))


def _keep(node: Node, used: Sequence[Tensor], fixed, carry, elements) -> dict[Tensor, Tensor]:
    """For each value of a scan's body that its gradient uses, the tensor that holds it for all steps.

    A scan that does not give the value yet is extended by one that does.
    """
    attrs = node.attrs
    body, n_carry = attrs["body"], attrs["carries"]
    within = {x for n in body.nodes for x in n.outputs} | set(carry)
    kept = dict(zip(elements, node.inputs[attrs["captures"] + n_carry :]))
    stacked = dict(zip(body.outputs[n_carry:], node.outputs[n_carry:]))
    missing = [x for x in used if x in within and x not in stacked]
    if missing:
        longer = Graph(body.inputs, [*body.outputs, *missing], captured=body.captured, nodes=body.nodes)
        extended = extend(node, node.primitive, {**attrs, "body": longer})
        stacked.update(zip(missing, extended.outputs[len(node.outputs) :]))
    kept.update((x, stacked[x]) for x in used if x in within)
    return {x: kept[x] for x in used if x in kept}


def _no_gradient(node: Node, arrived: Sequence[Tensor | None]) -> list[Any]:
    raise BackendError(
        "while_loop has no gradient: nobody knows how many steps to go back.",
        cure="ops.fori_loop or ops.scan, whose length is known",
    )


for _row, _rule in ((control.cond, _cond_gradient), (control.scan, _scan_gradient), (control.while_loop, _no_gradient)):
    _rule.takes_node = True  # type: ignore[attr-defined]
    _row.gradient = _rule
