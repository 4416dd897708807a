"""Whole training runs against those of real Keras, and what ``fit`` promises besides."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import tree
from amalthea.engine import backends
from tests.backends import every_backend
from tests.oracles.build import build_model, compile_model
from tests.oracles.cases.training import CASES
from tests.oracles.read import held


def _possible(record):
    return all(hasattr(amalthea.layers, node.get("class_name", "Dense")) for node in record["nodes"])


TABLE = {case.id: case for case in CASES}
RECORDS = [r for r in held("training") if _possible(r)]
every_run = pytest.mark.parametrize("record", RECORDS, ids=[r["id"] for r in RECORDS])
# Three epochs of float32 in another order of sums.
CLOSE = {"rtol": 2e-3, "atol": 2e-4}


def trained(record, **options):
    """The model of a record after its run, with the history."""
    case = TABLE[record["id"]]
    model = build_model(amalthea, record["inputs"], record["nodes"], record["outputs"], record["gather"])
    # Scalar weights are stored with the shape (1,).
    start = [np.reshape(w, v.shape) for w, v in zip(record["initial_weights"], model.weights, strict=True)]
    model.set_weights(start)
    compile_model(amalthea, model, {**case.compile, **options})
    data, validation = record["data"], record["validation"]
    history = model.fit(
        data["x"],
        data["y"],
        sample_weight=data["sample_weight"],
        validation_data=tuple(v for v in validation.values() if v is not None),
        verbose=0,
        **case.fit,
    )
    return model, history.history


def predictions(record, model):
    found = model.predict(record["validation"]["x"], batch_size=5, verbose=0)
    return [found[name] for name in record["outputs"]] if isinstance(found, dict) else tree.flatten(found)


def curves(record):
    """Names and values of the history that are ours too."""
    return [(k, v) for k, v in record["history"].items() if k not in record["exceptions"]]


@every_backend
@every_run
def test_a_run_gives_the_curve_the_scores_and_the_weights_of_keras(record, backend):
    with backends.use_backend(backend):
        model, history = trained(record)
        assert set(history) == set(record["history"])
        for name, curve in curves(record):
            np.testing.assert_allclose(history[name], curve, err_msg=name, **CLOSE)
        for found, want in zip(predictions(record, model), record["predictions"], strict=True):
            np.testing.assert_allclose(found, want, **CLOSE)
        for found, want in zip(model.get_weights(), record["final_weights"], strict=True):
            np.testing.assert_allclose(found, want, rtol=5e-3, atol=1e-3)
        scores = model.evaluate(**record["validation"], batch_size=5, verbose=0, return_dict=True)
        for name, want in record["evaluate"].items():
            if f"val_{name}" in record["exceptions"]:
                continue
            assert scores[name] == pytest.approx(want, rel=2e-3, abs=2e-4), name


@every_run
def test_an_eager_run_is_the_compiled_run(record):
    with backends.use_backend("numpy"):
        _, history = trained(record, run_eagerly=True)
    for name, curve in curves(record):
        np.testing.assert_allclose(history[name], curve, err_msg=name, **CLOSE)


def test_a_metric_given_by_name_is_called_as_if_it_were_the_first():
    """The name does not depend on earlier objects."""
    amalthea.metrics.AUC()
    model = amalthea.Sequential([amalthea.Input((2,)), amalthea.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["AUC"])
    history = model.fit(np.ones((4, 2), "float32"), np.array([0, 1, 0, 1]), verbose=0)
    assert "auc" in history.history
