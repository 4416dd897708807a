"""WebDNN: models in Node and Chromium, and what is refused; tests/export/test_layers.py has the layers."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, export, layers, ops
from amalthea.errors import ArgumentError, ExportError
from amalthea.export import targets
from tests.export.javascript.browser import CHROMIUM, opened
from tests.export.javascript.test_kerasjs import lstm
from tests.export.page import digits

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"

needs_node = pytest.mark.skipif(
    not (MODULES / "webdnn").is_dir(), reason="make test-targets installs the packages that it needs"
)


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    monkeypatch.setenv(targets.NODE_MODULES, str(MODULES))


def functions() -> Model:
    x = Input((5,))
    several = [ops.expm1, ops.log1p, ops.arcsinh, ops.arctan, ops.sinh, ops.softplus, ops.erf, ops.isnan, ops.isinf,
               ops.reciprocal, ops.floor, ops.sign, ops.rsqrt, ops.log, ops.round, ops.sigmoid, ops.gelu]  # fmt: skip
    with_axis = [ops.cumsum, ops.flip, ops.argmax, ops.argmin, ops.sort, ops.max, ops.min, ops.prod]
    chosen = layers.Lambda(lambda x: ops.cond(ops.max(x) > 2, lambda: x * 2, lambda: x))(x)
    others = [ops.arctan2(x, ops.flip(x, -1)), ops.top_k(x, 2)[1], ops.log_softmax(x), x // 2, x % 2]
    others += [ops.any(x > 1, axis=-1), x, ops.cast(x, "int32") // 2, chosen]
    return Model(x, [*(f(x) for f in several), *(f(x, axis=-1) for f in with_axis), *others])


INPUTS = {
    "signs": [[0.0, 0.25, 1e-9, 2.5, -3.0], [-2.75, 1.5, 0.5, -0.5, 3.5]],
    "infinite": [[np.inf, -np.inf, np.nan, 0.5, 1e5], [1.0, 2.0, 3.0, 4.0, 5.0]],
}


@needs_node
@pytest.mark.parametrize("kind", INPUTS)
def test_functions_of_ops(kind, tmp_path):
    model, x = functions(), np.array(INPUTS[kind], "float32")
    model.export(tmp_path / "m", "webdnn", verbose=False, batch_size=2)
    got = targets.target("webdnn").runner(str(tmp_path / "m"))({model.inputs[0].history.call.operation.name: x})
    for value, wanted in zip(got.values(), model(x), strict=True):
        wanted = ops.convert_to_numpy(wanted)
        if wanted.dtype.kind == "i" and kind == "infinite" and wanted.ndim == 2:
            continue  # integers of what is not finite, and the order of NaN, are not defined
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)


@needs_node
@pytest.mark.parametrize("make", [digits, lstm])
def test_a_model_predicts_the_same_in_node(make, tmp_path):
    model = make()
    model.export(tmp_path / "m", "webdnn", verbose=False, batch_size=3)
    assert export.check_export(model, tmp_path / "m", "webdnn").difference < 1e-5


@needs_node
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_chromium_predicts_the_same(tmp_path):
    told, expected = [], {}
    for name, model in (("digits", digits()), ("lstm", lstm())):
        model.export(tmp_path / name, "webdnn", verbose=False, batch_size=1)
        x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
        expected[name] = np.asarray(model.predict(x, verbose=0))
        told.append({"name": name, "inputs": x.reshape(2, -1).tolist()})
    (tmp_path / "cases.json").write_text(json.dumps(told))
    shutil.copy(HERE / "webdnn.html", tmp_path)
    os.symlink(MODULES, tmp_path / "node_modules")
    with opened(tmp_path, "webdnn.html") as posted:
        answers = [posted.get(timeout=120) for _ in range(2)]
    assert {a["name"] for a in answers} == set(expected)
    for answer in answers:
        assert answer.get("backend") == "fallback", answer
        np.testing.assert_allclose(answer["outputs"], expected[answer["name"]], rtol=1e-4, atol=1e-5)


def doubling() -> Model:
    x = Input((3,))
    double = layers.Lambda(lambda x: ops.while_loop(lambda y: ops.max(y) < 9.0, lambda y: (y * 2.0,), (x,))[0])
    return Model(x, double(x))


REFUSED = {
    "open sizes": (lambda: Sequential([Input((None, 3)), layers.LSTM(2)]), {"batch_size": 1}, "all sizes"),
    "any number of rows": (lambda: Sequential([Input((3,)), layers.Dense(2)]), {}, "all sizes"),
    "a loop of any length": (doubling, {"batch_size": 1}, "while_loop"),
    "a long loop": (lambda: Sequential([Input((1001, 1)), layers.SimpleRNN(1)]), {"batch_size": 1}, "no loops"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_lacks_is_refused_by_name(case, tmp_path):
    make, options, words = REFUSED[case]
    with pytest.raises(ExportError, match=words):
        make().export(tmp_path / "m", "webdnn", verbose=False, **options)
    assert os.listdir(tmp_path) == []


def test_a_folder_of_something_else_is_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="not replaced"):
        Sequential([Input((3,)), layers.Dense(2)]).export(tmp_path, "webdnn", verbose=False, batch_size=1)
    assert os.listdir(tmp_path) == ["mine.txt"]
