"""Recurrent layers: every flag, alone and where two of them meet."""

from ...draws import given, normal
from .. import layer

SEQUENCE = normal(2, 4, 3)
# Holes in the middle, at the start and at the end, since only some of them show a mistake.
MASK = {"mask": given([[1, 1, 0, 1], [0, 1, 1, 0]], "bool")}
PADDED = {"mask": given([[1, 1, 1, 0], [1, 1, 0, 0]], "bool")}
BOTH = {"return_sequences": True, "return_state": True}

# label -> the layer's config beside its units, and the facts of the call
ROWS = {
    "plain": ({}, {}),
    "sequences": ({"return_sequences": True}, {}),
    "state": ({"return_state": True}, {}),
    "sequences_state": (BOTH, {}),
    "backwards": ({"go_backwards": True, **BOTH}, {}),
    "mask": ({}, {"arguments": MASK}),
    "mask_sequences_state": (BOTH, {"arguments": MASK}),
    "mask_padded": (BOTH, {"arguments": PADDED}),
    "mask_backwards": ({"go_backwards": True, **BOTH}, {"arguments": MASK}),
    "mask_unroll": ({"unroll": True, **BOTH}, {"arguments": MASK}),
    "unroll": ({"unroll": True, "return_sequences": True}, {}),
    "unroll_backwards": ({"unroll": True, "go_backwards": True, **BOTH}, {}),
    "stateful": ({"stateful": True, **BOTH}, {"calls": 2}),
    "stateful_mask": ({"stateful": True, **BOTH}, {"calls": 2, "arguments": MASK}),
    "no_bias": ({"use_bias": False}, {}),
    "zero_output_for_mask": ({"zero_output_for_mask": True, "return_sequences": True}, {"arguments": MASK}),
    "not_training_dropout": ({"dropout": 0.3, "recurrent_dropout": 0.2}, {"call": {"training": False}}),
}
# class -> how many states, and the rows that only it has
ONLY = {
    "SimpleRNN": (1, {"relu": ({"activation": "relu", "return_sequences": True}, {})}),
    "LSTM": (
        2,
        {
            "activations": ({"activation": "relu", "recurrent_activation": "hard_sigmoid", **BOTH}, {}),
            "no_unit_forget_bias": ({"unit_forget_bias": False}, {}),
        },
    ),
    "GRU": (
        1,
        {
            "reset_before": ({"reset_after": False, "return_sequences": True}, {}),
            "reset_before_mask": ({"reset_after": False, **BOTH}, {"arguments": MASK}),
            "reset_before_no_bias": ({"reset_after": False, "use_bias": False}, {}),
            "activations": ({"activation": "relu", "recurrent_activation": "hard_sigmoid", **BOTH}, {}),
        },
    ),
}


def rows():
    for class_name, (states, only) in ONLY.items():
        for label, (config, facts) in {**ROWS, **only}.items():
            yield layer(class_name, label, {"units": 2, **config}, SEQUENCE, **facts)
        initial = {"initial_state": [normal(2, 2)] * states}
        yield layer(class_name, "initial_state", {"units": 2, **BOTH}, SEQUENCE, arguments=initial)
        yield layer(class_name, "initial_state_mask", {"units": 2, **BOTH}, SEQUENCE, arguments={**initial, **MASK})


def described(class_name, units=2, **config):
    return {"class_name": class_name, "config": {"units": units, **config}}


STACK = {"class_name": "StackedRNNCells", "config": {"cells": [described("LSTMCell", 3), described("GRUCell", 2)]}}
ALIKE = {"class_name": "StackedRNNCells", "config": {"cells": [described("LSTMCell", 3), described("LSTMCell", 2)]}}

CASES = [
    *rows(),
    *(
        layer(
            "RNN",
            f"{name}_zero_output",
            {"cell": described(name), "zero_output_for_mask": True, **BOTH},
            SEQUENCE,
            arguments=MASK,
        )
        for name in ("SimpleRNNCell", "LSTMCell", "GRUCell")
    ),
    *(
        layer("RNN", name, {"cell": described(name), **BOTH}, SEQUENCE)
        for name in ("SimpleRNNCell", "LSTMCell", "GRUCell")
    ),
    layer("RNN", "stacked", {"cell": ALIKE, "return_sequences": True}, SEQUENCE),
    layer("RNN", "stacked_state", {"cell": ALIKE, **BOTH}, SEQUENCE),
    layer("RNN", "stacked_mixed", {"cell": STACK}, SEQUENCE),
    layer("RNN", "stacked_mask", {"cell": ALIKE, **BOTH}, SEQUENCE, arguments=MASK),
    layer("SimpleRNNCell", "step", {"units": 2}, normal(2, 3), normal(2, 2), gather="positional"),
    layer("GRUCell", "step", {"units": 2}, normal(2, 3), normal(2, 2), gather="positional"),
    layer("ConvLSTM1D", "plain", {"filters": 2, "kernel_size": 2}, normal(1, 3, 4, 2)),
    layer(
        "ConvLSTM2D",
        "same_sequences",
        {"filters": 2, "kernel_size": 2, "padding": "same", "return_sequences": True},
        normal(1, 3, 3, 3, 1),
    ),
    layer("ConvLSTM2D", "state", {"filters": 1, "kernel_size": (2, 1), "return_state": True}, normal(1, 3, 3, 3, 2)),
]
