"""What would fail later is found before the first update: labels of no class, validation data of another kind."""

from __future__ import annotations

from typing import Any

from amalthea import tree
from amalthea.errors import placed
from amalthea.tensor import Tensor, Trace, type_of
from amalthea.training.compiled import Outputs


def check(model: Any, source: Any, validation: Any) -> None:
    """Hold labels and validation data against the model; nothing of it changes."""
    first = source.peek()
    _check_labels(model, getattr(source, "labels", first[1]))
    if validation is None:
        return
    batch = validation.peek()
    with placed("in the validation data"):
        _check_labels(model, getattr(validation, "labels", batch[1]))
        if not model.run_eagerly and _kinds(batch) != _kinds(first):
            with Trace():
                model.test_step(tree.map_structure(_symbol, batch))


def _check_labels(model: Any, y: Any) -> None:
    network, loss = getattr(model, "network", None), getattr(model, "_loss", None)
    if y is None or network is None or loss is None or model.trains_in_its_own_way():
        return
    with placed(model.place):
        loss.check_values(y, Outputs(network.outputs, model.output_names))


def _kinds(batch: Any) -> Any:
    """What decides whether a batch fits: nesting, dtypes, and all axes but the first."""
    leaves = [None if v is None else (v.dtype, v.shape[1:]) for v in tree.flatten(batch)]
    return tree.layout(batch), leaves


def _symbol(value: Any) -> Any:
    return None if value is None else Tensor(type_of(value))
