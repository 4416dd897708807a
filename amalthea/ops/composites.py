"""Composite primitives that layers and optimizers call; they are not part of Keras's ``ops``."""

from __future__ import annotations

from typing import Any

from amalthea.engine.primitives import composite, control, elementwise, rnn


def lstm(x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any, *, reverse: bool) -> Any:
    """Runs an LSTM over all steps.

    Shapes: ``x`` ``(time, batch, features)``; ``h`` and ``c`` ``(batch, units)``; kernels ``(features, 4 * units)`` and
    ``(units, 4 * units)``, gates in the order input, forget, candidate, output.

    Returns:
        The outputs ``(time, batch, units)``, and the last ``h`` and ``c``.
    """
    return rnn.lstm(x, h, c, kernel, recurrent_kernel, bias, reverse=reverse)


def gru(x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any, recurrent_bias: Any, *, reverse: bool) -> Any:
    """Runs a GRU over all steps, the reset gate after the matrix product.

    Shapes: ``x`` ``(time, batch, features)``; ``h`` ``(batch, units)``; kernels ``(features, 3 * units)`` and
    ``(units, 3 * units)``, gates in the order update, reset, candidate.

    Returns:
        The outputs ``(time, batch, units)``, and the last ``h``.
    """
    return rnn.gru(x, h, kernel, recurrent_kernel, bias, recurrent_bias, reverse=reverse)


def adam(
    value: Any,
    gradient: Any,
    momentum: Any,
    velocity: Any,
    step_size: Any,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Any:
    """One step of Adam, the corrections of bias in the step size: the new value and both moments."""
    return composite.adam(value, gradient, momentum, velocity, step_size, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


def fresh(x: Any) -> Any:
    """The same value as an object of its own, which may carry attributes that ``x`` does not have."""
    same = control.identity(x)
    return elementwise.multiply(x, 1) if same is x else same
