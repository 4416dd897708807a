"""Layers' arrays, moving averages, logs of batches and warnings, held to those of the real versions."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.old_keras import training_cases

FOLDER = Path(__file__).parents[1] / "oracles" / "old_keras" / "stored"
CASES = [(version, case) for version, cases in training_cases.CASES.items() for case in cases]


def _stored(version, name):
    with np.load(FOLDER / f"trainings-{version}.npz") as answers:
        return {key.partition("/")[2]: answers[key] for key in answers.files if key.startswith(f"{name}/")}


@pytest.mark.parametrize("version, case", CASES, ids=[f"{case.__name__} {version}" for version, case in CASES])
def test_numbers_are_those_of_the_real_version(keras, version, case):
    expected = _stored(version, case.__name__)
    found = {name: np.asarray(value) for name, value in case(keras(int(version[0]))).items()}
    assert sorted(found) == sorted(expected) and expected
    for name, value in expected.items():
        if value.dtype.kind == "U":
            assert _counted(found[name]) == _counted(value), name
        else:
            np.testing.assert_allclose(found[name], value, rtol=2e-5, atol=2e-6, err_msg=name)


def _counted(said):
    """What was said; of warnings, which have our own words, how many there were."""
    value = json.loads(str(said))
    is_warning = isinstance(value, list) and value and isinstance(value[0], str) and "trainable" in value[0]
    return len(value) if is_warning else value
