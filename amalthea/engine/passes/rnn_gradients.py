"""Decompositions of LSTM and GRU, and their gradients.

The forward pass is one matrix product of the inputs of all steps, then a scan over the steps. The gradient is a scan in
the opposite direction, then one matrix product per weight over all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import shapes
from amalthea.engine.control_flow import scan
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import extend, on_host, type_of
from amalthea.engine.passes.gradient import decomposition_gradient, zeros_like
from amalthea.engine.passes.patterns import made_by
from amalthea.engine.primitives import rnn
from amalthea.engine.primitives.elementwise import add, multiply, sigmoid, square, subtract, tanh
from amalthea.engine.primitives.matmul import matmul
from amalthea.engine.primitives.movement import broadcast_to, concatenate, reshape, slice
from amalthea.engine.primitives.reductions import reduce_sum


def _rows(x: Any) -> Any:
    """Merge the axes of time and batch."""
    return reshape(x, shape=(shapes.size(type_of(x).shape[:2]), type_of(x).shape[2]))


def _columns(x: Any, count: int) -> list[Any]:
    """Split a matrix into ``count`` parts of equal width."""
    width = type_of(x).shape[1] // count
    parts = ((k * width, (k + 1) * width) for k in range(count))
    return [slice(x, starts=(0, a), limits=(type_of(x).shape[0], b), strides=(1, 1)) for a, b in parts]


def _lstm_for_gradient(x, h0, c0, kernel, recurrent_kernel, bias, *, reverse, keeps=True):
    projected = add(matmul(_rows(x), kernel), bias)
    projected = reshape(projected, shape=(*type_of(x).shape[:2], type_of(projected).shape[1]))

    def step(h: Any, c: Any, projection: Any) -> list[Any]:
        i, f, new, o = _columns(add(projection, matmul(h, recurrent_kernel)), 4)
        i, f, new, o = sigmoid(i), sigmoid(f), tanh(new), sigmoid(o)
        c = add(multiply(f, c), multiply(i, new))
        squashed = tanh(c)
        h = multiply(o, squashed)
        return [h, c, h, *((c, squashed, i, f, new, o) if keeps else ())]

    h, c, outputs, *kept = scan(step, [h0, c0], [projected], type_of(x).shape[0], reverse)
    return outputs, h, c, *kept


def _lstm(*inputs, reverse):
    return _lstm_for_gradient(*inputs, reverse=reverse, keeps=False)


def _lstm_gradient(
    g_outputs, g_h, g_c, x, h0, c0, kernel, recurrent_kernel, outputs, cells, squashed, i, f, new, o, *, reverse
):
    """Scan over the cotangents of the gates; multiply by inputs and states once, for all steps together."""
    h_before, c_before = _previous(outputs, h0, reverse), _previous(cells, c0, reverse)
    g_steps = [] if is_zero(g_outputs) else [g_outputs]

    def step(g_h: Any, g_c: Any, c_before: Any, squashed: Any, i: Any, f: Any, new: Any, o: Any, *g_output: Any):
        g_h = add(g_h, *g_output) if g_output else g_h
        through = multiply(g_h, o)
        g_c = add(g_c, subtract(through, multiply(through, square(squashed))))
        g_i = multiply(g_c, i)
        g_gates = concatenate(
            multiply(multiply(g_i, new), subtract(1.0, i)),
            multiply(multiply(g_c, c_before), multiply(f, subtract(1.0, f))),
            subtract(g_i, multiply(g_i, square(new))),
            multiply(multiply(through, squashed), subtract(1.0, o)),
            axis=1,
        )
        return [matmul(g_gates, recurrent_kernel, transpose_y=True), multiply(g_c, f), g_gates]

    g_h, g_c, g_gates = scan(
        step, [g_h, g_c], [c_before, squashed, i, f, new, o, *g_steps], type_of(x).shape[0], not reverse
    )
    rows = _rows(g_gates)
    by_x = reshape(matmul(rows, kernel, transpose_y=True), shape=type_of(x).shape)
    by_kernels = [matmul(_rows(v), rows, transpose_x=True) for v in (x, h_before)]
    return by_x, g_h, g_c, *by_kernels, reduce_sum(rows, axes=(0,))


def _gru_for_gradient(x, h0, kernel, recurrent_kernel, bias, inner_bias, *, reverse, keeps=True):
    projected = add(matmul(_rows(x), kernel), bias)
    projected = reshape(projected, shape=(*type_of(x).shape[:2], type_of(projected).shape[1]))

    def step(h: Any, projection: Any) -> list[Any]:
        xz, xr, xn = _columns(projection, 3)
        hz, hr, inner = _columns(add(matmul(h, recurrent_kernel), inner_bias), 3)
        z, r = sigmoid(add(xz, hz)), sigmoid(add(xr, hr))
        new = tanh(add(xn, multiply(r, inner)))
        h = add(multiply(z, h), multiply(subtract(1.0, z), new))
        return [h, h, *((z, r, new, inner) if keeps else ())]

    h, outputs, *kept = scan(step, [h0], [projected], type_of(x).shape[0], reverse)
    return outputs, h, *kept


def _gru(*inputs, reverse):
    return _gru_for_gradient(*inputs, reverse=reverse, keeps=False)


def _gru_gradient(g_outputs, g_h, x, h0, kernel, recurrent_kernel, outputs, z, r, new, inner, *, reverse):
    """Like :func:`_lstm_gradient`."""
    h_before = _previous(outputs, h0, reverse)
    g_steps = [] if is_zero(g_outputs) else [g_outputs]

    def step(g_h: Any, h_before: Any, z: Any, r: Any, new: Any, inner: Any, *g_output: Any) -> list[Any]:
        g_h = add(g_h, *g_output) if g_output else g_h
        closed = multiply(g_h, subtract(1.0, z))
        g_new = subtract(closed, multiply(closed, square(new)))
        g_z = multiply(multiply(closed, z), subtract(h_before, new))
        through = multiply(g_new, r)
        g_r = multiply(multiply(through, inner), subtract(1.0, r))
        g_inner = concatenate(g_z, g_r, through, axis=1)
        g_h = add(matmul(g_inner, recurrent_kernel, transpose_y=True), multiply(g_h, z))
        return [g_h, concatenate(g_z, g_r, g_new, axis=1), g_inner]

    g_h, g_gates, g_inner = scan(step, [g_h], [h_before, z, r, new, inner, *g_steps], type_of(x).shape[0], not reverse)
    outer, inside = _rows(g_gates), _rows(g_inner)
    by_x = reshape(matmul(outer, kernel, transpose_y=True), shape=type_of(x).shape)
    by_kernels = [matmul(_rows(v), g, transpose_x=True) for v, g in ((x, outer), (h_before, inside))]
    return by_x, g_h, *by_kernels, *(reduce_sum(g, axes=(0,)) for g in (outer, inside))


def _previous(states: Any, first: Any, reverse: bool) -> Any:
    """Return, for each step, the state before it."""
    steps, *rest = type_of(states).shape
    if steps == 0:
        return states
    starts, ends = ((1, 0, 0), (steps, *rest)) if reverse else ((0, 0, 0), (steps - 1, *rest))
    others = slice(states, starts=starts, limits=ends, strides=(1, 1, 1))
    first = reshape(first, shape=(1, *rest))
    return concatenate(*((others, first) if reverse else (first, others)), axis=0)


def is_zero(x: Any) -> bool:
    """True if a tensor is known to be zero everywhere."""
    while (node := made_by(x, broadcast_to, reshape)) is not None:
        x = node.inputs[0]
    value = x.value if isinstance(x, Tensor) else None
    return value is not None and not np.any(on_host(value))


# For each RNN primitive: the longer primitive, which also outputs the values that the gradient needs; the gradient
# primitive; the number of outputs without these values; and the number of inputs that the gradient reads again.
_WITH_GRADIENT = {
    rnn.lstm: (rnn.lstm_for_gradient, rnn.lstm_gradient, 3, 5),
    rnn.gru: (rnn.gru_for_gradient, rnn.gru_gradient, 2, 4),
}
_SHORTER: dict[Any, Any] = {longer: short for short, (longer, *_) in _WITH_GRADIENT.items()}


def _gradient(node: Node, cotangents: Sequence[Tensor | None]) -> Sequence[Any]:
    """Extend the forward node by the values that the gradient needs, and apply the gradient primitive."""
    primitive: Any = node.primitive
    longer, gradient, public, read = _WITH_GRADIENT[_SHORTER.get(primitive, primitive)]
    if primitive is not longer:
        node = extend(node, longer, node.attrs)
    if any(g is not None for g in cotangents[public:]):
        return decomposition_gradient(node, cotangents)
    full = [zeros_like(out) if g is None else g for g, out in zip(cotangents[:public], node.outputs)]
    kept = node.outputs[0], *node.outputs[public:]
    return gradient(*full, *node.inputs[:read], *kept, **node.attrs)


_gradient.takes_node = True  # type: ignore[attr-defined]
rnn.lstm.gradient = rnn.lstm_for_gradient.gradient = rnn.gru.gradient = rnn.gru_for_gradient.gradient = _gradient
rnn.lstm.decomposition, rnn.lstm_for_gradient.decomposition = _lstm, _lstm_for_gradient
rnn.gru.decomposition, rnn.gru_for_gradient.decomposition = _gru, _gru_for_gradient
rnn.lstm_gradient.decomposition, rnn.gru_gradient.decomposition = _lstm_gradient, _gru_gradient
