"""What is said with GatedAdd, an operator of ONNX Runtime's own: ``x + y * factor`` in one pass over memory."""

from __future__ import annotations

from math import prod

from amalthea.backends.onnxruntime.builder import Builder, Value, has_kernel

# It divides small arrays among threads too: a step with one for each small variable took twice as long where another
# process kept a core busy.
LEAST = 1 << 15


def plus(b: Builder, x: Value, y: Value, factors: Value) -> Value:
    """``x + y * factors``, with one factor a row."""
    if x.dtype != "float32" or prod(x.shape) < LEAST or not has_kernel("GatedAdd"):
        return b.Add(x, b.Mul(y, factors))
    return b.GatedAdd(x, y, factors)
