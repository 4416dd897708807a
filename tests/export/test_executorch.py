"""ExecuTorch: kernels of XNNPACK and portable ones; names; what is refused."""

from __future__ import annotations

import os

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, export, layers, ops
from amalthea.errors import ExportError
from amalthea.export.targets import executed_here, target

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not executed_here("executorch"), reason="amalthea[executorch] is not installed"),
]


def net():
    return [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(3, "softmax")]


@pytest.mark.parametrize("delegated", [True, False])
def test_both_sets_of_kernels_compute_what_the_model_does(delegated, tmp_path, monkeypatch):
    monkeypatch.setattr(target("executorch"), "delegated", delegated)
    model = Sequential([Input((8, 8, 1)), *net()])
    model.export(tmp_path / "m.pte", verbose=False, batch_size=2)
    assert (b"XnnpackBackend" in (tmp_path / "m.pte").read_bytes()) is delegated
    assert export.check_export(model, tmp_path / "m.pte", rows=2).difference < 1e-6


def test_names_are_in_the_file(tmp_path):
    one, other = Input((2,), name="one"), Input((3,), dtype="int32", name="other")
    both = layers.Concatenate()([one, layers.Flatten()(layers.Embedding(5, 2)(other))])
    model = Model({"one": one, "other": other}, {"sum": ops.sum(both, -1), "all": both})
    model.export(tmp_path / "m.pte", verbose=False, batch_size=2)
    feeds = {"other": np.ones((2, 3), "int32"), "one": np.ones((2, 2), "float32")}
    got = target("executorch").runner(str(tmp_path / "m.pte"))(feeds)
    wanted = model.predict(feeds, verbose=0)
    for name in ("sum", "all"):
        np.testing.assert_allclose(got[name], wanted[name], rtol=1e-5, atol=1e-6)


def test_open_sizes_are_asked_for(tmp_path):
    with pytest.raises(ExportError, match="batch_size=1"):
        Sequential([Input((4,)), layers.Dense(2)]).export(tmp_path / "m.pte")
    assert os.listdir(tmp_path) == []
