"""Statements that share saved values: both gradients of a convolution, and a max pool with its gradient.

The saved value is an extra variable of the generated code, without a type in the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from amalthea.engine.backends.torch.statements import Name, Statement
from amalthea.engine.backends.torch.windows import conv_gradients, max_pool_and_indices, max_pool_gradient_at
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.primitives import windows

_SLIDING = ("strides", "padding", "dilation", "groups", "data_format")


def share_saved_values(statements: Sequence[Statement]) -> list[Statement]:
    """Merge both gradients of each convolution, and let each max pool pass its indices to its gradient."""
    return _pools(_convolutions(statements))


def saved_value() -> Tensor:
    """Return a placeholder tensor for a value that one statement passes to another."""
    return Tensor(Type((), "bool"))


def call(outputs: Sequence[Tensor], inputs: Sequence[Tensor], label: str, function: Any, **attrs: Any) -> Statement:
    """Return a statement that calls a function with its attributes bound."""
    bound = partial(function, **attrs)
    single = len(outputs) == 1

    def render(names: Sequence[str], name: Name) -> str:
        return f"{name(label, bound)}({', '.join(names)})"

    return Statement(outputs, inputs, render, single=single)


def _convolutions(statements: Sequence[Statement]) -> list[Statement]:
    """Compute both gradients of a convolution in one call, at the position of the first."""
    result: list[Statement | None] = list(statements)
    made = {x: i for i, statement in enumerate(statements) for x in statement.outputs}
    found: dict[Any, int] = {}
    for i, statement in enumerate(statements):
        key = _gradient_of(statement.node)
        other = found.pop(key, None) if key is not None else None
        if other is None:
            found[key] = i
            continue
        by_x, by_kernel = sorted((statements[other], statement), key=lambda one: one.node.primitive.name)  # type: ignore[union-attr]
        inputs = [*by_x.inputs, by_kernel.inputs[0]]
        if all(made.get(x, -1) < other for x in inputs):
            attrs = {name: by_x.node.attrs[name] for name in _SLIDING}  # type: ignore[union-attr]
            outputs = [*by_x.outputs, *by_kernel.outputs]
            result[other], result[i] = call(outputs, inputs, "conv_gradients", conv_gradients, **attrs), None
    return [statement for statement in result if statement is not None]


def _gradient_of(node: Node | None) -> Any:
    """Return a key that is equal for two gradients of the same convolution, or None."""
    if node is None or node.primitive not in (windows.conv_input_gradient, windows.conv_kernel_gradient):
        return None
    by_x = node.primitive is windows.conv_input_gradient
    g, shape = (node.inputs[0], node.inputs[1].type.shape) if by_x else (node.inputs[1], node.attrs["kernel_shape"])
    x_shape = node.attrs["shape"] if by_x else node.inputs[0].type.shape
    return (id(g), tuple(shape), tuple(x_shape), *(node.attrs[name] for name in _SLIDING))


def _pools(statements: list[Statement]) -> list[Statement]:
    """Let a max pool pass the indices of the largest elements to its gradient."""
    made = {x: i for i, statement in enumerate(statements) for x in statement.outputs}
    for i, statement in enumerate(statements):
        node = statement.node
        if node is None or node.primitive is not windows.max_pool_gradient:
            continue
        g, x, out = node.inputs
        first = made.get(out)
        if first is None or not _is_pool_of(statements[first].node, x, node.attrs):
            continue
        indices = saved_value()
        statements[first] = call([out, indices], [x], "max_pool_and_indices", max_pool_and_indices, **node.attrs)
        statements[i] = call(node.outputs, [g, indices], "max_pool_gradient_at", max_pool_gradient_at, **node.attrs)
    return statements


def _is_pool_of(node: Node | None, x: Tensor, attrs: dict[str, Any]) -> bool:
    """True if a node is the 2D max pool of a gradient with these attributes."""
    is_flat = node is not None and node.primitive is windows.max_pool and len(attrs["window"]) == 2
    return is_flat and node.inputs[0] is x and node.attrs == attrs  # type: ignore[union-attr]
