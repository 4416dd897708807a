"""``pad_to_multiple``: which axes of a model's data are lengths, and whether the model leaves padding out."""

from __future__ import annotations

import warnings
from typing import Any

from amalthea import tree
from amalthea.data.base import DataAdapter
from amalthea.data.buckets import BucketAdapter
from amalthea.errors import ArgumentError


def padded(model: Any, adapter: Any, multiple: int | None) -> Any:
    """The adapter, padded as ``pad_to_multiple`` has it; itself without one."""
    if multiple is None or adapter is None:
        return adapter
    network = model._network
    inputs, outputs = (None, None) if network is None else (_open(network.inputs), _open(network.outputs))
    if network is not None and not any(_open(network.inputs)):
        raise ArgumentError(
            "pad_to_multiple needs an input of any length, and the model has none.",
            expected="axis 1 left open, such as Input((None,))",
            got=", ".join(str(tuple(x.shape)) for x in network.flat_inputs),
        )
    if not any(_masks(layer) for layer in model._flatten_layers()):
        warnings.warn(
            "pad_to_multiple adds steps of zeros, and no layer of the model masks them: the results will count them. "
            "Try Embedding(..., mask_zero=True), or a Masking layer.",
            stacklevel=4,
        )
    return BucketAdapter(adapter, multiple, inputs, outputs)


def cut(adapter: DataAdapter, outputs: Any) -> Any:
    """The predictions, without the steps that padding added."""
    return adapter.cut(outputs) if isinstance(adapter, BucketAdapter) else outputs


def _open(tensors: Any) -> list[bool]:
    """For each symbolic tensor whether axis 1 is of any length."""
    return [len(x.shape) > 1 and not isinstance(x.shape[1], int) for x in tree.flatten(tensors)]


def _masks(layer: Any) -> bool:
    return bool(getattr(layer, "mask_zero", False)) or hasattr(layer, "mask_value")
