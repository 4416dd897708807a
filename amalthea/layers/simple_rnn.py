"""The simple recurrent layer, whose output is fed back, and its cell."""

from __future__ import annotations

from functools import partial
from typing import Any

from amalthea import ops
from amalthea.layers.rnn_cell import CellLayer, RecurrentCell, masked
from amalthea.random import SeedGenerator


class SimpleRNNCell(RecurrentCell):
    """One time step of :class:`SimpleRNN`.

    Args:
        units: int, at least 1; size of the state and the output.
        activation: str or function; applied to the sum. Defaults to ``"tanh"``.
        |recurrent weights|
        |layer options|

    |cell call|

    Shapes: ``(batch, features) -> (batch, units)`` and the new state ``(batch, units)``; the kernels are ``(features,
        units)`` and ``(units, units)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> cell = layers.SimpleRNNCell(1, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
        >>> output, [state] = cell(np.array([[2.0]], "float32"), [np.array([[3.0]], "float32")])
        >>> ops.convert_to_numpy(output).tolist()
        [[5.0]]
    """

    _gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep(locals())

    def _step(self, projected: Any, states: list[Any], recurrent_mask: Any) -> tuple[Any, list[Any]]:
        before = masked(states[0], recurrent_mask)
        h = self.activation(ops.add(projected, ops.matmul(before, self.recurrent_kernel)))
        return h, [h]


class SimpleRNN(CellLayer):
    """A recurrent layer whose output is fed back: ``h[t] = tanh(x[t] @ W + h[t - 1] @ U + b)``.

    Args:
        units: int, at least 1; size of the state and the output.
        activation: str or function; applied to the sum. Defaults to ``"tanh"``.
        |recurrent weights|
        |activity regularizer|
        |loop|
        |layer options|

    |loop shapes|

    Raises:
        ArgumentError: a stateful layer does not know the batch size, or an unrolled one the number of steps.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> x = np.ones((1, 3, 1), "float32")
        >>> total = layers.SimpleRNN(1, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
        >>> ops.convert_to_numpy(total(x)).tolist()
        [[3.0]]

    Source: Elman, "Finding structure in time", 1990.
    """

    _only_in_config_if_set = ("seed",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        self._make(partial(SimpleRNNCell, name="simple_rnn_cell"), locals())
