"""The variable of a kernel that is trained with products in floats of 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.transforms import custom_gradient
from amalthea.quantizers.float8 import (
    LARGEST,
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)

FORWARD, BACKWARD = "float8_e4m3fn", "float8_e5m2"


class Float8Variable(ComputedVariable):
    """A weight of floats whose products round inputs, weight and the cotangent of the outputs to floats of 8 bits.

    Each of the three has a scale, and a history of largest magnitudes, from which the scale of the next step is
    computed. They are trainable, and their "gradients" are their next values, which optimizers assign. In loops that
    use gradients of a library's own (``loss.backward()``, ``tf.GradientTape``, ``jax.grad``), they stay as they are.

    Args:
        replaced: Variable; the weight in floats, which stays.
        _axes: not used.
        _layout: not used.
        _config: not used.
        make: function that makes the variables beside the weight.
        length: int; steps in the histories.

    Source: NVIDIA, Transformer Engine, delayed scaling.
    """

    def __init__(
        self, replaced: Variable, _axes: Any, _layout: Any, _config: Any, make: Callable[..., Variable], length: int
    ):
        prefix = "" if replaced.name == "kernel" else f"{replaced.name}_"
        self._weight, made = replaced, []
        for name in (f"{prefix}inputs", replaced.name, f"{prefix}outputs_grad"):
            made.append(make(f"{name}_scale", (), "float32", "ones", is_overwritten=True))
            made.append(make(f"{name}_amax_history", (length,), "float32", "zeros", is_overwritten=True))
        self._pairs = [made[0:2], made[2:4], made[4:6]]
        super().__init__(replaced, [replaced, *made])

    def _compute(self) -> Any:
        return self._weight.value

    def assign(self, value: Any) -> Any:
        """Assign the weight."""
        return self._weight.assign(value)

    def product(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Return the product of rounded inputs and weight; its cotangent is rounded too."""
        inputs, weight, outputs = self._pairs
        x = _rounded(x, *inputs)
        kernel = _rounded(ops.cast(self._weight.value, dtypes.name_of(x)), *weight)
        return _with_rounded_cotangent(ops.tensordot(x, kernel, axes=[list(over), list(axes)]), *outputs)


def _rounding(x: Any, scale: Any, history: Any, kind: str) -> tuple[Any, Any, Any]:
    """Returns a value rounded to floats of 8 bits, and the next scale and history."""
    scale = ops.where(ops.greater(scale, 0), scale, ops.ones_like(scale))
    following = compute_float8_scale(ops.max(history), scale, LARGEST[kind])
    return (
        quantize_and_dequantize(x, scale, kind, dtypes.name_of(x)),
        following,
        compute_float8_amax_history(x, history),
    )


def _rounded(x: Any, scale: Variable, history: Variable) -> Any:
    if not isinstance(x, (Tensor, np.ndarray)):  # a library's own tape may be open
        exact, found = x, _rounding(ops.stop_gradient(x), ops.stop_gradient(scale.value), history.value, FORWARD)
        return exact + ops.stop_gradient(found[0] - exact)

    def forward(x: Any, scale: Any, history: Any) -> Any:
        rounded, *following = _rounding(x, scale, history, FORWARD)
        return rounded, lambda g: (g, *following)

    return custom_gradient(forward)(x, scale.value, history.value)


def _with_rounded_cotangent(out: Any, scale: Variable, history: Variable) -> Any:
    if not isinstance(out, Tensor):
        return out
    return custom_gradient(lambda out, scale, history: (out, lambda g: _rounding(g, scale, history, BACKWARD)))(
        out, scale.value, history.value
    )
