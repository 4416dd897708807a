"""``Recurrent`` of Keras 1 and 2: the base class from which users derived recurrent layers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import tree
from amalthea.compat import backend as K
from amalthea.errors import ArgumentError
from amalthea.layers import InputSpec, Layer
from amalthea.layers.calling import parameters


class Recurrent(Layer):
    """A layer that runs its own ``step`` over the time steps of a sequence.

    ``output[t], states[t] = step(inputs[t], [*states[t - 1], *constants])``. A subclass writes ``build``, which also
    sets ``states`` to as many entries as there are states, and ``step``; and where it needs them ``get_constants``,
    ``preprocess_input`` and ``get_initial_states`` (Keras 1) or ``get_initial_state`` (Keras 2).

    Args:
        return_sequences: bool; whether the output of every step is returned, not of the last alone. Defaults to False.
        go_backwards: bool; whether the last step is processed first. Defaults to False.
        stateful: bool; whether each batch starts from the last states of the batch before. Defaults to False.
        unroll: bool; whether the graph holds each step in place of a loop. Defaults to False.
        return_state: bool; whether the last states are returned too. Defaults to False.
        consume_less, implementation: not used.
        **kwargs: arguments of every layer, with ``weights``, ``input_dim`` and ``input_length``.

    Shapes: ``(batch, time, features) -> (batch, units)``; with ``return_sequences`` ``(batch, time, units)``.

    Example:
        >>> import numpy as np
        >>> class Sum(Recurrent):
        ...     def build(self, input_shape):
        ...         self.output_dim, self.states = input_shape[2], [None]
        ...     def step(self, x, states):
        ...         return states[0] + x, [states[0] + x]
        >>> np.asarray(Sum(return_sequences=True)(np.ones((1, 3, 1), "float32"))).ravel().tolist()
        [1.0, 2.0, 3.0]
    """

    supports_masking = True
    _not_tracked = ("states",)

    def __init__(
        self,
        return_sequences: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        return_state: bool = False,
        consume_less: str = "cpu",
        implementation: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.consume_less, self.implementation = consume_less, implementation
        self.input_spec = InputSpec(ndim=3)
        self.states: list[Any] = [None]

    # ---------------------------------------------------------------- what a subclass writes

    def step(self, x: Any, states: Sequence[Any]) -> Any:
        """Computes one time step; returns its output and the list of new states.

        Args:
            x: tensor ``(batch, features)``.
            states: list of the states and the constants.

        Raises:
            ArgumentError: the subclass has none.
        """
        raise ArgumentError(
            f"'{type(self).__name__}' has no step of its own.", cure="def step(self, x, states): return output, states"
        )

    def get_constants(self, x: Any) -> list[Any]:
        """Returns the tensors that every step takes after the states; none by default.

        Args:
            x: tensor ``(batch, time, features)``.
        """
        return []

    def preprocess_input(self, x: Any) -> Any:
        """Returns the sequence that the steps take, computed for all of them at once; the input by default.

        Args:
            x: tensor ``(batch, time, features)``.
        """
        return x

    def get_initial_states(self, x: Any) -> list[Any]:
        """Returns the states before the first step, as Keras 1 named them; zeros by default.

        Args:
            x: tensor ``(batch, time, features)``.
        """
        zeros = K.expand_dims(K.sum(K.zeros_like(x), axis=(1, 2)))
        return [K.tile(zeros, [1, self._units()]) for _ in self.states]

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """Returns the states before the first step, as Keras 2 named them.

        Args:
            inputs: tensor ``(batch, time, features)``.
        """
        return self.get_initial_states(inputs)

    def _units(self) -> int:
        found = getattr(self, "units", getattr(self, "output_dim", None))
        if found is None:
            raise ArgumentError(
                f"The number of units of '{self.name}' is not known.", cure="self.units = ... in __init__ or build"
            )
        return found

    # --------------------------------------------------------------------------------- calls

    def call(self, x: Any, mask: Any = None, initial_state: Any = None, training: Any = None) -> Any:
        if isinstance(x, (list, tuple)):
            x, initial_state = x[0], x[1:]
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        given = lambda function: {"training": training} if "training" in parameters(function) else {}  # noqa: E731
        last, outputs, states = K.rnn(
            self.step,
            self.preprocess_input(x, **given(type(self).preprocess_input)),
            self._begin(x, initial_state),
            go_backwards=self.go_backwards,
            mask=mask,
            constants=self.get_constants(x, **given(type(self).get_constants)),
            unroll=self.unroll,
        )
        if self.stateful:
            for variable, state in zip(self.states, states):
                variable.assign(state)
        output = outputs if self.return_sequences else last
        return [output, *states] if self.return_state else output

    def _begin(self, x: Any, initial_state: Any) -> list[Any]:
        if initial_state is not None:
            return list(tree.flatten(initial_state))
        return list(self.states) if self.stateful else list(self.get_initial_state(x))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        out = mask if self.return_sequences else None
        return [out, *(None for _ in self.states)] if self.return_state else out
