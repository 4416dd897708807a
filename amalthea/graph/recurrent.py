"""What recurrences consist of, and their gradients: one product for all steps, a scan, one product for all steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import shapes
from amalthea.graph.control import scan
from amalthea.graph.gradient import _decomposed, zeros_like  # pyright: ignore[reportPrivateUsage]
from amalthea.primitives.contracting import matmul
from amalthea.primitives.elementwise import add, multiply, sigmoid, square, subtract, tanh
from amalthea.primitives.moving import broadcast_to, concatenate, reshape, slice
from amalthea.primitives.recurrent import lstm, lstm_for_gradient, lstm_gradient
from amalthea.primitives.reducing import reduce_sum
from amalthea.tensor import Node, Tensor, on_host


def _rows(x: Any) -> Any:
    """The rows of all steps, one after the other."""
    return reshape(x, shape=(shapes.size(x.shape[:2]), x.shape[2]))


def _columns(x: Any, count: int) -> list[Any]:
    """A matrix in so many parts side by side."""
    width = x.shape[1] // count
    parts = ((k * width, (k + 1) * width) for k in range(count))
    return [slice(x, starts=(0, a), limits=(x.shape[0], b), strides=(1, 1)) for a, b in parts]


def _lstm_for_gradient(x, h0, c0, kernel, recurrent_kernel, bias, *, reverse, keeps=True):
    projected = add(matmul(_rows(x), kernel), bias)
    projected = reshape(projected, shape=(*x.shape[:2], projected.shape[1]))

    def step(h: Any, c: Any, row: Any) -> list[Any]:
        i, f, new, o = _columns(add(row, matmul(h, recurrent_kernel)), 4)
        i, f, new, o = sigmoid(i), sigmoid(f), tanh(new), sigmoid(o)
        c = add(multiply(f, c), multiply(i, new))
        h = multiply(o, tanh(c))
        return [h, c, h, *((c, i, f, new, o) if keeps else ())]

    h, c, outputs, *kept = scan(step, [h0, c0], [projected], x.shape[0], reverse)
    return outputs, h, c, *kept


def _lstm(*inputs, reverse):
    return _lstm_for_gradient(*inputs, reverse=reverse, keeps=False)


def _lstm_gradient(g_outputs, g_h, g_c, x, h0, c0, kernel, recurrent_kernel, outputs, cells, i, f, new, o, *, reverse):
    """What does not depend on the step before is computed for all steps at once."""
    h_before, c_before = _previous(outputs, h0, reverse), _previous(cells, c0, reverse)
    squashed = tanh(cells)
    slope = multiply(o, subtract(1.0, square(squashed)))
    slopes = concatenate(
        multiply(new, _sigmoid_slope(i)),
        multiply(c_before, _sigmoid_slope(f)),
        multiply(i, subtract(1.0, square(new))),
        multiply(squashed, _sigmoid_slope(o)),
        axis=2,
    )
    arriving = [] if is_zero(g_outputs) else [g_outputs]

    def step(g_h: Any, g_c: Any, slope: Any, slopes: Any, f: Any, *arrived: Any) -> list[Any]:
        g_h = add(g_h, *arrived) if arrived else g_h
        g_c = add(g_c, multiply(g_h, slope))
        g_gates = multiply(concatenate(g_c, g_c, g_c, g_h, axis=1), slopes)
        return [matmul(g_gates, recurrent_kernel, transpose_y=True), multiply(g_c, f), g_gates]

    g_h, g_c, g_gates = scan(step, [g_h, g_c], [slope, slopes, f, *arriving], x.shape[0], not reverse)
    rows = _rows(g_gates)
    by_x = reshape(matmul(rows, kernel, transpose_y=True), shape=x.shape)
    by_kernels = [matmul(_rows(v), rows, transpose_x=True) for v in (x, h_before)]
    return by_x, g_h, g_c, *by_kernels, reduce_sum(rows, axes=(0,))


def _sigmoid_slope(y: Any) -> Any:
    return multiply(y, subtract(1.0, y))


def _previous(states: Any, first: Any, reverse: bool) -> Any:
    """For each step the state before it."""
    steps, *rest = states.shape
    if steps == 0:
        return states
    starts, ends = ((1, 0, 0), (steps, *rest)) if reverse else ((0, 0, 0), (steps - 1, *rest))
    others = slice(states, starts=starts, limits=ends, strides=(1, 1, 1))
    first = reshape(first, shape=(1, *rest))
    return concatenate(*((others, first) if reverse else (first, others)), axis=0)


def is_zero(x: Any) -> bool:
    """Whether a tensor is known to hold nothing but zeros."""
    while isinstance(x, Tensor) and x.node is not None and x.node.primitive in (broadcast_to, reshape):
        x = x.node.inputs[0]
    value = x.value if isinstance(x, Tensor) else None
    return value is not None and not np.any(on_host(value))


def _gradient(node: Node, arrived: Sequence[Tensor | None]) -> Sequence[Any]:
    """The gradient by its own row; the recurrence is asked to keep what that needs."""
    if node.primitive is lstm:
        types = lstm_for_gradient.types([x.type for x in node.inputs], node.attrs)
        node.primitive = lstm_for_gradient
        node.add_outputs(types[len(node.outputs) :])
    if any(g is not None for g in arrived[3:]):
        return _decomposed(node, arrived)
    cotangents = [zeros_like(out) if g is None else g for g, out in zip(arrived[:3], node.outputs)]
    kept = node.outputs[0], *node.outputs[3:]
    return lstm_gradient(*cotangents, *node.inputs[:5], *kept, **node.attrs)


_gradient.takes_node = True  # type: ignore[attr-defined]
lstm.gradient = lstm_for_gradient.gradient = _gradient
lstm.decomposition, lstm_for_gradient.decomposition = _lstm, _lstm_for_gradient
lstm_gradient.decomposition = _lstm_gradient
