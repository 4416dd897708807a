"""Lowering of ``lstm`` to ONNX's LSTM, for graphs without a gradient."""

from __future__ import annotations

import numpy as np

from amalthea.engine.backends.onnx.builder import Builder, Value
from amalthea.engine.primitives import rnn


def _gates(b: Builder, rows: Value) -> Value:
    """Reorder the gates as ONNX does: input, output, forget, candidate."""
    i, f, new, o = b.emit("Split", [rows], outputs=4, axis=0, num_outputs=4)
    return b.Concat(i, o, f, new, axis=0)


def _lstm(
    b: Builder, x: Value, h0: Value, c0: Value, kernel: Value, recurrent_kernel: Value, bias: Value, *, reverse: bool
) -> list[Value]:
    if x.dtype != "float32" or 0 in (*x.shape, *h0.shape):
        return b.decomposed(rnn.lstm, [x, h0, c0, kernel, recurrent_kernel, bias], {"reverse": reverse})
    steps, (batch, units) = x.shape[0], h0.shape
    weights = (
        b.reshape(_gates(b, b.Transpose(w, perm=[1, 0])), [1, 4 * units, w.shape[0]])
        for w in (kernel, recurrent_kernel)
    )
    biases = b.Concat(_gates(b, bias), b.constant(np.zeros(4 * units), x.dtype), axis=0)
    states = (b.reshape(v, [1, batch, units]) for v in (h0, c0))
    inputs = [x, *weights, b.reshape(biases, [1, 8 * units]), None, *states]
    direction = "reverse" if reverse else "forward"
    y, h, c = b.emit("LSTM", inputs, outputs=3, hidden_size=units, direction=direction)
    return [b.reshape(y, [steps, batch, units]), *(b.reshape(v, [batch, units]) for v in (h, c))]


RNN_LOWERINGS = {rnn.lstm: _lstm}
