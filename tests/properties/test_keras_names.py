"""Keras's public names: each is here with its parameters, or the page of names says why not."""

from __future__ import annotations

import re

import pytest

from tests.oracles.api.compare import ABSENT, BETTER, DIFFERENT, differences, parameters, reason, rows
from tests.oracles.api.page import PAGE, page


@pytest.fixture(scope="module")
def found():
    return rows()


def test_every_difference_has_a_reason(found):
    unsaid = [row.name for row in found if row.verdict == "different" and row.why.endswith(": ")]
    assert unsaid == []


def test_every_absent_name_has_a_reason(found):
    assert [row.name for row in found if row.verdict == "absent" and not row.why] == []


@pytest.mark.parametrize("table", [BETTER, DIFFERENT, ABSENT])
def test_every_reason_is_that_of_some_name(table, found):
    names = {id(BETTER): "better", id(DIFFERENT): "different", id(ABSENT): "absent"}[id(table)]
    for pattern in table:
        assert any(row.verdict == names and re.fullmatch(pattern, row.name) for row in found), pattern


def test_the_page_of_names_is_that_of_the_code(found):
    assert PAGE.read_text("utf-8") == page(found), "run python -m tests.oracles.api.page"


def test_a_signature_that_lacks_or_changes_a_parameter_is_seen():
    def ours(a, b=2, **kwargs):
        pass

    assert differences(ours, "(a, b=2, name=None)") == []
    assert differences(ours, "(self, a, c, b=3)") == ["no parameter `c`", "`b=2`, Keras `3`"]
    assert parameters("(a, sep=',', shape=(1, 2), *args, **kwargs)") == [("a", ""), ("sep", "','"), ("shape", "(1, 2)")]
    assert reason({r"a\..*": "so"}, "a.b") == "so" and reason({r"a\..*": "so"}, "b.a") == ""
