"""LSTM and GRU over a whole sequence as composite primitives: libraries run all steps in one kernel.

``x`` is ``(time, batch, features)``, each initial state ``(batch, units)``, ``kernel`` ``(features, 4 * units)``,
``recurrent_kernel`` ``(units, 4 * units)`` and ``bias`` ``(4 * units,)``, in the order input gate, forget gate,
candidate, output gate. With ``reverse`` the sequence is processed from its end. Decompositions and gradients are in
``passes/rnn_gradients.py``, because they have subgraphs.

A GRU has three parts, update gate, reset gate and candidate, and a second bias inside the reset gate's product; that
gate is applied after the matrix product, as in cuDNN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import sigmoid
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError

# Number of values that the gradient needs of each step.
KEPT_LSTM = 6  # the cell state, its tanh, and the four gates
KEPT_GRU = 4  # the three gates, and the value that the reset gate multiplies


def _fits(what: str, got: Type, shape: shapes.Shape, dtype: str) -> None:
    if got.dtype != dtype:
        raise DtypeError(f"The {what} of a recurrence has another dtype than its input.", expected=dtype, got=got)
    if len(got.shape) != len(shape) or not all(map(shapes.agree, got.shape, shape)):
        raise ShapeError(f"The {what} does not fit the recurrence.", expected=Type(shape, dtype), got=got)


def _check_sequence(x: Type, recurrent_kernel: Type) -> None:
    if not dtypes.is_float(x.dtype):
        raise DtypeError("A recurrence needs floats.", expected="float32", got=x)
    if len(x.shape) != 3 or len(recurrent_kernel.shape) != 2:
        raise ShapeError(
            "The input or the recurrent kernel of a recurrence has a wrong rank.",
            expected="(time, batch, features) and (units, gates)",
            got=f"{x} and {recurrent_kernel}",
        )


def _check(x: Type, states: Sequence[Type], kernel: Type, recurrent_kernel: Type, biases: Sequence[Type], gates: int):
    """Check that the inputs fit each other; return the types of the outputs of all steps and of one state."""
    _check_sequence(x, recurrent_kernel)
    (steps, batch, features), units = x.shape, recurrent_kernel.shape[0]
    width = gates * units
    _fits("recurrent kernel", recurrent_kernel, (units, width), x.dtype)
    _fits("kernel", kernel, (features, width), x.dtype)
    for bias in biases:
        _fits("bias", bias, (width,), x.dtype)
    for state in states:
        _fits("state before the first step", state, (batch, units), x.dtype)
    return Type((steps, batch, units), x.dtype), Type((batch, units), x.dtype)


def _lstm(x: Type, h0: Type, c0: Type, kernel: Type, recurrent_kernel: Type, bias: Type, *, reverse: bool):
    outputs, state = _check(x, (h0, c0), kernel, recurrent_kernel, (bias,), 4)
    return outputs, state, state


def _lstm_for_gradient(*inputs: Type, reverse: bool):
    outputs, *states = _lstm(*inputs, reverse=reverse)
    return outputs, *states, *[outputs] * KEPT_LSTM


def _check_kept(whole: Type, kept: Sequence[Type], state: Type, cotangents: Sequence[Type]) -> None:
    for each in kept:
        _fits("cotangent or kept value", each, whole.shape, whole.dtype)
    for each in cotangents:
        _fits("cotangent", each, state.shape, whole.dtype)


def _lstm_gradient(
    g_outputs: Type, g_h: Type, g_c: Type, x: Type, h0: Type, c0: Type, kernel: Type, recurrent_kernel: Type,
    *kept: Type, reverse: bool,
):  # fmt: skip
    whole, state = _check(x, (h0, c0), kernel, recurrent_kernel, (), 4)
    _check_kept(whole, (g_outputs, *kept), state, (g_h, g_c))
    return x, h0, c0, kernel, recurrent_kernel, Type(recurrent_kernel.shape[1:], x.dtype)


def _gru(x: Type, h0: Type, kernel: Type, recurrent_kernel: Type, bias: Type, inner_bias: Type, *, reverse: bool):
    return _check(x, (h0,), kernel, recurrent_kernel, (bias, inner_bias), 3)


def _gru_for_gradient(*inputs: Type, reverse: bool):
    outputs, state = _gru(*inputs, reverse=reverse)
    return outputs, state, *[outputs] * KEPT_GRU


def _gru_gradient(
    g_outputs: Type, g_h: Type, x: Type, h0: Type, kernel: Type, recurrent_kernel: Type, *kept: Type, reverse: bool
):
    whole, state = _check(x, (h0,), kernel, recurrent_kernel, (), 3)
    _check_kept(whole, (g_outputs, *kept), state, (g_h,))
    bias = Type(recurrent_kernel.shape[1:], x.dtype)
    return x, h0, kernel, recurrent_kernel, bias, bias


def _lstm_samples(primitive):
    weights = numbers(2, 12, seed=3), numbers(3, 12, seed=4, low=-1, high=1), numbers(12, seed=5)
    states = numbers(2, 3, seed=1, low=-1, high=1), numbers(2, 3, seed=2)
    return [sample(numbers(4, 2, 2), *states, *weights, reverse=reverse) for reverse in (False, True)]


def _gru_samples(primitive):
    weights = numbers(2, 9, seed=3), numbers(3, 9, seed=4, low=-1, high=1), numbers(9, seed=5), numbers(9, seed=6)
    state = numbers(2, 3, seed=1, low=-1, high=1)
    return [sample(numbers(4, 2, 2), state, *weights, reverse=reverse) for reverse in (False, True)]


def _of_gradient(forward, biases):
    """Samples of a gradient: those of the extended primitive without biases, with cotangents and kept values."""

    def make():
        made = []
        for one in forward.samples:
            results = forward.reference(*one.inputs, **one.attrs)
            public = len(one.inputs) - 2 - biases  # as many as states, and the outputs
            cotangents = [numbers(*y.shape, seed=seed) for seed, y in enumerate(results[:public], start=6)]
            kept = (results[0], *results[public:])
            made.append(sample(*cotangents, *one.inputs[:-biases], *kept, **one.attrs))
        return made

    return make


def _order(steps: int, reverse: bool) -> range:
    return range(steps)[::-1] if reverse else range(steps)


@primitive(Family(_lstm, _lstm_samples), single=False, multiplies=True)
def lstm(x, h0, c0, kernel, recurrent_kernel, bias, *, reverse=False):
    """Long short-term memory. Returns the outputs of all steps, the last output, and the last cell state."""
    return lstm_for_gradient.reference(x, h0, c0, kernel, recurrent_kernel, bias, reverse=reverse)[:3]


@primitive(Family(_lstm_for_gradient, _lstm_samples), single=False, multiplies=True)
def lstm_for_gradient(x, h0, c0, kernel, recurrent_kernel, bias, *, reverse=False):
    """:func:`lstm`, which also returns for each step the cell state, its tanh, and the gates in order."""
    h, c, dtype = h0, c0, x.dtype
    kept = np.zeros((1 + KEPT_LSTM, *x.shape[:2], h0.shape[1]), dtype)
    for t in _order(len(x), reverse):
        i, f, new, o = np.split(x[t] @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
        i, f, new, o = sigmoid.reference(i), sigmoid.reference(f), np.tanh(new), sigmoid.reference(o)
        c = (f * c + i * new).astype(dtype)
        squashed = np.tanh(c)
        h = (o * squashed).astype(dtype)
        kept[:, t] = h, c, squashed, i, f, new, o
    outputs, *rest = kept
    return outputs, h, c, *rest


@primitive(Family(_lstm_gradient), single=False, multiplies=True)
def lstm_gradient(
    g_outputs, g_h, g_c, x, h0, c0, kernel, recurrent_kernel, outputs, cells, squashed, i, f, new, o, *, reverse=False
):
    """The cotangents of the inputs of :func:`lstm`, given those of its outputs and the values kept of each step."""
    g_gates = np.zeros((*x.shape[:2], kernel.shape[1]), x.dtype)
    h_before, c_before = (previous(states, first, reverse) for states, first in ((outputs, h0), (cells, c0)))
    for t in _order(len(x), not reverse):
        g_h = g_h + g_outputs[t]
        g_c = g_c + g_h * o[t] * (1 - squashed[t] ** 2)
        parts = (
            g_c * new[t] * i[t] * (1 - i[t]),
            g_c * c_before[t] * f[t] * (1 - f[t]),
            g_c * i[t] * (1 - new[t] ** 2),
            g_h * squashed[t] * o[t] * (1 - o[t]),
        )
        g_gates[t] = np.concatenate(parts, axis=-1)
        g_h, g_c = g_gates[t] @ recurrent_kernel.T, g_c * f[t]
    rows = g_gates.reshape(-1, kernel.shape[1])
    by_kernels = (v.reshape(len(rows), v.shape[-1]).T @ rows for v in (x, h_before))
    made = (g_gates @ kernel.T, g_h, g_c, *by_kernels, rows.sum(0))
    return tuple(v.astype(x.dtype, copy=False) for v in made)


@primitive(Family(_gru, _gru_samples), single=False, multiplies=True)
def gru(x, h0, kernel, recurrent_kernel, bias, inner_bias, *, reverse=False):
    """Gated recurrent unit. Returns the outputs of all steps, and the last output."""
    return gru_for_gradient.reference(x, h0, kernel, recurrent_kernel, bias, inner_bias, reverse=reverse)[:2]


@primitive(Family(_gru_for_gradient, _gru_samples), single=False, multiplies=True)
def gru_for_gradient(x, h0, kernel, recurrent_kernel, bias, inner_bias, *, reverse=False):
    """:func:`gru`, which also returns for each step the gates in order, and the value that the reset gate scales."""
    h, dtype = h0, x.dtype
    kept = np.zeros((1 + KEPT_GRU, *x.shape[:2], h0.shape[1]), dtype)
    for t in _order(len(x), reverse):
        z, r, new = np.split(x[t] @ kernel + bias, 3, axis=-1)
        hz, hr, inner = np.split(h @ recurrent_kernel + inner_bias, 3, axis=-1)
        z, r = sigmoid.reference(z + hz), sigmoid.reference(r + hr)
        new = np.tanh(new + r * inner)
        h = (z * h + (1 - z) * new).astype(dtype)
        kept[:, t] = h, z, r, new, inner
    outputs, *rest = kept
    return outputs, h, *rest


@primitive(Family(_gru_gradient), single=False, multiplies=True)
def gru_gradient(g_outputs, g_h, x, h0, kernel, recurrent_kernel, outputs, z, r, new, inner, *, reverse=False):
    """The cotangents of the inputs of :func:`gru`, given those of its outputs and the values kept of each step."""
    g_gates, g_inner = (np.zeros((*x.shape[:2], kernel.shape[1]), x.dtype) for _ in range(2))
    h_before = previous(outputs, h0, reverse)
    for t in _order(len(x), not reverse):
        g_h = g_h + g_outputs[t]
        g_new = g_h * (1 - z[t]) * (1 - new[t] ** 2)
        g_z = g_h * (h_before[t] - new[t]) * z[t] * (1 - z[t])
        g_r = g_new * inner[t] * r[t] * (1 - r[t])
        g_gates[t] = np.concatenate([g_z, g_r, g_new], axis=-1)
        g_inner[t] = np.concatenate([g_z, g_r, g_new * r[t]], axis=-1)
        g_h = g_inner[t] @ recurrent_kernel.T + g_h * z[t]
    outer, inside = (v.reshape(-1, kernel.shape[1]) for v in (g_gates, g_inner))
    by_kernels = (v.reshape(len(outer), v.shape[-1]).T @ g for v, g in ((x, outer), (h_before, inside)))
    made = (g_gates @ kernel.T, g_h, *by_kernels, outer.sum(0), inside.sum(0))
    return tuple(v.astype(x.dtype, copy=False) for v in made)


def previous(states, first, reverse):
    """Return, for each step, the state before it."""
    return np.concatenate([states[1:], first[None]] if reverse else [first[None], states[:-1]])[: len(states)]


lstm_gradient.samples = _of_gradient(lstm_for_gradient, 1)
gru_gradient.samples = _of_gradient(gru_for_gradient, 2)
