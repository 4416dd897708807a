"""Attention with several heads, each with projections of its own."""

# Build takes what the layer needs.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import math
from typing import Any

from amalthea import ops
from amalthea.errors import ArgumentError
from amalthea.layers.activation import Softmax
from amalthea.layers.attention import causal_mask
from amalthea.layers.dropout import Dropout
from amalthea.layers.einsum_dense import EinsumDense
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class HeadedAttention(Layer):
    """What attention layers with heads share: their projections, and which places see which."""

    supports_masking = True
    computes_in_floats = True
    not_in_config = ("flash_attention",)

    def _set_shared(self, flash_attention: Any, **options: Any) -> None:
        keep(self, flash_attention=flash_attention, **options)
        window = options["sliding_window"]
        if window is not None and (not isinstance(window, int) or window <= 0):
            raise ArgumentError("`sliding_window` is a positive int.", got=repr(window))

    def _projection(
        self, name: str, shape: Any, summed: int, output: tuple[int, ...], activation: Any = None
    ) -> EinsumDense:
        """A dense layer from the last ``summed`` axes of the input to new ones."""
        free = len(shape) - summed
        left, bound = _LETTERS[:free], _LETTERS[free : free + summed]
        new = _LETTERS[free + summed : free + summed + len(output)]
        dense = EinsumDense(
            f"{left}{bound},{bound}{new}->{left}{new}",
            (None,) * (free - 1) + output,
            activation=activation,
            bias_axes=new if self.use_bias else None,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self.activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        dense.build_from_config({"input_shape": tuple(shape)})
        return dense

    def _weighing(self, axis: Any) -> None:
        """The layers between scores and weights."""
        self._softmax = Softmax(axis=axis, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, seed=self.seed)

    def _shares(self, scores: Any, visible: Any) -> Any:
        """Shares that sum to 1 over the values that a query sees. A query that sees none gets nothing."""
        return self._softmax(scores, mask=visible)

    def _visible(
        self, query: Any, value: Any, query_mask: Any, value_mask: Any, key_mask: Any, attention_mask: Any, causal: bool
    ) -> Any:
        """Bool ``(batch or 1, queries, values)``: which query sees which value; None if each sees all."""
        masks = [] if attention_mask is None else [ops.cast(attention_mask, "bool")]
        for mask, axis in ((query_mask, -1), (value_mask, -2), (key_mask, -2)):
            if mask is not None:
                masks.append(ops.expand_dims(ops.cast(mask, "bool"), axis))
        queries, values = ops.shape(query)[1], ops.shape(value)[1]
        if causal:
            masks.append(causal_mask(queries, values))
        if self.sliding_window is not None:
            far = ops.abs(ops.expand_dims(ops.arange(queries), (0, 2)) - ops.expand_dims(ops.arange(values), (0, 1)))
            masks.append(ops.less(far, self.sliding_window))
        visible: Any = masks[0] if masks else None
        for mask in masks[1:]:
            visible = ops.logical_and(visible, mask)
        return visible


class MultiHeadAttention(HeadedAttention):
    """For each query and head the mean of projected values, weighted by how well projected keys fit.

    Shapes: query ``(batch, queries, features)`` and value ``(batch, values, features)`` to
    ``(batch, queries, features)``.
    There may be several axes of places; ``attention_axes`` says over which is attended.

    Args:
        num_heads: the number of heads.
        key_dim: the size of each head's queries and keys.
        value_dim: the size of each head's values; ``key_dim`` unless given.
        dropout: the fraction of the weights that is dropped in training.
        use_bias: whether the projections have biases.
        output_shape: the sizes of the output's last axes; those of the query unless given.
        attention_axes: all axes between batch and features unless given.
        sliding_window: places see each other only if they are less than so far apart.
        flash_attention: accepted; the compiler chooses how to compute it.
        kernel_initializer, bias_initializer, ...: of all projections.
        use_gate: whether each head's result is multiplied by a sigmoid of the query.
        seed: of the dropout.

    Call args:
        key: the value, unless given.
        query_mask, value_mask, key_mask: bool ``(batch, places)``.
        attention_mask: bool ``(batch, queries, values)``: which query sees which value.
        return_attention_scores: give the weights ``(batch, heads, queries, values)`` too.
        use_causal_mask: a query sees no value that comes later.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
        (2, 5, 8)

    Source: Vaswani et al., "Attention is all you need", 2017; the gate: Qiu et al., "Gated attention for large language
    models", 2025.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        seed: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim or key_dim
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self._set_shared(
            flash_attention, dropout=dropout, use_bias=use_bias, sliding_window=sliding_window, use_gate=use_gate,
            seed=seed, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        rank = len(query_shape)
        key_head, value_head = (self.num_heads, self.key_dim), (self.num_heads, self.value_dim)
        self.attention_axes = tuple(range(1, rank - 1)) if self.attention_axes is None else tuple(self.attention_axes)
        self.query_dense = self._projection("query", query_shape, 1, key_head)
        self.key_dense = self._projection("key", key_shape or value_shape, 1, key_head)
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, value_head, "sigmoid")
        self.value_dense = self._projection("value", value_shape, 1, value_head)
        count = len(self.attention_axes)
        self._weighing(list(range(-count, 0)) if count > 1 else -1)
        new = tuple(self._output_shape or query_shape[-1:])
        self.output_dense = self._projection("attention_output", (*query_shape[:-1], *value_head), 2, new)

    def _equations(self, rank: int) -> tuple[str, str]:
        """For the scores, and for the sums of values. Projected inputs have the axes ``(..., heads, size)``."""
        target = _LETTERS[: rank + 1]
        source = "".join(_LETTERS[rank + 1 + i] if i in self.attention_axes else c for i, c in enumerate(target[:-1]))
        seen = [i for i in range(rank) if i not in self.attention_axes]
        kept = "".join(target[i] for i in seen)
        scores = kept + "".join(s[i] for s in (target, source) for i in self.attention_axes)
        return f"{target},{source}{target[-1]}->{scores}", f"{scores},{source}{target[-1]}->{target}"

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
        for_scores, for_sums = self._equations(len(query.shape))
        q = ops.multiply(self.query_dense(query), 1.0 / math.sqrt(self.key_dim))
        scores = ops.einsum(for_scores, q, self.key_dense(value if key is None else key))
        if visible is not None:
            before = -2 * len(self.attention_axes) - 1
            for _ in range(len(scores.shape) - len(visible.shape)):
                visible = ops.expand_dims(visible, before)
        weights = self._shares(scores, visible)
        shared = self._dropout_layer(weights, training=training)
        result = ops.einsum(for_sums, shared, self.value_dense(value))
        if self.use_gate:
            result = ops.multiply(result, self._gate_dense(query))
        output = self.output_dense(result)
        return (output, weights) if return_attention_scores else output

    def get_config(self) -> dict[str, Any]:
        output_shape = None if self._output_shape is None else list(self._output_shape)
        return {"activity_regularizer": None, **super().get_config(), "output_shape": output_shape}
