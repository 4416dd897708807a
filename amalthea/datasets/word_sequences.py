"""Texts as sequences of word numbers, the most frequent word first: the options that IMDB and Reuters share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.checks import check_all, integer, non_negative_int, optional, positive_int
from amalthea.errors import ArgumentError

docstrings.share(
    "word numbers",
    """
    num_words: int or None; only words below this number are kept. Defaults to None, which keeps all.
    skip_top: int; words below this number are left out too. Defaults to 0.
    maxlen: int or None; texts with as many words or more are left out. Defaults to None, which keeps all.
    """,
)
docstrings.share(
    "special word numbers",
    """
    start_char: int or None; number before the first word. Defaults to 1; None puts none.
    oov_char: int or None; number in place of words that are left out. Defaults to 2; None drops them.
    index_from: int or None; number that is added to each word. Defaults to 3.
    """,
)
_CHECKS = {
    "num_words": optional(positive_int), "skip_top": non_negative_int, "maxlen": optional(positive_int),
    "seed": integer, "start_char": optional(integer), "oov_char": optional(integer), "index_from": optional(integer),
}  # fmt: skip


def check(**options: Any) -> None:
    """Holds the options of ``load_data`` against their kinds."""
    check_all("load_data", _CHECKS, options)


def numbered(
    texts: Iterable[Any], labels: Any, num_words: Any, skip_top: int, maxlen: Any, start_char: Any, oov_char: Any,
    index_from: Any,
) -> tuple[list[list[int]], np.ndarray]:  # fmt: skip
    """The texts with the numbers and words that the options choose, and their labels."""
    before = [] if start_char is None else [start_char]
    shifted = [[*before, *(word + (index_from or 0) for word in text)] for text in texts]
    kept = [(text, label) for text, label in zip(shifted, labels) if maxlen is None or len(text) < maxlen]
    if not kept:
        raise ArgumentError("No text is so short.", expected="a larger maxlen", got=f"maxlen={maxlen}")
    chosen = [_chosen(text, num_words, skip_top, oov_char) for text, _ in kept]
    return chosen, np.array([label for _, label in kept])


def _chosen(text: list[int], num_words: Any, skip_top: int, oov_char: Any) -> list[int]:
    found = [word if skip_top <= word and (num_words is None or word < num_words) else None for word in text]
    if oov_char is None:
        return [word for word in found if word is not None]
    return [oov_char if word is None else word for word in found]


def as_rows(texts: list[list[int]]) -> np.ndarray:
    """Sequences of unequal lengths as an array of lists."""
    rows = np.empty(len(texts), object)
    rows[:] = texts
    return rows
