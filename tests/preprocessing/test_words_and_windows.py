"""Words as numbers, pairs of words, windows of time series: copies by JSON, edges, mistakes."""

import json

import numpy as np
import pytest

from amalthea import Sequential, layers
from amalthea.errors import ArgumentError, DataError
from amalthea.preprocessing import sequence, text

TEXTS = ["the cat sat on the mat", "the dog"]


def test_a_tokenizer_is_the_same_after_json():
    first = text.Tokenizer(num_words=4, oov_token="?")
    first.fit_on_texts(TEXTS)
    again = text.tokenizer_from_json(first.to_json(indent=1))
    assert again.get_config() == first.get_config()
    for mode in text.MODES:
        np.testing.assert_array_equal(again.texts_to_matrix(TEXTS, mode), first.texts_to_matrix(TEXTS, mode))
    assert again.sequences_to_texts([[1, 2, 9]]) == first.sequences_to_texts([[1, 2, 9]]) == ["? the ?"]


def test_words_of_lists_and_of_an_analyzer_are_counted():
    lists = text.Tokenizer()
    lists.fit_on_texts([["Big", "cat"], ["cat"]])
    assert lists.word_index == {"cat": 1, "big": 2}
    split = text.Tokenizer(analyzer=lambda t: t.split("-"))
    split.fit_on_texts(["a-b-b"])
    assert split.texts_to_sequences(["b-c-a"]) == [[1, 2]]


def test_hashes_stay_below_their_number():
    hashed = text.hashing_trick("one two three four", 3, len)
    assert hashed == [2, 2, 2, 1] and all(1 <= i < 3 for i in text.one_hot("a b c d e", 3))


def test_windows_train_a_model_and_come_back_from_json():
    data = np.arange(20.0)[:, None]
    windows = sequence.TimeseriesGenerator(data, data[:, 0], length=4, batch_size=5)
    assert len(windows) == 4 and windows[3][0].shape == (1, 4, 1)
    model = Sequential([layers.Input((4, 1)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(windows, epochs=2, verbose=0).history["loss"]) == 2
    again = sequence.timeseries_generator_from_json(windows.to_json())
    for i in range(len(windows)):
        for a, b in zip(again[i], windows[i]):
            np.testing.assert_array_equal(a, b)


def test_stored_windows_are_those_of_the_configuration():
    stored = json.loads(sequence.TimeseriesGenerator([1, 2, 3, 4], [1, 2, 3, 4], 2, start_index=1).to_json())
    assert stored["config"]["start_index"] == 3


MISTAKES = {
    "a mode": (lambda: text.Tokenizer(num_words=2).sequences_to_matrix([[1]], "tf"), ArgumentError),
    "nothing seen": (lambda: text.Tokenizer().sequences_to_matrix([[1]]), DataError),
    "no texts for tfidf": (lambda: text.Tokenizer(num_words=2).sequences_to_matrix([[1]], "tfidf"), DataError),
    "bytes": (lambda: text.text_to_word_sequence(b"a b"), ArgumentError),
    "None": (lambda: text.text_to_word_sequence(None), ArgumentError),
    "a number of words": (lambda: text.hashing_trick("a", 1), ArgumentError),
    "other JSON": (lambda: text.tokenizer_from_json('{"config": {}}'), ArgumentError),
    "no JSON": (lambda: text.tokenizer_from_json("tokenizer"), ArgumentError),
    "JSON of no windows": (lambda: sequence.timeseries_generator_from_json("[]"), ArgumentError),
    "lengths": (lambda: sequence.TimeseriesGenerator([1, 2], [1], 1), DataError),
    "no window": (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 2), ArgumentError),
    "a stride": (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 1, stride=0), ArgumentError),
    "data that JSON cannot hold": (
        lambda: sequence.TimeseriesGenerator([1j, 2], [1, 2], 1).to_json(),
        ArgumentError,
    ),
    "an empty table": (lambda: sequence.make_sampling_table(0), ArgumentError),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_words(name):
    call, error = MISTAKES[name]
    with pytest.raises(error):
        call()


def test_no_words_make_no_pairs():
    assert sequence.skipgrams([], 5) == ([], []) == sequence.skipgrams([0, 0], 5)
