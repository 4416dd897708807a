"""Layers that look vectors up."""

from __future__ import annotations

from typing import Any

from amalthea import constraints, dtypes, initializers, ops, regularizers
from amalthea.layers.layer import Layer
from amalthea.layers.options import refuse_adapters


class Embedding(Layer):
    """A row of a learnt table for each whole number.

    Shapes: ``(batch, ...)`` of whole numbers to ``(batch, ..., output_dim)``.

    Args:
        input_dim: the number of rows; inputs are 0 to ``input_dim - 1``.
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
        if not dtypes.is_integer(ops.dtype(inputs)):
            inputs = ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {"activity_regularizer": None, **super().get_config()}

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None
