"""The benchmarks run, and every library is given the same network. Nothing here looks at a time."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ElementTree
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest

import amalthea
from benchmarks.__main__ import main
from benchmarks.measures import MEASURES
from benchmarks.networks import NETWORKS
from benchmarks.variants import VARIANTS, rivals
from benchmarks.worker import arguments, begin

SMOKE = [name for name, network in NETWORKS.items() if not network.usual]
# Keras has to be told its backend before it is imported, and ours on the others is tested elsewhere.
HERE = ["jax", "torch", "tensorflow", "amalthea-onnxruntime"]


@pytest.mark.parametrize("network", SMOKE)
@pytest.mark.parametrize("variant", HERE)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of libraries, at their import
def test_every_library_trains_the_same_network(variant, network):
    library = pytest.importorskip(VARIANTS[variant].library)
    row, facts = VARIANTS[variant], NETWORKS[network]
    with around(variant, library):
        program = begin(row, facts, arguments(facts, 2))
        losses = [program.fit() for _ in range(3)]
        answers = program.predict(5)
    assert program.weights == weights(facts.layers, facts.shape)
    assert np.isfinite(losses).all() and abs(losses[-1] - np.log(facts.classes)) < 1
    assert answers.shape == (5, facts.classes)
    np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-5)


def around(variant, library) -> AbstractContextManager:
    """What a process of its own would bring: our backend, and PyTorch's gradients, which other tests switch off."""
    if VARIANTS[variant].kind == "ours":
        return amalthea.use_backend(VARIANTS[variant].library)
    return library.enable_grad() if variant == "torch" else nullcontext()


def weights(layers, shape):
    """How many numbers are trained, by the facts alone."""
    total = 0
    for layer in layers:
        inner = (layer.body, layer.shortcut) if hasattr(layer, "body") else ()
        total += sum(weights(part, shape) for part in inner)
        total += sum(int(np.prod(s)) for s in layer.weights(shape).values())
        shape = layer.out(shape)
    return total


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


def test_what_is_not_installed_is_left_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError(\"No module named 'nothing'\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    main(["--networks", "smoke", "--variants", "jax", "--rounds", "1", "--scale", "0.01"])
    assert "left out: jax: No module named 'nothing'" in capsys.readouterr().out


def test_loops_by_hand_are_held_against_nothing_and_onnxruntime_against_all():
    assert rivals("torch") == []
    assert rivals("amalthea-torch") == rivals("keras-torch") == ["torch", "torch-compile"]
    assert {VARIANTS[name].library for name in rivals("amalthea-onnxruntime")} == {"jax", "torch", "tensorflow"}
