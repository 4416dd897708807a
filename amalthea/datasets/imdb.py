"""IMDB: 50,000 reviews of films as sequences of word numbers, and whether they are good (1) or bad (0).

Source: Maas et al., "Learning word vectors for sentiment analysis", 2011.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.datasets.storage import Pair, arrays_of, fetched
from amalthea.datasets.word_sequences import as_rows, check, numbered
from amalthea.errors import ArgumentError

SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORDS_MD5 = "bfafd718b763782e994055a2d397834f"


@docstrings.fill
def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: Any,
) -> tuple[Pair, Pair]:
    """Returns the reviews and their labels, fetched once (17 MB) and kept.

    Args:
        path: str; name of the kept file, in ``~/.keras/datasets``, or a whole path.
        |word numbers|
        seed: int; seed of the order. Defaults to 113.
        |special word numbers|
        **kwargs: ``nb_words``, the name of ``num_words`` in Keras 1.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: ``(25000,)`` of lists and ``(25000,)`` of 0 and 1

    Raises:
        ArgumentError: a number is out of range, or no review is short enough.
        DownloadError: the file cannot be fetched, or is another one.
        UnsafeFileError: the file holds anything but arrays and lists.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.imdb.load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train[0][:5]  # doctest: +SKIP
        [1, 14, 22, 16, 43]

    Source: without ``num_words`` all words are kept; Keras replaces the rarest.
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise ArgumentError(f"load_data has no argument {next(iter(kwargs))!r}.", got=", ".join(kwargs))
    check(num_words=num_words, skip_top=skip_top, maxlen=maxlen, seed=seed, start_char=start_char, oov_char=oov_char,
          index_from=index_from)  # fmt: skip
    data = arrays_of(fetched(path, "imdb.npz", SHA256))
    generator, parts = np.random.RandomState(seed), []
    for part in ("train", "test"):
        order = np.arange(len(data[f"x_{part}"]))
        generator.shuffle(order)
        texts, labels = data[f"x_{part}"][order], data[f"y_{part}"][order]
        x, y = numbered(texts, labels, num_words, skip_top, maxlen, start_char, oov_char, index_from)
        parts.append((as_rows(x), y))
    return parts[0], parts[1]


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Returns the number of each word, before ``index_from`` is added; fetched once and kept.

    Args:
        path: str; name of the kept file, in ``~/.keras/datasets``, or a whole path.

    Raises:
        DownloadError: the file cannot be fetched, or is another one.

    Example:
        >>> from amalthea import datasets
        >>> datasets.imdb.get_word_index()["the"]  # doctest: +SKIP
        1
    """
    with open(fetched(path, "imdb_word_index.json", WORDS_MD5), encoding="utf-8") as file:
        return json.load(file)
