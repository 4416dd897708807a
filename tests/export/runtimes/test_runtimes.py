"""Exported files in the runtimes of their users, without Amalthea: each network in each, and training on the JVM."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import export
from amalthea.saving import safetensors
from tests.export.page import digits
from tests.export.runtimes import bundle, places
from tests.export.runtimes.networks import NETWORKS
from tests.export.runtimes.table import RUNTIMES, called, java_classes, missing, outcomes

ALWAYS = "ONNX Runtime"  # the others take seconds


ROWS = [
    pytest.param(
        runtime, name, id=f"{runtime.title}: {name}", marks=[] if runtime.title == ALWAYS else [pytest.mark.slow]
    )
    for runtime in RUNTIMES
    for name in NETWORKS
]


@pytest.mark.parametrize(("runtime", "name"), ROWS)
@pytest.mark.xdist_group("runtimes")
def test_a_runtime_computes_what_the_model_predicts(runtime, name):
    reason = missing(runtime)
    if reason:
        pytest.skip(reason)
    found = outcomes(runtime.title)[name]
    if name in runtime.gaps:
        assert isinstance(found, str) and runtime.gaps[name] in found
        return
    assert not isinstance(found, str), found
    assert found.difference <= runtime.close * max(found.scale, 1.0)


def test_gaps_are_those_of_networks_that_exist():
    assert {name for runtime in RUNTIMES for name in runtime.gaps} <= set(NETWORKS)
    assert len({runtime.title for runtime in RUNTIMES}) == len(RUNTIMES)


@pytest.mark.slow
def test_the_jvm_trains_to_the_same_losses_and_weights(tmp_path):
    reason = places.programs("javac") or places.files(places.JAR)
    if reason:
        pytest.skip(reason)
    model = digits()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 16, 28, 28, 1)).astype("float32"), rng.integers(0, 10, (10, 16)).astype("int32")
    export.export_training(model, tmp_path / "step", x[0], y[0])
    for i in range(len(x)):
        bundle.write(tmp_path, f"batch{i}", {"x": x[i], "y": y[i]})
    printed = called(["java", "-cp", java_classes(), "Train", tmp_path / "step", tmp_path])
    wanted = [float(model.train_on_batch(a, b, return_dict=True)["loss"]) for a, b in zip(x, y)]
    np.testing.assert_allclose([float(line) for line in printed.split()], wanted, rtol=1e-4)
    (tmp_path / "after.safetensors").write_bytes(safetensors.packed(bundle.read(tmp_path, "state")))
    trained = [v.numpy() for v in model.trainable_variables]
    other = amalthea.models.clone_model(model)
    assert not np.allclose(other.trainable_variables[0].numpy(), trained[0])
    for v in model.trainable_variables:
        v.assign(np.zeros(v.shape, v.dtype))
    export.load_trained(model, tmp_path / "after.safetensors")
    for v, before in zip(model.trainable_variables, trained):
        np.testing.assert_allclose(v.numpy(), before, rtol=1e-3, atol=1e-5)
