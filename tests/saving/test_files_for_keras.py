"""Model files that Keras has to read: where a configuration, or a list of weights, must be one that it knows."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers

CROSSENTROPIES = {
    "binary_crossentropy": (1, "sigmoid", "BinaryCrossentropy"),
    "sparse_categorical_crossentropy": (3, "softmax", "SparseCategoricalCrossentropy"),
    "categorical_crossentropy": (3, "softmax", "CategoricalCrossentropy"),
}


def labels(loss, rows=4):
    whole = np.arange(rows)[:, None] % (2 if loss.startswith("binary") else 3)
    return np.eye(3, dtype="float32")[whole[:, 0]] if loss == "categorical_crossentropy" else whole


def config_of(path):
    return json.loads(zipfile.ZipFile(path).read("config.json"))


def classes(saved):
    """The class names, or names, of saved metrics, in order."""
    found = saved if isinstance(saved, list) else [x for row in saved.values() for x in row]
    return [x["class_name"] if isinstance(x, dict) else classes(x)[0] if isinstance(x, list) else x for x in found]


@pytest.mark.parametrize("loss", CROSSENTROPIES)
@pytest.mark.parametrize("name", ["crossentropy", "ce"])
@pytest.mark.parametrize("when", ["compiled", "trained", "loaded"])
@pytest.mark.parametrize("which", ["metrics", "weighted_metrics"])
def test_crossentropy_is_written_as_the_metric_that_it_stands_for(loss, name, when, which, tmp_path):
    """Keras knows "accuracy" by itself, but not this name."""
    units, activation, kind = CROSSENTROPIES[loss]
    model = Sequential([Input((2,)), layers.Dense(units, activation)])
    model.compile("sgd", loss, **{which: ["accuracy", name]})
    x, y = np.ones((4, 2), "float32"), labels(loss)
    wanted = model.evaluate(x, y, verbose=0, return_dict=True) if when != "compiled" else None
    model.save(tmp_path / "m.keras")
    if when == "loaded":
        model = amalthea.saving.load_model(tmp_path / "m.keras")
        model.save(tmp_path / "m.keras")
    assert classes(config_of(tmp_path / "m.keras")["compile_config"][which]) == ["accuracy", kind]
    found = amalthea.saving.load_model(tmp_path / "m.keras").evaluate(x, y, verbose=0, return_dict=True)
    assert wanted is None or found == wanted
    assert name in found


@pytest.mark.parametrize("nested", [False, True, "dict"])
def test_crossentropy_of_several_outputs_is_written_for_each(nested, tmp_path):
    x = Input((2,))
    heads = [layers.Dense(u, a, name=f"head_{i}")(x) for i, (u, a, _) in enumerate(CROSSENTROPIES.values())]
    model = Model(x, heads)
    metrics = {False: "crossentropy", True: [["crossentropy"], ["mse", "crossentropy"], ["crossentropy"]]}
    metrics["dict"] = {f"head_{i}": row for i, row in enumerate(metrics[True])}
    model.compile("sgd", list(CROSSENTROPIES), metrics=[metrics[nested]] if nested is False else metrics[nested])
    data = np.ones((4, 2), "float32"), [labels(loss) for loss in CROSSENTROPIES]
    wanted = model.evaluate(*data, verbose=0, return_dict=True)
    model.save(tmp_path / "m.keras")
    saved = config_of(tmp_path / "m.keras")["compile_config"]["metrics"]
    rows = list(saved.values()) if isinstance(saved, dict) else saved
    assert [row[-1]["class_name"] for row in rows] == [kind for _, _, kind in CROSSENTROPIES.values()]
    assert amalthea.saving.load_model(tmp_path / "m.keras").evaluate(*data, verbose=0, return_dict=True) == wanted


def test_layer_normalization_by_the_root_mean_square_has_a_factor_alone():
    """Keras's layer has these weights, whatever ``center`` and ``scale`` say."""
    for options in ({}, {"scale": False}, {"center": False}):
        layer = layers.LayerNormalization(rms_scaling=True, **options)
        found = layer(np.float32([[3.0, 4.0, 0.0]]))
        assert [w.name for w in layer.weights] == ["gamma"]
        np.testing.assert_allclose(np.asarray(found), [[3.0, 4.0, 0.0]] / np.sqrt(25 / 3 + 1e-3), rtol=1e-5)


@pytest.mark.parametrize("shape", [np.array([6, 2]), (np.int64(6), np.int32(2)), [None, np.int64(2)]])
def test_sizes_from_numpy_are_written_as_numbers(shape, tmp_path):
    model = Sequential([Input(shape), layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    found = amalthea.saving.load_model(tmp_path / "m.keras")
    assert found.input_shape == model.input_shape
    assert all(n is None or type(n) is int for n in model.input_shape)
