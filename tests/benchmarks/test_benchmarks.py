"""The benchmarks run, and every library computes the same. Nothing here looks at a time."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ElementTree
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import amalthea
from benchmarks import layers as facts
from benchmarks.__main__ import main
from benchmarks.measures import MEASURES
from benchmarks.networks import NETWORKS, data
from benchmarks.variants import VARIANTS, rivals
from benchmarks.variants.keras_networks import model_of

# Random dropouts agree with nobody's; a share of none leaves the code and takes the chance.
SMOKE = {
    name: replace(row, layers=tuple(facts.Dropout(0.0) if isinstance(x, facts.Dropout) else x for x in row.layers))
    for name, row in NETWORKS.items()
    if not row.usual
}
KERAS = {
    facts.Conv: "Conv2D",
    facts.BatchNorm: "BatchNormalization",
    facts.LayerNorm: "LayerNormalization",
    facts.BothWays: "Bidirectional",
    facts.Attention: "MultiHeadAttention",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOKE)
@pytest.mark.parametrize("library", ["jax", "torch", "tensorflow"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of libraries, at their import
def test_loops_by_hand_train_the_network_that_we_train(library, name):
    imported, network = pytest.importorskip(library), SMOKE[name]
    with gradients_of(imported):
        program = VARIANTS[library].module().make(network, *data(network, 2))
        losses = [program.train_on_batch() for _ in range(4)]
        answers = program.predict(5)
    np.testing.assert_allclose(answers.sum(1), np.ones(5), rtol=1e-5)
    assert program.weights == sum(a.size for a in drawn(name))
    if library == "torch":  # its first weights are its own
        assert losses[-1] < losses[0]
    else:
        np.testing.assert_allclose(losses, our_losses(name), rtol=1e-4)


def gradients_of(library) -> AbstractContextManager:
    """PyTorch's are switched off where it is our tests' backend."""
    return library.enable_grad() if hasattr(library, "enable_grad") else nullcontext()


@cache
def our_losses(name):
    """The losses of our first steps from the weights that loops by hand begin with."""
    network = SMOKE[name]
    with amalthea.use_backend("onnxruntime"):
        model = model_of(network, amalthea)
        fill(network.layers, facts.draw(network.layers, network.shape, np.random.default_rng(1)), model.layers[:])
        x, y = (array[: network.batch] for array in data(network, 2))
        losses = []
        for _ in range(4):
            model.reset_metrics()
            losses.append(float(model.train_on_batch(x, y)))
    return losses


def fill(parts, weights, left):
    """Put weights into the model's layers: into the first of those left that is of the kind and size."""
    for fact, own in zip(parts, weights):
        if isinstance(fact, facts.Residual):
            for part, inner in zip((fact.body, fact.shortcut), own):
                fill(part, inner, left)
        elif own:
            names = sorted(own, key=attention_order) if isinstance(fact, facts.Attention) else own
            arrays, kind = [own[name] for name in names], KERAS.get(type(fact), type(fact).__name__)
            layer = next(x for x in left if type(x).__name__ == kind and x.count_params() >= size(arrays))
            left.remove(layer)
            for variable, array in zip(layer.trainable_weights, arrays):
                variable.assign(array.reshape(variable.shape))


def attention_order(name):
    """Keras has each kernel beside its bias."""
    part, kind = name.split("_")
    return ("query", "key", "value", "output").index(part), kind == "bias"


def size(arrays):
    return sum(array.size for array in arrays)


def drawn(name):
    """All first weights of a network."""
    network = SMOKE[name]
    return amalthea.tree.flatten(facts.draw(network.layers, network.shape, np.random.default_rng(1)))


def test_the_command_runs_in_fresh_processes_and_writes_what_it_found(tmp_path, capsys):
    variants = ["amalthea-onnxruntime"] + ["torch"] * (importlib.util.find_spec("torch") is not None)
    short = ["--rounds", "1", "--turns", "1", "--scale", "0.01", "--threads", "1", "--out", str(tmp_path)]
    main(["--networks", "smoke", "--variants", *variants, *short])
    assert "amalthea-onnxruntime" in capsys.readouterr().out
    found = json.loads((tmp_path / "samples.json").read_text())
    assert not found["skipped"]
    assert set(found["samples"]["smoke"]["amalthea-onnxruntime"]) == set(MEASURES)
    assert {row["variant"] for row in found["summary"]} == set(variants)
    ElementTree.parse(tmp_path / "fit.svg")
    main(["--read", str(tmp_path / "samples.json"), "--out", str(tmp_path / "again")])
    assert (tmp_path / "again" / "tables.md").read_text() == (tmp_path / "tables.md").read_text()


def test_libraries_that_are_not_installed_are_left_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError(\"No module named 'nothing'\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    main(["--networks", "smoke", "--variants", "jax", "--rounds", "1", "--scale", "0.01"])
    assert "left out: jax: No module named 'nothing'" in capsys.readouterr().out


def test_loops_by_hand_are_held_against_nothing_and_onnxruntime_against_all():
    assert rivals("torch") == []
    assert rivals("amalthea-torch") == rivals("keras-torch") == ["torch", "torch-compile"]
    assert {VARIANTS[name].library for name in rivals("amalthea-onnxruntime")} == {"jax", "torch", "tensorflow"}
