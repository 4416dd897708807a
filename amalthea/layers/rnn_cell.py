"""The base of recurrent cells and their layers: weights, and dropout with one mask for all time steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import activations, docstrings, ops, random
from amalthea.layers.calling import parameters
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, seed_generator, weight
from amalthea.layers.rnn import RNN

docstrings.share(
    "gated activations",
    """
    activation: str or function; activation of the candidate and of the output. Defaults to ``"tanh"``.
    recurrent_activation: str or function; activation of the gates. Defaults to ``"sigmoid"``.
    """,
)
docstrings.share(
    "cell call",
    """
    Call args:
        inputs: tensor ``(batch, features)``, one time step.
        states: list of the states, or a single state.
        training: bool; whether dropout is active. Defaults to False.
    """,
)
docstrings.share(
    "recurrent weights",
    """
    use_bias: bool; whether a bias is added. Defaults to True.
    kernel_initializer: str, Initializer or function; starting values of the kernel of the inputs. Defaults to
        ``"glorot_uniform"``.
    recurrent_initializer: str, Initializer or function; starting values of the kernel of the state. Defaults to
        ``"orthogonal"``.
    bias_initializer: str, Initializer or function; starting values of the bias. Defaults to ``"zeros"``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer: str, Regularizer or function; penalty on the kernel of
        the inputs, the kernel of the state or the bias, which training adds to the loss. Defaults to None, which adds
        no penalty.
    kernel_constraint, recurrent_constraint, bias_constraint: str, Constraint or function; projects the weight after
        each update by the optimizer. Defaults to None, which leaves it as it is.
    dropout: float from 0 to 1; fraction of the inputs that is dropped in training, the same ones at every step.
        Defaults to 0.0.
    recurrent_dropout: float from 0 to 1; fraction of the state that is dropped in training where it enters the matrix
        products, the same elements at every step. Defaults to 0.0.
    |seed|
    """,
)


class RecurrentCell(Layer):
    """A cell with a kernel for the input and one for the state, for a number of gates.

    A subclass sets ``_gates`` and implements :meth:`_step`, from the projected input and the states to the output and
    the new states; it may override ``_bias_shape`` and ``_bias_start``.
    """

    _computes_in_floats = True

    _gates = 1
    _output_is_first_state = True

    def _keep(self, arguments: dict[str, Any]) -> None:
        keep(self, arguments)
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = seed_generator(self.seed)

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> int:
        return self.units

    def build(self, input_shape: Any) -> None:
        width = self.units * self._gates
        self.kernel = weight(self, "kernel", (input_shape[-1], width))
        self.recurrent_kernel = weight(self, "recurrent_kernel", (self.units, width), "recurrent")
        self.bias = weight(self, "bias", self._bias_shape(), initializer=self._bias_start()) if self.use_bias else None

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.units * self._gates,)

    def _bias_start(self) -> Any:
        return self.bias_initializer

    def _input_bias(self) -> Any:
        """Returns the bias that is added to the projected input."""
        return self.bias

    def _project(self, inputs: Any) -> Any:
        """Returns the part of all gates that depends on the input, for any number of leading axes."""
        x = ops.matmul(inputs, self.kernel)
        bias = self._input_bias()
        return x if bias is None else ops.add(x, bias)

    def _step(self, projected: Any, states: list[Any], recurrent_mask: Any) -> tuple[Any, list[Any]]:
        raise NotImplementedError

    def _begin_sequence(self, sequence: Any, training: bool) -> tuple[Any, Callable[..., Any]]:
        """Returns the projected sequence ``(time, batch, gates)`` and the function of a step, with one dropout mask."""
        sequence = self._with_dropout(sequence, training)
        batch = ops.shape(sequence)[1]
        mask = self._mask((batch, self.units), self.recurrent_dropout) if training and self.recurrent_dropout else None
        return self._project(sequence), lambda x, states: self._step(x, states, mask)

    def _with_dropout(self, sequence: Any, training: bool) -> Any:
        """Applies one dropout mask to all steps of a sequence ``(time, batch, features)``."""
        if not training or not self.dropout:
            return sequence
        return ops.multiply(sequence, self._mask(ops.shape(sequence)[1:], self.dropout))

    def _is_standard(self, training: bool) -> bool:
        """Returns whether the fused recurrence computes the same: default activations, and no mask on the state."""
        usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return usual and not (training and self.recurrent_dropout)

    def _whole_inputs(self, sequence: Any, training: bool) -> list[Any]:
        """Returns the inputs of the fused recurrence beside states: sequence, kernels, bias (zeros for none)."""
        bias = ops.zeros(self._bias_shape()) if self.bias is None else self.bias
        given = [self._with_dropout(sequence, training), self.kernel, self.recurrent_kernel, bias]
        return [ops.cast(x, self.compute_dtype) for x in given]

    def _mask(self, shape: Any, rate: float) -> Any:
        return random.dropout(ops.ones(shape, dtype=self.compute_dtype), rate, seed=self.seed_generator)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        flat = list(states) if isinstance(states, (list, tuple)) else [states]
        xs, step = self._begin_sequence(ops.expand_dims(inputs, 0), training)
        output, new = step(ops.squeeze(xs, 0), flat)
        return output, new if isinstance(states, (list, tuple)) else new[0]

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]


def masked(h: Any, mask: Any) -> Any:
    """Applies the recurrent dropout mask to a state, if there is one."""
    return h if mask is None else ops.multiply(h, mask)


class CellLayer(RNN):
    """The base of recurrent layers that make their own cell; ``layer.units`` reads ``layer.cell.units``."""

    _cell_options: tuple[str, ...] = ()  # arguments of the constructor that the cell keeps

    def _make(self, make_cell: Callable[..., Any], arguments: dict[str, Any]) -> None:
        """Makes the cell, and runs the constructor of RNN around it.

        Args:
            make_cell: function that makes the cell, from all arguments that RNN does not take.
            arguments: ``locals()`` at the beginning of ``__init__``.
        """
        kwargs = arguments["kwargs"]
        base = {*parameters(RNN.__init__), "activity_regularizer"}
        options = {k: v for k, v in arguments.items() if k not in {*base, "self", "__class__", "use_cudnn"}}
        shared = {key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs}
        cell = make_cell(**options, **shared)
        super().__init__(cell, **{k: v for k, v in arguments.items() if k in base and k != "kwargs"}, **kwargs)
        self._cell_options = tuple(options)

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_cell_options", ()):
            return getattr(self.cell, name)
        return super().__getattr__(name)

    def _runs_whole(self, mask: Any, training: bool) -> bool:
        """Returns whether the fused recurrence of the backend computes the same."""
        return mask is None and not self.unroll and self.cell._is_standard(training)
