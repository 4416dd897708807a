"""A recurrent layer that runs in both directions of time."""

# Values of Any are sorted with isinstance(), which leaves their items unknown; build takes what the layer needs.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import ops, tree
from amalthea.errors import ArgumentError
from amalthea.layers.copying import copied
from amalthea.layers.layer import Layer
from amalthea.layers.wrapper import as_layer

_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: ops.add(a, b),
    "mul": lambda a, b: ops.multiply(a, b),
    "ave": lambda a, b: ops.multiply(ops.add(a, b), 0.5),
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
}


class Bidirectional(Layer):
    """Runs a recurrent layer forwards in time and another one backwards, and merges their outputs.

    Args:
        layer: recurrent layer, such as :class:`LSTM`; a copy of it runs forwards.
        merge_mode: str; ``"concat"`` joins the features, ``"sum"``, ``"mul"`` and ``"ave"`` add, multiply or average
            them; None returns a list of both outputs. Defaults to ``"concat"``.
        weights: list of arrays to start from, those of the forward layer first. Defaults to None.
        backward_layer: recurrent layer with the opposite ``go_backwards``. Defaults to None, which copies ``layer``.
        |layer options|

    Call args:
        sequences: tensor ``(batch, time, features)``.
        initial_state: list of tensors; the states of the forward layer, then those of the backward layer. Defaults to
            None.
        mask: bool ``(batch, time)``; steps that are left out change no state, and give zeros.
        training: bool; whether dropout in the layers is active.

    Shapes: ``(batch, time, features) -> (batch, 2 * units)`` with ``"concat"``, ``(batch, units)`` with the other
        modes; an axis of time after the batch with ``return_sequences``. The states of both directions follow with
        ``return_state``.

    Raises:
        ArgumentError: the layer is not recurrent, both layers differ in an option that they must share, or the number
            of initial states is not that of both.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.zeros((2, 5, 3), "float32")
        >>> tuple(layers.Bidirectional(layers.LSTM(4))(x).shape)
        (2, 8)
        >>> tuple(layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="sum")(x).shape)
        (2, 5, 4)

    Source: Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997.
    """

    supports_masking = True
    _not_in_config = ("weights",)
    _config_attributes = {"layer": "forward_layer"}

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ):
        if merge_mode is not None and merge_mode not in _MERGES:
            raise ArgumentError(
                "This merge mode does not exist.", expected=f"{', '.join(_MERGES)} or None", got=repr(merge_mode)
            )
        layer = as_layer(layer)
        if not hasattr(layer, "go_backwards") or not hasattr(layer, "return_sequences"):
            raise ArgumentError("Bidirectional takes a recurrent layer.", expected="such as LSTM(8)", got=repr(layer))
        super().__init__(weights=weights, **kwargs)
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward_", layer.go_backwards)
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_", not layer.go_backwards)
        else:
            self.backward_layer = as_layer(backward_layer)
        self._check_pair()
        for direction in (self.forward_layer, self.backward_layer):
            direction.zero_output_for_mask = direction.return_sequences
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful = layer.stateful

    def _check_pair(self) -> None:
        ahead, back = self.forward_layer, self.backward_layer
        if ahead.go_backwards == back.go_backwards:
            raise ArgumentError(
                "Both layers run in the same direction.", cure="go_backwards=True for the backward layer"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(ahead, name) != getattr(back, name):
                raise ArgumentError(
                    f"The layers of '{self.name}' differ in `{name}`.",
                    expected=getattr(ahead, name),
                    got=getattr(back, name),
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for direction in (self.forward_layer, self.backward_layer):
            direction.build_from_config({"input_shape": sequences_shape})

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        halves = self._halves(initial_state)
        pair = (self.forward_layer, self.backward_layer)
        ahead, back = (
            layer(sequences, initial_state=state, mask=mask, training=training) for layer, state in zip(pair, halves)
        )
        states: list[Any] = []
        if self.return_state:
            (ahead, *first), (back, *second) = ahead, back
            states = [*first, *second]
        if self.return_sequences:
            back = ops.flip(back, 1)
        if self.merge_mode is None:
            return [ahead, back, *states]
        merged = _MERGES[self.merge_mode](ahead, back)
        return [merged, *states] if self.return_state else merged

    def _halves(self, states: Any) -> tuple[Any, Any]:
        """Splits initial states into those of the forward and of the backward layer."""
        if states is None:
            return None, None
        count = len(self.forward_layer._state_sizes)
        if len(states) != count + len(self.backward_layer._state_sizes):
            raise ArgumentError(
                f"'{self.name}' takes the states of both directions.",
                expected=count + len(self.backward_layer._state_sizes),
                got=len(states),
            )
        return list(states[:count]), list(states[count:])

    def reset_state(self) -> None:
        """Sets the states of both stateful layers to zeros."""
        for direction in (self.forward_layer, self.backward_layer):
            direction.reset_state()

    reset_states = reset_state

    @property
    def states(self) -> Any:
        """The last states of both stateful layers; None if they do not keep states."""
        if self.forward_layer.states is None:
            return None
        return [*self.forward_layer.states, *self.backward_layer.states]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        outputs = [mask] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            sizes = [self.forward_layer._state_sizes, self.backward_layer._state_sizes]
            outputs += [None] * len(tree.flatten(sizes))
        return outputs if len(outputs) > 1 else outputs[0]


def _copy(layer: Layer, prefix: str, go_backwards: bool) -> Any:
    copy = copied(layer, name=prefix + layer.name.removeprefix(prefix), go_backwards=go_backwards)
    copy.build_from_config(layer.get_build_config())  # a layer of a file is built before it is wrapped
    return copy
