"""Layers around layers, and attention."""

from ...draws import given, normal
from .. import layer
from .recurrent import BOTH, MASK, SEQUENCE, described


def both_ways(label, inner, facts=None, **config):
    return layer("Bidirectional", label, {"layer": inner, **config}, SEQUENCE, **(facts or {}))


def each_step(label, class_name, inner, *inputs, **facts):
    return layer("TimeDistributed", label, {"layer": {"class_name": class_name, "config": inner}}, *inputs, **facts)


def attending(class_name, label, config, *inputs, **facts):
    gather = "list" if class_name in ("Attention", "AdditiveAttention") else "positional"
    return layer(class_name, label, config, *inputs, gather=gather, **facts)


MODES = ("concat", "sum", "mul", "ave", None)
QUERY, VALUE, KEY = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4)
MASKS = {"mask": [given([[1, 1, 0], [1, 1, 1]], "bool"), given([[1, 1, 0, 1, 0], [1, 1, 1, 0, 0]], "bool")]}
# Asked for the scores, Keras computes them itself; JAX's own attention refuses values of another width than the keys.
SCORES = {"return_attention_scores": True}
HEADS = {"num_heads": 2, "key_dim": 3}
SEEN = given([[[1, 1, 0, 1, 0]] * 3, [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]], "bool")

CASES = [
    *(both_ways(f"lstm_{mode}", described("LSTM", return_sequences=True), merge_mode=mode) for mode in MODES),
    both_ways("last", described("GRU")),
    both_ways("simple_sum", described("SimpleRNN"), merge_mode="sum"),
    both_ways("state", described("LSTM", **BOTH)),
    both_ways("mask", described("LSTM", **BOTH), {"arguments": MASK}),
    both_ways("mask_last", described("GRU"), {"arguments": MASK}),
    both_ways(
        "backward_layer",
        described("LSTM", return_sequences=True),
        backward_layer=described("GRU", 3, return_sequences=True, go_backwards=True),
    ),
    both_ways(
        "initial_state", described("GRU", return_sequences=True), {"arguments": {"initial_state": [normal(2, 2)] * 2}}
    ),
    each_step("dense", "Dense", {"units": 2}, normal(2, 3, 4)),
    each_step("conv", "Conv2D", {"filters": 2, "kernel_size": 2}, normal(2, 2, 3, 3, 1)),
    each_step("flatten", "Flatten", {}, normal(2, 3, 2, 2)),
    each_step("mask", "Dense", {"units": 2}, normal(2, 4, 3), arguments=MASK),
    each_step("batch_normalization", "BatchNormalization", {}, normal(3, 2, 3), call={"training": True}),
    attending("Attention", "plain", {}, QUERY, VALUE),
    attending("Attention", "key_scale", {"use_scale": True}, QUERY, VALUE, KEY),
    attending("Attention", "concat_score", {"score_mode": "concat", "use_scale": True}, QUERY, VALUE, KEY),
    attending("Attention", "mask", {}, QUERY, VALUE, arguments=MASKS),
    attending("Attention", "causal", {}, normal(2, 3, 4), normal(2, 3, 4), call={"use_causal_mask": True}),
    attending("Attention", "scores", {}, QUERY, VALUE, call={"return_attention_scores": True}),
    attending("AdditiveAttention", "plain", {}, QUERY, VALUE),
    attending("AdditiveAttention", "mask_no_scale", {"use_scale": False}, QUERY, VALUE, KEY, arguments=MASKS),
    attending("MultiHeadAttention", "self", HEADS, QUERY, normal(2, 3, 4)),
    attending(
        "MultiHeadAttention", "cross", {**HEADS, "value_dim": 2, "output_shape": 5}, QUERY, VALUE, KEY, call=SCORES
    ),
    attending("MultiHeadAttention", "no_bias", {**HEADS, "use_bias": False}, QUERY, VALUE),
    attending("MultiHeadAttention", "mask", HEADS, QUERY, VALUE, arguments={"attention_mask": SEEN}),
    attending(
        "MultiHeadAttention",
        "causal_scores",
        HEADS,
        QUERY,
        normal(2, 3, 4),
        call={"use_causal_mask": True, "return_attention_scores": True},
    ),
    attending("MultiHeadAttention", "axes", {**HEADS, "attention_axes": (2,)}, normal(1, 2, 3, 4), normal(1, 2, 5, 4)),
    attending("MultiHeadAttention", "gate", {**HEADS, "use_gate": True}, QUERY, VALUE),
    attending(
        "MultiHeadAttention",
        "query_mask",
        HEADS,
        QUERY,
        VALUE,
        arguments={"query_mask": given([[1, 1, 0], [1, 1, 1]], "bool")},
    ),
    attending(
        "GroupQueryAttention", "plain", {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}, QUERY, VALUE
    ),
    attending(
        "GroupQueryAttention",
        "causal",
        {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1},
        QUERY,
        normal(2, 3, 4),
        call={"use_causal_mask": True},
    ),
]
