"""The example of a page that trains, in Node and in Chromium: ONNX Runtime in WebAssembly (``make test-targets``)."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from amalthea import export
from tests.export.javascript.browser import CHROMIUM, opened

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODULES = HERE / "node_modules"

pytestmark = pytest.mark.skipif(not MODULES.is_dir(), reason="make test-targets installs the packages that it needs")


@pytest.fixture
def trained(tmp_path_factory):
    """The folder of the example, and the logs and first prediction of the model itself over the same steps."""
    folder = tmp_path_factory.mktemp("page")
    spec = importlib.util.spec_from_file_location("make_page", ROOT / "examples" / "browser" / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    models = []
    whole = export.export_training
    try:
        export.export_training = lambda model, *rest: (models.append(model), whole(model, *rest))
        make.main(str(folder))
    finally:
        export.export_training = whole
    images = np.fromfile(folder / "images.bin", "uint8").reshape(-1, 28, 28, 1).astype("float32")
    labels = np.fromfile(folder / "labels.bin", "uint8").astype("int32")
    os.symlink(MODULES, folder / "node_modules")

    def steps(count):
        rows = [slice(i * make.BATCH, (i + 1) * make.BATCH) for i in range(count)]
        logs = [models[0].train_on_batch(images[r], labels[r], return_dict=True) for r in rows]
        return logs, models[0].predict(images[:1], verbose=0)[0]

    return folder, steps


def test_node_trains_to_the_same_losses(trained):
    folder, steps = trained
    ran = subprocess.run(["node", "train.mjs", str(folder)], cwd=HERE, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    *logs, first = map(json.loads, ran.stdout.splitlines())
    wanted, prediction = steps(20)
    for got, want in zip(logs, wanted, strict=True):
        for name, value in want.items():
            assert got[name] == pytest.approx(float(value), rel=1e-4, abs=1e-5)
    np.testing.assert_allclose(first, prediction, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_page_trains_in_chromium(trained):
    folder, steps = trained
    page = (folder / "index.html").read_text()
    ends = [
        "window.onerror = (m) => fetch('done', { method: 'POST', body: JSON.stringify({ error: m }) });",
        "const told = { ...(await window.demo.pass()), log: log.value, bars: bars.children.length };",
        "await fetch('done', { method: 'POST', body: JSON.stringify(told) });",
    ]
    (folder / "test.html").write_text(page.replace("</script>", "\n".join([*ends, "</script>"])))
    with opened(folder, "test.html") as told:
        found = told.get(timeout=180)
    assert "error" not in found, found
    wanted, _ = steps(125)
    for name in ("loss", "accuracy"):
        assert found[name] == pytest.approx(np.mean([float(logs[name]) for logs in wanted]), rel=1e-3)
    assert found["log"].startswith("step 125: loss") and found["bars"] == 20
