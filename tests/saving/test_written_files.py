"""Files that we write for older Keras, and weights in several files; the command ``convert``."""

from __future__ import annotations

import json
import warnings

import h5py
import numpy as np
import pytest

from amalthea import Input, Model, Sequential, cli, layers, models, ops, tree
from amalthea.errors import ArgumentError, ModelFileError, UnsafeFileError
from tests.samples import trained
from tests.saving import golden_files as golden

MODELS = [("2.15.0", name) for name in ("mlp", "lstm", "nested", "shared", "sequential_conv", "bidirectional", "local")]
MODELS += [("3.15.1", name) for name in ("attention", "conv", "recurrent", "rnn_cells", "half", "schedule")]


@pytest.mark.parametrize("version, name", MODELS, ids=["-".join(row) for row in MODELS])
def test_files_of_keras_2_that_we_write_hold_the_model_and_its_training(version, name, tmp_path):
    model = models.load_model(golden.unpacked(version, f"{name}.keras", tmp_path))
    model.save(tmp_path / "written.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = models.load_model(tmp_path / "written.h5")
    x = golden.arrays(version, name, "x")
    for one, two in zip(tree.flatten(model.predict(x, verbose=0)), tree.flatten(again.predict(x, verbose=0))):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


def test_files_of_keras_2_have_its_layout(tmp_path):
    Sequential([Input((3,)), layers.Dense(2, name="d")], name="m").save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        config = json.loads(file.attrs["model_config"])
        assert [layer["class_name"] for layer in config["config"]["layers"]] == ["InputLayer", "Dense"]
        assert config["config"]["layers"][0]["config"]["batch_input_shape"] == [None, 3]
        assert list(file["model_weights"].attrs["layer_names"]) == [b"d"]
        assert list(file["model_weights/d"].attrs["weight_names"]) == [b"m/d/kernel:0", b"m/d/bias:0"]


def with_an_op():
    x = Input((3,))
    return Model(x, ops.relu(x) * 2)


CANNOT = {
    "an op": with_an_op,
    "today's hard sigmoid": lambda: Sequential([Input((3,)), layers.Dense(2, activation="hard_sigmoid")]),
}


@pytest.mark.parametrize("make", CANNOT.values(), ids=CANNOT)
def test_what_keras_2_does_not_have_is_refused_and_no_file_is_left(make, tmp_path):
    with pytest.raises(ArgumentError, match="Keras 2 cannot hold"):
        make().save(tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_weights_for_keras_2_are_read_again_by_order_and_by_name(tmp_path):
    one, two = (trained("sequential", seed=seed)[0] for seed in (1, 2))
    one.save_weights(tmp_path / "w.h5")
    for options in ({}, {"by_name": True}):
        two.set_weights([np.zeros_like(w) for w in one.get_weights()])
        for layer, other in zip(one.layers, two.layers):
            other.name = layer.name
        two.load_weights(tmp_path / "w.h5", **options)
        for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("size", [1e-8, 1e-7, 1.0])
def test_weights_in_several_files_are_read_again(size, tmp_path):
    one, two = (trained("sequential", seed=seed)[0] for seed in (1, 2))
    one.save_weights(tmp_path / "w.weights.json", max_shard_size=size)
    parts = sorted(p.name for p in tmp_path.glob("*.h5"))
    assert (len(parts) > 1) is (size < 1e-3) and parts[0] == "w_00000.weights.h5"
    two.load_weights(tmp_path / "w.weights.json")
    for a, b in zip(
        [*one.variables, *one.optimizer.variables], [*two.variables, *two.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def lost(folder, index):
    (folder / "w_00000.weights.h5").unlink()


def elsewhere(folder, index):
    index["weight_map"]["/vars"] = "../w_00000.weights.h5"


def absolute(folder, index):
    index["weight_map"]["/vars"] = ["/etc/passwd"]


def no_map(folder, index):
    index["weight_map"] = [1]


def nameless(folder, index):
    index["weight_map"]["/vars"] = [None]


def linked(folder, index):
    (folder / "w_00000.weights.h5").rename(folder / "x.h5")
    (folder / "w_00000.weights.h5").symlink_to(folder / "x.h5")


@pytest.mark.parametrize("change", [lost, elsewhere, absolute, no_map, nameless, linked], ids=lambda f: f.__name__)
def test_a_damaged_index_of_weights_is_refused_and_changes_nothing(change, tmp_path):
    model = trained("sequential")[0]
    path = tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=1.0)
    index = json.loads(path.read_text())
    change(tmp_path, index)
    path.write_text(json.dumps(index))
    before = model.get_weights()
    with pytest.raises((ModelFileError, UnsafeFileError)):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("size", [0, -1, True, "1", float("nan")])
def test_sizes_of_parts_are_checked(size, tmp_path):
    with pytest.raises(ArgumentError, match="max_shard_size"):
        trained("sequential")[0].save_weights(tmp_path / "w.weights.json", max_shard_size=size)


def test_convert_writes_a_file_of_today_and_tells_what_it_changed(tmp_path, capsys):
    old = golden.unpacked("1.2.2", "conv_th.h5", tmp_path)
    assert cli.main(["convert", str(old), str(tmp_path / "new.keras")]) == 0
    told = capsys.readouterr().out
    assert "HDF5" in told and "Convolution2D is Conv2D" in told and "nb_filter" in told
    model = models.load_model(tmp_path / "new.keras")
    found = model.predict(golden.arrays("1.2.2", "conv_th", "x"), verbose=0)
    np.testing.assert_allclose(found, golden.arrays("1.2.2", "conv_th", "y"), rtol=1e-5, atol=1e-6)
    assert cli.main(["convert", str(old), str(tmp_path / "new.keras")]) == 1  # it is there already
    assert cli.main(["convert", str(old), str(tmp_path / "new.txt")]) == 1
