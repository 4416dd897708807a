"""Functions of ``K`` against the answers of Keras 1.2.2 and 2.2.4, on Theano."""

from pathlib import Path

import numpy as np
import pytest

from amalthea.compat import backend
from tests.oracles.old_keras import backend_cases
from tests.oracles.old_keras.numbers_of_cases import numbers
from tests.thinned import thinned

FOLDER = Path(__file__).parents[1] / "oracles" / "old_keras" / "stored"
STORED = {era: dict(np.load(FOLDER / f"keras{era}.npz")) for era in backend.ERAS}
CASES = {
    1: [*backend_cases.EVERY, *backend_cases.KERAS1],
    2: [*backend_cases.EVERY, *backend_cases.KERAS2],
}


def listed(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def answers(era, name):
    found = []
    while f"{name}/{len(found)}" in STORED[era]:
        found.append(STORED[era][f"{name}/{len(found)}"])
    return found


def asked():
    for era, cases in CASES.items():
        for name, ask, shapes in cases:
            if answers(era, name):
                yield pytest.param(era, name, ask, shapes, id=f"keras{era}-{name}")


FORMS = {  # both ways to a value
    1: lambda K, ask, arrays: [K.eval(x) for x in listed(ask(K, *map(K.variable, arrays)))],
    2: lambda K, ask, arrays: in_function(K, ask, arrays),
}


def in_function(K, ask, arrays):
    """The same by a function of placeholders with sizes that are not known where the batch is."""
    inputs = [K.placeholder(shape=a.shape) for a in arrays]
    outputs = listed(ask(K, *inputs))
    return K.function(inputs, outputs)(arrays)


@pytest.fixture(autouse=True)
def phase_of_its_own():
    yield
    backend.clear_session()


@pytest.mark.parametrize(("era", "name", "ask", "shapes"), thinned([*asked()], every=4))
def test_functions_answer_as_in_old_keras(era, name, ask, shapes):
    K = backend.for_era(era)
    wanted = answers(era, name)
    got = FORMS[era](K, ask, numbers(shapes))
    assert len(got) == len(wanted)
    for x, y in zip(got, wanted):
        assert np.shape(x) == y.shape
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-5)
