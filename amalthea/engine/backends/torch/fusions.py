"""Fusion: patterns of several statements for which PyTorch has one kernel, with less memory traffic.

A pattern starts at its last node, and includes earlier nodes whose results are not used elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import torch

from amalthea.engine.backends.torch import onednn
from amalthea.engine.backends.torch.lowerings import adam_
from amalthea.engine.backends.torch.statements import Name, Statement, scalar_literal, transposed
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.passes.patterns import made_by
from amalthea.engine.primitives import composite, matmul, movement
from amalthea.engine.primitives import elementwise as p


def fuse_statements(statements: Sequence[Statement], uses: Counter[Tensor]) -> list[Statement]:
    """Replace every pattern by one statement, from the last statement to the first."""
    taken: set[Node] = set()
    result: list[Statement] = []
    for statement in reversed(statements):
        if statement.node in taken and statement.node is not None:
            continue
        found = _find(statement.node, uses) if statement.node is not None else None
        if found is None:
            result.append(statement)
        else:
            new, absorbed = found
            taken.update(absorbed)
            result.append(new)
    return _merge_adam(result[::-1])


def _merge_adam(statements: list[Statement]) -> list[Statement]:
    """Merge all Adam updates that share a step size into one call, at the position of the last one.

    An update whose new value or moments are used by another statement is not merged.
    """
    groups: dict[Any, list[Statement]] = {}
    used = {x for statement in statements for x in statement.inputs}
    for statement in statements:
        node = statement.node
        whole = node is not None and node.primitive is composite.adam and node.inputs[0].dtype in ("float32", "float64")
        if node is not None and whole and not any(x in used for x in node.outputs):
            alike = (node.inputs[4], node.inputs[0].dtype, *sorted(node.attrs.items()))
            groups.setdefault(alike, []).append(statement)
    for group in groups.values():
        nodes = [statement.node for statement in group if statement.node is not None]
        position = statements.index(group[-1])
        statements[position] = _adam(nodes)
        statements = [statement for statement in statements if statement not in group[:-1]]
    return statements


def _adam(nodes: Sequence[Node]) -> Statement:
    count, shares = len(nodes), partial(adam_, **nodes[0].attrs)
    columns = [[node.inputs[i] for node in nodes] for i in range(4)]
    inputs = [x for column in columns for x in column] + [nodes[0].inputs[4]]
    outputs = [node.outputs[i] for i in range(3) for node in nodes]

    def call(names: Sequence[str], name: Name, end: str) -> str:
        groups = [names[i * count : (i + 1) * count] for i in range(4)]
        kept = [f"[{', '.join(x + (end if i != 1 else '') for x in group)}]" for i, group in enumerate(groups)]
        return f"{name('adam_', shares)}({', '.join(kept)}, {names[-1]})"

    statement = Statement(outputs, inputs, lambda names, name: call(names, name, ".clone()"), single=False)
    statement.reusable = [*range(count), *range(2 * count, 4 * count)]
    statement.all_reusable = True
    statement.render_in_place = lambda _, names, name: call(names, name, "")
    return statement


def _find(node: Node, uses: Counter[Tensor]) -> tuple[Statement, list[Node]] | None:
    if node.primitive not in (p.add, p.subtract):
        return None
    for pattern in (_addmm, _scaled_add):
        found = pattern(node, uses)
        if found is not None:
            return found
    return None


def _made_by(x: Tensor, primitive: object, uses: Counter[Tensor]) -> Node | None:
    """Return the node of that primitive which computes a tensor, if the tensor is used only once."""
    return made_by(x, primitive) if uses[x] == 1 else None


def _addmm(node: Node, uses: Counter[Tensor]) -> tuple[Statement, list[Node]] | None:
    """A matrix product plus a bias; a reshape may stand between them."""
    if node.primitive is not p.add:
        return None
    out = node.outputs[0]
    for position in (0, 1):
        bias, reshaped = node.inputs[1 - position], _made_by(node.inputs[position], movement.reshape, uses)
        product = _made_by(reshaped.inputs[0] if reshaped else node.inputs[position], matmul.matmul, uses)
        if product is None or any(len(x.type.shape) != 2 for x in product.inputs) or bias.type.shape == ():
            continue
        shape, columns = out.type.shape, product.outputs[0].type.shape[1]
        if bias.type.shape != shape[-len(bias.type.shape) :] or prod(bias.type.shape) != columns:
            continue
        statement = Statement(node.outputs, [bias, *product.inputs], partial(_render_addmm, node, product))
        return statement, [product, reshaped] if reshaped else [product]
    return None


def _render_addmm(node: Node, product: Node, names: Sequence[str], name: Name) -> str:
    bias, *factors = names
    wide = len(product.outputs[0].type.shape) != len(node.outputs[0].type.shape)
    text = onednn.render_product(product, factors, name, bias)
    if text is None:
        bias = f"{bias}.reshape(-1)" if wide else bias
        text = f"{name('addmm', torch.addmm)}({bias}, {', '.join(transposed(product, factors))})"
    return f"{text}.reshape({tuple(node.outputs[0].type.shape)})" if wide else text


def _scaled_add(node: Node, uses: Counter[Tensor]) -> tuple[Statement, list[Node]] | None:
    """``x + y * 0.1``, ``x - y * z``, ``x + y / z`` and similar, on tensors of one shape."""
    sign = "" if node.primitive is p.add else "-"
    for position in (1, 0) if node.primitive is p.add else (1,):
        x, term = node.inputs[1 - position], node.inputs[position]
        whole = x.type == term.type == node.outputs[0].type and x.value is None and x.dtype.startswith("float")
        if not whole:
            continue
        factor, others, absorbed = _factored(term, uses)
        if not absorbed:
            continue
        if len(others) == 1:
            return _fused_call("add", [x, *others], f", alpha={sign}{factor}", node), absorbed
        method = "addcdiv" if absorbed[-1].primitive is p.divide else "addcmul"
        return _fused_call(method, [x, *others], f", value={sign}{factor}", node), absorbed
    return None


def _factored(term: Tensor, uses: Counter[Tensor]) -> tuple[str, list[Tensor], list[Node]]:
    """Split a term into a constant factor, the tensors that it multiplies or divides, and the nodes absorbed."""
    scaled, absorbed, factor = _made_by(term, p.multiply, uses), [], "1.0"
    if scaled is not None:
        numbers = [scalar_literal(x) for x in scaled.inputs]
        if (numbers[0] is None) != (numbers[1] is None):
            position = 0 if numbers[0] is not None else 1
            factor, term, absorbed = str(numbers[position]), scaled.inputs[1 - position], [scaled]
    for primitive in (p.multiply, p.divide):
        pair = _made_by(term, primitive, uses)
        if pair is not None and all(v.type == term.type and v.value is None for v in pair.inputs):
            return factor, list(pair.inputs), [*absorbed, pair]
    square = _made_by(term, p.square, uses)
    if square is not None:
        return factor, [square.inputs[0]] * 2, [*absorbed, square]
    return factor, [term], absorbed


def _fused_call(method: str, inputs: list[Tensor], last: str, node: Node) -> Statement:
    """A statement ``torch.method(x, *others, last)``, which can run in the memory of ``x``."""

    def render(names: Sequence[str], name: Name) -> str:
        return f"{name(method, getattr(torch, method))}({', '.join(names)}{last})"

    statement = Statement(node.outputs, inputs, render)
    statement.reusable = (0,)
    statement.render_in_place = lambda _, names, name: f"{names[0]}.{method}_({', '.join(names[1:])}{last})"
    return statement
