"""Our files in the runtimes of JavaScript: each predicts what the model does (``make test-targets``)."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, layers
from tests.export.javascript.browser import CHROMIUM, opened
from tests.export.page import digits, mobile

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
BROWSER = (
    "tfjs cpu", "tfjs wasm", "tfjs webgl", "tfjs webgpu", "tfjs-tflite", "litert wasm", "litert webgpu",
    "onnx wasm", "onnx wasm, 2 threads", "onnx webgpu",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (MODULES / "onnxruntime-node").is_dir(), reason="make test-targets installs the packages that it needs"
    ),
]


class Case(NamedTuple):
    """A model, the arrays of its calls (one row first), and whether TensorFlow.js gets its layers or a graph."""

    model: Any
    calls: list[np.ndarray]
    kind: str = "layers-model"


def lstm() -> Sequential:
    """An LSTM over any number of steps."""
    amalthea.utils.set_random_seed(0)
    return Sequential([Input((None, 6)), layers.LSTM(16, return_sequences=True), layers.LSTM(8), layers.Dense(3)])


def gru() -> Sequential:
    """A GRU that TensorFlow.js does not have as a layer."""
    return Sequential([Input((None, 6)), layers.GRU(16, return_sequences=True), layers.GRU(8), layers.Dense(3)])


def cases() -> dict[str, Case]:
    draw = np.random.default_rng(0).normal
    return {
        "digits": Case(digits(), [draw(size=(rows, 28, 28, 1)) for rows in (1, 3)]),
        "lstm": Case(lstm(), [draw(size=shape) for shape in ((1, 12, 6), (3, 5, 6))]),
        "gru": Case(gru(), [draw(size=shape) for shape in ((1, 12, 6), (3, 5, 6))], "graph-model"),
        "mobile": Case(mobile(), [draw(size=(1, 96, 96, 3))], "graph-model"),
    }


# Chromium's answers that are wrong, each with its reason; a test fails once one is right.
WRONG = {
    ("litert webgpu", name): "LiteRT.js 2.5.3 loses rows that a loop writes on WebGPU (right on wasm)"
    for name in ("lstm", "gru")
}
MODELS = ("digits", "lstm", "gru", "mobile")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of each model, the page, and cases.json; with the predictions of the models themselves."""
    made = tmp_path_factory.mktemp("runtimes")
    told, expected = [], {}
    for name, case in cases().items():
        calls = [x.astype("float32") for x in case.calls]
        port = case.model.inputs[0].history.call.operation.name
        any_rows = amalthea.InputSpec(shape=case.model.inputs[0].shape, name=port) if name == "mobile" else None
        case.model.export(made / name, "tfjs", verbose=False, input_signature=[any_rows] if any_rows else None)
        assert json.loads((made / name / "model.json").read_text())["format"] == case.kind
        case.model.export(made / f"{name}.onnx", verbose=False)
        shape = amalthea.InputSpec(shape=calls[0].shape)
        case.model.export(made / f"{name}.tflite", verbose=False, input_signature=[shape])
        expected[name] = [np.asarray(case.model.predict(x, verbose=0)) for x in calls]
        rows = [[{"name": port, "dtype": "float32", "shape": x.shape, "data": x.ravel().tolist()}] for x in calls]
        told.append({"name": name, "calls": rows, "times": 5})
    for name in ("runtimes.html", "runtimes.mjs", "measure.mjs"):
        shutil.copy(HERE / name, made)
    os.symlink(MODULES, made / "node_modules")
    (made / "cases.json").write_text(json.dumps({"runtimes": BROWSER, "models": told}))
    return made, expected


@pytest.fixture(scope="module")
def answers(folder):
    """What each runtime of the browser said about each model."""
    found: dict[tuple[str, str], dict] = {}
    with opened(folder[0], "runtimes.html") as posted:
        while len({runtime for runtime, _ in found}) < len(BROWSER) or (BROWSER[-1], MODELS[-1]) not in found:
            try:
                told = posted.get(timeout=150)
            except queue.Empty:
                break
            for model in [told["model"]] if "model" in told else MODELS:
                found[told["runtime"], model] = told
    return found


def check(answer: dict, expected: list[np.ndarray], most: float) -> None:
    assert "error" not in answer, answer
    for (got,), wanted in zip(answer["outputs"], expected, strict=True):
        assert got["shape"] == list(wanted.shape)
        np.testing.assert_allclose(np.reshape(got["data"], wanted.shape), wanted, rtol=0, atol=most)


def bound(expected: list[np.ndarray]) -> float:
    return 2e-5 * max(1.0, *(float(np.abs(x).max()) for x in expected))


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("runtime", BROWSER)
def test_a_runtime_of_the_browser_predicts_what_the_model_does(runtime, model, folder, answers):
    answer = answers.get((runtime, model), {"error": "no answer in time"})
    if "absent" in answer:
        pytest.skip(f"{runtime}: {answer['absent']}")
    expected = folder[1][model]
    if "lite" in runtime:  # its file is of one row
        expected = expected[:1]
    if (runtime, model) in WRONG:
        with pytest.raises(AssertionError):
            check(answer, expected, bound(expected))
        pytest.xfail(WRONG[runtime, model])
    check(answer, expected, bound(expected))


def test_onnx_runtime_in_node_predicts_what_the_model_does(folder):
    ran = subprocess.run(["node", "node_runtimes.mjs", str(folder[0])], cwd=HERE, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    answers = {told["model"]: told for told in map(json.loads, ran.stdout.splitlines())}
    assert set(answers) == set(MODELS)
    for model, answer in answers.items():
        check(answer, folder[1][model], bound(folder[1][model]))
