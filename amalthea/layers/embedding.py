"""Layers that look vectors up."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import constraints, initializers, ops, regularizers
from amalthea.checks import are_indices
from amalthea.engine import dtypes
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.errors import DataError
from amalthea.layers.layer import Layer
from amalthea.layers.options import refuse_adapters


def check_rows(indices: np.ndarray, layer: Any, name: str) -> None:
    """Raise :class:`DataError` for an index outside the rows of the embedding."""
    if indices.dtype.kind == "i" and are_indices(indices, layer.input_dim):
        return
    low, high = (indices.min(), indices.max()) if indices.size else (0, 0)
    if low > -1 and high < layer.input_dim:  # fractions are cut off
        return
    place = np.argwhere((indices <= -1) | (indices >= layer.input_dim) | (indices != indices))
    bad = indices[tuple(place[0])]
    raise DataError(
        f"'{layer.name}' ({type(layer).__name__}) has {layer.input_dim} rows, and {name} holds the index {bad}.",
        expected=f"indices from 0 to {layer.input_dim - 1}",
        got=f"{bad} in row {int(place[0][0]) if len(place[0]) else 0}",
        cure=f"{type(layer).__name__}({int(high) + 1}, {layer.output_dim})"
        if low > -1 and np.isfinite(high)
        else "indices that begin at 0",
    )


def _on_host(inputs: Any) -> np.ndarray | None:
    """Values that can be looked at now: not those of a trace."""
    if isinstance(inputs, Tensor) or current_trace() is not None:
        return None
    try:
        return np.asarray(on_host(inputs))
    except Exception:  # a tracer of the backend itself
        return None


class Embedding(Layer):
    """A row of a learnt table for each whole number.

    Shapes: ``(batch, ...)`` of whole numbers to ``(batch, ..., output_dim)``.

    Args:
        input_dim: the number of rows; inputs are 0 to ``input_dim - 1``. Other indices are refused in arrays on the
            host: those given to a model whose input the layer reads, or to the layer itself. Within a compiled
            function, where nothing can be refused, they read the nearest row (0 or the last), on every backend.
        output_dim: the size of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether 0 stands for padding, to be left out by later layers.
        weights: a table to begin with, as a list of one array.
    """

    not_in_config = ("weights", "lora_rank", "lora_alpha", "quantization_config")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        activity_regularizer = kwargs.pop("activity_regularizer", None)
        super().__init__(autocast=False, activity_regularizer=activity_regularizer, weights=weights, **kwargs)
        refuse_adapters(lora_rank, lora_alpha, quantization_config)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Any) -> Any:
        known = _on_host(inputs)
        if known is not None:
            check_rows(known, self, "the input")
        if not dtypes.is_integer(ops.dtype(inputs)):
            inputs = ops.cast(inputs, "int32")
        if known is None:
            inputs = ops.clip(inputs, 0, self.input_dim - 1)
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {"activity_regularizer": None, **super().get_config()}

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None
