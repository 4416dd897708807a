"""``amalthea inspect``: a look into files of every format."""

from __future__ import annotations

import pytest

from amalthea import Input, Sequential, layers
from amalthea.cli import main
from amalthea.custom_objects import CUSTOM
from tests.saving.test_tensorflow_files import FILES

KERAS_FILES = FILES.parent / "keras_files"
SHOWN = {
    "a .keras archive": (KERAS_FILES / "conv_bn_adam.keras", "3.15.1", "DepthwiseConv2D", "layers/conv2d/vars/0"),
    "a model with ops": (KERAS_FILES / "functional_shared.keras", "Sum", "shared", "Nothing in it is refused"),
    "an HDF5 file": (KERAS_FILES / "conv_bn_adam.weights.h5", "weights alone", "(3, 3, 2, 4)"),
    "a SavedModel": (FILES / "recurrent" / "saved", "2.15.0", "  lstm", "Bidirectional", "(None, 6)", "40 more"),
    "an older SavedModel": (FILES / "keras24" / "saved", "2.3.4", "2.4.0", "LSTM"),
    "a checkpoint": (FILES / "dense" / "ckpt", "layer_with_weights-0/kernel", "int64"),
    "a browser's model": (FILES / "browser" / "model.json", "tfjs-layers 1.3.1", "    Conv1_pad", "ZeroPadding2D"),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_layers_values_and_versions_of_a_file_are_shown(kind, capsys):
    path, *words = SHOWN[kind]
    assert main(["inspect", str(path)]) == 0
    shown = capsys.readouterr().out
    for word in words:
        assert word in shown


def test_safetensors_are_shown_with_every_value(tmp_path, capsys):
    Sequential([Input((4,)), *(layers.Dense(4) for _ in range(12))]).save_weights(tmp_path / "w.safetensors")
    assert main(["inspect", str(tmp_path / "w.safetensors"), "--values"]) == 0
    shown = capsys.readouterr().out
    assert "24 values, 240 elements" in shown and shown.count("layers/dense") == 24 and "more" not in shown


REFUSED = {
    "code": (KERAS_FILES / "lambda_unsafe.keras", "Python code in a Lambda"),
    "a class": (KERAS_FILES / "custom_registered.keras", "the class 'Scale' (my_pkg>Scale)"),
    "a function": (KERAS_FILES / "custom_registered.keras", "the function 'my_pkg>my_act'"),
    "a model of TensorFlow's": (FILES / "exported", "functions for TensorFlow"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_all_that_is_refused_is_listed_and_the_status_tells(kind, capsys, monkeypatch):
    path, words = REFUSED[kind]
    for name in [*CUSTOM]:  # of classes that other tests have registered
        monkeypatch.delitem(CUSTOM, name)
    assert main(["inspect", str(path)]) == 1
    shown = capsys.readouterr().out
    assert words in shown.split("Loading refuses:")[1]


def test_a_file_that_is_none_is_an_error_in_words(tmp_path, capsys):
    (tmp_path / "x.keras").write_bytes(b"nothing")
    assert main(["inspect", str(tmp_path / "x.keras")]) == 1
    assert "format of this file is not known" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "none")]) == 1
    assert "does not exist" in capsys.readouterr().err
