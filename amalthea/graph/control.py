"""Branches and loops: how Python functions become held graphs, and how those are differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea import dtypes
from amalthea.graph.gradient import backward, zeros_like
from amalthea.graph.graph import Graph, collect
from amalthea.primitives import control
from amalthea.primitives.contracting import matmul
from amalthea.primitives.elementwise import add, cast
from amalthea.primitives.moving import reshape
from amalthea.tensor import Node, Tensor, Trace, Type, as_tensor, current_trace, trace


def hold(function: Callable[..., Sequence[Any]], types: Sequence[Type], inside: str) -> Graph:
    """The graph of a function of tensors, with whatever it uses from outside as captured inputs, first."""
    outer = current_trace() or Trace()
    inputs = [Tensor(t) for t in types]
    outputs, scope = trace(function, inputs, parent=outer, inside=inside)
    if current_trace() is None:  # eager: what the body read of variables is known, and so is the graph's
        for variable, tensor in outer.reads.items():
            tensor.value = variable.value
    graph = collect(inputs, [as_tensor(x) for x in outputs], scope)
    return _with_operands(graph, graph.captured)


def _with_operands(graph: Graph, captured: Sequence[Tensor]) -> Graph:
    own = [x for x in graph.inputs if x not in set(graph.captured)]
    return Graph([*captured, *own], graph.outputs, captured=list(captured), nodes=graph.nodes)


def _union(*graphs: Graph) -> tuple[list[Tensor], list[Graph]]:
    """All that the graphs captured, and the graphs taking all of it."""
    captured = list(dict.fromkeys(x for graph in graphs for x in graph.captured))
    return captured, [_with_operands(graph, captured) for graph in graphs]


def cond(predicate: Any, true_function: Callable[[], Sequence[Any]], false_function: Callable[[], Sequence[Any]]):
    """One branch or the other; both return sequences of the same types."""
    graphs = [hold(f, (), "a branch of cond") for f in (true_function, false_function)]
    captured, (yes, no) = _union(*graphs)
    return control.cond(predicate, *captured, true_graph=yes, false_graph=no)


def while_loop(condition: Callable[..., Any], body: Callable[..., Sequence[Any]], carry: Sequence[Any]):
    """``body`` run on the carried values while ``condition`` of them holds."""
    types = [as_tensor(x).type for x in carry]
    test = hold(lambda *xs: [condition(*xs)], types, "the condition of while_loop")
    captured, (test, step) = _union(test, hold(body, types, "the body of while_loop"))
    return control.while_loop(*captured, *carry, condition=test, body=step, captures=len(captured))


def scan(
    body: Callable[..., Sequence[Any]], carry: Sequence[Any], sequences: Sequence[Any], length: Any, reverse: bool
):
    """``body(*carry, *elements) -> (*carry, *outputs)``, once for each of ``length`` elements of the sequences."""
    carry, sequences = [as_tensor(x) for x in carry], [as_tensor(x) for x in sequences]
    elements = [Type(x.type.shape[1:], x.dtype) for x in sequences]
    held = hold(body, [*(x.type for x in carry), *elements], "the body of scan")
    operands = [*held.captured, *carry, *sequences]
    operands = [x.value if x.value is not None else x for x in operands]
    return control.scan(
        *operands, body=held, captures=len(held.captured), carries=len(carry), length=length, reverse=reverse
    )


# -------------------------------------------------------------------------------------------- gradients


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
        held = collect([*gs, *graph.inputs], grads, scope, also=list(also))
        branches.append(Graph(held.inputs, held.outputs, captured=held.captured, nodes=held.nodes))
    captured, _ = _union(*branches)
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
    held = collect([*g_carry, *sums, *g_outputs], results, scope)
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
    node = g.node
    if node is None or node.primitive is not matmul or node.attrs != {"transpose_x": True, "transpose_y": False}:
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

    The scan is asked for further outputs where it does not give the value yet.
    """
    attrs = node.attrs
    body, n_carry = attrs["body"], attrs["carries"]
    within = {x for n in body.nodes for x in n.outputs} | set(carry)
    kept = dict(zip(elements, node.inputs[attrs["captures"] + n_carry :]))
    stacked = dict(zip(body.outputs[n_carry:], node.outputs[n_carry:]))
    missing = [x for x in used if x in within and x not in stacked]
    if missing:
        longer = Graph(body.inputs, [*body.outputs, *missing], captured=body.captured, nodes=body.nodes)
        node.attrs = {**attrs, "body": longer}
        new = node.add_outputs([Type((attrs["length"], *x.type.shape), x.dtype) for x in missing])
        stacked.update(zip(missing, new))
    kept.update((x, stacked[x]) for x in used if x in within)
    return {x: kept[x] for x in used if x in kept}


def _no_gradient(node: Node, arrived: Sequence[Tensor | None]) -> list[Any]:
    from amalthea.errors import BackendError

    raise BackendError(
        "while_loop has no gradient: nobody knows how many steps to go back.",
        cure="ops.fori_loop or ops.scan, whose length is known",
    )


for _row, _rule in ((control.cond, _cond_gradient), (control.scan, _scan_gradient), (control.while_loop, _no_gradient)):
    _rule.takes_node = True  # type: ignore[attr-defined]
    _row.gradient = _rule
