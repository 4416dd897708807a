"""Networks without the time that drawing their weights takes."""

import pytest

from amalthea import loading


@pytest.fixture
def undrawn():
    """Weights begin as zeros: drawing the 350 million of the largest network takes half a minute."""
    token = loading.reading.set(loading.Plan(1 << 31))
    yield
    loading.reading.reset(token)
