"""A trained model, and its file."""

from __future__ import annotations

import pytest

from tests.samples import trained


@pytest.fixture
def model():
    return trained("sequential")[0]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A whole model in a file, as bytes: it is trained once."""
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    trained("sequential")[0].save(file)
    return file.read_bytes()


@pytest.fixture
def path(saved, tmp_path):
    """A file of one's own with that model."""
    (tmp_path / "model.keras").write_bytes(saved)
    return tmp_path / "model.keras"
