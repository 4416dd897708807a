"""Answers to random models that are trained: the same seeds, every time."""

import keras

from .. import fuzz_models

SEEDS = 60


def records():
    """For each seed its layers and what came of training (``fuzz_models.answer``), or the words of a refusal."""
    return [{"id": str(seed), **fuzz_models.answer(keras, seed)} for seed in range(SEEDS)]
