"""Checks embedding indices on the host, for embeddings that read an input of the model directly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.layers.embedding import Embedding, check_rows


def check(model: Any, x: Any) -> None:
    """Raise :class:`DataError` if an input array holds an index outside the rows of the embedding that reads it."""
    found = readers(model)
    if not found or x is None:
        return
    values = _by_input(model._network, x)
    for index, name, layer in found:
        if index < len(values) and isinstance(values[index], np.ndarray):
            check_rows(values[index], layer, f"x{'' if len(values) == 1 else f' (input {name!r})'}")


def readers(model: Any) -> list[tuple[int, str, Any]]:
    """``(index of the input, its name, embedding)`` for each embedding that reads an input of the model."""
    network = getattr(model, "_network", None)
    if network is None:
        return []
    if network.index_readers is None:
        network.index_readers = [(index, x.name or str(index), layer) for index, x, layer in _readers(network)]
    return network.index_readers


def _readers(network: Any) -> Iterator[tuple[int, Any, Any]]:
    positions = {id(x): index for index, x in enumerate(network.flat_inputs)}
    for call in network.calls:
        operation, inner = call.operation, getattr(call.operation, "_network", None)
        read = [positions.get(id(x)) for x in call.inputs]
        if isinstance(operation, Embedding) and read[:1] != [None] and not call.kwargs.get("reverse"):
            yield from ((index, network.flat_inputs[index], operation) for index in read[:1] if index is not None)
        elif inner is not None and len(read) == len(inner.flat_inputs):
            for within, _, layer in _readers(inner):
                if (index := read[within]) is not None:
                    yield index, network.flat_inputs[index], layer


def _by_input(network: Any, x: Any) -> list[Any]:
    """The arrays in the order of the model's inputs; none where they do not fit, which is said elsewhere."""
    if network.host_part is not None:
        return network.host_part.by_input(x) if hasattr(x, "computed") else []
    if isinstance(x, dict) and not isinstance(network.inputs, dict):
        return [x.get(i.name) for i in network.flat_inputs]
    flat = tree.flatten(x)
    return flat if len(flat) == len(network.flat_inputs) else []
