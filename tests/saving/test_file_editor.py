"""KerasFileEditor: values in files, looked at, renamed, deleted, added and written anew."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Sequential, layers
from amalthea.errors import ArgumentError, ModelFileError, ShapeError, UnknownNameError
from amalthea.saving import KerasFileEditor
from tests.arrays import numbers

X = numbers(4, 3)


def model_with(*units):
    model = Sequential([layers.Input((3,)), *(layers.Dense(n) for n in units)])
    model.compile("adam", "mse")
    return model


@pytest.fixture(params=["m.keras", "m.weights.h5"])
def file(request, tmp_path):
    model = model_with(4, 2)
    model.fit(X, numbers(4, 2), verbose=0)
    path = tmp_path / request.param
    (model.save if request.param == "m.keras" else model.save_weights)(path)
    return model, path


def test_the_values_are_those_of_the_model(file):
    model, path = file
    editor = KerasFileEditor(path)
    for i, dense in enumerate(model.layers):
        values = editor.weights_dict["layers/dense" + (f"_{i}" if i else "")]
        np.testing.assert_array_equal(values["0"], dense.kernel.numpy())
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": 4, "errors": []}


def test_edited_values_load_into_another_model(file, tmp_path, capsys):
    model, path = file
    other = model_with(4, 5, 2)
    editor = KerasFileEditor(path)
    assert editor.compare(other)["status"] == "error"
    assert "lacks" in capsys.readouterr().out
    editor.delete_object("optimizer")
    editor.rename_object("layers/dense_1", "dense_2")
    editor.add_object("layers/dense_1", {"0": np.ones((4, 5), "float32"), "1": np.zeros(5, "float32")})
    editor.delete_weight("layers/dense_2", "0")
    editor.add_weights("layers/dense_2", {"0": np.ones((5, 2), "float32")})
    assert editor.compare(other)["status"] == "success"
    editor.save(tmp_path / "new.weights.h5")
    other.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(other.layers[0].kernel.numpy(), model.layers[0].kernel.numpy())
    np.testing.assert_array_equal(other.layers[2].bias.numpy(), model.layers[1].bias.numpy())
    np.testing.assert_array_equal(other.layers[1].kernel.numpy(), np.ones((4, 5)))


def test_a_deleted_object_takes_what_is_inside_with_it(tmp_path):
    model = Sequential([layers.Input((3, 2)), layers.Bidirectional(layers.LSTM(2))])
    model.save_weights(tmp_path / "m.weights.h5")
    editor = KerasFileEditor(tmp_path / "m.weights.h5")
    assert len(editor.weights_dict) == 2
    editor.delete_object("layers/bidirectional")
    assert editor.weights_dict == {}


def test_a_summary_lists_paths_and_shapes(file, capsys):
    KerasFileEditor(file[1]).summary()
    printed = capsys.readouterr().out
    assert "layers/dense_1" in printed and "0: float32 (4, 2)" in printed


WRONG = {
    "unknown object": (lambda e: e.delete_object("layers/dens"), UnknownNameError),
    "unknown value": (lambda e: e.delete_weight("layers/dense", "7"), UnknownNameError),
    "taken path": (lambda e: e.rename_object("layers/dense", "dense_1"), ArgumentError),
    "object twice": (lambda e: e.add_object("layers/dense", {}), ArgumentError),
    "another shape": (lambda e: e.add_weights("layers/dense", {"0": np.ones(2)}), ShapeError),
    "text": (lambda e: e.add_object("layers/text", {"0": ["a"]}), ArgumentError),
    "a path as name": (lambda e: e.add_object("layers/text", {"a/b": [1.0]}), ArgumentError),
    "another ending": (lambda e: e.save("m.npz"), ArgumentError),
}


@pytest.mark.parametrize("name", [*WRONG])
def test_a_wrong_change_is_refused_and_changes_nothing(name, file):
    editor = KerasFileEditor(file[1])
    before = {path: dict(values) for path, values in editor.weights_dict.items()}
    change, error = WRONG[name]
    with pytest.raises(error):
        change(editor)
    assert {path: dict(values) for path, values in editor.weights_dict.items()} == before


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="file does not exist"):
        KerasFileEditor(tmp_path / "m.keras")
    with pytest.raises(ArgumentError, match="not a file of weights"):
        KerasFileEditor(tmp_path / "m.npz")
    (tmp_path / "m.weights.h5").write_bytes(b"nothing")
    with pytest.raises(ModelFileError):
        KerasFileEditor(tmp_path / "m.weights.h5")
