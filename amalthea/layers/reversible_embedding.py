"""An embedding that also works backwards, from vectors to scores."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.layers.embedding import Embedding
from amalthea.layers.options import weight


class ReversibleEmbedding(Embedding):
    """An embedding that also works backwards: with ``reverse=True`` it scores vectors against all rows of the table.

    Backwards it computes ``scores = inputs @ transpose(table)``, the last layer of a language model.

    Args:
        input_dim: int, at least 1; number of vectors in the table.
        output_dim: int, at least 1; size of each vector.
        tie_weights: bool; whether both directions use one table. Defaults to True; False learns a second table.
        |table|
        reverse_dtype: str; dtype in which scores are computed. Defaults to None, which takes the compute dtype.
        logit_soft_cap: float above 0; limits scores to ``(-cap, cap)`` by ``cap * tanh(score / cap)``. Defaults to
            None, which sets no limit.
        |layer options|

    Call args:
        reverse: bool; whether to score vectors in place of looking up indices. Defaults to False.

    Shapes: ``(batch, ...) -> (batch, ..., output_dim)``; in reverse ``(batch, ..., output_dim) -> (batch, ...,
        input_dim)``.

    Raises:
        DataError: an index lies outside the table, as in :class:`Embedding`.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> table = layers.ReversibleEmbedding(10, 4)
        >>> vectors = table(np.array([[1, 2]]))
        >>> tuple(vectors.shape), tuple(table(vectors, reverse=True).shape)
        ((1, 2, 4), (1, 2, 10))

    Source: Press and Wolf, "Using the output embedding to improve language models", 2017.
    """

    _not_in_config = ("weights",)

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

    def build(self, inputs_shape: Any = None) -> None:
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
