"""Attention in which groups of query heads share one head of keys and values."""

# Build takes what the layer needs.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import math
from typing import Any

from amalthea import ops
from amalthea.errors import ArgumentError
from amalthea.layers.multi_head_attention import HeadedAttention
from amalthea.random import SeedGenerator


class GroupedQueryAttention(HeadedAttention, aliases=("GroupQueryAttention",)):
    """Attention in which groups of query heads share one head of keys and values.

    For each query head ``softmax(q @ transpose(k) / sqrt(head_dim)) @ v``, where ``k`` and ``v`` belong to its group.
    There are fewer keys and values to compute and to keep than in :class:`MultiHeadAttention`.

    Args:
        head_dim: int, at least 1; size of each head.
        num_query_heads: int, at least 1; number of heads for queries.
        num_key_value_heads: int, at least 1; number of heads for keys and values, which divides ``num_query_heads``.
        |attention dropout|
        |headed attention|
        |seed|
        |layer options|

    |headed call|

    Shapes: query ``(batch, queries, features)``, value and key ``(batch, values, features) -> (batch, queries,
        features)``.

    Raises:
        ArgumentError: the query heads do not divide into groups, or ``sliding_window`` is not a positive int.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layer = layers.GroupQueryAttention(4, num_query_heads=4, num_key_value_heads=2)
        >>> output, weights = layer(x, x, return_attention_scores=True)
        >>> tuple(output.shape), tuple(weights.shape)
        ((2, 5, 8), (2, 4, 5, 5))

    Source: Ainslie et al., "GQA: training generalized multi-query transformer models", 2023.
    """

    # Files name it by the public name; the paths of its weights, and its own name, come from the class.
    _saved_identity = ("keras.layers", "GroupQueryAttention", None)

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep(locals())
        if num_query_heads % num_key_value_heads:
            raise ArgumentError(
                "The heads for queries do not divide into groups.",
                expected=f"a multiple of {num_key_value_heads}",
                got=num_query_heads,
            )

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        many, few = (self.num_query_heads, self.head_dim), (self.num_key_value_heads, self.head_dim)
        self._query_dense = self._projection("query", query_shape, 1, many)
        self._key_dense = self._projection("key", key_shape or value_shape, 1, few)
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, many, "sigmoid")
        self._value_dense = self._projection("value", value_shape, 1, few)
        self._weighing(-1)
        self._output_dense = self._projection("attention_output", (*query_shape[:2], *many), 2, (query_shape[-1],))

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        visible = self._visible(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        q = ops.multiply(self._query_dense(query), 1.0 / math.sqrt(self.head_dim))
        k, v = self._key_dense(value if key is None else key), self._value_dense(value)
        # Query heads in groups, (batch, place, kv head, group, size): no key or value is copied.
        shape, groups = ops.shape(q), self.num_query_heads // self.num_key_value_heads
        q = ops.reshape(q, (*shape[:2], self.num_key_value_heads, groups, self.head_dim))
        scores = ops.einsum("bqhgd,bvhd->bhgqv", q, k)
        scores = ops.reshape(scores, (shape[0], self.num_query_heads, *ops.shape(scores)[3:]))
        weights = self._shares(scores, None if visible is None else ops.expand_dims(visible, 1))
        shared = self._dropout_layer(weights, training=training)
        shared = ops.reshape(shared, (shape[0], self.num_key_value_heads, groups, *ops.shape(scores)[2:]))
        result = ops.reshape(ops.einsum("bhgqv,bvhd->bqhgd", shared, v), shape)
        if self.use_gate:
            result = ops.multiply(result, self._gate_dense(query))
        output = self._output_dense(result)
        return (output, weights) if return_attention_scores else output


GroupQueryAttention = GroupedQueryAttention
