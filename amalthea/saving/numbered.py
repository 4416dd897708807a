"""Files of weights of Keras 0.3 (``.h5``): layers and their values by number.

    nb_layers = 3            an attribute of the file
    layer_0/  nb_params = 2
    layer_0/param_0          an array

The values of all layers inside a layer stand in its group. Those of a ``Graph`` stand in one group, node by node:

    graph/  nb_params = 4
    graph/param_0
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.errors import ModelFileError
from amalthea.loading import limits
from amalthea.saving import layered, weights
from amalthea.saving.old_weights import Origin, fit, leaves, weights_of

_COUNT, _GRAPH = "nb_layers", "graph"
_ORIGIN = Origin(1, "theano", "0.3")  # the file does not tell the backend; Theano was the usual one


def is_numbered(file: Any) -> bool:
    """Returns whether an open HDF5 file is of this kind."""
    with weights.readable("its attributes"):
        return _COUNT in file.attrs or list(file.keys()) == [_GRAPH]


def read(model: Any, file: Any) -> None:
    """Reads all values of an open file, checks them, then assigns them all.

    Raises:
        ModelFileError: the file is damaged or does not fit; then nothing has changed.
    """
    weights.index(file)
    most = max([4096, *(int(np.prod(v.shape, dtype=np.int64)) for v in model.weights)])
    names, values = [], []
    for place in _groups(file):
        group = layered.opened(file, place)
        if group is None:
            raise ModelFileError("The file lacks a layer that it counts.", got=place)
        for j in range(_int(group, "nb_params")):
            names.append(f"{place}/param_{j}")
            values.append(layered.value(group, place, f"param_{j}", most))
    pieces = fit(model, model.name, names, values, _ORIGIN, _in_order(model, file))
    for piece in pieces:
        for variable, value in zip(weights_of(piece.layer), piece.values):
            variable.assign(value)


def _in_order(model: Any, file: Any) -> list[Any] | None:
    """The layers of a graph in the order of its nodes, which their names tell; None for other models."""
    order = {name: i for i, name in enumerate(getattr(model, "_names_in_config", ()))}
    if _groups(file) != [_GRAPH] or not order:
        return None
    return [leaf for layer in sorted(model.layers, key=lambda x: order.get(x.name, 0)) for leaf in leaves(layer)]


def _groups(file: Any) -> list[str]:
    with weights.readable("its attributes"):
        is_graph = _COUNT not in file.attrs
    return [_GRAPH] if is_graph else [f"layer_{i}" for i in range(_int(file, _COUNT))]


def _int(group: Any, name: str) -> int:
    with weights.readable(f"the attribute {name}"):
        value = group.attrs[name]
    if not isinstance(value, (int, np.integer)) or not 0 <= value <= limits.objects:
        raise ModelFileError(f"The file's {name} is damaged.", expected=f"an int up to {limits.objects:,}", got=value)
    return int(value)
