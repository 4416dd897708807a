"""Random images, words and windows against Keras 1.2.2 and keras_preprocessing 1.1.2, from the same seeds."""

import random
from pathlib import Path

import numpy as np
import pytest

from amalthea.compat import images
from amalthea.preprocessing import image, sequence, text
from tests.oracles.old_keras import preprocessing_cases
from tests.oracles.old_keras.numbers_of_cases import numbers

FOLDER = Path(__file__).parents[1] / "oracles" / "old_keras" / "stored"
STORED = {era: dict(np.load(FOLDER / f"preprocessing{era}.npz")) for era in (1, 2)}
CASES = {1: preprocessing_cases.KERAS1, 2: preprocessing_cases.KERAS2}
IMAGES = {1: images, 2: image}
NOT_HELD = {(2, "reflect"): "SciPy before 1.6 took a wrong pixel where the mirror image begins"}


def asked():
    for era, cases in CASES.items():
        for name, ask, shapes in cases:
            if (era, name) not in NOT_HELD:
                yield pytest.param(era, name, ask, shapes, id=f"keras{era}-{name}")


def listed(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


@pytest.fixture(autouse=True)
def generators_as_they_were():
    before = np.random.get_state(), random.getstate()
    yield
    np.random.set_state(before[0])
    random.setstate(before[1])


@pytest.mark.parametrize(("era", "name", "ask", "shapes"), [*asked()])
def test_the_same_seed_gives_the_numbers_of_the_original(era, name, ask, shapes):
    np.random.seed(0)
    random.seed(0)
    got = listed(ask(IMAGES[era], sequence, text, *numbers(shapes)))
    stored = STORED[era]
    wanted = [stored[f"{name}/{i}"] for i in range(sum(key.startswith(f"{name}/") for key in stored))]
    assert len(got) == len(wanted)
    for x, y in zip(got, wanted):
        assert np.shape(x) == y.shape
        np.testing.assert_allclose(np.asarray(x, float), y.astype(float), rtol=1e-5, atol=2e-5)
