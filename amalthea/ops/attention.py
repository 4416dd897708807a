"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

from amalthea import checks
from amalthea.engine import dtypes, shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops import masking
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import as_bool, cast, floats, op, shape_of, tensor, wide


@op
def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """Computes attention with several heads: ``softmax(scale * query @ transpose(key) + bias) @ value``.

    If there are fewer heads of keys than of queries, each of them serves a group of neighbouring query heads.

    Args:
        query: TensorLike of shape ``(batch, queries, heads, dim)``.
        key: TensorLike of shape ``(batch, values, groups, dim)``; ``heads`` is a multiple of ``groups``.
        value: TensorLike of shape ``(batch, values, groups, size)``. The three are promoted to one float dtype.
        bias: TensorLike that broadcasts to ``(batch, heads, queries, values)``; is added to the scores. Defaults to
            None.
        mask: TensorLike of bools that broadcasts to ``(batch, heads, queries, values)``; False hides a value from a
            query. Defaults to None, which hides none.
        scale: float; factor of the scores. Defaults to None, which means ``1 / sqrt(dim)``.
        is_causal: bool; True hides values after the position of the query. Defaults to False.
        flash_attention: bool; accepted for compatibility with Keras and ignored: the backend chooses how it computes.
        attn_logits_soft_cap: float above 0; limits the scaled scores smoothly: ``cap * tanh(scores / cap)``. Defaults
            to None, no limit.

    Shapes:
        (batch, queries, heads, dim), (batch, values, groups, dim), (batch, values, groups, size) ->
        (batch, queries, heads, size)

    Raises:
        ArgumentError: the scale is not a finite number, or the cap is not positive.
        ShapeError: the inputs do not fit each other.

    Example:
        >>> from amalthea import ops
        >>> query = ops.reshape([9.0, 0.0], (1, 1, 1, 2))
        >>> key = value = ops.reshape([9.0, 0.0, 0.0, 9.0], (1, 2, 1, 2))
        >>> ops.convert_to_numpy(ops.dot_product_attention(query, key, value)).ravel().tolist()
        [9.0, 0.0]

    Source: Vaswani et al., "Attention is all you need", 2017. A query that sees no value gives zeros, as in the layers;
    Keras 3 gives the mean of all values.
    """
    q, k, v = floats(query, key, value)
    name, groups = dtypes.name_of(q), _checked(q, k, v)
    factor = _scale(scale, shape_of(q)[-1])
    batch, queries, heads, dim = shape_of(q)
    apart = np_ops.reshape(q, (batch, queries, groups, heads // groups, dim))
    scores = wide(np_ops.einsum("bqhgd,bvhd->bhgqv", apart, k)) * factor
    if attn_logits_soft_cap is not None:
        cap = float(checks.positive_number(attn_logits_soft_cap, "attn_logits_soft_cap", "ops.dot_product_attention"))
        scores = np_ops.tanh(scores / cap) * cap
    scores = np_ops.reshape(scores, (batch, heads, queries, shape_of(k)[1]))
    if bias is not None:
        scores = np_ops.add(scores, cast(tensor(bias), dtypes.name_of(scores)))
    shares = cast(masking.softmax(scores, _visible(mask, is_causal, scores)), name)
    shares = np_ops.reshape(shares, (batch, groups, heads // groups, queries, shape_of(k)[1]))
    out = np_ops.einsum("bhgqv,bvhd->bqhgd", shares, v)
    return np_ops.reshape(out, (batch, queries, heads, shape_of(v)[-1]))


def _scale(scale: Any, dim: Any) -> float:
    if scale is None:
        return 1.0 / math.sqrt(dim)
    return float(checks.finite_number(scale, "scale", "ops.dot_product_attention"))


def _checked(q: Any, k: Any, v: Any) -> int:
    """Return the number of heads of keys, or raise an error for shapes that do not fit."""
    sizes = [shape_of(x) for x in (q, k, v)]
    fits = all(len(s) == 4 for s in sizes) and all(
        shapes.agree(a, b)
        for a, b in (
            (sizes[0][0], sizes[1][0]),
            (sizes[0][3], sizes[1][3]),
            *zip(sizes[1][:3], sizes[2][:3]),
        )
    )
    heads, groups = (sizes[0][2], sizes[1][2]) if fits else (1, 0)
    if not fits or not isinstance(groups, int) or not groups or heads % groups or not isinstance(sizes[0][3], int):
        raise ShapeError(
            "Query, key and value do not fit each other.",
            expected="(batch, queries, heads, dim), (batch, values, groups, dim) and (batch, values, groups, size)",
            got=", ".join(map(shapes.show, sizes)),
        )
    return groups


def _visible(mask: Any, is_causal: bool, scores: Any) -> Any:
    visible = None if mask is None else as_bool(mask)
    if not is_causal:
        return visible
    queries, values = shape_of(scores)[2:]
    before = np_ops.greater_equal(np_ops.arange(queries)[:, None], np_ops.arange(values)[None, :])
    return before if visible is None else np_ops.logical_and(before, visible)
