"""The state of Keras 2's optimizers in the graph of objects of a checkpoint, for the optimizers of today.

Optimizers of Keras 2.11 to 2.15 keep a list ``_variables``: the number of updates, then the slots, whose names end with
those of their weights. Older ones keep each slot by the variable that it belongs to and by a name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.errors import visible
from amalthea.saving.bundle import Bundle
from amalthea.saving.object_graph import ObjectGraph

# Names of slots, by those of older optimizers; which of the names an optimizer has tells which is meant.
_OLD_SLOTS = {
    "m": ("momentum",),
    "v": ("velocity", "norm"),
    "vhat": ("velocity_hat",),
    "momentum": ("momentum",),
    "rms": ("velocity",),
    "mg": ("average_gradient",),
    "accumulator": ("accumulator",),
    "accum_grad": ("accumulated_grad",),
    "accum_var": ("accumulated_delta_var",),
    "linear": ("linear",),
}
_SCALARS = {"_u_product": "_product", "momentum_cache": "_product"}


def restore(model: Any, graph: ObjectGraph, bundle: Bundle, nodes: dict[int, int]) -> list[Any]:
    """Pairs of variables of a model's optimizer and their values; a warning, and none, where they do not fit.

    Args:
        model: built model.
        graph: the graph of objects in the file.
        bundle: the values in it.
        nodes: the ids of the model's variables, by their nodes.
    """
    node = graph.child(0, "optimizer")
    optimizer = getattr(model, "optimizer", None)
    if node is None or optimizer is None or _number(graph, bundle, node, "_iterations", "iter") in (None, 0):
        return []
    optimizer.build(model.trainable_variables)
    pairs = _listed(optimizer, graph, bundle, node, nodes)
    if pairs is None:
        pairs = _by_name(optimizer, graph, bundle, node, nodes)
    if pairs is None:
        warnings.warn(
            f"The file's optimizer state was left out: it is not that of {visible(optimizer.name)} for these weights.",
            stacklevel=5,
        )
        return []
    return [*pairs, *_numbers(optimizer, graph, bundle, node)]


def _number(graph: ObjectGraph, bundle: Bundle, node: int, *names: str) -> np.ndarray | None:
    for name in names:
        key = graph.key(graph.child(node, name))
        if key is not None:
            return bundle.array(key)
    return None


def _numbers(optimizer: Any, graph: ObjectGraph, bundle: Bundle, node: int) -> list[Any]:
    """The number of updates, the learning rate, and scalars of some rules."""
    wanted: list[tuple[Any, Sequence[str]]] = [
        (optimizer._iterations, ("_iterations", "iter")),
        (optimizer._learning_rate, ("_learning_rate", "learning_rate")),
        *((getattr(optimizer, ours, None), (theirs,)) for theirs, ours in _SCALARS.items()),
    ]
    found = []
    for variable, names in wanted:
        value = _number(graph, bundle, node, *names) if hasattr(variable, "assign") else None
        if value is not None and value.shape == ():
            found.append((variable, value))
    return found


def _listed(optimizer: Any, graph: ObjectGraph, bundle: Bundle, node: int, nodes: dict[int, int]) -> list[Any] | None:
    """The slots of a list: those of one weight, which their names end with, are in today's order."""
    listed = graph.child(node, "_variables")
    if listed is None:
        return None
    known = {id(variable): i for i, variable in enumerate(optimizer._trainable_variables)}
    owners = {graph.nodes[i].name: known[v] for i, v in nodes.items() if v in known}
    waiting = [[slots[i] for slots in optimizer._slots.values()][::-1] for i in range(len(known))]
    pairs = []
    for i in range(1, len(graph.nodes[listed].children)):
        held = graph.nodes[graph.child(listed, str(i)) or 0]
        owner = owners.get(held.name.split("/", 2)[-1])  # without the names of the optimizer and of the slot
        slot = waiting[owner].pop() if owner is not None and waiting[owner] else None
        if slot is None or held.key not in bundle.entries or bundle.entries[held.key].shape != tuple(slot.shape):
            return None
        pairs.append((slot, bundle.array(held.key)))
    return pairs if len(pairs) == len(_slots(optimizer)) else None


def _slots(optimizer: Any) -> list[Any]:
    """All variables of an optimizer that belong to weights, in order."""
    slots = {id(v) for listed in optimizer._slots.values() for v in listed}
    return [v for v in optimizer.variables if id(v) in slots]


def _by_name(optimizer: Any, graph: ObjectGraph, bundle: Bundle, node: int, nodes: dict[int, int]) -> list[Any] | None:
    """The slots by the variables that they belong to, and by name."""
    known = {id(variable): i for i, variable in enumerate(optimizer._trainable_variables)}
    pairs = []
    for slot in graph.nodes[node].slots:
        index = known.get(nodes.get(slot.variable, 0))
        ours = next((name for name in _OLD_SLOTS.get(slot.name, ()) if name in optimizer._slots), None)
        key = graph.key(slot.node)
        if index is None or ours is None or key not in bundle.entries:
            return None
        variable = optimizer._slots[ours][index]
        if bundle.entries[str(key)].shape != tuple(variable.shape):
            return None
        pairs.append((variable, bundle.array(str(key))))
    return pairs if len(pairs) == len(_slots(optimizer)) else None
