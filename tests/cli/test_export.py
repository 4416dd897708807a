"""``amalthea export`` and ``amalthea targets``."""

from __future__ import annotations

import os

import onnxruntime
import pytest

from amalthea import Input, Model, layers
from amalthea.cli import main
from amalthea.export.targets import TARGETS


@pytest.fixture
def saved(tmp_path):
    steps = Input((None, 4), name="steps")
    model = Model(steps, layers.Dense(2)(layers.GRU(3)(steps)))
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def shape_of(path):
    return onnxruntime.InferenceSession(str(path)).get_inputs()[0].shape


def test_a_file_is_exported_and_checked(saved, tmp_path, capsys):
    assert main(["export", str(saved), str(tmp_path / "m.onnx"), "--check"]) == 0
    assert "Worst difference from predict" in capsys.readouterr().out
    assert shape_of(tmp_path / "m.onnx") == ["batch", "steps_1", 4]


def test_sizes_are_chosen(saved, tmp_path):
    assert main(["export", str(saved), str(tmp_path / "m.onnx"), "--input-shape", "dynamic,7,4", "--batch", "2"]) == 0
    assert shape_of(tmp_path / "m.onnx") == [2, 7, 4]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["m.xyz"], "ending"),
        (["m.onnx", "--input-shape", "a,b"], "whole number"),
        (["m.onnx", "--batch", "0"], "positive int"),
        (["m.onnx", "--dtype", "int3"], "no such dtype"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(saved, given, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(saved), *given]) == 1
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert os.listdir(tmp_path) == ["model.keras"]


def test_targets_are_listed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["targets"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in TARGETS)
