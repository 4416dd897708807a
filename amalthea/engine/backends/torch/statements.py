"""Statements: the Python code of one primitive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from amalthea.engine.backends.torch import onednn
from amalthea.engine.backends.torch.arrays import NAMES
from amalthea.engine.backends.torch.lowerings import LOWERINGS, is_unsigned, run_widened
from amalthea.engine.backends.torch.prepacking import PACK_KERNEL, PREPACKED_LOWERINGS
from amalthea.engine.backends.torch.rnn import CONTIGUOUS
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.engine.primitives import bits, collectives, control, indexing, matmul, movement, reductions
from amalthea.engine.primitives import elementwise as p

Name = Callable[[str, Any], str]  # puts a value into the code's globals, and returns its name there

# Primitives whose result may share memory with an operand.
VIEWS = {
    movement.reshape, movement.transpose, movement.broadcast_to, movement.slice, movement.dynamic_slice, movement.pad,
    p.cast, bits.bitcast,
    control.native_call, control.barrier, control.identity, control.stop_gradient, control.with_gradient,
    control.cond, control.while_loop, control.scan, indexing.gather, collectives.exchange,
    reductions.reduce_sum, reductions.reduce_max, reductions.reduce_min, reductions.reduce_prod,
    CONTIGUOUS, PACK_KERNEL,
}  # fmt: skip
_OPERATORS = {
    p.add: "+", p.subtract: "-", p.multiply: "*", p.divide: "/", p.equal: "==", p.less: "<", p.less_equal: "<=",
    p.greater: ">", p.greater_equal: ">=",
}  # fmt: skip
_IN_PLACE = {
    p.negative: "neg_", p.exp: "exp_", p.log: "log_", p.sqrt: "sqrt_", p.rsqrt: "rsqrt_", p.square: "square_",
    p.reciprocal: "reciprocal_", p.tanh: "tanh_", p.sigmoid: "sigmoid_", p.relu: "relu_", p.absolute: "abs_",
    p.add: "add_", p.subtract: "sub_", p.multiply: "mul_", p.divide: "div_",
}  # fmt: skip
_COMMUTATIVE = (p.add, p.multiply)


@dataclass(eq=False)
class Statement:
    """One assignment of the generated code.

    Args:
        outputs, inputs: the tensors.
        render: ``(names of the inputs, name) -> expression``.
        render_in_place: ``(position, names, name) -> expression`` that writes into the input at that position.
        reusable: positions of the inputs that it can write into.
        all_reusable: bool; True if it writes into all of these, one per output, or into none.
        views: bool; True if the result may share memory with an input.
        single: bool; True if the expression is one value, not a tuple.
        node: the node that it computes, if it is one node.
    """

    outputs: Sequence[Tensor]
    inputs: Sequence[Tensor]
    render: Callable[[Sequence[str], Name], str]
    render_in_place: Callable[[int, Sequence[str], Name], str] = lambda position, names, name: ""
    reusable: Sequence[int] = ()
    all_reusable: bool = False
    views: bool = False
    single: bool = True
    node: Node | None = None


def statement_of(node: Node, subgraph: Callable[[Graph], Any]) -> Statement:
    """Return the statement of one node; ``subgraph`` compiles a subgraph to a function."""
    primitive = node.primitive
    if any(isinstance(value, Graph) for value in node.attrs.values()):
        attrs = {k: subgraph(v) if isinstance(v, Graph) else v for k, v in node.attrs.items()}
        if primitive is control.scan:
            attrs["types"] = [x.type for x in node.attrs["body"].outputs]
        return _call(node, partial(LOWERINGS[primitive], **attrs), views=True, attrs={})
    if any(is_unsigned(x.dtype) for x in (*node.inputs, *node.outputs)):
        return _call(node, partial(run_widened, primitive), views=True)
    numbered = _scalar_operand(node)
    if primitive in _OPERATORS and numbered is not None:
        return _with_scalar(node, *numbered)
    if primitive in _RENDERED:
        return Statement(
            node.outputs, node.inputs, partial(_RENDERED[primitive], node), views=primitive in VIEWS, node=node
        )
    statement = _call(node, PREPACKED_LOWERINGS.get(primitive) or LOWERINGS[primitive], views=primitive in VIEWS)
    if primitive is p.relu_gradient:
        statement.reusable, statement.render_in_place = (0,), _relu_gradient_in_place
    elif primitive in _IN_PLACE:
        statement.reusable = range(len(node.inputs)) if primitive in _COMMUTATIVE else (0,)
        statement.render_in_place = partial(_in_place_call, _IN_PLACE[primitive])
    return statement


def _call(node: Node, function: Any, views: bool, attrs: dict[str, Any] | None = None) -> Statement:
    """A call of the lowering, its attributes bound."""
    attrs = node.attrs if attrs is None else attrs
    bound = partial(function, **attrs) if attrs else function
    label = node.primitive.name

    def render(names: Sequence[str], name: Name) -> str:
        return f"{name(label, bound)}({', '.join(names)})"

    return Statement(node.outputs, node.inputs, render, views=views, single=node.primitive.single, node=node)


def _in_place_call(method: str, position: int, names: Sequence[str], name: Name) -> str:
    others = [x for i, x in enumerate(names) if i != position]
    return f"{names[position]}.{method}({', '.join(others)})"


def _relu_gradient_in_place(position: int, names: Sequence[str], name: Name) -> str:
    function = name("relu_gradient_", torch.ops.aten.threshold_backward.grad_input)
    return f"{function}({names[0]}, {names[1]}, 0, grad_input={names[0]})"


def scalar_literal(x: Tensor) -> str | None:
    """Return a scalar constant as Python source; None for anything else."""
    if x.value is None or np.shape(x.value) != () or not (x.dtype.startswith("int") or x.dtype in _FLOATS):
        return None
    value = on_host(x.value).item()
    return repr(value) if np.isfinite(value) else None


_FLOATS = ("float32", "float64")


def _scalar_operand(node: Node) -> tuple[int, str] | None:
    """Return the position and the source of a scalar operand, if exactly one of two operands is a scalar constant."""
    if len(node.inputs) != 2:
        return None
    texts = [scalar_literal(x) for x in node.inputs]
    if (texts[0] is None) == (texts[1] is None):
        return None
    position = 0 if texts[0] is not None else 1
    return position, texts[position]  # type: ignore[return-value]


def _with_scalar(node: Node, position: int, text: str) -> Statement:
    """A statement of an operator between a tensor and a scalar."""
    primitive, x = node.primitive, node.inputs[1 - position]

    def render(names: Sequence[str], name: Name) -> str:
        pair = [text, names[0]] if position == 0 else [names[0], text]
        return f" {_OPERATORS[primitive]} ".join(pair)

    statement = Statement(node.outputs, [x], render, node=node)
    if primitive in _IN_PLACE and (position == 1 or primitive in _COMMUTATIVE):
        statement.reusable = (0,)
        statement.render_in_place = lambda _, names, name: f"{names[0]}.{_IN_PLACE[primitive]}({text})"
    return statement


def _matmul(node: Node, names: Sequence[str], name: Name) -> str:
    by_onednn = onednn.render_product(node, names, name)
    return by_onednn or f"{name('matmul', torch.matmul)}({', '.join(transposed(node, names))})"


def transposed(node: Node, names: Sequence[str]) -> list[str]:
    """Return the source of the factors of a matrix product, transposed where needed."""
    flags = (node.attrs["transpose_x"], node.attrs["transpose_y"])
    return [f"{x}.mT" if flag else x for x, flag in zip(names, flags)]


def _reshape(node: Node, names: Sequence[str], name: Name) -> str:
    return f"{names[0]}.reshape({tuple(node.attrs['shape'])})"


def _transpose(node: Node, names: Sequence[str], name: Name) -> str:
    return f"{names[0]}.permute({tuple(node.attrs['axes'])})"


def _broadcast(node: Node, names: Sequence[str], name: Name) -> str:
    return f"{names[0]}.expand({tuple(node.attrs['shape'])})"


def _cast(node: Node, names: Sequence[str], name: Name) -> str:
    return f"{names[0]}.to({name(node.attrs['dtype'], NAMES[node.attrs['dtype']])})"


_RENDERED = {
    matmul.matmul: _matmul,
    movement.reshape: _reshape,
    movement.transpose: _transpose,
    movement.broadcast_to: _broadcast,
    p.cast: _cast,
}
