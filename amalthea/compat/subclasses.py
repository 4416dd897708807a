"""Classes of a user's that are derived from layers of the library, in the spelling of Keras 1 and 2.

``super().__init__(output_dim, inner_activation="relu")`` is read as the call of the class would be, with the defaults
of the era. A recurrent layer whose subclass has a ``step`` of its own runs it, as in Keras 1 and 2.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import layers, ops
from amalthea.compat import backend as K
from amalthea.compat import eras
from amalthea.compat.attaching import attach, detach
from amalthea.compat.calls import is_inside, kind_of, modern_call
from amalthea.layers.rnn_cell import CellLayer
from amalthea.spellings.signatures import signatures

_RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN)
_OWN = ("Lambda", "Merge")  # their classes have other ways to be derived from


def install() -> None:
    """Reads constructors of the library's layers that a subclass of a user's calls."""
    if "step" in vars(CellLayer):
        return
    for cls in _layers():
        attach(cls, {"__init__": _reading(cls, cls.__init__)})
    attach(CellLayer, {"step": _step, "get_constants": _get_constants})
    for cls in _RECURRENT:
        attach(cls, {"inner_loop": _looping(cls.inner_loop)})


def uninstall() -> None:
    """Takes it back."""
    detach(*_layers(), CellLayer)


@functools.cache
def _layers() -> tuple[type, ...]:
    """The layers whose constructors had other words or defaults."""
    names = {*signatures(1), *signatures(2)} - {*_OWN}
    found = [getattr(layers, name, None) for name in sorted(names | {"Conv1D", "Conv2D", "Conv3D"})]
    return tuple(cls for cls in dict.fromkeys(found) if isinstance(cls, type) and "__init__" in vars(cls))


def _reading(cls: type, init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def reading(self: Any, *args: Any, **kwargs: Any) -> None:
        derived = kind_of(type(self)) is None
        if derived and (type(self).__init__ is reading or not is_inside(sys._getframe(1))):
            name = getattr(type(self), "_old_name", cls.__name__)
            made, read, words = modern_call("layer", name, args, kwargs, cls)
            if made is cls:
                args, kwargs = read, words
        init(self, *args, **kwargs)

    return reading


# ------------------------------------------------------------------------------------ recurrent layers


def _step(self: Any, x: Any, states: Sequence[Any]) -> Any:
    """One step of the layer's own cell, for subclasses whose ``step`` begins with it.

    Args:
        x: tensor; the inputs of a time step, already multiplied by the kernel.
        states: list of states, and of constants after them.
    """
    output, new = self._cell_step(x, list(states)[: len(self._state_sizes)])
    return output, list(new)


def _get_constants(self: Any, inputs: Any, training: Any = None) -> list[Any]:
    """Two ones in place of the dropout masks, which the step applies by itself.

    Args:
        inputs: tensor ``(batch, time, features)``.
        training: not used.
    """
    return [1.0, 1.0]


def _looping(today: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(today)
    def inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if eras.era() == 3 or type(self).step is _step:
            return today(self, sequences, initial_state, mask, training)
        x, self._cell_step = self.cell._begin_sequence(ops.swapaxes(sequences, 0, 1), training)
        try:
            return K.rnn(
                self.step, ops.swapaxes(x, 0, 1), initial_state, go_backwards=self.go_backwards, mask=mask,
                constants=self.get_constants(sequences), unroll=self.unroll,
            )  # fmt: skip
        finally:
            del self._cell_step

    return inner_loop
