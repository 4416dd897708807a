"""Random numbers for tests: a test draws the same ones, whichever ran before it."""

from __future__ import annotations

import numpy as np
import pytest

_drawn = {"from": np.random.default_rng(0)}


@pytest.fixture(autouse=True)
def same_numbers():
    _drawn["from"] = np.random.default_rng(0)


def numbers(*shape):
    return _drawn["from"].standard_normal(shape, dtype="float32")


def integers(below, *shape):
    return _drawn["from"].integers(0, below, shape, dtype="int32")
