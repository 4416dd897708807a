"""Attention with one head: dot-product attention and additive attention."""

from __future__ import annotations

import functools
from typing import Any

from amalthea import docstrings, ops, random
from amalthea.errors import ArgumentError
from amalthea.layers import masked
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, seed_generator
from amalthea.random import SeedGenerator

docstrings.share(
    "attention dropout",
    """
    dropout: float from 0 to 1; fraction of the attention weights that is dropped in training. Defaults to 0.0.
    """,
)
docstrings.share(
    "attention call",
    """
    Call args:
        inputs: list ``[query, value]`` or ``[query, value, key]``; without a key, the value is the key.
        mask: list of bool masks of query ``(batch, queries)`` and value ``(batch, values)``, each of which may be None.
            Values that it leaves out get no weight, queries that it leaves out give zeros.
        training: bool; whether dropout is active. Defaults to False.
        return_attention_scores: bool; whether the weights ``(batch, queries, values)`` are returned too.
        use_causal_mask: bool; whether a query sees no later value. Defaults to False.
    """,
)
docstrings.share(
    "attention shapes",
    """
    Shapes: query ``(batch, queries, dim)``, value ``(batch, values, size)`` and key ``(batch, values, dim) -> (batch,
        queries, size)``.
    """,
)


def causal_mask(queries: Any, values: Any) -> Any:
    """Returns bool ``(1, queries, values)``: True for values up to the query's own position."""
    return ops.greater_equal(ops.expand_dims(ops.arange(queries), (0, 2)), ops.expand_dims(ops.arange(values), (0, 1)))


class Attention(Layer):
    """Attention with one head: for each query the mean of the values, weighted by how well their keys match.

    ``output = softmax(scale * query @ transpose(key)) @ value``

    A query that sees no value gives zeros.

    Args:
        use_scale: bool; whether the scores are multiplied by a learned number, which starts at 1. Defaults to False.
        score_mode: str; ``"dot"`` scores by the product of query and key, ``"concat"`` by ``weight * sum(tanh(scale *
            (query + key)))`` with a learned ``weight``. Defaults to ``"dot"``.
        |attention dropout|
        |seed|
        |layer options|

    |attention call|

    |attention shapes|

    Raises:
        ArgumentError: no score mode has this name, or the input is not a list of 2 or 3 tensors.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> query = np.array([[[9.0, 0.0]]], "float32")
        >>> value = np.array([[[9.0, 0.0], [0.0, 9.0]]], "float32")
        >>> np.asarray(layers.Attention()([query, value])).tolist()
        [[[9.0, 0.0]]]

    Source: Luong, Pham and Manning, "Effective approaches to attention-based neural machine translation", 2015.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ArgumentError("This score mode does not exist.", expected="'dot' or 'concat'", got=repr(score_mode))
        keep(self, locals())
        if dropout > 0:
            self.seed_generator = seed_generator(seed)

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or len(input_shape) not in (2, 3):
            raise ArgumentError(
                f"{type(self).__name__} takes a list of inputs.",
                expected="[query, value] or [query, value, key]",
                got=input_shape,
            )
        self.scale = self.concat_score_weight = None
        self._build_scores(input_shape)

    def _build_scores(self, shapes: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _scores(self, query: Any, key: Any) -> Any:
        """Returns the score of each key for each query: ``(batch, queries, values)``."""
        if self.score_mode == "dot":
            fit = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
            return fit if self.scale is None else ops.multiply(fit, self.scale)
        fit = _all_sums(query, key)
        fit = fit if self.scale is None else ops.multiply(fit, self.scale)
        weight: Any = self.concat_score_weight
        return ops.multiply(weight, ops.sum(ops.tanh(fit), axis=-1))

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value = inputs[:2]
        scores = self._scores(query, inputs[2] if len(inputs) > 2 else value)
        of_query, of_value, of_key = (*(mask or ()), None, None, None)[:3]
        seen = [ops.expand_dims(ops.cast(m, "bool"), 1) for m in (of_value, of_key) if m is not None]
        visible = functools.reduce(ops.logical_and, seen) if seen else None
        if use_causal_mask:
            before = causal_mask(*ops.shape(scores)[1:])
            visible = before if visible is None else ops.logical_and(visible, before)
        weights = masked.softmax(scores, visible)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        result = masked.without_padding(ops.matmul(weights, masked.without_padding(value, of_value)), of_query)
        return (result, masked.without_padding(weights, of_query)) if return_attention_scores else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask[0] if isinstance(mask, (list, tuple)) else None


def _all_sums(query: Any, key: Any) -> Any:
    """Adds each query to each key: ``(batch, queries, values, dim)``."""
    return ops.add(ops.expand_dims(query, 2), ops.expand_dims(key, 1))


class AdditiveAttention(Attention):
    """Attention with one head, whose scores come from sums: ``sum over features of scale * tanh(query + key)``.

    ``output = softmax(scores) @ value``

    Args:
        use_scale: bool; whether a factor ``scale`` is learned for each feature. Defaults to True.
        |attention dropout|
        **kwargs: ``seed`` of the dropout; and options of every layer, see :class:`Layer`.

    |attention call|

    |attention shapes|

    Raises:
        ArgumentError: the input is not a list of 2 or 3 tensors.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> query, value = np.zeros((2, 3, 4), "float32"), np.ones((2, 5, 4), "float32")
        >>> layer = layers.AdditiveAttention()
        >>> tuple(layer([query, value]).shape), tuple(layer.scale.shape)
        ((2, 3, 4), (4,))

    Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate", 2015.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def _build_scores(self, shapes: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((shapes[1][-1],), "glorot_uniform", name="scale")

    def _scores(self, query: Any, key: Any) -> Any:
        bent = ops.tanh(_all_sums(query, key))
        return ops.sum(bent if self.scale is None else ops.multiply(self.scale, bent), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
