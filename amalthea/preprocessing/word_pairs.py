"""Pairs of words for word embeddings: neighbours, and words drawn at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError

EULER = 0.577  # Euler's constant, with the digits of Keras


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """Returns for each rank of a word the probability that it is kept; frequent words are kept seldom.

    ``p = min(1, sqrt(factor / frequency))``, with the frequencies of Zipf's law: ``1 / frequency = rank * (log(rank) +
    0.577) + 1/2 - 1 / (12 * rank)``.

    Args:
        size: int; number of words.
        sampling_factor: float; larger ones keep more. Defaults to 1e-5.

    Raises:
        ArgumentError: ``size`` is below 1.

    Example:
        >>> from amalthea.preprocessing.sequence import make_sampling_table
        >>> make_sampling_table(3).round(4).tolist()
        [0.0032, 0.0032, 0.0055]
    """
    if not isinstance(size, (int, np.integer)) or size < 1:
        raise ArgumentError("A table has one entry for each word.", expected="an int from 1", got=repr(size))
    rank = np.arange(size)
    rank[0] = 1
    inverse = rank * (np.log(rank) + EULER) + 0.5 - 1.0 / (12.0 * rank)
    share = sampling_factor * inverse
    return np.minimum(1.0, share / np.sqrt(share))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Returns pairs of words that stand near each other, with label 1, and random pairs, with label 0.

    Random numbers come from Python's ``random`` in Keras's order: the same seed there, the same pairs here.

    Args:
        sequence: sequence of int; numbers of words; 0 stands for none.
        vocabulary_size: int; one more than the largest number.
        window_size: int; how far apart neighbours may be. Defaults to 4.
        negative_samples: float from 0; random pairs for each true one. Defaults to 1.
        shuffle: bool; whether the pairs are shuffled. Defaults to True.
        categorical: bool; whether labels are ``[0, 1]`` and ``[1, 0]``. Defaults to False.
        sampling_table: array; probability that a word is kept, as of :func:`make_sampling_table`. Defaults to None.
        seed: int; seed of the order. Defaults to None, which draws one.

    Example:
        >>> from amalthea.preprocessing.sequence import skipgrams
        >>> skipgrams([1, 2], 3, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1]], [1, 1])
    """
    couples: list[list[int]] = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        for j in range(max(0, i - window_size), min(len(sequence), i + window_size + 1)):
            if j != i and sequence[j]:
                couples.append([word, sequence[j]])
    near, far = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [near] * len(couples)
    if negative_samples > 0:
        count = int(len(labels) * negative_samples)
        words = [first for first, _ in couples]
        random.shuffle(words)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [far] * count
    if shuffle:
        seed = random.randint(0, int(10e6)) if seed is None else seed
        for values in (couples, labels):
            random.seed(seed)
            random.shuffle(values)
    return couples, labels
