"""The state of optimizers of Keras 1 and 2: a flat list of arrays, as the slots of today's.

    iterations, then one slot of all weights, then the next      Keras 1, and 2 before 2.11
    iteration, then the order of today                           2.11 and later

Keras 1 sorted the weights by their names; Keras 2 kept the model's order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.saving.old_weights import Origin, Piece, convert, weights_of

# The slots of each optimizer, in the order of their lists in old files.
_SLOTS = {
    "SGD": ("momentum",),
    "RMSprop": ("velocity", "momentum", "average_gradient"),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accumulated_grad", "accumulated_delta_var"),
    "Adam": ("momentum", "velocity", "velocity_hat"),
    "AdamW": ("momentum", "velocity", "velocity_hat"),
    "Adamax": ("momentum", "norm"),
    "Nadam": ("momentum", "velocity"),
    "Ftrl": ("accumulator", "linear"),
}


def restore(model: Any, names: list[str], values: list[np.ndarray], pieces: list[Piece], origin: Origin) -> bool:
    """Assign the state of the model's optimizer; whether the values fitted, else nothing has changed.

    Args:
        model: compiled model, whose optimizer is built.
        names: names of the values in the file.
        values: the values.
        pieces: the layers, with the names of their weights in the file.
        origin: where the file comes from.
    """
    optimizer = model.optimizer
    if origin.era == 3 or (names and names[0].startswith("iteration")):
        return _in_todays_order(optimizer, values)
    found = _by_slot(optimizer, values, pieces, origin)
    if found is None:
        return False
    step, assignments = found
    optimizer._iterations.assign(np.asarray(step, optimizer._iterations.dtype))
    for slot, weight, value in assignments:
        optimizer._slot(slot, weight).assign(value)
    return True


def restore_other_order(optimizer: Any, values: list[np.ndarray]) -> bool:
    """Assign the values of a ``.keras`` file whose order is an older one; whether it is, else nothing has changed."""
    variables = as_keras_2(optimizer, len(values))
    other = variables != optimizer.variables or _scalar_last(variables, values) is not values
    return other and _in_todays_order(optimizer, values)


def _in_todays_order(optimizer: Any, values: list[np.ndarray]) -> bool:
    variables = as_keras_2(optimizer, len(values))
    values = _scalar_last(variables, values[:1] if len(variables) == 1 else values)
    if len(variables) != len(values) or any(tuple(v.shape) != x.shape for v, x in zip(variables, values)):
        return False
    for variable, value in zip(variables, values):
        variable.assign(value.astype(dtypes.to_numpy(variable.dtype)))
    return True


def _by_slot(
    optimizer: Any, values: list[np.ndarray], pieces: list[Piece], origin: Origin
) -> tuple[int, list[tuple[str, Any, np.ndarray]]] | None:
    """The number of updates, and the slot, weight and value of each assignment."""
    trained = [piece for piece in pieces if piece.layer.trainable]
    names = [name for piece in trained for name in piece.trainable_names]
    if origin.era == 1:
        names = sorted(set(names))
    if not names:
        return None
    scalars = next((i for i, value in enumerate(values) if value.shape != ()), len(values))
    step = int(values[0]) if scalars else 0
    blocks = [values[i : i + len(names)] for i in range(scalars, len(values) - len(names) + 1, len(names))]
    assignments: list[tuple[str, Any, np.ndarray]] = []
    for slot, block in zip(_SLOTS.get(type(optimizer).__name__, ()), blocks):
        if slot not in optimizer._slots:
            continue
        named = dict(zip(names, block))
        for piece in trained:
            old = [named[name] for name in piece.trainable_names]
            weights = [v for v in weights_of(piece.layer) if v.trainable]
            new = convert(piece.layer, old, origin)
            if len(new) != len(weights) or any(tuple(w.shape) != x.shape for w, x in zip(weights, new)):
                return None
            assignments += [(slot, weight, value) for weight, value in zip(weights, new)]
    wanted = sum(len(slots) for slots in optimizer._slots.values())
    return (step, assignments) if len(assignments) == wanted else None


def _scalar_last(variables: list[Any], values: list[np.ndarray]) -> list[np.ndarray]:
    """Nadam's product of momenta stood before its slots in Keras 3.0 to 3.6."""
    moved = [*values[:2], *values[3:], *values[2:3]]
    fits = [v.shape for v in moved] == [tuple(v.shape) for v in variables]
    return moved if fits and len(moved) > 3 else values


def as_keras_2(optimizer: Any, count: int) -> list[Any]:
    """The variables that so many values of a file are for.

    Keras 2 did not keep the learning rate among them. Its SGD wrote a slot for each weight also without momentum.
    """
    variables = optimizer.variables
    without = [v for v in variables if v.name != "learning_rate"]
    if len(without) == 1 and count > len(variables):
        return without
    return without if count == len(without) else variables
