"""``import keras`` and the modules of every version: they resolve, or are refused in words."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Model, configurable, random
from amalthea.compat import absent, importer

SURFACE = json.loads((Path(__file__).parents[1] / "oracles/old_keras/stored/surface.json").read_text())
MODULES = [(version, address) for version in SURFACE for address in SURFACE[version]["modules"]]


@pytest.mark.parametrize("version, address", MODULES)
def test_names_of_a_module_are_there_or_refused_with_a_reason(keras, version, address):
    keras(1 if version.startswith("1") else 2)
    full = f"keras.{address}".rstrip(".")
    why = absent.reason(address) or absent.reason(address.rpartition(".")[0])
    if why:
        with pytest.raises(ModuleNotFoundError, match=why):
            importlib.import_module(full)
        return
    module = importlib.import_module(full)
    for name in SURFACE[version]["modules"][address]:
        found = getattr(module, name, None)
        reason = absent.reason(address, name)
        assert found is not None or reason, f"{full}.{name}"
        if found is None:
            with pytest.raises(AttributeError, match=reason):
                getattr(module, name)


def test_every_absent_name_is_of_some_version():
    names = {name for version in SURFACE.values() for found in version["modules"].values() for name in found}
    backends = json.loads((Path(__file__).parents[1] / "oracles/old_keras/stored/backend_names.json").read_text())
    names |= {name for found in backends.values() for name in found}
    listed = {name for rows in absent._REASONS.values() for name in rows}
    assert listed <= names | {"count_total_params"}


def test_a_name_that_is_imported_is_refused_with_its_reason(keras):
    keras(2)
    with pytest.raises(ImportError, match="optimizers of TensorFlow are not run here"):
        from keras.optimizers import TFOptimizer  # noqa: F401
    with pytest.raises(ImportError, match="has no 'Dens'"):
        from keras.layers import Dens  # noqa: F401


def test_modules_of_an_era_differ(keras):
    assert callable(keras(1).layers.merge) and keras(1).__version__ == "1.2.2"
    importer.uninstall()
    assert keras(2).layers.merge.add is not None and keras(2).__version__ == "2.2.4"


def test_all_names_are_imported_by_a_star(keras):
    keras(2)
    found: dict[str, object] = {}
    exec("from keras.layers import *", found)
    assert {"Dense", "Input", "CuDNNLSTM", "Convolution2D", "concatenate"} <= set(found)


@pytest.mark.parametrize("prefix", ("keras", "tensorflow.keras", "tf_keras", "tensorflow.python.keras"))
def test_every_spelling_of_keras_is_ours(keras, prefix):
    keras(2)
    if (
        prefix == "tensorflow.python.keras"
        and importlib.util.find_spec("tensorflow").loader.__class__.__name__ != "StandIn"
    ):
        pytest.skip("TensorFlow is installed, and imports it itself")
    assert importlib.import_module(f"{prefix}.layers").Dense is amalthea.layers.Dense
    assert importlib.import_module(prefix).Model is amalthea.Model


def test_backend_is_that_of_the_era(keras):
    assert keras(1).backend.image_dim_ordering() == "tf"
    assert keras(2).backend.epsilon() == pytest.approx(1e-7)


def test_installing_twice_is_harmless_and_uninstalling_takes_all_back(keras):
    before = (Model.__bases__, Model.fit, amalthea.layers.Layer.add_weight, Model.save)
    keras(1)
    once = Model.__bases__
    keras(1)
    assert Model.__bases__ == once != before[0]
    importer.uninstall()
    assert (Model.__bases__, Model.fit, amalthea.layers.Layer.add_weight, Model.save) == before
    assert configurable.respell is None and random.seeds._Global.stream is None
    assert not any(name.split(".")[0] == "keras" for name in sys.modules)


def test_another_keras_that_is_imported_already_is_refused(keras, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", type(sys)("keras"))
    with pytest.raises(amalthea.errors.AmaltheaError, match="Another Keras is imported already"):
        importer.install(2)


def test_rows_are_sliced_by_the_function_of_keras_1(keras):
    assert keras(1).engine.training.slice_X(np.arange(4), 1, 3).tolist() == [1, 2]


def test_objectives_are_losses(keras):
    era = keras(1)
    assert era.objectives.get("mse") is era.objectives.mse is amalthea.losses.mean_squared_error
    assert era.metrics.get("mae") is not None and era.metrics.cosine_proximity is amalthea.losses.cosine_similarity
