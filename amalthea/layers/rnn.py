"""The loop over time that all recurrent layers share.

The part of a cell that depends on the inputs alone is computed for all time steps in one matrix product, before the
loop; the loop itself is one ``scan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings, initializers, loading, ops, tree
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.layers.calling import parameters, path_scope
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.masked import column
from amalthea.layers.options import keep
from amalthea.layers.stacked_rnn_cells import StackedRNNCells
from amalthea.operation import Unnamed, record

docstrings.share(
    "loop",
    """
    return_sequences: bool; whether the output of every step is returned, not of the last alone. Defaults to False.
    return_state: bool; whether the last states are returned too: ``[output, *states]``. Defaults to False.
    go_backwards: bool; whether the last step is processed first, which also puts its output first. Defaults to False.
    stateful: bool; whether each batch starts from the last states of the batch before. Defaults to False.
    unroll: bool; whether the cell is copied for each step in place of a loop, for a known number of steps. Defaults to
        False.
    """,
)
docstrings.share(
    "loop shapes",
    """
    Shapes: ``(batch, time, features) -> (batch, units)``; with ``return_sequences`` ``(batch, time, units)``. Each
        state is ``(batch, units)``.
    """,
)


class RNN(Layer):
    """Runs a recurrent cell over the time steps of a sequence.

    ``output[t], states[t] = cell(inputs[t], states[t - 1])``. A step that the mask leaves out changes no state and
    repeats the output before it.

    Args:
        cell: object with ``call(inputs, states) -> (output, new states)`` and ``state_size`` (and ``output_size``,
            unless the output is as large as the first state), such as :class:`LSTMCell`; or a list of cells, each fed
            with the output of the one before.
        |loop|
        zero_output_for_mask: bool; whether steps that the mask leaves out give zeros in place of the output before.
            Defaults to False.
        |layer options|

    Call args:
        sequences: tensor ``(batch, time, features)``.
        initial_state: list of tensors ``(batch, state_size)``. Defaults to None, which starts from zeros or, if
            ``stateful``, from the states of the batch before.
        mask: bool ``(batch, time)``; True for steps that count. Defaults to the mask that the input carries.
        training: bool; whether the dropout of the cell is active.

    |loop shapes|

    Raises:
        ArgumentError: ``cell`` is not a cell, a stateful layer does not know the batch size, or an unrolled one the
            number of steps.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.RNN([layers.GRUCell(4), layers.LSTMCell(6)], return_sequences=True)
        >>> tuple(layer(np.zeros((2, 5, 3), "float32")).shape)
        (2, 5, 6)
    """

    supports_masking = True
    _not_tracked = ("states",)

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
            raise ArgumentError("This is not a cell.", expected="an object with call() and state_size", got=repr(cell))
        super().__init__(**kwargs)
        keep(self, locals())
        self.states: list[Variable] | None = None
        self.input_spec = InputSpec(ndim=3) if type(self) is not RNN else None

    @property
    def _computes_in_floats(self) -> bool:
        return getattr(self.cell, "_computes_in_floats", False)

    # ------------------------------------------------------------------------------------ building

    @property
    def _state_sizes(self) -> list[Any]:
        """The sizes of the states, nested as in the cell."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        step_shape = (sequences_shape[0], *sequences_shape[2:])
        if isinstance(self.cell, Layer) and not self.cell.built:
            with path_scope(self.cell):
                self.cell.build(step_shape)
            self.cell.built = True
        if self.stateful:
            if sequences_shape[0] is None:
                raise ArgumentError(
                    f"The stateful layer '{self.name}' must know the size of its batches.",
                    cure="Input(batch_shape=(32, time, features))",
                )
            self._make_states(sequences_shape[0])

    def _make_states(self, batch: int) -> None:
        made = [
            Variable(initializers.Zeros(), (batch, size), self.variable_dtype, trainable=False, name=f"state_{i}")
            for i, size in enumerate(tree.flatten(self._state_sizes))
        ]
        self.states = made

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Returns the states that a sequence starts from: zeros, or those that the cell gives.

        Args:
            batch_size: int or symbolic size; number of sequences.

        Shapes: each state is ``(batch, state_size)``.
        """
        begin = getattr(self.cell, "get_initial_state", None)
        if begin is not None:
            state = begin(batch_size=batch_size)
            return list(state) if isinstance(state, (list, tuple)) else [state]
        return tree.map_structure(lambda n: ops.zeros((batch_size, n), dtype=self.compute_dtype), self._state_sizes)

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zeros."""
        for state in self.states or ():
            state.assign(ops.zeros_like(state))

    reset_states = reset_state

    # ------------------------------------------------------------------------------------- calling

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        if mask is not None and isinstance(mask, (list, tuple)):
            mask = mask[0]
        begin = self._begin(sequences, initial_state)
        last, outputs, states = self.inner_loop(sequences, begin, mask, training)
        if self.stateful:
            for variable, state in zip(self.states or (), states):
                variable.assign(ops.cast(state, variable.dtype))
        output = outputs if self.return_sequences else last
        return [output, *tree.pack_sequence_as(self._state_sizes, states)] if self.return_state else output

    def _begin(self, sequences: Any, initial_state: Any) -> list[Any]:
        if initial_state is not None:
            states = tree.flatten(initial_state)
        elif self.stateful:
            states = [v.value for v in self.states or ()]
        else:
            states = tree.flatten(self.get_initial_state(ops.shape(sequences)[0]))
        return [ops.cast(state, self.compute_dtype) for state in states]

    def inner_loop(self, sequences: Any, initial_state: Sequence[Any], mask: Any, training: bool = False) -> Any:
        """Runs the loop; returns ``(last output, all outputs, last states)``."""
        rank = len(sequences.shape)
        xs = ops.transpose(sequences, (1, 0, *range(2, rank)))
        masks = None if mask is None else ops.transpose(ops.cast(mask, "bool"), (1, 0))
        if self._cell_is_known:
            xs, step = self.cell._begin_sequence(xs, training)
        else:
            step = self._plain_step(training)
        run = self._unrolled if self.unroll else self._scanned
        last, outputs, states = run(step, xs, masks, list(initial_state))
        return last, self._in_order(outputs), states

    def _in_order(self, outputs: Any) -> Any:
        """Returns outputs ``(time, batch, ...)`` of the loop as ``(batch, time, ...)``, in the order of computation."""
        if not self.return_sequences:
            return None
        outputs = ops.flip(outputs, 0) if self.go_backwards else outputs
        return ops.transpose(outputs, (1, 0, *range(2, len(outputs.shape))))

    def _plain_step(self, training: bool) -> Any:
        given = {"training": training} if "training" in parameters(type(self.cell).call) else {}

        def step(x: Any, states: list[Any]) -> Any:
            output, new = self.cell(x, tree.pack_sequence_as(self._state_sizes, states), **given)
            return output, tree.flatten(new)

        return step

    @property
    def _cell_is_known(self) -> bool:
        """Whether the steps are those of our own cells; a subclass of a cell that overrides ``call`` is run by its
        ``call``.
        """
        owners = [next((k for k in type(self.cell).__mro__ if n in vars(k)), None) for n in ("_begin_sequence", "call")]
        return owners[0] is not None and issubclass(owners[0], owners[1] or object)

    @property
    def _output_is_state(self) -> bool:
        """Whether the output is the first state."""
        return self._cell_is_known and self.cell._output_is_first_state

    def _masked(self, step: Any, x: Any, mask: Any, before: Any, states: list[Any]) -> Any:
        """Runs one step; where the mask is False, states stay and the output is ``before`` (or zeros)."""
        output, new = step(x, states)
        if mask is None:
            return output, new
        rest = ops.zeros_like(output) if self.zero_output_for_mask else before
        pairs = [(output, rest), *zip(new, states)]
        output, *new = [ops.where(column(mask, a), a, b) for a, b in pairs]
        return output, new

    def _scanned(self, step: Any, xs: Any, masks: Any, states: list[Any]) -> Any:
        """Runs the loop as one ``scan``; it carries the output only where the next step or the caller needs it."""
        keep, repeats = self.return_sequences, masks is not None and not self.zero_output_for_mask
        carries = not self._output_is_state if repeats or not keep else False
        carries = carries or (self.zero_output_for_mask and not keep)

        def body(carry: Any, element: Any) -> Any:
            x, mask = element if masks is not None else (element, None)
            out, new = self._masked(step, x, mask, carry[0] if carries else carry[-1][0], carry[-1])
            return ((out, new) if carries else (new,)), (out if keep else None)

        elements = (xs, masks) if masks is not None else xs
        begin = (self._first_output(step, xs, states), states) if carries else (states,)
        final, outputs = ops.scan(body, begin, elements, reverse=self.go_backwards)
        states = final[-1]
        if keep:
            return outputs[0 if self.go_backwards else -1], outputs, states
        return (final[0] if carries else states[0]), None, states

    def _first_output(self, step: Any, xs: Any, states: list[Any]) -> Any:
        """Returns the output before the first step: the first state where outputs are states, else zeros."""
        if self._output_is_state and not self.zero_output_for_mask:
            return states[0]
        sequence = type_of(xs)
        symbols = [Tensor(Type(sequence.shape[1:], sequence.dtype)), *(Tensor(type_of(s)) for s in states)]
        output = record(Unnamed("step"), lambda *xs: step(xs[0], list(xs[1:]))[0], symbols, {})
        return ops.zeros(output.type.shape, dtype=output.dtype)

    def _unrolled(self, step: Any, xs: Any, masks: Any, states: list[Any]) -> Any:
        count = ops.shape(xs)[0]
        if not isinstance(count, int):
            raise ArgumentError(f"The unrolled layer '{self.name}' must know the number of steps.", cure="unroll=False")
        loading.check_unrolled(self.name, count)
        order = range(count)[::-1] if self.go_backwards else range(count)
        outputs: list[Any] = [None] * count
        out = None if masks is None else self._first_output(step, xs, states)
        for t in order:
            out, states = self._masked(step, xs[t], None if masks is None else masks[t], out, states)
            outputs[t] = out
        return out, ops.stack(outputs), states

    # --------------------------------------------------------------------------------------- masks

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        out = mask if self.return_sequences else None
        return [out, *tree.map_structure(lambda _: None, self._state_sizes)] if self.return_state else out

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "zero_output_for_mask": self.zero_output_for_mask}
