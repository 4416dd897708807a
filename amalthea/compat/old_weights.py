"""``get_weights`` and ``set_weights`` with the arrays of Keras 1.

    kernels with channels first     (out, in, rows, columns)
    kernels of Convolution1D        (length, 1, in, out)
    LSTM                            12 arrays: W_i U_i b_i  W_c U_c b_c  W_f U_f b_f  W_o U_o b_o
    GRU                             9 arrays:  W_z U_z b_z  W_r U_r b_r  W_h U_h b_h

With ``consume_less="gpu"`` a recurrent layer of Keras 1 had three arrays, as today's; ConvLSTM2D always had twelve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea import ops
from amalthea.compat import eras
from amalthea.layers import GRU, LSTM, Conv1D, Conv2D, Conv3D, ConvLSTM2D, Layer

_TODAY = {name: getattr(Layer, name) for name in ("get_weights", "set_weights")}
# The place of each gate in today's arrays, in the order of Keras 1.
GATES = {LSTM: {"i": 0, "c": 2, "f": 1, "o": 3}, GRU: {"z": 0, "r": 1, "h": 2}, ConvLSTM2D: dict(i=0, c=2, f=1, o=3)}
_PARTS = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}


class _Form(NamedTuple):
    """The arrays of Keras 1 that stand for some variables that follow each other.

    Args:
        size: int; number of the variables.
        count: int; number of the arrays of Keras 1.
        old: function from the variables' values to these arrays.
        new: function from these arrays to the values.
    """

    size: int
    count: int
    old: Callable[[list[Any]], list[Any]]
    new: Callable[[list[Any]], list[Any]]


def get_weights(self: Any) -> list[np.ndarray]:
    """``get_weights``, in the arrays that Keras 1 had in era 1."""
    found: list[np.ndarray] = []
    for form, values in _cut(self, _TODAY["get_weights"](self), [f.size for f in _forms(self)]):
        found += form.old(values)
    return found


def set_weights(self: Any, weights: Sequence[Any]) -> None:
    """``set_weights``, with arrays as :func:`get_weights` gives them; recurrent layers take today's three too.

    Args:
        weights: list of arrays.
    """
    forms = _forms(self)
    for counts in ([form.count for form in forms], [form.size for form in forms]):
        if sum(counts) == len(weights):
            found: list[Any] = []
            for form, values in _cut(self, list(weights), counts):
                found += form.new(values)
            weights = found
            break
    _TODAY["set_weights"](self, weights)


def _cut(layer: Any, values: list[Any], counts: list[int]) -> Iterator[tuple[_Form, list[Any]]]:
    at = 0
    for form, count in zip(_forms(layer), counts):
        yield form, values[at : at + count]
        at += count


def _same(values: list[Any]) -> list[Any]:
    return values


_PLAIN = _Form(1, 1, _same, _same)


def _forms(layer: Any) -> list[_Form]:
    """The forms of all weights of a layer, in the order of ``weights``."""
    known = _known(layer) if eras.era() == 1 else {}
    found, at, variables = [], 0, layer.weights
    while at < len(variables):
        found.append(known.get(id(variables[at]), _PLAIN))
        at += found[-1].size
    return found


def _known(layer: Any) -> dict[int, _Form]:
    """Forms of variables by the first of them."""
    found: dict[int, _Form] = {}
    for x in layer._flatten_layers():
        kind = next((k for k in GATES if isinstance(x, k)), None)
        if kind is not None and x.built and getattr(x, "use_cudnn", None) is not True and x.cell.use_bias:
            found[id(x.cell.kernel)] = _gated([*GATES[kind].values()])
        elif _is_reordered(x):
            found[id(x.kernel)] = _Form(1, 1, lambda v, x=x: [_as_old(x, v[0])], lambda v, x=x: [_as_today(x, v[0])])
    return found


def _is_reordered(layer: Any) -> bool:
    """Whether the kernel had its axes in another order, or one more."""
    if not isinstance(layer, (Conv1D, Conv2D, Conv3D)) or not layer.built:
        return False
    return isinstance(layer, Conv1D) or layer.data_format == "channels_first"


def _gated(order: list[int]) -> _Form:
    def old(values: list[Any]) -> list[Any]:
        split = [np.split(value, len(order), axis=-1) for value in values]
        return [parts[gate] for gate in order for parts in split]

    def new(values: list[Any]) -> list[Any]:
        if len(values) == 3:
            return values
        positions = [order.index(gate) for gate in range(len(order))]
        return [np.concatenate([values[3 * place + part] for place in positions], axis=-1) for part in range(3)]

    return _Form(3, 3 * len(order), old, new)


def _as_old(layer: Any, kernel: np.ndarray) -> np.ndarray:
    if isinstance(layer, Conv1D):
        return kernel[:, None]
    return kernel.transpose(-1, -2, *range(kernel.ndim - 2))


def _as_today(layer: Any, kernel: Any) -> Any:
    if np.ndim(kernel) != layer.kernel.ndim + isinstance(layer, Conv1D):
        return kernel
    kernel = np.asarray(kernel)
    return kernel[:, 0] if isinstance(layer, Conv1D) else kernel.transpose(*range(2, kernel.ndim), 1, 0)


# ---------------------------------------------------------------------------------------- attributes


def part_of_gate(part: str, gate: str) -> Callable[[Any], Any]:
    """A function that reads a gate's part of a recurrent layer's weight, such as ``layer.W_i``.

    Args:
        part: str; ``"W"``, ``"U"`` or ``"b"``.
        gate: str; ``"i"``, ``"c"``, ``"f"``, ``"o"`` of an LSTM, ``"z"``, ``"r"``, ``"h"`` of a GRU.
    """

    def read(layer: Any) -> Any:
        positions = next((rows for kind, rows in GATES.items() if isinstance(layer, kind)), {})
        if gate not in positions:
            raise AttributeError(f"{type(layer).__name__} has no attribute '{part}_{gate}'.")
        value = getattr(layer.cell, _PARTS[part])
        return ops.split(value, len(positions), axis=-1)[positions[gate]]

    return read


ATTRIBUTES = {f"{part}_{gate}": part_of_gate(part, gate) for part in _PARTS for gate in "icfozrh"}
