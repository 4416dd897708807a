"""The gated recurrent unit: layer and cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from amalthea import docstrings, ops
from amalthea.layers.rnn_cell import CellLayer, RecurrentCell, masked
from amalthea.ops.composites import gru
from amalthea.random import SeedGenerator

docstrings.share(
    "reset after",
    """
    reset_after: bool; whether the reset gate multiplies the product ``h @ Un`` (as cuDNN does) or the state before it:
        ``(r * h) @ Un``. Defaults to True.
    """,
)


class GRUCell(RecurrentCell):
    """One time step of :class:`GRU`.

    Args:
        units: int, at least 1; size of the state and the output.
        |gated activations|
        |recurrent weights|
        |reset after|
        |layer options|

    |cell call|

    Shapes: ``(batch, features) -> (batch, units)`` and the new state ``(batch, units)``; the kernels are ``(features, 3
        * units)`` and ``(units, 3 * units)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> cell = layers.GRUCell(4)
        >>> output, [state] = cell(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])
        >>> tuple(output.shape), tuple(cell.kernel.shape)
        ((2, 4), (3, 12))

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
    """

    _gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep(locals())

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        return self.bias if self.bias is None or not self.reset_after else self.bias[0]

    def _step(self, projected: Any, states: list[Any], recurrent_mask: Any) -> tuple[Any, list[Any]]:
        h = masked(states[0], recurrent_mask)
        xz, xr, xh = ops.split(projected, 3, axis=-1)
        if self.reset_after:
            inner = ops.matmul(h, self.recurrent_kernel)
            inner = inner if self.bias is None else ops.add(inner, self.bias[1])
            hz, hr, hh = ops.split(inner, 3, axis=-1)
            r = self.recurrent_activation(ops.add(xr, hr))
            new = self.activation(ops.add(xh, ops.multiply(r, hh)))
        else:
            kernel = self.recurrent_kernel.value
            hz, hr = ops.split(ops.matmul(h, kernel[:, : 2 * self.units]), 2, axis=-1)
            r = self.recurrent_activation(ops.add(xr, hr))
            new = self.activation(ops.add(xh, ops.matmul(ops.multiply(r, h), kernel[:, 2 * self.units :])))
        z = self.recurrent_activation(ops.add(xz, hz))
        h = ops.add(ops.multiply(z, states[0]), ops.multiply(ops.subtract(1.0, z), new))
        return h, [h]


class GRU(CellLayer):
    """A gated recurrent unit: a recurrent layer with an update gate and a reset gate.

    With the input ``x`` and the state ``h``::

        z = sigmoid(x @ Wz + bz + h @ Uz + cz)     update gate
        r = sigmoid(x @ Wr + br + h @ Ur + cr)     reset gate
        n = tanh(x @ Wn + bn + r * (h @ Un + cn))  candidate
        h = z * h + (1 - z) * n                    new state and output

    Args:
        units: int, at least 1; size of the state and the output.
        |gated activations|
        |recurrent weights|
        |activity regularizer|
        |loop|
        |reset after|
        use_cudnn: accepted for Keras; the backend chooses how to compute.
        |layer options|

    |loop shapes|

    Raises:
        ArgumentError: a stateful layer does not know the batch size, or an unrolled one the number of steps.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((2, 5, 3), "float32")
        >>> output, state = layers.GRU(4, return_sequences=True, return_state=True)(x)
        >>> tuple(output.shape), tuple(state.shape)
        ((2, 5, 4), (2, 4))

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        self._make(partial(GRUCell, name="gru_cell"), locals())
        self.use_cudnn = use_cudnn

    def inner_loop(self, sequences: Any, initial_state: Sequence[Any], mask: Any, training: bool = False) -> Any:
        if type(self.cell) is not GRUCell or not self.reset_after or not self._runs_whole(mask, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        inputs = self.cell._whole_inputs(ops.transpose(sequences, (1, 0, 2)), training)
        x, kernel, recurrent_kernel, bias = inputs
        outputs, h = gru(x, initial_state[0], kernel, recurrent_kernel, bias[0], bias[1], reverse=self.go_backwards)
        return h, self._in_order(outputs), [h]
