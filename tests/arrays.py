"""Arrays of random numbers: the same in every run, in whichever order tests run. Another ``seed`` gives other numbers.

The tables of primitives have a ``numbers`` of their own (float64, none close to another), since their samples are part
of the package: ``amalthea.engine.primitives.table``.
"""

from __future__ import annotations

import numpy as np


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Normally distributed float32."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def integers(high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Integers from 0 to below ``high``, such as class numbers."""
    return np.random.default_rng(seed).integers(0, high, shape)
