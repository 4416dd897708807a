"""Reuters: 11,228 news of 1987 as sequences of word numbers, in 46 topics.

Source: Lewis, "Reuters-21578 text categorization test collection", 1997.
"""

from __future__ import annotations

import json

import numpy as np

from amalthea import docstrings
from amalthea.checks import share_below_one
from amalthea.datasets.storage import Pair, arrays_of, fetched
from amalthea.datasets.word_sequences import as_rows, check, numbered

SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"
TOPICS = tuple(
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead".split()
)


@docstrings.fill
def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Pair, Pair]:
    """Returns the news and the numbers of their topics, fetched once (2 MB) and kept.

    Args:
        path: str; name of the kept file, in ``~/.keras/datasets``, or a whole path.
        |word numbers|
        test_split: float in [0, 1); share of the news for testing. Defaults to 0.2.
        seed: int; seed of the order. Defaults to 113.
        |special word numbers|

    Shapes: ``(x_train, y_train), (x_test, y_test)``: ``(rows,)`` of lists and ``(rows,)`` of ints from 0 to 45

    Raises:
        ArgumentError: a number is out of range, or no text is short enough.
        DownloadError: the file cannot be fetched, or is another one.
        UnsafeFileError: the file holds anything but arrays and lists.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.reuters.load_data(num_words=10000)  # doctest: +SKIP
        >>> len(x_train)  # doctest: +SKIP
        8982

    Source: without ``num_words`` all words are kept; Keras replaces the rarest.
    """
    check(num_words=num_words, skip_top=skip_top, maxlen=maxlen, seed=seed, start_char=start_char, oov_char=oov_char,
          index_from=index_from)  # fmt: skip
    share_below_one(test_split, "test_split", "load_data")
    data = arrays_of(fetched(path, "reuters.npz", SHA256))
    order = np.random.RandomState(seed).permutation(len(data["x"]))
    x, y = numbered(data["x"][order], data["y"][order], num_words, skip_top, maxlen, start_char, oov_char, index_from)
    first = int(len(x) * (1 - test_split))
    return (as_rows(x[:first]), y[:first]), (as_rows(x[first:]), y[first:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Returns the number of each word, before ``index_from`` is added; fetched once and kept.

    Args:
        path: str; name of the kept file, in ``~/.keras/datasets``, or a whole path.

    Raises:
        DownloadError: the file cannot be fetched, or is another one.

    Example:
        >>> from amalthea import datasets
        >>> datasets.reuters.get_word_index()["the"]  # doctest: +SKIP
        1
    """
    with open(fetched(path, "reuters_word_index.json", WORDS_MD5), encoding="utf-8") as file:
        return json.load(file)


def get_label_names() -> tuple[str, ...]:
    """Returns the topics in the order of their numbers.

    Example:
        >>> from amalthea import datasets
        >>> datasets.reuters.get_label_names()[3]
        'earn'
    """
    return TOPICS
