"""Draws that follow ``np.random.seed``, as in Keras 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.random import seeds


class GlobalStream:
    """NumPy's global generator with the methods of a stream: Keras 1 on Theano drew its weights from it."""

    def random(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Uniform values in [0, 1)."""
        return np.random.uniform(size=size)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Values of the normal distribution."""
        return np.random.normal(size=size)

    def integers(self, high: int) -> int:
        """A whole number below ``high``."""
        return int(np.random.randint(high))

    def __getattr__(self, name: str) -> Any:
        return getattr(_seeded(), name)


def _seeded() -> np.random.Generator:
    """A stream whose seed is drawn from NumPy's global generator, as each initializer of Keras 2 did."""
    return np.random.Generator(np.random.Philox(key=int(np.random.randint(1, 10_000_000))))


def install(era: int) -> None:
    """Lets draws without a seed follow ``np.random.seed`` in eras 1 and 2.

    Args:
        era: int.
    """
    seeds.take_streams_from({1: GlobalStream, 2: _seeded}.get(era))


def uninstall() -> None:
    """Draws follow ``amalthea.random.set_random_seed`` again."""
    seeds.take_streams_from(None)
