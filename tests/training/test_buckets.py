"""Lengths that are padded to a few: the same results by fewer executables."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import layers
from amalthea.data import adapters, buckets
from amalthea.errors import ArgumentError


class Sentences:
    """Batches of several lengths; labels for each sentence, or for each word."""

    def __init__(self, of_words, weights=False, lengths=range(2, 12)):
        draw = np.random.default_rng(0)
        self.batches = []
        for length in lengths:
            labels = draw.normal(size=(4, length, 2) if of_words else (4, 2)).astype("float32")
            batch = draw.integers(1, 20, (4, length)), labels
            weight = draw.random((4, length) if of_words else 4).astype("float32")
            self.batches.append((*batch, weight) if weights else batch)

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return len(self.batches)


def tagger(of_words):
    amalthea.random.set_random_seed(1)
    model = amalthea.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(20, 4, mask_zero=True),
            layers.LSTM(3, return_sequences=of_words),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("of_words", [False, True])
def test_padded_lengths_give_the_same_results_by_fewer_executables(of_words, weights):
    plain, padded, data = tagger(of_words), tagger(of_words), Sentences(of_words, weights)
    want = plain.fit(data, epochs=2, verbose=0, validation_data=data).history
    got = padded.fit(data, epochs=2, verbose=0, validation_data=data, pad_to_multiple=4).history
    for name, values in want.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-3, err_msg=name)
    scores = [m.evaluate(data, verbose=0, **o) for m, o in ((plain, {}), (padded, {"pad_to_multiple": 4}))]
    np.testing.assert_allclose(*scores, rtol=1e-3)
    for kind in ("train", "test"):
        assert len(padded._compiled_step(kind).entries) == 3 < len(plain._compiled_step(kind).entries) == 10
    for batch in data:
        got = padded.predict(batch[0], verbose=0, pad_to_multiple=4)
        np.testing.assert_allclose(got, padded.predict(batch[0], verbose=0), atol=1e-5)


def test_lengths_alone_are_padded():
    """An input whose axis 1 is given stays as it is, and so do labels that are as long by chance."""
    words, facts = layers.Input((None,)), layers.Input((3,))
    first = layers.LSTM(2)(layers.Embedding(9, 2, mask_zero=True)(words))
    model = amalthea.Model([words, facts], layers.Dense(3)(layers.Concatenate()([first, facts])))
    model.compile("sgd", "mse")
    x = [np.ones((4, 3), "int32"), np.ones((4, 3), "float32")]
    assert model.predict(x, verbose=0, pad_to_multiple=4).shape == (4, 3)
    assert np.isfinite(model.evaluate(x, np.ones((4, 3), "float32"), verbose=0, pad_to_multiple=4))


def test_a_model_without_masks_is_told_that_padding_counts():
    model = amalthea.Sequential([layers.Input((None, 1)), layers.GlobalAveragePooling1D()])
    with pytest.warns(UserWarning, match="mask"):
        model.predict(np.ones((2, 3, 1), "float32"), verbose=0, pad_to_multiple=4)


def test_a_model_of_one_length_is_an_error_and_so_is_a_multiple_of_nothing():
    model = amalthea.Sequential([layers.Input((3,)), layers.Dense(1)])
    with pytest.raises(ArgumentError, match="any length"):
        model.predict(np.ones((2, 3), "float32"), verbose=0, pad_to_multiple=4)
    for multiple in (0, -2, 1.5, "4", True):
        with pytest.raises(ArgumentError, match="positive int"):
            buckets.BucketAdapter(adapters.make_adapter([[1.0]]), multiple)
