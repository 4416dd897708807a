"""The table of exceptions to Keras's answers names rows and parts that exist, each with a reason."""

from __future__ import annotations

import pytest

from tests.oracles.exceptions import EXCEPTIONS
from tests.oracles.read import load

PARTS = {
    "layers": {"all", "output_shape", "output_mask", "weights_after", "padding", "bools"},
    "text": {"all", "config"},
}


@pytest.mark.parametrize("family", EXCEPTIONS)
def test_every_exception_names_a_row_and_a_part(family):
    rows = {record["id"]: record for record in load(family)}
    assert EXCEPTIONS[family].keys() <= rows.keys()
    for name, parts in EXCEPTIONS[family].items():
        known = PARTS.get(family, {"all"}) | set(rows[name].get("history", ()))
        assert parts and parts.keys() <= known
        assert all(reason for reason in parts.values())
