"""The table of versions that were tested, and what agrees with it."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from amalthea.cli import doctor, tested
from amalthea.engine import backends

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
BOUND = re.compile(r'"([A-Za-z0-9_]+)>=([\d.]+)"')


@pytest.mark.skipif(not PYPROJECT.exists(), reason="only where the package is developed")
def test_the_lower_bounds_are_the_oldest_versions_that_were_tested():
    needed = PYPROJECT.read_text().partition("dependencies = [")[2].partition("\n]")[0]
    assert dict(BOUND.findall(needed)) == {name: tested.TESTED[name].oldest for name in tested.BASE}


def test_every_library_of_a_backend_is_in_the_table():
    assert {known.library for known in backends.KNOWN.values()} <= set(tested.TESTED)


@pytest.mark.parametrize("library", tested.TESTED)
def test_installed_versions_are_not_older_than_the_tested_ones(library):
    try:
        installed = version(library)
    except PackageNotFoundError:
        pytest.skip("not installed here")
    assert not tested.remark(library, installed).startswith("older")


def test_the_doctor_says_which_versions_were_tested(monkeypatch, capsys):
    monkeypatch.setitem(tested.TESTED, "numpy", tested.Tested("0.1", "0.2"))
    doctor.run(None)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["numpy"].endswith("newer than those tested (0.1 to 0.2)")
    assert "tested: " in lines["rich"]


@pytest.mark.parametrize(
    ("installed", "word"), [("2.1.9", "older"), ("2.2.0", "tested"), ("2.10.0", "newer"), ("2.4.6+cpu", "tested")]
)
def test_versions_are_compared_by_their_numbers(installed, word):
    assert tested.remark("numpy", installed).startswith(word)
