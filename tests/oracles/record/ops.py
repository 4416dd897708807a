"""Answers to random calls of ops: the same seeds, every time."""

import keras

from ..fuzz import ops

SEEDS = 1340  # each op ten times


def records():
    return [_record(seed) for seed in range(SEEDS)]


def _record(seed):
    outputs = ops.answer(keras, seed)
    refused = bool(outputs) and outputs[0] == "refused"
    return {
        "id": str(seed),
        "refused": refused,
        "outputs": [] if refused else [[dtype, list(x.shape), x] for dtype, x in outputs],
    }
