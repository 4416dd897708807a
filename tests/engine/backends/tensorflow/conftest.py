"""Every test of this folder runs on TensorFlow."""

from __future__ import annotations

import pytest

from amalthea.engine import backends


@pytest.fixture(autouse=True)
def on_tensorflow():
    with backends.use_backend("tensorflow") as backend:
        yield backend
