"""Small trainings in the words of Keras 1 and 2, held to the numbers of the real ones."""

from pathlib import Path

import numpy as np
import pytest

from tests.oracles.old_keras import era_cases

FOLDER = Path(__file__).parents[1] / "oracles" / "old_keras" / "stored"
CASES = [(era, case) for era, cases in era_cases.CASES.items() for case in cases]


def _stored(era, name):
    with np.load(FOLDER / f"eras{era}.npz") as answers:
        return {key.partition("/")[2]: answers[key] for key in answers.files if key.startswith(f"{name}/")}


@pytest.mark.filterwarnings("ignore:Discrepancy between trainable")  # as Keras 2 warned
@pytest.mark.parametrize("era, case", CASES, ids=[f"{case.__name__} {era}" for era, case in CASES])
def test_numbers_are_those_of_the_real_version(keras, era, case):
    expected = _stored(era, case.__name__)
    found = {name: np.asarray(value) for name, value in case(keras(era)).items()}
    assert sorted(found) == sorted(expected) and expected
    for name, value in expected.items():
        if value.dtype.kind == "U":
            assert found[name].tolist() == value.tolist()
        else:
            np.testing.assert_allclose(found[name], value, rtol=2e-5, atol=2e-6, err_msg=name)


def test_every_case_is_stored():
    assert all(_stored(era, case.__name__) for era, case in CASES)
