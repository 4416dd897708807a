"""Random models, trained: real Keras's stored answers.

Any other seeds by hand: see ``tests/oracles/fuzz/commands.py``.
"""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from tests.oracles.fuzz import training as fuzz
from tests.oracles.read import load

pytestmark = pytest.mark.filterwarnings("ignore:.*drops the mask:UserWarning")

# With masks, these do the same in both libraries; the others as docs/decisions.md says, and properties/test_masks.py.
MASKED_ALIKE = {
    *("Embedding", "Masking", "Dense", "TimeDistributed", "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"),
    *("GlobalAveragePooling1D", "Activation", "LeakyReLU", "ELU", "ReLU", "Identity", "Rescaling"),
}


def another_meaning(answer):
    """Why Keras's answer to a model is not held to; empty where it is."""
    kinds = {note[0] for note in answer["notes"]}
    if ("Masking" in kinds or any("'mask_zero': True" in note[1] for note in answer["notes"])) and kinds - MASKED_ALIKE:
        return "outputs at steps that count do not depend on padding here"
    if "SpectralNormalization" in kinds:
        return "Keras on JAX forgets the divided kernel after a training step, so it evaluates another function"
    if "sample_weight" in answer["fit"] and any(
        "head_" in text and len(shape) > 3 for _, text, _, shape in answer["notes"]
    ):
        return "Keras broadcasts the weights of rows along the last axis of the losses"
    return ""


def shaken(seed, count=3):
    """For each result its largest change when the weights change by a millionth: what rounding alone can do.

    Without bound (None) where a probability is so near to 1 that float32 does not tell how near.
    """
    _, plain = fuzz.run(amalthea, seed)
    if any("predictions" in k and np.any((v > 1 - 1e-5) & (v <= 1)) for k, v in plain.items()):
        return None
    others = [fuzz.run(amalthea, seed, shaken=n + 1)[1] for n in range(count)]
    return {k: np.max([np.abs(fuzz.digest(o[k]) - fuzz.digest(v)) for o in others], axis=0) for k, v in plain.items()}


def judge(seed, wanted):
    """The difference between a trained model and Keras's, in words; empty without one, or by decision."""
    if "refused" in wanted:
        return ""  # cells in a stack with a mask, losses over shapes that do not fit: Keras's own limits
    found = fuzz.answer(amalthea, seed)
    what = fuzz.difference(found, wanted)
    if not what or another_meaning(wanted) or "refused" in found:
        return what if "refused" in found else ""
    allowed = shaken(seed)
    return "" if allowed is None else fuzz.difference(found, wanted, allowed)


ANSWERS = load("models")


@pytest.mark.parametrize("first", range(0, len(ANSWERS), 10))
def test_random_models_train_as_in_keras(first):
    wrong = []
    for answer in ANSWERS[first : first + 10]:
        what = judge(int(answer["id"]), answer)
        if what:
            wrong.append(f"{answer['id']}: {what}")
    assert not wrong, "\n".join(wrong)


def learns(results):
    """Whether training changed any prediction: a loss may have no slope."""
    pairs = [(results[k][2], results[k.replace("before", "after")][2]) for k in results if "before" in k]
    return any(not np.array_equal(before, after) for before, after in pairs)


def test_the_comparison_sees_a_difference():
    """Another optimizer is seen in each model whose predictions change in training."""
    blind = []
    for answer in ANSWERS[:12]:
        if "refused" in answer or another_meaning(answer) or not learns(answer["results"]):
            continue
        found = fuzz.answer(amalthea, int(answer["id"]), optimizer="adadelta")
        if not fuzz.difference(found, answer):
            blind.append(answer["id"])
    assert not blind


def test_rows_of_weights_are_weights_of_rows():
    """In Keras they are broadcast along the last axis of the losses where that is as long as the batch."""
    rng = np.random.default_rng(0)
    labels, weights = rng.normal(size=(4, 3, 4, 2)), np.array([1.0, 0.0, 2.0, 1.0])
    predictions = rng.normal(size=labels.shape)
    found = amalthea.losses.MeanSquaredError()(labels, predictions, sample_weight=weights)
    want = np.mean(((labels - predictions) ** 2).mean(-1) * weights[:, None, None])
    assert float(found) == pytest.approx(want, rel=1e-6)
