"""CTC: losses and beams against a sum over all alignments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import amalthea
from amalthea import losses, ops

LOGITS = np.sin(np.arange(30.0) * 1.7).reshape(2, 5, 3) * 2
LENGTHS = [5, 4]
MODES = {"eager": lambda f: f, "compiled": amalthea.jit}


def probabilities(example, blank=0):
    """The probability of each sequence of labels, by summing over all alignments."""
    p = np.exp(LOGITS[example]) / np.exp(LOGITS[example]).sum(-1, keepdims=True)
    total = {}
    for alignment in itertools.product(range(3), repeat=LENGTHS[example]):
        labels = tuple(k for k, _ in itertools.groupby(alignment) if k != blank)
        total[labels] = total.get(labels, 0) + np.prod([p[t, c] for t, c in enumerate(alignment)])
    return total


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("blank", [0, 2])
def test_beams_find_the_most_likely_labels(mode, blank):
    search = MODES[mode](lambda x: ops.ctc_decode(x, LENGTHS, "beam_search", 60, 5, mask_index=blank))
    labels, scores = map(ops.convert_to_numpy, search(LOGITS))
    assert labels.shape == (5, 2, 5) and labels.dtype == "int32"
    for example in (0, 1):
        best = sorted(probabilities(example, blank).items(), key=lambda item: -item[1])[:5]
        assert [tuple(v for v in path if v >= 0) for path in labels[:, example].tolist()] == [k for k, _ in best]
        np.testing.assert_allclose(scores[example], np.log([p for _, p in best]), rtol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_a_loss_is_the_sum_over_alignments(mode):
    target = np.array([[1, 1, 2], [2, -1, 7]])  # what stands behind the labels does not matter
    loss = MODES[mode](lambda x: ops.ctc_loss(target, x, [3, 1], LENGTHS))
    want = [-np.log(probabilities(0)[(1, 1, 2)]), -np.log(probabilities(1)[(2,)])]
    np.testing.assert_allclose(ops.convert_to_numpy(loss(LOGITS)), want, rtol=1e-5)


def test_labels_without_an_alignment_have_an_infinite_loss():
    found = ops.convert_to_numpy(ops.ctc_loss([[1, 1], [1, 2]], LOGITS[:, :2], [2, 0], [2, 0]))
    assert found.tolist() == [np.inf, 0.0]


def test_a_model_learns_to_spell():
    amalthea.random.set_random_seed(0)
    x = np.eye(4, dtype="float32")[[[0, 1, 1, 2, 3, 3], [3, 3, 2, 2, 1, 0]]]
    y = np.array([[1, 2, 0], [2, 1, 3]])
    model = amalthea.Sequential(
        [amalthea.Input((6, 4)), amalthea.layers.LSTM(16, return_sequences=True), amalthea.layers.Dense(4)]
    )
    model.compile(optimizer=amalthea.optimizers.Adam(0.05), loss=losses.CTC())
    model.fit(x, y, epochs=60, verbose=0)
    labels, _ = ops.ctc_decode(model.predict(x, verbose=0), [6, 6])
    assert ops.convert_to_numpy(labels)[0, :, :3].tolist() == [[1, 2, -1], [2, 1, 3]]
