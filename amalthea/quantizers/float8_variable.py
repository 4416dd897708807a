"""The variable of a kernel that is trained with products in floats of 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import current_trace
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
        self._states = [_Scaling(*made[0:2]), _Scaling(*made[2:4]), _Scaling(*made[4:6])]
        super().__init__(replaced, [replaced, *made])

    def _compute(self) -> Any:
        return self._weight.value

    def assign(self, value: Any) -> Any:
        """Assign the weight."""
        return self._weight.assign(value)

    def product(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Return the product of rounded inputs and weight; its cotangent is rounded too."""
        inputs, weight, outputs = self._states
        x = _rounded(x, inputs)
        kernel = _rounded(ops.cast(self._weight.value, dtypes.name_of(x)), weight)
        return _with_rounded_cotangent(ops.tensordot(x, kernel, axes=[list(over), list(axes)]), outputs)


class _Scaling:
    """A scale and its history. A layer that is called again in a step reads what its last call handed on.

    So the "gradients" of several calls are one chain, and not a sum: the history gets the largest magnitude of all.
    """

    def __init__(self, scale: Variable, history: Variable):
        self.scale, self.history = scale, history
        self._handed_on: tuple[Any, Any] = (None, None)  # the scale as the step read it, and the last call's values

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_handed_on": (None, None)}

    def read(self) -> tuple[Any, Any]:
        """Returns scale and history."""
        first, last = self._handed_on
        scale, history = self.scale.value, self.history.value
        return last if first is scale and _is_outermost() else (scale, history)

    def hand_on(self, scale: Any, history: Any) -> None:
        """Keeps what the next call in the same step reads; bodies of loops and branches keep nothing."""
        if isinstance(scale, Tensor) and _is_outermost():
            self._handed_on = self.scale.value, (scale, history)


def _is_outermost() -> bool:
    trace = current_trace()
    return trace is not None and trace.parent is None


def _rounding(x: Any, scale: Any, history: Any, kind: str) -> tuple[Any, Any, Any]:
    """Returns a value rounded to floats of 8 bits, and the next scale and history."""
    scale = ops.where(ops.greater(scale, 0), scale, ops.ones_like(scale))
    following = compute_float8_scale(ops.max(history), scale, LARGEST[kind])
    return (
        quantize_and_dequantize(x, scale, kind, dtypes.name_of(x)),
        following,
        compute_float8_amax_history(x, history),
    )


def _rounded(x: Any, state: _Scaling) -> Any:
    if not isinstance(x, (Tensor, np.ndarray)):  # a library's own tape may be open
        scale, history = state.scale.value, state.history.value
        found = _rounding(ops.stop_gradient(x), ops.stop_gradient(scale), history, FORWARD)
        return x + ops.stop_gradient(found[0] - x)

    def forward(x: Any, scale: Any, history: Any) -> Any:
        rounded, *following = _rounding(x, scale, history, FORWARD)
        return (rounded, scale, history), lambda g, _, later: (g, *_largest(following, later))

    rounded, *handed_on = custom_gradient(forward)(x, *state.read())
    state.hand_on(*handed_on)
    return rounded


def _with_rounded_cotangent(out: Any, state: _Scaling) -> Any:
    if not isinstance(out, Tensor):
        return out

    def forward(out: Any, scale: Any, history: Any) -> Any:
        def backward(g: Any, _: Any, later: Any) -> Any:
            rounded, *following = _rounding(g, scale, history, BACKWARD)
            return rounded, *_largest(following, later)

        return (out, scale, history), backward

    out, *handed_on = custom_gradient(forward)(out, *state.read())
    state.hand_on(*handed_on)
    return out


def _largest(following: Sequence[Any], later: Any) -> tuple[Any, Any]:
    """Returns the next scale, which is the same for all calls, and the larger of two next histories."""
    scale, history = following
    return scale, ops.maximum(history, later)
