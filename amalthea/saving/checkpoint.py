"""Weights from a TensorFlow checkpoint, as ``save_weights("ckpt")`` of Keras 2 wrote it, without TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import loading
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError, ModelFileError, brief
from amalthea.saving import object_graph, optimizer_state
from amalthea.saving.bundle import Bundle
from amalthea.saving.contents import Contents, Value
from amalthea.saving.object_graph import ObjectGraph


def prefix_of(path: Any) -> Path | None:
    """The path with which the names of a checkpoint's files begin; None if there is no checkpoint there."""
    path = Path(path)
    if path.suffix == ".index":
        path = path.with_suffix("")
    return path if path.with_name(path.name + ".index").is_file() else None


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of a checkpoint into a built model, and the optimizer's state if the model is compiled."""
    prefix = prefix_of(path)
    assert prefix is not None  # it was recognized
    if by_name:
        raise ArgumentError("A checkpoint is read by the graph of its objects, not by name.", cure="leave by_name out")
    bundle = Bundle(prefix)
    with at_once():
        read(model, bundle, lambda graph: {}, skip_mismatch)


def contents(path: Any) -> Contents:
    """The values of a checkpoint, without their numbers."""
    prefix = prefix_of(path)
    assert prefix is not None  # it was recognized
    return Contents({}, None, values_in(Bundle(prefix)), [])


def values_in(bundle: Bundle) -> list[Value]:
    """Names, shapes and dtypes of all numbers in a bundle."""
    return [Value(key, entry.shape, entry.dtype) for key, entry in bundle.entries.items() if entry.dtype]


def read(
    model: Any, bundle: Bundle, names: Callable[[ObjectGraph], Mapping[int, str]], skip_mismatch: bool = False
) -> None:
    """Reads all values that the model has variables for, then assigns them.

    Args:
        model: built model.
        bundle: the values in the file.
        names: gives the names of layers by their nodes in the graph of objects, as far as they are known.
        skip_mismatch: whether variables that the file has no fitting value for keep theirs, with a warning.

    Raises:
        ModelFileError: the file is damaged or does not fit; then nothing has changed.
    """
    graph = ObjectGraph(bundle)
    found, missing = object_graph.match(model, graph, names(graph))
    if missing and not skip_mismatch:
        raise ModelFileError(
            f"The checkpoint has no value for {len(missing)} of {len(missing) + len(found)} variables of the model.",
            expected=", ".join(path for path, _ in missing[:6]),
            got=f"values such as {brief(sorted(bundle.entries)[1:4])}",
            cure="build the model as it was when it was saved, or skip_mismatch=True",
        )
    pairs = object_graph.values(found, graph, bundle, skip_mismatch)
    left = len(found) + len(missing) - len(pairs)
    if left:
        warnings.warn(f"Skipped: {left} variables have no fitting value in the checkpoint.", stacklevel=5)
    else:
        pairs += optimizer_state.restore(model, graph, bundle, {node: id(variable) for variable, node in found})
    for variable, value in pairs:
        variable.assign(value.astype(variable.dtype) if _differs(variable, value) else value)
    plan = loading.reading.get()
    if plan is not None:
        plan.finish({id(variable) for variable, _ in pairs})


def _differs(variable: Any, value: np.ndarray) -> bool:
    return value.dtype.name != variable.dtype
