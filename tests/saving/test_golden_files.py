"""Files of every Keras since 0.3: they load to its predictions, and train on to its losses."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from amalthea import models, tree
from amalthea.errors import ModelFileError
from tests.saving import golden_files as golden

WHOLE = golden.names(*golden.WHOLE)
TEXTS = golden.names(*golden.TEXTS)
QUICK = {"2.15.0", "1.2.2", "3.6.0"}


def ids(rows):
    return ["-".join((version, model + ending)) for version, model, ending in rows]


def thinned(rows, every):
    """The rows, of which all but a few are slow."""
    return [
        pytest.param(*row, id=name, marks=[] if i % every == 0 else pytest.mark.slow)
        for i, (row, name) in enumerate(zip(rows, ids(rows)))
    ]


def close(model, version, name):
    found = model.predict(golden.arrays(version, name, "x"), verbose=0)
    if isinstance(found, dict):  # a Graph of Keras 0.3, whose answers are in the order of its outputs
        order = json.loads(golden.archive(version).read(f"{name}.json"))["output_order"]
        assert sorted(found) == sorted(order)
        found = [found[output] for output in order]
    tolerance = golden.HALF.get(name, 1e-5)
    for got, want in zip(tree.flatten(found), tree.flatten(golden.arrays(version, name, "y")), strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def loaded(version, name, ending, folder):
    """The model; a state of the optimizer that is left out would warn, which is an error here."""
    path = golden.unpacked(version, name + ending, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return models.load_model(path)


def test_every_version_and_model_is_there():
    assert len(WHOLE) > 150
    assert {version for version, _, _ in WHOLE} == set(golden.VERSIONS) - {"0.3.3"}


@pytest.mark.parametrize("version, name, ending", thinned(WHOLE, 2))
def test_whole_models_predict_as_in_the_version_that_wrote_them(version, name, ending, tmp_path):
    close(loaded(version, name, ending, tmp_path), version, name)


TRAINED = [row for row in WHOLE if f"{row[1]}/losses" in golden.answers(row[0])]


@pytest.mark.parametrize("version, name, ending", thinned(TRAINED, 11))
def test_training_goes_on_as_in_the_version_that_wrote_the_file(version, name, ending, tmp_path):
    model = loaded(version, name, ending, tmp_path)
    wanted = golden.answers(version)[f"{name}/losses"]
    x, t = golden.arrays(version, name, "x"), golden.arrays(version, name, "t")
    found = [float(np.ravel(model.train_on_batch(x, t))[0]) for _ in wanted]
    if golden.reason(golden.BOTH, version, name, ending):
        return
    tolerance = golden.HALF.get(name, 1e-5)
    np.testing.assert_allclose(found[0], wanted[0], rtol=tolerance)
    loose = golden.reason(golden.SECOND, version, name, ending)
    np.testing.assert_allclose(found[1], wanted[1], rtol=0.04 if loose else tolerance)


WEIGHTS = (".layered.h5", ".h5", ".weights.h5", ".weights.json")


@pytest.mark.parametrize("version, name, ending", thinned(TEXTS, 7))
def test_texts_and_weights_predict_as_in_the_version_that_wrote_them(version, name, ending, tmp_path):
    if golden.reason(golden.NO_BACKEND, version, name):
        pytest.skip("the text does not tell the backend")
    if ending == ".yaml":
        pytest.importorskip("yaml")
    text = golden.archive(version).read(name + ending).decode()
    if golden.reason(golden.OF_PYTHON, version, name, ending):
        with pytest.raises(ModelFileError):
            models.model_from_yaml(text)
        return
    model = (models.model_from_yaml if ending == ".yaml" else models.model_from_json)(text)
    files = [name + end for end in WEIGHTS if name + end in golden.archive(version).namelist()]
    assert files
    start = model.get_weights()
    for file in files:
        model.set_weights([np.zeros_like(w) for w in start])
        path = golden.unpacked(version, file, tmp_path)
        if file.endswith(".weights.json"):
            for part in golden.archive(version).namelist():
                if part.startswith(f"{name}_0"):
                    golden.unpacked(version, part, tmp_path)
        model.load_weights(path)
        close(model, version, name)
