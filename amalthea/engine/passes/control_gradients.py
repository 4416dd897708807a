"""Gradients of ``cond`` and ``scan``."""

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


def _cond_gradient(node: Node, cotangents: Sequence[Tensor | None]) -> list[Any]:
    """A ``cond`` on the same predicate; each branch recomputes its forward branch and differentiates it."""
    predicate, operands = node.inputs[0], node.inputs[1:]
    full = [g if g is not None else zeros_like(out) for g, out in zip(cotangents, node.outputs)]
    branches = []
    for graph in (node.attrs["true_graph"], node.attrs["false_graph"]):
        with Trace(current_trace() or Trace(), "the gradient of cond") as scope:
            gs = [Tensor(g.type) for g in full]
            grads = backward(graph.outputs, gs, graph.inputs)
        also = {id(n.scope): n.scope for n in graph.nodes}.values()
        inner = graph_of_trace([*gs, *graph.inputs], grads, scope, also=list(also))
        branches.append(Graph(inner.inputs, inner.outputs, captured=inner.captured, nodes=inner.nodes))
    captured, _ = union(*branches)
    yes, no = (Graph([*captured, *b.inputs], b.outputs, nodes=b.nodes) for b in branches)
    return [None, *control.cond(predicate, *captured, *full, *operands, true_graph=yes, false_graph=no)]


def _scan_gradient(node: Node, cotangents: Sequence[Tensor | None]) -> list[Any]:
    """A scan in the opposite direction. Intermediate values of the forward body are kept as stacked outputs.

    The gradients of an operand that every step uses (a weight) are summed over the steps: as one more carried value;
    or, if each is a matrix product over the rows of a batch, as one matrix product over the rows of all steps after the
    scan.
    """
    attrs = node.attrs
    body, n_fixed, n_carry = attrs["body"], attrs["captures"], attrs["carries"]
    fixed, carry = body.inputs[:n_fixed], body.inputs[n_fixed : n_fixed + n_carry]
    elements = body.inputs[n_fixed + n_carry :]
    by_fixed = [x for x in fixed if dtypes.is_differentiable(x.dtype)]
    full = [g if g is not None else zeros_like(out) for g, out in zip(cotangents, node.outputs)]
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
    inner = graph_of_trace([*g_carry, *sums, *g_outputs], results, scope)
    kept = _keep(node, [*inner.captured, *(x for x in later if x in inside)], fixed, carry, elements)
    outside = [x for x in inner.captured if x not in kept]
    read = {x: kept[x] for x in inner.captured if x in kept}
    inner = Graph([*outside, *inner.inputs, *read], inner.outputs, captured=outside, nodes=inner.nodes)
    final = control.scan(
        *outside,
        *full[:n_carry],
        *(zeros_like(total) for total in sums),
        *full[n_carry:],
        *read.values(),
        body=inner,
        captures=len(outside),
        carries=n_carry + len(summed),
        length=attrs["length"],
        reverse=not attrs["reverse"],
    )
    first = n_carry + len(summed)
    sums_of = {x: _cast(total, x.dtype) for (x, _), total in zip(summed, final[n_carry:first])}
    stacked = {**dict(zip(inner.outputs[first:], final[first:])), **kept}
    for x, pair in factors.items():
        if pair is not None:
            sums_of[x] = matmul(*(_rows(stacked[factor]) for factor in pair), transpose_x=True, transpose_y=False)
    return [*(sums_of.get(x) for x in fixed), *final[:n_carry], *final[first : first + len(elements)]]


def _cast(x: Any, dtype: str) -> Any:
    return x if x.dtype == dtype else cast(x, dtype=dtype)


def _factors(g: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return the two matrices whose product over their rows a gradient is, or None."""
    node = made_by(g, matmul)
    if node is None or node.attrs != {"transpose_x": True, "transpose_y": False}:
        return None
    x, y = node.inputs
    computed = x.value is None and y.value is None
    return (x, y) if computed and len(x.type.shape) == len(y.type.shape) == 2 else None


def _rows(stacked: Tensor) -> Tensor:
    """Merge the axes of steps and rows."""
    steps, rows, columns = stacked.type.shape
    return reshape(stacked, shape=(steps * rows, columns))


def _keep(node: Node, used: Sequence[Tensor], fixed, carry, elements) -> dict[Tensor, Tensor]:
    """Return, for each value of a scan's body that its gradient uses, the tensor that stacks it over all steps.

    If the scan does not output such a value yet, a longer scan that does is made (``Node.extends``).
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


def _no_gradient(node: Node, cotangents: Sequence[Tensor | None]) -> list[Any]:
    raise BackendError(
        "while_loop has no gradient: the number of its steps is unknown when it is compiled.",
        cure="ops.fori_loop or ops.scan, which have a fixed number of steps",
    )


for _row, _rule in ((control.cond, _cond_gradient), (control.scan, _scan_gradient), (control.while_loop, _no_gradient)):
    _rule.takes_node = True  # type: ignore[attr-defined]
    _row.gradient = _rule
