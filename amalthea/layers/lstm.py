"""Long short-term memory: layer and cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.layers.rnn_cell import CellLayer, RecurrentCell, masked
from amalthea.ops.composites import lstm
from amalthea.random import SeedGenerator


class LSTMCell(RecurrentCell):
    """One time step of :class:`LSTM`.

    Args:
        units: int, at least 1; size of the states and the output.
        |gated activations|
        |recurrent weights|
        unit_forget_bias: bool; whether the bias of the forget gate starts at 1. Defaults to True.
        |layer options|

    |cell call|

    Shapes: ``(batch, features) -> (batch, units)`` and the new states ``h`` and ``c``, each ``(batch, units)``; the
        kernels are ``(features, 4 * units)`` and ``(units, 4 * units)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> cell, zeros = layers.LSTMCell(4), np.zeros((2, 4), "float32")
        >>> output, [h, c] = cell(np.ones((2, 3), "float32"), [zeros, zeros])
        >>> tuple(output.shape), tuple(cell.kernel.shape)
        ((2, 4), (3, 16))

    Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997.
    """

    _gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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

    @property
    def state_size(self) -> list[int]:
        return [self.units, self.units]

    def _bias_start(self) -> Any:
        """Returns the initializer of the bias, with ones for the forget gate if ``unit_forget_bias``."""
        if not self.unit_forget_bias:
            return self.bias_initializer

        def start(shape: Any, dtype: Any = None) -> Any:
            bias = np.array(self.bias_initializer((self.units * self._gates,), dtype=dtype))
            bias[self.units : 2 * self.units] = 1
            return bias

        return start

    def _step(self, projected: Any, states: list[Any], recurrent_mask: Any) -> tuple[Any, list[Any]]:
        h, c = masked(states[0], recurrent_mask), states[1]
        gates = ops.add(projected, ops.matmul(h, self.recurrent_kernel))
        i, f, new, o = ops.split(gates, 4, axis=-1)
        i, f, o = self.recurrent_activation(i), self.recurrent_activation(f), self.recurrent_activation(o)
        c = ops.add(ops.multiply(f, c), ops.multiply(i, self.activation(new)))
        h = ops.multiply(o, self.activation(c))
        return h, [h, c]


class LSTM(CellLayer):
    """Long short-term memory: a recurrent layer whose cell state is changed by gates.

    With the input ``x``, the output ``h`` and the cell state ``c`` of the step before::

        i = sigmoid(x @ Wi + h @ Ui + bi)  input gate
        f = sigmoid(x @ Wf + h @ Uf + bf)  forget gate
        n = tanh(x @ Wn + h @ Un + bn)     candidate
        o = sigmoid(x @ Wo + h @ Uo + bo)  output gate
        c = f * c + i * n                  new cell state
        h = o * tanh(c)                    new output

    Args:
        units: int, at least 1; size of the states and the output.
        |gated activations|
        |recurrent weights|
        unit_forget_bias: bool; whether the bias of the forget gate starts at 1. Defaults to True.
        |activity regularizer|
        |loop|
        use_cudnn: accepted for Keras; the backend chooses how to compute.
        |layer options|

    |loop shapes|

    Raises:
        ArgumentError: a stateful layer does not know the batch size, or an unrolled one the number of steps.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((2, 5, 3), "float32")
        >>> tuple(layers.LSTM(4)(x).shape)
        (2, 4)
        >>> output, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x)
        >>> tuple(output.shape), tuple(h.shape), tuple(c.shape)
        ((2, 5, 4), (2, 4), (2, 4))

    Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997.
    """

    _not_in_config = ("use_cudnn",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        self._make(partial(LSTMCell, name="lstm_cell"), locals())
        self.use_cudnn = use_cudnn

    def inner_loop(self, sequences: Any, initial_state: Sequence[Any], mask: Any, training: bool = False) -> Any:
        if type(self.cell) is not LSTMCell or not self._runs_whole(mask, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        x, *weights = self.cell._whole_inputs(ops.transpose(sequences, (1, 0, 2)), training)
        outputs, h, c = lstm(x, *initial_state, *weights, reverse=self.go_backwards)
        return h, self._in_order(outputs), [h, c]
