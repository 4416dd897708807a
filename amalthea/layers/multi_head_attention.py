"""Attention with several heads, each with projections of its own."""

# Build takes what the layer needs.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import math
from typing import Any

from amalthea import docstrings, ops
from amalthea.errors import ArgumentError
from amalthea.layers.activation import Softmax
from amalthea.layers.attention import causal_mask
from amalthea.layers.dropout import Dropout
from amalthea.layers.einsum_dense import EinsumDense
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep
from amalthea.random import SeedGenerator

docstrings.share(
    "headed attention",
    """
    use_bias: bool; whether the projections have biases. Defaults to True.
    sliding_window: int, at least 1; a query sees only values less than so many positions away. Defaults to None, which
        sets no limit.
    flash_attention: accepted for Keras; the backend chooses how to compute.
    kernel_initializer, bias_initializer: str, Initializer or function; starting values of all projections. Default to
        ``"glorot_uniform"`` and ``"zeros"``.
    kernel_regularizer, bias_regularizer: str, Regularizer or function; penalty on the kernels or biases of all
        projections, which training adds to the loss. Defaults to None, which adds no penalty.
    activity_regularizer: str, Regularizer or function; penalty on the outputs of the layer and its projections, added
        to the loss. Defaults to None, which adds no penalty.
    kernel_constraint, bias_constraint: str, Constraint or function; projects the kernels or biases after each update.
        Defaults to None, which leaves them as they are.
    use_gate: bool; whether each head's result is multiplied by ``sigmoid`` of a projection of the query. Defaults to
        False.
    """,
)
docstrings.share(
    "headed call",
    """
    Call args:
        query, value: tensors.
        key: tensor. Defaults to None, which takes the value.
        query_mask, value_mask, key_mask: bool ``(batch, positions)``; True for positions that count. Default to the
            masks that the tensors carry.
        attention_mask: bool ``(batch, queries, values)``; True where a query sees a value.
        return_attention_scores: bool; whether the weights ``(batch, heads, queries, values)`` are returned too.
        training: bool; whether dropout is active. Defaults to False.
        use_causal_mask: bool; whether a query sees no later value. Defaults to False.
    """,
)

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class HeadedAttention(Layer):
    """The base of attention layers with heads: projections and visibility."""

    supports_masking = True
    _computes_in_floats = True
    _not_in_config = ("flash_attention",)
    _config_start = {"activity_regularizer": None}

    def _keep(self, arguments: dict[str, Any]) -> None:
        keep(self, arguments, but=("output_shape",))
        window = self.sliding_window
        if window is not None and (not isinstance(window, int) or window <= 0):
            raise ArgumentError("`sliding_window` is a positive int.", got=repr(window))

    def _projection(
        self, name: str, shape: Any, summed: int, output: tuple[int, ...], activation: Any = None
    ) -> EinsumDense:
        """Returns a dense layer from the last ``summed`` axes of the input to new axes."""
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
        """Creates the softmax and the dropout between scores and weights."""
        self._softmax = Softmax(axis=axis, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, seed=self.seed)

    def _shares(self, scores: Any, visible: Any) -> Any:
        """Returns the softmax over the visible values; 0 for a query that sees no value."""
        return self._softmax(scores, mask=visible)

    def _visible(
        self, query: Any, value: Any, query_mask: Any, value_mask: Any, key_mask: Any, attention_mask: Any, causal: bool
    ) -> Any:
        """Returns bool ``(batch or 1, queries, values)``, True where a query sees a value; None if every query sees all
        values.
        """
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
    """Attention with several heads, each with projections of its own for queries, keys and values.

    For each head ``softmax(q @ transpose(k) / sqrt(key_dim)) @ v``, where ``q``, ``k`` and ``v`` are dense projections;
    a last projection combines the heads. A query that sees no value gives zeros before it.

    Args:
        num_heads: int, at least 1; number of heads.
        key_dim: int, at least 1; size of each head's queries and keys.
        value_dim: int, at least 1; size of each head's values. Defaults to None, which takes ``key_dim``.
        |attention dropout|
        output_shape: int or sequence of int; sizes of the last axes of the output. Defaults to None, which takes the
            features of the query.
        attention_axes: int or sequence of int; axes of the positions that attend to each other. Defaults to None, which
            takes all axes between batch and features.
        |headed attention|
        |seed|
        |layer options|

    |headed call|

    Shapes: query ``(batch, queries, features)``, value and key ``(batch, values, features) -> (batch, queries,
        features)``. There may be several axes of positions in place of ``queries`` and ``values``.

    Raises:
        ArgumentError: ``sliding_window`` is not a positive int.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layer = layers.MultiHeadAttention(num_heads=2, key_dim=4)
        >>> output, weights = layer(x, x, return_attention_scores=True, use_causal_mask=True)
        >>> tuple(output.shape), tuple(weights.shape)
        ((2, 5, 8), (2, 2, 5, 5))

    Source: Vaswani et al., "Attention is all you need", 2017; the gate: Qiu et al., "Gated attention for large language
        models", 2025.
    """

    _config_attributes = {"output_shape": "_output_shape"}

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
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep(locals())
        self.value_dim = value_dim or key_dim
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes

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
        """Returns the equations for the scores and for the sums of values, with inputs ``(..., heads, size)``."""
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
