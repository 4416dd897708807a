"""Convolutional LSTM layers: the matrix products of an LSTM are convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from amalthea import config, docstrings, initializers, ops, random
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, seed_generator, weight
from amalthea.layers.rnn_cell import CellLayer, masked
from amalthea.ops.windows import per_axis
from amalthea.random import SeedGenerator

docstrings.share(
    "conv lstm",
    """
    filters: int, at least 1; number of channels of the states and the output.
    kernel_size: int, or one for each axis of space; size of the window.
    strides: int, or one for each axis of space; distance from one window of the input to the next. Defaults to 1.
    dilation_rate: int, or one for each axis of space; distance between the elements of the input that a window sees.
        Defaults to 1. The convolution of the state has strides and dilation rates of 1.
    |valid or same|
    |data format|
    activation: str or function; activation of the candidate and of the output. Defaults to ``"tanh"``.
    recurrent_activation: str or function; activation of the input, forget and output gates. Defaults to ``"sigmoid"``.
    |recurrent weights|
    unit_forget_bias: bool; whether the bias of the forget gate starts at 1. Defaults to True.
    |activity regularizer|
    return_sequences: bool; whether the output of every step is returned, not of the last alone. Defaults to False.
    return_state: bool; whether the last states are returned too, as in ``[output, h, c]``. Defaults to False.
    go_backwards: bool; whether the last step is processed first. Defaults to False.
    stateful: bool; whether each batch starts from the last states of the batch before. Defaults to False.
    """,
)
docstrings.share(
    "conv lstm errors",
    """
    Raises:
        ArgumentError: an argument is out of range, or a size that must be known is not.
        ShapeError: the input has another number of axes.
    """,
)


class _ConvLSTMCell(Layer):
    """One time step. The states are ``(batch, ...space, filters)``, with the sizes of the convolved input."""

    _computes_in_floats = True

    _output_is_first_state = True

    def __init__(self, rank: int, name: str, dtype: Any = None, trainable: bool = True, **options: Any):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        keep(self, {"rank": rank, **options})
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, per_axis(options[name], rank, name))
        self.padding = str(options["padding"]).lower()
        if self.padding not in ("valid", "same"):
            raise ArgumentError(
                "This padding does not exist.", expected="'valid' or 'same'", got=repr(options["padding"])
            )
        self.data_format = config.standardize_data_format(options["data_format"])
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            got = f"{self.strides} and {self.dilation_rate}"
            raise ArgumentError("A convolution takes strides or dilation, not both.", got=got)
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = seed_generator(self.seed)

    @property
    def state_size(self) -> list[int]:
        return [self.filters, self.filters]

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        if channels is None:
            raise ArgumentError("The channels of the input are not known.", got=input_shape)
        width = 4 * self.filters
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, width))
        recurrent = (*self.kernel_size, self.filters, width)
        self.recurrent_kernel = weight(self, "recurrent_kernel", recurrent, "recurrent")
        start = self._bias_start if self.unit_forget_bias else self.bias_initializer
        self.bias = weight(self, "bias", (width,), initializer=start) if self.use_bias else None

    def _bias_start(self, shape: Any, dtype: Any = None) -> Any:
        """Returns the initial bias, with ones for the forget gate."""
        bias = np.array(self.bias_initializer(shape, dtype=dtype))
        bias[self.filters : 2 * self.filters] = 1
        return bias

    def _project(self, inputs: Any) -> Any:
        """Returns the part of all gates that depends on the input."""
        x = ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        if self.bias is None:
            return x
        alone = (1,) * self.rank if self.data_format == "channels_first" else ()
        return ops.add(x, ops.reshape(self.bias, (-1, *alone)))

    def _begin_sequence(self, sequence: Any, training: bool) -> tuple[Any, Callable[..., Any]]:
        """Returns the convolved sequence ``(time, batch, ...)`` and the function of one step, with one dropout mask for
        all steps.
        """
        time, batch = ops.shape(sequence)[:2]
        if training and self.dropout:
            sequence = ops.multiply(sequence, self._mask(ops.shape(sequence)[1:], self.dropout))
        projected = self._project(ops.reshape(sequence, (time * batch, *ops.shape(sequence)[2:])))
        projected = ops.reshape(projected, (time, batch, *ops.shape(projected)[1:]))
        mask = None
        if training and self.recurrent_dropout:
            mask = self._mask(self.state_shape(ops.shape(projected)[1:]), self.recurrent_dropout)
        return projected, lambda x, states: self._step(x, states, mask)

    def _mask(self, shape: Any, rate: float) -> Any:
        return random.dropout(ops.ones(shape, dtype=self.compute_dtype), rate, seed=self.seed_generator)

    def state_shape(self, projected: Any) -> tuple[Any, ...]:
        """Returns the shape of a state from that of a projected input."""
        if self.data_format == "channels_first":
            return (projected[0], self.filters, *projected[2:])
        return (*projected[:-1], self.filters)

    def _step(self, projected: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        h, c = masked(states[0], mask), states[1]
        gates = ops.add(projected, ops.conv(h, self.recurrent_kernel, 1, "same", self.data_format))
        i, f, new, o = ops.split(gates, 4, axis=-1 if self.data_format == "channels_last" else 1)
        i, f, o = self.recurrent_activation(i), self.recurrent_activation(f), self.recurrent_activation(o)
        c = ops.add(ops.multiply(f, c), ops.multiply(i, self.activation(new)))
        h = ops.multiply(o, self.activation(c))
        return h, [h, c]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        xs, step = self._begin_sequence(ops.expand_dims(inputs, 0), training)
        return step(ops.squeeze(xs, 0), list(states))


class _ConvLSTM(CellLayer):
    _rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        **kwargs: Any,
    ):
        self._make(partial(_ConvLSTMCell, self._rank, name="conv_lstm_cell"), locals())
        self.input_spec = InputSpec(ndim=self._rank + 3)

    def _begin(self, sequences: Any, initial_state: Any) -> list[Any]:
        if initial_state is not None or self.stateful:
            return super()._begin(sequences, initial_state)
        shape = self.cell.state_shape(ops.shape(self.cell._project(sequences[:, 0])))
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in self.cell.state_size]

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        self._step_shape = (sequences_shape[0], *sequences_shape[2:])
        super().build(sequences_shape, initial_state_shape)

    def _make_states(self, batch: int) -> None:
        if None in self._step_shape:
            raise ArgumentError(f"The stateful layer '{self.name}' must know all sizes.", got=self._step_shape)
        shape = self.cell.state_shape(ops.shape(self.cell._project(ops.zeros(self._step_shape))))
        made = [
            Variable(initializers.Zeros(), shape, self.variable_dtype, trainable=False, name=f"state_{i}")
            for i, _ in enumerate(self.cell.state_size)
        ]
        self.states = made

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unroll": self.unroll}


class ConvLSTM1D(_ConvLSTM):
    """Long short-term memory over sequences of signals: the matrix products of :class:`LSTM` are convolutions.

    Args:
        |conv lstm|
        |layer options|

    Shapes: ``(batch, time, steps, channels) -> (batch, new_steps, filters)``; with ``return_sequences`` ``(batch, time,
        new_steps, filters)``. Each state is ``(batch, new_steps, filters)``.

    |conv lstm errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.ConvLSTM1D(4, 3, return_sequences=True)
        >>> tuple(layer(np.zeros((2, 5, 8, 3), "float32")).shape)
        (2, 5, 6, 4)

    Source: Shi et al., "Convolutional LSTM network", 2015.
    """

    _rank = 1


class ConvLSTM2D(_ConvLSTM):
    """Long short-term memory over sequences of images: the matrix products of :class:`LSTM` are convolutions.

    Args:
        |conv lstm|
        |layer options|

    Shapes: ``(batch, time, height, width, channels) -> (batch, new_height, new_width, filters)``; with
        ``return_sequences`` ``(batch, time, new_height, new_width, filters)``. Each state is ``(batch, new_height,
        new_width, filters)``.

    |conv lstm errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.ConvLSTM2D(4, 3, padding="same")
        >>> tuple(layer(np.zeros((2, 5, 8, 8, 3), "float32")).shape)
        (2, 8, 8, 4)

    Source: Shi et al., "Convolutional LSTM network", 2015.
    """

    _rank = 2


class ConvLSTM3D(_ConvLSTM):
    """Long short-term memory over sequences of volumes: the matrix products of :class:`LSTM` are convolutions.

    Args:
        |conv lstm|
        |layer options|

    Shapes: ``(batch, time, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, filters)``;
        with ``return_sequences`` there is an axis of time after the batch.

    |conv lstm errors|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.ConvLSTM3D(2, 2)
        >>> tuple(layer(np.zeros((1, 2, 3, 4, 5, 1), "float32")).shape)
        (1, 2, 3, 4, 2)

    Source: Shi et al., "Convolutional LSTM network", 2015.
    """

    _rank = 3
