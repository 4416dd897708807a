"""An embedding that can be used backwards, from vectors to scores of rows."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.layers.embedding import Embedding
from amalthea.layers.options import weight


class ReversibleEmbedding(Embedding):
    """A table of rows; forwards it looks rows up, with ``reverse=True`` it scores vectors against all rows.

    Shapes: ``(batch, ...)`` of whole numbers to ``(batch, ..., output_dim)``; in reverse ``(batch, ..., output_dim)``
    to ``(batch, ..., input_dim)``.

    Args:
        input_dim: the number of rows.
        output_dim: the size of a row.
        tie_weights: whether both directions use one table.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether 0 stands for padding, to be left out by later layers.
        reverse_dtype: the dtype in which scores are computed.
        logit_soft_cap: scores are bent into ``(-cap, cap)`` by ``cap * tanh(score / cap)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> table = layers.ReversibleEmbedding(10, 4)
        >>> table(table(np.array([[1, 2]])), reverse=True).shape
        (1, 2, 10)

    Source: Press and Wolf, "Using the output embedding to improve language models", 2017.
    """

    not_in_config = ("weights",)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.tie_weights, self.reverse_dtype, self.logit_soft_cap = tie_weights, reverse_dtype, logit_soft_cap

    def build(self, inputs_shape: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().build(inputs_shape)
        if not self.tie_weights:
            self.reverse_embeddings = weight(
                self, "reverse_embeddings", (self.output_dim, self.input_dim), "embeddings"
            )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return super().call(inputs)
        table = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        scores = ops.matmul(ops.cast(inputs, dtype), ops.cast(table, dtype))
        if self.logit_soft_cap is None:
            return scores
        return ops.multiply(ops.tanh(ops.divide(scores, self.logit_soft_cap)), self.logit_soft_cap)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return super().compute_mask(inputs, previous_mask) if len(inputs.shape) == 2 else previous_mask
