"""Keras.js: stored layers in Node, two networks in Chromium, and what is refused (``make test-targets``)."""

from __future__ import annotations

import collections
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, export, layers
from amalthea.errors import ArgumentError, ExportError
from amalthea.export import targets
from tests.export.javascript.browser import CHROMIUM, opened
from tests.export.layers_tried import RECORDS, tried
from tests.export.page import digits

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
CLOSE = 2e-5
# Layers of the stored cases that Keras.js has, with the number of their cases that it can say.
SAID = {
    "Activation": 8, "Add": 2, "Average": 2, "AveragePooling1D": 7, "AveragePooling2D": 6, "AveragePooling3D": 3,
    "BatchNormalization": 15, "Bidirectional": 5, "Concatenate": 2, "Conv1D": 7, "Conv2D": 11, "Conv2DTranspose": 5,
    "Conv3D": 3, "Cropping1D": 2, "Cropping2D": 2, "Cropping3D": 1, "Dense": 8, "Dropout": 2, "ELU": 2,
    "Embedding": 2, "Flatten": 3, "GRU": 2, "GaussianDropout": 1, "GaussianNoise": 1, "GlobalAveragePooling1D": 1,
    "GlobalAveragePooling2D": 1, "GlobalAveragePooling3D": 1, "GlobalMaxPooling1D": 1, "GlobalMaxPooling2D": 1,
    "GlobalMaxPooling3D": 1, "Identity": 1, "LSTM": 6, "LeakyReLU": 2, "MaxPooling1D": 7, "MaxPooling2D": 6,
    "MaxPooling3D": 3, "Maximum": 2, "Minimum": 2, "Multiply": 2, "PReLU": 1, "Permute": 2, "ReLU": 1,
    "RepeatVector": 1, "Reshape": 4, "SeparableConv2D": 3, "SimpleRNN": 6, "Softmax": 1, "SpatialDropout1D": 1,
    "SpatialDropout2D": 1, "SpatialDropout3D": 1, "Subtract": 1, "UpSampling1D": 1, "UpSampling2D": 1,
    "UpSampling3D": 1, "ZeroPadding1D": 2, "ZeroPadding2D": 3, "ZeroPadding3D": 1,
}  # fmt: skip

needs_node = pytest.mark.skipif(
    not (MODULES / "keras-js").is_dir(), reason="make test-targets installs the packages that it needs"
)


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    monkeypatch.setenv(targets.NODE_MODULES, str(MODULES))


@needs_node
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
def test_every_layer_that_it_has_computes_what_ours_does():
    said: collections.Counter[str] = collections.Counter()
    for record in RECORDS:
        try:
            found = tried(record, "kerasjs")
        except ExportError as error:
            assert "Node" not in str(error), f"{record['id']}: {error}"
            continue
        assert found.difference <= CLOSE * max(found.scale, 1.0), record["id"]
        said[record["class_name"]] += 1
    assert said == SAID


def lstm() -> Sequential:
    amalthea.utils.set_random_seed(0)
    return Sequential([Input((12, 6)), layers.LSTM(16, return_sequences=True), layers.LSTM(8), layers.Dense(3)])


def branches() -> Model:
    a, b = Input((4, 3), name="a"), Input((4, 3), name="b")
    joined = layers.Concatenate()([layers.Conv1D(2, 2, padding="same")(a), layers.LeakyReLU()(b)])
    return Model({"b": b, "a": a}, {"sum": layers.GRU(3, reset_after=False)(joined), "flat": layers.Flatten()(joined)})


@needs_node
@pytest.mark.parametrize("make", [digits, lstm, branches])
def test_a_model_predicts_the_same_in_node(make, tmp_path):
    model = make()
    model.export(tmp_path / "m.bin", verbose=False)
    assert export.check_export(model, tmp_path / "m.bin").difference < CLOSE


@needs_node
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_chromium_predicts_the_same_on_its_cpu_and_gpu(tmp_path):
    told, expected = [], {}
    for name, model in (("digits", digits()), ("lstm", lstm())):
        model.export(tmp_path / f"{name}.bin", verbose=False)
        x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
        expected[name] = np.asarray(model.predict(x, verbose=0))
        told.append({"name": name, "inputs": x.reshape(2, -1).tolist()})
    (tmp_path / "cases.json").write_text(json.dumps(told))
    shutil.copy(HERE / "kerasjs.html", tmp_path)
    os.symlink(MODULES, tmp_path / "node_modules")
    with opened(tmp_path, "kerasjs.html") as posted:
        answers = [posted.get(timeout=120) for _ in range(4)]
    assert {(a["name"], a["gpu"]) for a in answers} == {(n, gpu) for n in expected for gpu in (False, True)}
    for answer in answers:
        assert "error" not in answer, answer
        np.testing.assert_allclose(answer["outputs"], expected[answer["name"]], rtol=1e-4, atol=1e-5)


def shared() -> Model:
    x, dense = Input((3,)), layers.Dense(3)
    return Model(x, dense(dense(x)))


def overwritten() -> Model:
    x = layers.Dense(3)(Input((3,), name="x"))
    return Model(x.history.call.inputs[0], layers.Add()([layers.LeakyReLU()(x), x]))


def nested() -> Model:
    x = Input((3,))
    return Model(x, Sequential([Input((3,)), layers.Dense(2)], name="inner")(x))


def read_output() -> Model:
    x = Input((3,))
    y = layers.Dense(3)(x)
    return Model(x, [y, layers.Dense(2)(y)])


REFUSED = {
    "a layer": (lambda: Sequential([Input((4, 3)), layers.LayerNormalization()]), "LayerNormalization"),
    "an activation": (lambda: Sequential([Input((4,)), layers.Dense(2, "gelu")]), "gelu"),
    "hard sigmoid": (lambda: Sequential([Input((4,)), layers.Dense(2, "hard_sigmoid")]), "hard_sigmoid"),
    "an option": (lambda: Sequential([Input((4, 3)), layers.GRU(2)]), "reset_after=True"),
    "a wrapper": (lambda: Sequential([Input((4, 3)), layers.TimeDistributed(layers.Dense(2))]), "TimeDistributed"),
    "open sizes": (lambda: Sequential([Input((None, 3)), layers.LSTM(2)]), "have to be known"),
    "a layer called twice": (shared, "more than once"),
    "a tensor that is overwritten": (overwritten, "overwrites"),
    "a model as layer": (nested, "inner"),
    "an output that is read": (read_output, "read by another"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_lacks_is_refused_by_name(case, tmp_path):
    make, words = REFUSED[case]
    with pytest.raises(ExportError, match=words):
        make().export(tmp_path / "m.bin", verbose=False)
    assert os.listdir(tmp_path) == []


def test_functions_and_strange_names_are_refused(tmp_path):
    archive = export.ExportArchive(format="kerasjs")
    archive.add_endpoint("serve", lambda x: x, [amalthea.InputSpec(shape=(None, 2))])
    with pytest.raises(ExportError, match="models of layers"):
        archive.write_out(tmp_path / "m.bin")
    with pytest.raises(ArgumentError, match="has signs"):
        Sequential([Input((2,)), layers.Dense(1, name="a+b")]).export(tmp_path / "m.bin", verbose=False)
    with pytest.raises(ArgumentError, match="'input'"):
        Sequential([Input((2,)), layers.Dense(1, name="input")]).export(tmp_path / "m.bin", verbose=False)
    assert os.listdir(tmp_path) == []


def test_names_that_end_in_others_keep_their_weights(tmp_path):
    from amalthea.export.kerasjs.target import MODEL
    from amalthea.saving import protobuf

    model = Sequential([Input((2,)), layers.Dense(2, name="my_dense"), layers.Dense(2, name="dense")])
    model.export(tmp_path / "m.bin", verbose=False)
    rows = protobuf.parse((tmp_path / "m.bin").read_bytes(), MODEL, "a file")["model_weights"]
    first = next(r for r in rows if r["weight_name"].endswith("dense/kernel"))
    np.testing.assert_array_equal(np.frombuffer(first["data"], "float32").reshape(2, 2), model.layers[1].kernel.numpy())
